//! Dot-commands are read as they are meant, and misuse is explained.

use super::*;

fn check(line: &str, expected: DotCommand) {
    assert_eq!(DotCommand::parse(line).unwrap(), expected);
}

fn check_error(line: &str, expected: &str) {
    assert_eq!(DotCommand::parse(line).unwrap_err().to_string(), expected);
}

#[test]
fn reads_words_and_quoted_words() {
    check(".tables", DotCommand::Tables);
    check(
        ".import  'my cities' \"a b.csv\"",
        DotCommand::Import {
            table: "my cities".to_owned(),
            file: "a b.csv".into(),
        },
    );
    check(".mode json", DotCommand::Mode(Mode::Json));
}

#[test]
fn explains_misuse() {
    check_error(
        ".import cities",
        "usage: .import TABLE FILE       import a .csv, .tsv, .jsonl or .ndjson file; makes the table where there is none",
    );
    check_error(
        ".nonsense",
        "there is no command .nonsense; .help lists what there is",
    );
    check_error(".open 'a", "a ' is not closed: .open 'a");
    check_error(
        ".mode xml",
        "there is no mode \"xml\"; there are table, csv and json",
    );
}
