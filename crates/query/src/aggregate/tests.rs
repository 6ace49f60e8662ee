//! Aggregates, against what PostgreSQL 15 and pgvector answer.

use drystone_record::{DataType, Value};

use super::*;
use crate::cast::{CastContext, cast};
use crate::eval_error::EvalError;

fn gather(
    mut accumulator: Accumulator,
    function: &AggregateFunction,
    rows: &[Vec<Value>],
) -> Result<Value, EvalError> {
    for row in rows {
        let args = row.iter().zip(function.arg_types());
        let args: Result<Vec<Value>, EvalError> = args
            .map(|(value, target)| cast(value, target, CastContext::Implicit))
            .collect();
        accumulator.update(&args?)?;
    }
    accumulator.finish()
}

fn shown(function: &AggregateFunction, result: Result<Value, EvalError>) -> String {
    match result {
        Ok(value) => {
            let found = value.data_type();
            assert!(
                found.is_none_or(|found| found == function.return_type()),
                "{value}"
            );
            format!("{} {value}", function.return_type())
        }
        Err(error) => format!("{}: {error}", error.sqlstate()),
    }
}

/// The result over values of one type, `-` for NULL.
fn answer(name: &str, data_type: &str, values: &str) -> String {
    let data_type: DataType = data_type.parse().unwrap();
    let function = match resolve(name, &[Some(data_type)]) {
        Ok(function) => function,
        Err(error) => return error.to_string(),
    };
    let rows = rows_of(data_type, values);
    shown(
        &function,
        gather(Accumulator::new(&function), &function, &rows),
    )
}

fn rows_of(data_type: DataType, values: &str) -> Vec<Vec<Value>> {
    let values = values.split_whitespace();
    let parsed = values.map(|value| match value {
        "-" => Value::Null,
        text => Value::parse(&data_type, text).unwrap(),
    });
    parsed.map(|value| vec![value]).collect()
}

#[track_caller]
fn check(cases: &[(&str, &str, &str, &str)]) {
    for (name, data_type, values, expected) in cases {
        let found = answer(name, data_type, values);
        assert_eq!(found, *expected, "{name} of {data_type} {values}");
    }
}

#[test]
fn numbers() {
    check(&[
        ("count", "int", "1 2 - 4", "bigint 3"),
        ("count", "int", "", "bigint 0"),
        ("sum", "int", "1 2 4 -", "bigint 7"),
        ("sum", "int", "2147483647 1", "bigint 2147483648"),
        ("sum", "int", "- -", "bigint NULL"),
        (
            "sum",
            "bigint",
            "9223372036854775807 1",
            "22003: bigint out of range",
        ),
        (
            "sum",
            "bigint",
            "9223372036854775807 1 -1",
            "bigint 9223372036854775807",
        ),
        ("sum", "float8", "0.5 -", "double precision 0.5"),
        (
            "sum",
            "float8",
            "1e308 1e308",
            "22003: value out of range: overflow",
        ),
        ("sum", "float8", "inf -inf", "double precision NaN"),
        (
            "avg",
            "int",
            "1 2 4 -",
            "double precision 2.3333333333333335",
        ),
        (
            "avg",
            "bigint",
            "9223372036854775807 9223372036854775807",
            "double precision 9.223372036854776e+18",
        ),
        ("avg", "float8", "1 2", "double precision 1.5"),
        ("avg", "int", "", "double precision NULL"),
        ("min", "int", "2 1 - 3", "integer 1"),
        ("max", "int", "2 1 - 3", "integer 3"),
        ("max", "float8", "1 NaN 2", "double precision NaN"),
        ("min", "text", "b a c", "text a"),
        (
            "max",
            "timestamp",
            "2024-01-01 2025-01-01",
            "timestamp without time zone 2025-01-01 00:00:00",
        ),
        ("min", "int", "-", "integer NULL"),
    ]);
}

#[test]
fn spreads() {
    check(&[
        (
            "var_samp",
            "float8",
            "1 2 4 -",
            "double precision 2.3333333333333335",
        ),
        (
            "variance",
            "float8",
            "1 2 4",
            "double precision 2.3333333333333335",
        ),
        (
            "var_pop",
            "float8",
            "1 2 4",
            "double precision 1.5555555555555556",
        ),
        (
            "stddev",
            "float8",
            "1 2 4",
            "double precision 1.5275252316519468",
        ),
        (
            "stddev_samp",
            "int",
            "1 2 4",
            "double precision 1.5275252316519468",
        ),
        (
            "stddev_pop",
            "float8",
            "1 2 4",
            "double precision 1.247219128924647",
        ),
        ("var_samp", "float8", "1", "double precision NULL"),
        ("var_pop", "float8", "1", "double precision 0"),
        ("var_pop", "float8", "", "double precision NULL"),
        ("var_pop", "float8", "inf 1", "double precision NaN"),
        (
            "var_pop",
            "float8",
            "1e200 -1e200",
            "22003: value out of range: overflow",
        ),
        (
            "var_pop",
            "float8",
            "1e9 1000000001 1000000002",
            "double precision 0.6666666666666666",
        ),
    ]);
}

#[test]
fn logic() {
    check(&[
        ("bool_and", "bool", "t f -", "boolean f"),
        ("bool_and", "bool", "t -", "boolean t"),
        ("every", "bool", "t t", "boolean t"),
        ("bool_or", "bool", "f - t", "boolean t"),
        ("bool_or", "bool", "f", "boolean f"),
        ("bool_or", "bool", "-", "boolean NULL"),
    ]);
}

#[test]
fn vectors() {
    check(&[
        ("avg", "vector(2)", "[1,2] - [2,4]", "vector(2) [1.5,3]"),
        ("sum", "vector(2)", "[1,2] [2,4]", "vector(2) [3,6]"),
        ("sum", "vector(2)", "-", "vector(2) NULL"),
        ("avg", "vector(2)", "-", "vector(2) NULL"),
        (
            "sum",
            "vector(1)",
            "[3e38] [3e38]",
            "22003: value out of range: overflow",
        ),
        ("avg", "vector(1)", "[3e38] [3e38]", "vector(1) [3e+38]"),
    ]);
}

#[test]
fn texts_and_documents() {
    let text = Some(DataType::Text);
    let row = |value: Value, other: Value| vec![value, other];
    let of_two = |name: &str, types: [Option<DataType>; 2], rows: &[Vec<Value>]| {
        let function = resolve(name, &types).unwrap();
        shown(
            &function,
            gather(Accumulator::new(&function), &function, rows),
        )
    };
    let rows = [
        row("a".into(), "|".into()),
        row(Value::Null, "|".into()),
        row("b".into(), ", ".into()),
        row("c".into(), Value::Null),
    ];
    assert_eq!(of_two("string_agg", [text, None], &rows), "text a, bc");
    assert_eq!(of_two("string_agg", [text, text], &[]), "text NULL");
    let bytes = [
        row(vec![1u8].into(), vec![0u8].into()),
        row(vec![2u8].into(), vec![0u8].into()),
    ];
    let bytea = Some(DataType::Bytea);
    assert_eq!(
        of_two("string_agg", [bytea, bytea], &bytes),
        "bytea \\x010002"
    );
    let members = [row("b".into(), 1.into()), row("a".into(), Value::Null)];
    let int = Some(DataType::Integer);
    assert_eq!(
        of_two("jsonb_object_agg", [text, int], &members),
        "jsonb {\"a\": null, \"b\": 1}"
    );
    assert_eq!(
        of_two(
            "jsonb_object_agg",
            [text, int],
            &[row(Value::Null, 1.into())]
        ),
        "22023: field name must not be null"
    );
    check(&[
        ("jsonb_agg", "int", "1 2 4 -", "jsonb [1, 2, 4, null]"),
        ("jsonb_agg", "int", "", "jsonb NULL"),
        ("jsonb_agg", "float8", "1 0.5", "jsonb [1, 0.5]"),
    ]);
}

#[test]
fn distinct_counts_equal_values_once() {
    let of = |name: &str, data_type: DataType, values: &str| {
        let function = resolve(name, &[Some(data_type)]).unwrap();
        let rows = rows_of(data_type, values);
        shown(
            &function,
            gather(Accumulator::distinct(&function), &function, &rows),
        )
    };
    assert_eq!(of("count", DataType::Text, "a b a - -"), "bigint 2");
    assert_eq!(of("sum", DataType::Integer, "1 2 1 4 2"), "bigint 7");
    assert_eq!(
        of("avg", DataType::Double, "1 1 4 NaN NaN"),
        "double precision NaN"
    );
    assert_eq!(of("count", DataType::Double, "0 -0 NaN NaN"), "bigint 2");
}

#[test]
fn rows_are_counted_without_arguments() {
    let function = resolve_star("count").unwrap();
    let mut accumulator = Accumulator::new(&function);
    accumulator.update(&[]).unwrap();
    accumulator.update(&[]).unwrap();
    assert_eq!(accumulator.finish(), Ok(Value::BigInt(2)));
    let error = resolve_star("sum").unwrap_err().to_string();
    assert_eq!(error, "function sum(*) does not exist; only count takes *");
}

#[test]
fn calls_that_fit_nothing() {
    let message = |name: &str, args: &[Option<DataType>]| {
        let error = resolve(name, args).unwrap_err();
        format!("{}: {error}", error.sqlstate())
    };
    assert_eq!(
        message("sum", &[None]),
        "42725: function sum(unknown) is not unique; cast an argument to the type that is meant"
    );
    assert_eq!(
        message("min", &[Some(DataType::Boolean)]),
        "42883: function min(boolean) does not exist; there is integer, bigint, double precision, text, \
         bytea or timestamp without time zone"
    );
    assert!(
        message("bool_and", &[Some(DataType::Integer)])
            .starts_with("42883: function bool_and(integer)")
    );
    assert!(message("sum", &[Some(DataType::Text)]).starts_with("42883: function sum(text)"));
    assert!(message("count", &[None, None]).starts_with("42883: function count(unknown, unknown)"));
    assert_eq!(
        resolve("min", &[None]).unwrap().return_type(),
        DataType::Text
    );
    assert!(is_aggregate("stddev") && !is_aggregate("lower"));
}

#[test]
fn memory_is_counted_where_it_grows() {
    let function = resolve("string_agg", &[None, None]).unwrap();
    let mut accumulator = Accumulator::new(&function);
    let row = ["x".repeat(1000).into(), Value::from(",")];
    for _ in 0..10 {
        accumulator.update(&row).unwrap();
    }
    assert!((10_000..11_000).contains(&accumulator.heap_bytes()));
    let mut distinct = Accumulator::distinct(&resolve("count", &[None]).unwrap());
    for number in 0..100 {
        distinct
            .update(&[Value::from(format!("{number}"))])
            .unwrap();
    }
    assert!(distinct.heap_bytes() > 100 * size_of::<Value>());
}

#[test]
fn other_values_are_errors_not_panics() {
    for (name, _) in [("sum", 0), ("avg", 0), ("bool_and", 0)] {
        let data_type = match name {
            "bool_and" => DataType::Boolean,
            _ => DataType::Integer,
        };
        let function = resolve(name, &[Some(data_type)]).unwrap();
        let error = Accumulator::new(&function)
            .update(&["a".into()])
            .unwrap_err();
        assert_eq!(error.sqlstate(), "42804", "{name}");
    }
}
