//! Byte strings as text, against what PostgreSQL 15 prints and takes.

use crate::value::Value;

use super::*;

fn check(text: &str, expected: &str) {
    let bytes = parse(text).unwrap();
    assert_eq!(Value::Bytea(bytes).to_string(), expected, "{text}");
}

#[test]
fn hexadecimal_and_escapes_are_read() {
    check(r"\xDEADbeef", r"\xdeadbeef");
    check(r"\xDE AD", r"\xdead");
    check(r"\x", r"\x");
    check("", r"\x");
    check(r"a\\b\001", r"\x615c6201");
    check("é", r"\xc3a9");
}

#[test]
fn bad_bytes_say_where() {
    for (text, position) in [
        (r"\xD E", 2),
        (r"\xabc", 4),
        (r"\xag", 2),
        (r"\xé", 2),
        (r"a\bc", 1),
        (r"a\400", 1),
        (r"\", 0),
        (r"\00", 0),
    ] {
        assert_eq!(parse(text).unwrap_err().position, position, "{text}");
    }
}
