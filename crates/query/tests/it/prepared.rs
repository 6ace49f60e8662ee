//! Prepared statements and parameters.

use drystone_record::{DataType, Value};

use crate::support::{check_with, session_after};

const TABLE: &str = "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT, at TIMESTAMP, v VECTOR(2)); INSERT INTO t VALUES (1, 'x', '2026-01-01', '[1,0]');";

#[test]
fn types_of_parameters_follow_from_their_use() {
    let session = session_after(TABLE);
    let cases: &[(&str, &[DataType])] = &[
        (
            "SELECT * FROM t WHERE id = $1 AND name LIKE $2",
            &[DataType::BigInt, DataType::Text],
        ),
        (
            "INSERT INTO t (at, id) VALUES ($1, $2)",
            &[DataType::Timestamp, DataType::BigInt],
        ),
        (
            "SELECT $1::boolean, $2",
            &[DataType::Boolean, DataType::Text],
        ),
        ("SELECT id FROM t LIMIT $1", &[DataType::BigInt]),
        (
            "SELECT id FROM t WHERE id IN ($1, $2)",
            &[DataType::BigInt, DataType::BigInt],
        ),
        (
            "SELECT id FROM t WHERE id BETWEEN $1 AND $1 + 1",
            &[DataType::BigInt],
        ),
        ("SELECT coalesce($1, 1.5)", &[DataType::Double]),
    ];
    for (text, expected) in cases {
        assert_eq!(
            session.prepare(text).unwrap().parameters(),
            *expected,
            "{text}"
        );
    }
}

#[test]
fn parameters_are_cast_to_those_types() {
    let mut session = session_after(TABLE);
    let by_id = "SELECT name FROM t WHERE id = $1";
    check_with(&mut session, by_id, &[Value::Integer(1)], "x");
    check_with(&mut session, by_id, &[Value::BigInt(1)], "x");
    check_with(&mut session, by_id, &[Value::from("1")], "x");
    check_with(&mut session, by_id, &[Value::Null], "");
    check_with(
        &mut session,
        by_id,
        &[],
        "ERROR SqlError 42P02: the statement takes 1 parameters, and 0 were given",
    );
    check_with(
        &mut session,
        by_id,
        &[Value::from("one")],
        "ERROR SqlError 22P02: parameter $1: invalid input syntax for type bigint: \"one\", at byte 0: expected a whole number",
    );
    check_with(
        &mut session,
        "SELECT v <-> $1 FROM t",
        &[Value::from("[1,2]")],
        "2",
    );
}

#[test]
fn a_prepared_statement_serves_every_session() {
    let session = session_after(TABLE);
    let prepared = session
        .prepare("SELECT name, id + 1 AS next FROM t WHERE id = $1")
        .unwrap();
    let names: Vec<String> = prepared
        .columns()
        .iter()
        .map(|column| column.name.clone())
        .collect();
    assert_eq!(names, ["name", "next"]);
    let mut other = session.engine().session();
    let row = other
        .execute_prepared(&prepared, &[Value::BigInt(1)])
        .unwrap()
        .into_rows()
        .one()
        .unwrap();
    assert_eq!(row.get::<String>("name").unwrap(), "x");
    assert_eq!(row.get::<i64>(1).unwrap(), 2);
    assert_eq!(row.get::<Option<i64>>("next").unwrap(), Some(2));
    assert_eq!(
        row.get::<bool>("name").unwrap_err().to_string(),
        "column \"name\" holds text, not bool"
    );
    assert_eq!(
        row.get::<bool>("nmae").unwrap_err().to_string(),
        "column \"nmae\" does not exist; did you mean \"name\"?"
    );
}
