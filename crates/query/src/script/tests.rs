//! Where scripts are cut.

use super::{StatementEnd, first_statement, statements};

#[track_caller]
fn check(script: &str, expected: &[&str]) {
    let found = statements(script).unwrap();
    let texts: Vec<&str> = found.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, expected);
    for (start, text) in found {
        assert!(script[start..].starts_with(text));
    }
}

#[test]
fn semicolons_end_statements_outside_strings_and_comments() {
    check("", &[]);
    check(" ;; -- nothing;\n /* ; */ ;", &[]);
    check("SELECT 1", &["SELECT 1"]);
    check(
        "SELECT 'a;b' ; SELECT \"c;d\"\n;",
        &["SELECT 'a;b' ", "SELECT \"c;d\"\n"],
    );
    check("æ;\n  ø -- x;\n ;å", &["æ", "ø -- x;\n ", "å"]);
    check(
        "SELECT $$;$$; SELECT $a$ ; $a$",
        &["SELECT $$;$$", "SELECT $a$ ; $a$"],
    );
}

#[test]
fn the_first_statement_ends_at_its_semicolon() {
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(first_statement(text).map(|end| &text[..end]), expected);
    };
    check("SELECT 1; SELECT 2;", Some("SELECT 1;"));
    check(
        "SELECT 'a;b;c;d;e' ; SELECT 'f",
        Some("SELECT 'a;b;c;d;e' ;"),
    );
    check("æ\n 'ø;' /* ; */ ;å;", Some("æ\n 'ø;' /* ; */ ;"));
    check("SELECT 1; 'not closed; ", Some("SELECT 1;"));
    check("SELECT 'not closed; ; ;", None);
    check("SELECT 1 -- ;", None);
    check("", None);
}

/// Twice the text takes twice the time: this one took an hour.
#[test]
fn a_string_full_of_semicolons_is_cut_at_once() {
    let text = format!("SELECT '{}';", ";".repeat(300_000));
    assert_eq!(first_statement(&text), Some(text.len()));
    assert_eq!(first_statement(&text[..text.len() - 2]), None);
}

/// Fed in pieces of any length, a text ends where it ends as a whole, or with the piece that makes it whole.
#[track_caller]
fn check_pieces(text: &str, expected: Option<&str>) {
    for len in 1..=text.len() {
        let mut end = StatementEnd::default();
        let places =
            (1..=text.len()).filter(|&place| place.is_multiple_of(len) || place == text.len());
        let mut places = places.filter(|&place| text.is_char_boundary(place));
        let found = places.find_map(|place| end.find(&text[..place]));
        assert_eq!(
            found.map(|end| &text[..end]),
            expected,
            "in pieces of {len} bytes"
        );
    }
}

#[test]
fn the_end_of_a_statement_is_found_in_pieces() {
    check_pieces("SELECT 1; SELECT 2;", Some("SELECT 1;"));
    check_pieces("SELECT 'a;b;''c;\n;d' ; x", Some("SELECT 'a;b;''c;\n;d' ;"));
    check_pieces(
        "æ\n 'ø;' /* ; /* ; */ ; */ ;å;",
        Some("æ\n 'ø;' /* ; /* ; */ ; */ ;"),
    );
    check_pieces(
        "SELECT E'a\\';' || \"b;\" -- ;\n;",
        Some("SELECT E'a\\';' || \"b;\" -- ;\n;"),
    );
    check_pieces("SELECT 4 / 2 ; $", Some("SELECT 4 / 2 ;"));
    check_pieces("DO $a$ ; $b$ ; $a$ ; x", Some("DO $a$ ; $b$ ; $a$ ;"));
    check_pieces("SELECT 'not closed; ; ;", None);
    check_pieces("SELECT /* ; /* ; */ ;", None);
}

/// Twice the lines take twice the time: these took minutes.
#[test]
fn lines_of_a_long_statement_are_read_once() {
    let mut end = StatementEnd::default();
    let mut text = "INSERT INTO t VALUES\n".to_owned();
    for line in ["('a;b'),\n", "-- a;b\n", "-- a;b\n"]
        .iter()
        .cycle()
        .take(30_000)
    {
        text.push_str(line);
        assert_eq!(end.find(&text), None);
    }
    text.push_str("('");
    for _ in 0..30_000 {
        text.push_str("a;b\n");
        assert_eq!(end.find(&text), None);
    }
    text.push_str("');\n");
    assert_eq!(end.find(&text), Some(text.len() - 1));
}
