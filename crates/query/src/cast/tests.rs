//! Casts, against what PostgreSQL 15 answers.

use drystone_record::Dim;

use super::*;

fn answer(from: &str, text: &str, to: &str) -> String {
    let from: DataType = from.parse().unwrap();
    let value = Value::parse(&from, text).unwrap();
    match cast(&value, &to.parse().unwrap(), CastContext::Explicit) {
        Ok(value) => value.to_string(),
        Err(error) => format!("{}: {error}", error.sqlstate()),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str, &str, &str)]) {
    for (from, text, to, expected) in cases {
        assert_eq!(answer(from, text, to), *expected, "{from} {text} to {to}");
    }
}

#[test]
fn numbers_and_booleans() {
    check(&[
        ("float8", "2.5", "int", "2"),
        ("float8", "3.5", "int", "4"),
        ("float8", "-2.5", "int", "-2"),
        ("float8", "2147483647.4", "int", "2147483647"),
        (
            "float8",
            "2147483647.5",
            "int",
            "22003: integer out of range",
        ),
        ("float8", "3e9", "int", "22003: integer out of range"),
        ("float8", "3e9", "bigint", "3000000000"),
        ("float8", "NaN", "int", "22003: integer out of range"),
        (
            "float8",
            "-Infinity",
            "bigint",
            "22003: bigint out of range",
        ),
        ("float8", "9.3e18", "bigint", "22003: bigint out of range"),
        (
            "float8",
            "9223372036854775808",
            "bigint",
            "22003: bigint out of range",
        ),
        (
            "float8",
            "-9223372036854775808",
            "bigint",
            "-9223372036854775808",
        ),
        ("bigint", "2147483648", "int", "22003: integer out of range"),
        ("bigint", "-2147483648", "int", "-2147483648"),
        ("int", "2", "bool", "t"),
        ("int", "0", "bool", "f"),
        ("bool", "t", "int", "1"),
        (
            "bool",
            "t",
            "bigint",
            "42804: CAST does not take values of type boolean to bigint",
        ),
        (
            "int",
            "1",
            "bytea",
            "42804: CAST does not take values of type integer to bytea",
        ),
        (
            "int",
            "1",
            "jsonb",
            "42804: CAST does not take values of type integer to jsonb",
        ),
    ]);
}

#[test]
fn text_in_and_out() {
    check(&[
        ("bool", "t", "text", "true"),
        ("bool", "f", "text", "false"),
        ("float8", "1", "text", "1"),
        ("float8", "1e20", "text", "1e+20"),
        ("bytea", "\\x616263", "text", "\\x616263"),
        ("text", "a", "bytea", "\\x61"),
        ("text", "\\x41", "bytea", "\\x41"),
        ("text", " 12 ", "int", "12"),
        ("text", "yes", "bool", "t"),
        ("text", "[1, 2]", "vector(2)", "[1,2]"),
        ("text", "{\"a\":1}", "jsonb", "{\"a\": 1}"),
        (
            "text",
            "2024-02-29T13:37",
            "timestamp",
            "2024-02-29 13:37:00",
        ),
        ("timestamp", "2024-02-29", "text", "2024-02-29 00:00:00"),
        ("jsonb", "\"a\"", "text", "\"a\""),
        ("vector(2)", "[1,2]", "text", "[1,2]"),
        (
            "text",
            "[1]",
            "vector(2)",
            "22000: expected 2 dimensions, found 1: \"[1]\"",
        ),
        (
            "vector(1)",
            "[1]",
            "vector(2)",
            "22000: expected 2 dimensions, not 1",
        ),
        (
            "text",
            "3000000000",
            "int",
            "22003: value \"3000000000\" is out of range for type integer",
        ),
    ]);
    for (text, to, code) in [
        ("x", "int", "22P02"),
        ("x", "timestamp", "22007"),
        ("2024-13-01", "timestamp", "22008"),
        ("{", "jsonb", "22P02"),
        ("1e999", "float8", "22003"),
    ] {
        assert!(answer("text", text, to).starts_with(code), "{text} to {to}");
    }
}

#[test]
fn scalars_of_documents() {
    check(&[
        ("jsonb", "1", "int", "1"),
        ("jsonb", "1.5", "int", "2"),
        ("jsonb", "2.5", "bigint", "3"),
        ("jsonb", "5000000000", "int", "22003: integer out of range"),
        (
            "jsonb",
            "18446744073709551615",
            "bigint",
            "22003: bigint out of range",
        ),
        ("jsonb", "1.5", "float8", "1.5"),
        ("jsonb", "true", "bool", "t"),
        (
            "jsonb",
            "1",
            "bool",
            "22023: cannot cast jsonb numeric to type boolean",
        ),
        (
            "jsonb",
            "\"a\"",
            "int",
            "22023: cannot cast jsonb string to type integer",
        ),
        (
            "jsonb",
            "null",
            "int",
            "22023: cannot cast jsonb null to type integer",
        ),
        (
            "jsonb",
            "[1]",
            "float8",
            "22023: cannot cast jsonb array to type double precision",
        ),
    ]);
}

#[test]
fn null_becomes_null_of_every_type() {
    for to in [DataType::Integer, DataType::Jsonb, DataType::Text] {
        assert_eq!(
            cast(&Value::Null, &to, CastContext::Implicit),
            Ok(Value::Null)
        );
    }
}

/// The casts of PostgreSQL between types that are here, by the least context.
#[test]
fn contexts_are_those_of_postgresql() {
    use CastContext::{Assignment, Explicit, Implicit};
    let types = [
        "bool",
        "int",
        "bigint",
        "float8",
        "text",
        "bytea",
        "timestamp",
        "jsonb",
        "vector(2)",
    ];
    let expected = |from: &str, to: &str| match (from, to) {
        _ if from == to => Some(Implicit),
        ("int", "bigint" | "float8") | ("bigint", "float8") => Some(Implicit),
        ("bigint", "int") | ("float8", "int" | "bigint") => Some(Assignment),
        (_, "text") => Some(Assignment),
        ("bool", "int") | ("int", "bool") | ("text", _) => Some(Explicit),
        ("jsonb", "bool" | "int" | "bigint" | "float8") => Some(Explicit),
        _ => None,
    };
    for from in types {
        for to in types {
            let (from_type, to_type): (DataType, DataType) =
                (from.parse().unwrap(), to.parse().unwrap());
            for context in [Implicit, Assignment, Explicit] {
                let allowed = expected(from, to).is_some_and(|least| least <= context);
                let found = can_cast(&from_type, &to_type, context);
                assert_eq!(found, allowed, "{from} to {to}, {context:?}");
            }
        }
    }
    let vector = |dim| DataType::Vector(Dim::new(dim).unwrap());
    assert!(can_cast(&vector(2), &vector(3), Implicit));
}
