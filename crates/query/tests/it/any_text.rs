//! Any text: an answer or an error, never a panic.

use proptest::prelude::*;

use crate::support::{answer, session_after};

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "t",
    "u",
    "a",
    "b",
    "*",
    "(",
    ")",
    ",",
    "=",
    "<",
    "AND",
    "OR",
    "NOT",
    "NULL",
    "1",
    "2.5",
    "'x'",
    "$1",
    "JOIN",
    "LEFT",
    "ON",
    "USING",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "count",
    "sum",
    "IN",
    "EXISTS",
    "BETWEEN",
    "LIKE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "::",
    "integer",
    "text",
    "UNION",
    "ALL",
    "VALUES",
    "WITH",
    "AS",
    "INSERT INTO",
    "UPDATE",
    "SET",
    "DELETE FROM",
    "RETURNING",
    "ON CONFLICT",
    "DO NOTHING",
    "CREATE TABLE",
    "DROP TABLE",
    "CREATE INDEX",
    "PRIMARY KEY",
    "UNIQUE",
    "DEFAULT",
    "-",
    "+",
    "/",
    "||",
    "<->",
    "->",
    ";",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT",
    "EXPLAIN",
    "DISTINCT",
    "IS",
    "\"q\"",
    ".",
    "[",
    "]",
    "now",
    "vector(2)",
    "''",
    "E'\\n'",
    "--",
    "/*",
    "TRUNCATE",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_is_answered(words in prop::collection::vec(prop::sample::select(WORDS), 0..25)) {
        let mut session = session_after("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x');");
        answer(&mut session, &words.join(" "), &[]);
        answer(&mut session, &format!("SELECT {}", words.join(" ")), &[]);
        answer(&mut session, &format!("SELECT a FROM t WHERE {}", words.join(" ")), &[]);
    }

    #[test]
    fn any_characters_are_answered(text in "\\PC{0,60}") {
        answer(&mut session_after("SELECT 1"), &text, &[]);
        let _ = session_after("SELECT 1").run_script(&text, |_, _| Ok::<(), drystone_query::SqlError>(()));
    }
}
