//! Texts that are and are not statements.

use super::parse_statement;

#[test]
fn empty_texts_hold_no_statement() {
    for text in ["", " ", ";", "-- comment", "/* a */ ; ;"] {
        assert!(parse_statement(text).unwrap().is_none(), "{text:?}");
    }
}

#[test]
fn errors_name_the_place() {
    let error = parse_statement("SELECT\n  1 FROM")
        .unwrap_err()
        .located_in("SELECT\n  1 FROM");
    let position = error.position().unwrap();
    assert_eq!((position.line, position.offset), (2, 15));
    assert!(!error.message().contains("Line"), "{error}");
}

#[test]
fn depth_is_bounded_and_width_is_not() {
    let deep = format!("SELECT 1{}", " + 1".repeat(5_000));
    assert_eq!(parse_statement(&deep).unwrap_err().state().code(), "54001");
    let wide = format!("SELECT 1{}", ", 1 + 1".repeat(5_000));
    assert!(parse_statement(&wide).unwrap().is_some());
    let rows = format!(
        "INSERT INTO t VALUES (1, 'a'){}",
        ", (2 + 2, 'b')".repeat(5_000)
    );
    assert!(parse_statement(&rows).unwrap().is_some());
}
