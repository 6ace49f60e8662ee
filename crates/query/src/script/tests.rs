//! Where scripts are cut.

use super::{first_statement, statements};

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
