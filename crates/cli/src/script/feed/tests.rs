//! Texts are cut into statements and commands where they end, and nowhere else.

use super::*;

/// The same steps, whether the text comes at once or line by line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for pieces in [&[text][..], &lines] {
        let mut feed = Feed::default();
        let mut found = Vec::new();
        for piece in pieces {
            feed.push(piece);
            while let Some(step) = feed.next_whole() {
                found.push(step.text.to_owned());
            }
        }
        found.extend(feed.rest().map(|step| step.text.to_owned()));
        assert_eq!(found, expected);
    }
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

#[test]
fn a_step_knows_its_line() {
    let mut feed = Feed::default();
    feed.push("-- a note\n\nSELECT 1\n");
    assert_eq!(feed.next_whole(), None);
    feed.push(" + 2; -- three\n.tables\n");
    let mut lines = Vec::new();
    while let Some(step) = feed.next_whole() {
        lines.push(step.line);
    }
    feed.push("SELECT 3");
    lines.extend(feed.rest().map(|step| step.line));
    assert_eq!(lines, [3, 5, 6]);
}

/// Twice the lines take twice the time.
#[test]
fn a_statement_of_many_lines_is_read_once() {
    let mut feed = Feed::default();
    feed.push("INSERT INTO t VALUES\n");
    for _ in 0..50_000 {
        feed.push("('a;b'),\n");
        assert_eq!(feed.next_whole(), None);
    }
    feed.push("('c');\n");
    assert!(feed.next_whole().is_some());
}
