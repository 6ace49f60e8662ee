//! Texts are cut into statements and commands where they end, and nowhere else.

use super::*;

fn check(text: &str, expected: &[&str]) {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(step) = next_step(&text[start..]) {
        found.push(step.text);
        start += step.end;
    }
    assert_eq!(found, expected);
}

#[test]
fn statements_end_at_semicolons_outside_quotes() {
    check(
        "SELECT 1; SELECT ';';\nSELECT 2",
        &["SELECT 1;", "SELECT ';';", "SELECT 2"],
    );
    check(
        "SELECT $$;$$, \";\" /* ; */;",
        &["SELECT $$;$$, \";\" /* ; */;"],
    );
}

#[test]
fn commands_are_lines_between_statements() {
    check(
        "-- a note\n.open db\n\nSELECT 1\n+ .5;\n.tables",
        &[".open db", "SELECT 1\n+ .5;", ".tables"],
    );
}

#[test]
fn blanks_and_comments_are_nothing() {
    check(" \n-- only this", &[]);
}
