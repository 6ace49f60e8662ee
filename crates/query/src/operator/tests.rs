//! Operators, against what PostgreSQL 15 and pgvector answer.

use drystone_record::{DataType, Dim, Value, Vector};

use super::*;
use crate::cast::{CastContext, cast};

/// A value written as `type value`, as `type` alone for NULL of that type, or without a type for an unknown literal.
fn operand(text: &str) -> (Option<DataType>, Value) {
    if text == "NULL" {
        return (None, Value::Null);
    }
    if let Some(literal) = text.strip_prefix('\'') {
        return (None, Value::from(literal.trim_end_matches('\'')));
    }
    let (name, value) = text.split_once(' ').unwrap_or((text, ""));
    let name = match name {
        "double" => "double precision",
        other => other,
    };
    let data_type: DataType = name.parse().unwrap();
    let value = match text.contains(' ') {
        true => Value::parse(&data_type, value).unwrap(),
        false => Value::Null,
    };
    (Some(data_type), value)
}

fn coerced(value: Value, from: Option<DataType>, to: DataType) -> Result<Value, EvalError> {
    let context = match from {
        Some(_) => CastContext::Implicit,
        None => CastContext::Explicit,
    };
    cast(&value, &to, context)
}

/// The answer, with its type; or the error with its code.
fn answer(left: &str, op: BinaryOp, right: &str) -> String {
    let ((left_type, left), (right_type, right)) = (operand(left), operand(right));
    let types = match binary_type(op, left_type.as_ref(), right_type.as_ref()) {
        Ok(types) => types,
        Err(error) => return format!("{}: {error}", error.sqlstate()),
    };
    let evaluated = coerced(left, left_type, types.left).and_then(|left| {
        let right = coerced(right, right_type, types.right)?;
        eval_binary(op, &left, &right)
    });
    match evaluated {
        Err(error) => format!("{}: {error}", error.sqlstate()),
        Ok(value) => {
            let data_type = value.data_type();
            assert!(
                data_type.is_none_or(|found| found == types.result),
                "{value}"
            );
            format!("{} {value}", types.result)
        }
    }
}

#[track_caller]
fn check(cases: &[(&str, BinaryOp, &str, &str)]) {
    for (left, op, right, expected) in cases {
        assert_eq!(answer(left, *op, right), *expected, "{left} {op} {right}");
    }
}

#[test]
fn whole_numbers() {
    use BinaryOp::{Add, Divide, Modulo, Multiply, Subtract};
    check(&[
        ("int 1", Add, "int 2", "integer 3"),
        ("int 1", Add, "bigint 2", "bigint 3"),
        (
            "int 2147483647",
            Add,
            "int 1",
            "22003: integer out of range",
        ),
        ("int 2147483647", Add, "bigint 1", "bigint 2147483648"),
        (
            "bigint 9223372036854775807",
            Add,
            "int 1",
            "22003: bigint out of range",
        ),
        (
            "int -2147483648",
            Subtract,
            "int 1",
            "22003: integer out of range",
        ),
        (
            "int 65536",
            Multiply,
            "int 65536",
            "22003: integer out of range",
        ),
        ("int -7", Divide, "int 2", "integer -3"),
        ("int -7", Modulo, "int 2", "integer -1"),
        ("int 7", Modulo, "int -2", "integer 1"),
        ("int 7", Divide, "int 0", "22012: division by zero"),
        ("bigint 7", Modulo, "int 0", "22012: division by zero"),
        (
            "int -2147483648",
            Divide,
            "int -1",
            "22003: integer out of range",
        ),
        ("int -2147483648", Modulo, "int -1", "integer 0"),
        (
            "bigint -9223372036854775808",
            Divide,
            "int -1",
            "22003: bigint out of range",
        ),
        (
            "bigint -9223372036854775808",
            Modulo,
            "bigint -1",
            "bigint 0",
        ),
    ]);
}

#[test]
fn doubles() {
    use BinaryOp::{Add, Divide, Modulo, Multiply, Power};
    check(&[
        ("int 1", Add, "double 0.5", "double precision 1.5"),
        (
            "double 1e308",
            Multiply,
            "int 10",
            "22003: value out of range: overflow",
        ),
        (
            "double 1e-308",
            Multiply,
            "double 1e-308",
            "22003: value out of range: underflow",
        ),
        (
            "double 1e308",
            Add,
            "double 1e308",
            "22003: value out of range: overflow",
        ),
        ("double 1.5", Divide, "int 0", "22012: division by zero"),
        ("double NaN", Divide, "int 0", "double precision NaN"),
        ("double Infinity", Add, "int 1", "double precision Infinity"),
        ("int 1", Divide, "double Infinity", "double precision 0"),
        ("double 5.5", Modulo, "int 2", "double precision 1.5"),
        ("double 5.5", Modulo, "int 0", "22012: division by zero"),
        ("int 2", Power, "int 3", "double precision 8"),
        (
            "int 2",
            Power,
            "double 0.5",
            "double precision 1.4142135623730951",
        ),
        (
            "int 0",
            Power,
            "int -1",
            "2201F: zero raised to a negative power is undefined",
        ),
        (
            "int -8",
            Power,
            "double 0.5",
            "2201F: a negative number raised to a non-integer power yields a complex result",
        ),
        (
            "int 10",
            Power,
            "int 400",
            "22003: value out of range: overflow",
        ),
        (
            "int 10",
            Power,
            "int -400",
            "22003: value out of range: underflow",
        ),
    ]);
}

#[test]
fn unknown_operands_take_the_other_type() {
    use BinaryOp::{Add, Concat, Eq, JsonGet, Subtract};
    check(&[
        ("'1'", Add, "int 1", "integer 2"),
        ("NULL", Add, "int 1", "integer NULL"),
        ("'1.5'", Add, "double 1", "double precision 2.5"),
        (
            "'1'",
            Add,
            "'2'",
            "42725: operator is not unique: unknown + unknown; cast an operand to the type that is meant",
        ),
        ("'a'", Eq, "'a'", "boolean t"),
        ("int 1", Eq, "'1'", "boolean t"),
        ("NULL", Eq, "NULL", "boolean NULL"),
        ("'a'", Concat, "'b'", "text ab"),
        ("jsonb {\"a\": 1}", JsonGet, "'a'", "jsonb 1"),
        ("jsonb {\"a\": 1}", Subtract, "'a'", "jsonb {}"),
        ("'{\"a\":1}'", JsonGet, "text a", "jsonb 1"),
    ]);
    let bad = answer("int 1", Eq, "'a'");
    assert!(
        bad.starts_with("22P02: invalid input syntax for type integer: \"a\""),
        "{bad}"
    );
}

#[test]
fn types_that_do_not_fit_are_errors() {
    use BinaryOp::{Add, Concat, Eq, JsonGet, JsonHasKey, L2Distance, Modulo, Power};
    check(&[
        (
            "text a",
            Add,
            "int 1",
            "42883: operator does not exist: text + integer",
        ),
        (
            "int 1",
            Eq,
            "text 1",
            "42883: operator does not exist: integer = text",
        ),
        (
            "bool t",
            Eq,
            "int 1",
            "42883: operator does not exist: boolean = integer",
        ),
        (
            "int 1",
            Concat,
            "int 2",
            "42883: operator does not exist: integer || integer",
        ),
        (
            "text a",
            Power,
            "int 2",
            "42883: operator does not exist: text ^ integer",
        ),
        (
            "jsonb []",
            JsonGet,
            "bigint 1",
            "42883: operator does not exist: jsonb -> bigint",
        ),
        (
            "text a",
            JsonHasKey,
            "text a",
            "42883: operator does not exist: text ? text",
        ),
        (
            "vector(2) [1,2]",
            Modulo,
            "vector(2) [1,2]",
            "42883: operator does not exist: vector(2) % vector(2)",
        ),
        (
            "int 1",
            L2Distance,
            "int 2",
            "42883: operator does not exist: integer <-> integer",
        ),
        (
            "timestamp 2024-01-01",
            Add,
            "int 1",
            "42883: operator does not exist: timestamp without time zone + integer",
        ),
    ]);
}

#[test]
fn comparisons() {
    use BinaryOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    check(&[
        ("int 1", Lt, "bigint 2", "boolean t"),
        ("int 1", Eq, "double 1", "boolean t"),
        ("int 1", NotEq, "int 1", "boolean f"),
        ("int", NotEq, "int 1", "boolean NULL"),
        ("double NaN", Eq, "double NaN", "boolean t"),
        ("double NaN", Gt, "double Infinity", "boolean t"),
        ("text a", Lt, "text b", "boolean t"),
        ("text Z", Lt, "text a", "boolean t"),
        ("bool f", Lt, "bool t", "boolean t"),
        ("bytea \\x01", LtEq, "bytea \\x0100", "boolean t"),
        (
            "timestamp 2024-01-01",
            GtEq,
            "'2023-12-31 23:59'",
            "boolean t",
        ),
        ("jsonb 1.0", Eq, "jsonb 1", "boolean t"),
        ("vector(2) [1,2]", Lt, "vector(2) [1,3]", "boolean t"),
    ]);
}

#[test]
fn concatenation() {
    use BinaryOp::Concat;
    check(&[
        ("text 1", Concat, "int 2", "text 12"),
        ("bool t", Concat, "'x'", "text truex"),
        ("'x'", Concat, "double 1e20", "text x1e+20"),
        ("text a", Concat, "jsonb [1]", "text a[1]"),
        ("text a", Concat, "text", "text NULL"),
        ("bytea \\x01", Concat, "bytea \\x02", "bytea \\x0102"),
        ("bytea \\x01", Concat, "'a'", "bytea \\x0161"),
        ("jsonb [1]", Concat, "'2'", "jsonb [1, 2]"),
        (
            "jsonb {\"a\":1}",
            Concat,
            "jsonb {\"a\":2,\"b\":3}",
            "jsonb {\"a\": 2, \"b\": 3}",
        ),
        ("jsonb 1", Concat, "jsonb 2", "jsonb [1, 2]"),
        (
            "jsonb {\"a\":1}",
            Concat,
            "jsonb [2]",
            "jsonb [{\"a\": 1}, 2]",
        ),
        (
            "jsonb [2]",
            Concat,
            "jsonb {\"a\":1}",
            "jsonb [2, {\"a\": 1}]",
        ),
        ("jsonb []", Concat, "jsonb 1", "jsonb [1]"),
    ]);
}

#[test]
fn parts_of_documents() {
    use BinaryOp::{JsonGet, JsonGetText, JsonPath, JsonPathText};
    check(&[
        ("jsonb [1,2]", JsonGet, "int -1", "jsonb 2"),
        ("jsonb [1,2]", JsonGet, "int 5", "jsonb NULL"),
        ("jsonb [1,2]", JsonGet, "int -3", "jsonb NULL"),
        ("jsonb [1,2]", JsonGet, "int -2147483648", "jsonb NULL"),
        ("jsonb {\"1\":2}", JsonGet, "int 1", "jsonb NULL"),
        ("jsonb [1,null]", JsonGet, "int 1", "jsonb null"),
        ("jsonb [1,null]", JsonGetText, "int 1", "text NULL"),
        ("jsonb {\"a\":\"x\\\"y\"}", JsonGetText, "'a'", "text x\"y"),
        ("jsonb {\"a\":[1, 2]}", JsonGetText, "'a'", "text [1, 2]"),
        ("jsonb 5", JsonGet, "int 0", "jsonb 5"),
        ("jsonb 5", JsonGet, "'a'", "jsonb NULL"),
        (
            "jsonb {\"a\":{\"b\":[1,2]}}",
            JsonPath,
            "'{a,b,-1}'",
            "jsonb 2",
        ),
        (
            "jsonb {\"a\":{\"b\":[1,\"x\"]}}",
            JsonPathText,
            "'{a, b ,1}'",
            "text x",
        ),
        ("jsonb {\"a\":1}", JsonPath, "'{}'", "jsonb {\"a\": 1}"),
        ("jsonb {\"a, b\":1}", JsonPathText, "'{\"a, b\"}'", "text 1"),
        (
            "jsonb {\"a\\\"b\":1}",
            JsonPathText,
            "'{\"a\\\"b\"}'",
            "text 1",
        ),
        ("jsonb [1]", JsonPathText, "'{x}'", "text NULL"),
        ("jsonb [1]", JsonPathText, "'{0,0}'", "text NULL"),
    ]);
    for path in ["a", "{a", "{a,}", "{,a}", "{\"a}", "{\"a\"b}", "{{a}}"] {
        let malformed = "22P02: malformed path: it is written as {key,key,position}";
        assert_eq!(
            answer("jsonb {}", JsonPath, &format!("text {path}")),
            malformed,
            "{path}"
        );
    }
}

#[test]
fn contents_of_documents() {
    use BinaryOp::{JsonContainedBy, JsonContains, JsonHasKey};
    for (left, op, right, expected) in [
        ("[1,2,3]", JsonContains, "[3,1]", true),
        ("[1,2]", JsonContains, "1", true),
        ("1", JsonContains, "[1]", false),
        ("1", JsonContains, "1.0", true),
        (
            "{\"a\":1,\"b\":[1,{\"c\":2}]}",
            JsonContains,
            "{\"b\":[{\"c\":2}]}",
            true,
        ),
        ("{\"a\":1}", JsonContains, "{\"a\":2}", false),
        ("[[1,2]]", JsonContains, "[[1]]", true),
        ("[[1,2]]", JsonContains, "[1]", false),
        ("{\"a\":[1,2]}", JsonContains, "{\"a\":1}", false),
        ("{\"a\":1}", JsonContainedBy, "{\"a\":1,\"b\":2}", true),
        ("{\"a\":1}", JsonHasKey, "a", true),
        ("[\"a\"]", JsonHasKey, "a", true),
        ("\"a\"", JsonHasKey, "a", true),
        ("[1]", JsonHasKey, "1", false),
    ] {
        let expected = format!("boolean {}", Value::Boolean(expected));
        let found = answer(&format!("jsonb {left}"), op, &format!("'{right}'"));
        assert_eq!(found, expected, "{left} {op} {right}");
    }
}

#[test]
fn documents_without_a_part() {
    use BinaryOp::Subtract;
    check(&[
        (
            "jsonb {\"a\":1,\"b\":2}",
            Subtract,
            "text a",
            "jsonb {\"b\": 2}",
        ),
        ("jsonb [1,2]", Subtract, "int 0", "jsonb [2]"),
        ("jsonb [1,2]", Subtract, "int -1", "jsonb [1]"),
        ("jsonb [1,2]", Subtract, "int 9", "jsonb [1, 2]"),
        (
            "jsonb [\"a\",\"b\",1]",
            Subtract,
            "text a",
            "jsonb [\"b\", 1]",
        ),
        (
            "jsonb 1",
            Subtract,
            "text a",
            "22023: cannot delete from scalar",
        ),
        (
            "jsonb {}",
            Subtract,
            "int 1",
            "22023: cannot delete from object using integer index",
        ),
    ]);
}

#[test]
fn vectors() {
    use BinaryOp::{Add, CosineDistance, L2Distance, Multiply, NegativeInnerProduct, Subtract};
    check(&[
        (
            "vector(2) [0,0]",
            L2Distance,
            "vector(2) [3,4]",
            "double precision 5",
        ),
        (
            "vector(2) [0,0]",
            L2Distance,
            "'[1,1]'",
            "double precision 1.4142135623730951",
        ),
        (
            "vector(2) [1,2]",
            NegativeInnerProduct,
            "'[3,4]'",
            "double precision -11",
        ),
        (
            "vector(2) [1,2]",
            CosineDistance,
            "'[2,4]'",
            "double precision 0",
        ),
        (
            "vector(2) [1,0]",
            CosineDistance,
            "'[0,2]'",
            "double precision 1",
        ),
        (
            "vector(2) [1,1]",
            CosineDistance,
            "'[-1,-1]'",
            "double precision 2",
        ),
        (
            "vector(2) [1,1]",
            CosineDistance,
            "'[0,0]'",
            "double precision NaN",
        ),
        ("vector(2) [1,2]", Add, "'[3,4]'", "vector(2) [4,6]"),
        (
            "vector(2) [1,2]",
            Subtract,
            "vector(2) [3,4]",
            "vector(2) [-2,-2]",
        ),
        (
            "vector(2) [1,2]",
            Multiply,
            "vector(2) [3,4]",
            "vector(2) [3,8]",
        ),
        (
            "vector(1) [3e38]",
            Add,
            "vector(1) [3e38]",
            "22003: value out of range: overflow",
        ),
        (
            "vector(2) [1,2]",
            L2Distance,
            "vector(3) [1,2,3]",
            "22000: different vector dimensions 2 and 3",
        ),
        (
            "vector(2) [1,2]",
            L2Distance,
            "'[1,2,3]'",
            "22000: expected 2 dimensions, found 3: \"[1,2,3]\"",
        ),
        (
            "'[1]'",
            L2Distance,
            "'[1]'",
            "42725: operator is not unique: unknown <-> unknown; cast an operand to the type that is meant",
        ),
    ]);
    let (short, long) = (
        Vector::new([1.0]).unwrap(),
        Vector::new([1.0, 2.0]).unwrap(),
    );
    let error = eval_binary(BinaryOp::L2Distance, &short.into(), &long.into());
    assert_eq!(error, Err(EvalError::VectorDims { left: 1, right: 2 }));
}

#[test]
fn long_vectors_are_summed_whole() {
    let ones = Vector::new(vec![1.0; 21]).unwrap();
    let threes = Vector::new(vec![3.0; 21]).unwrap();
    assert_eq!(inner_product(&ones, &threes), Ok(63.0));
    assert_eq!(l2_distance(&ones, &threes), Ok(84f64.sqrt()));
    assert_eq!(norm(&threes), 189f64.sqrt());
}

#[test]
fn minus() {
    let negated = |text: &str| {
        let (data_type, value) = operand(text);
        match unary_type(UnaryOp::Minus, data_type.as_ref()) {
            Err(error) => error.to_string(),
            Ok(types) => match eval_unary(UnaryOp::Minus, &value) {
                Ok(value) => format!("{} {value}", types.result),
                Err(error) => error.to_string(),
            },
        }
    };
    assert_eq!(negated("int 5"), "integer -5");
    assert_eq!(negated("int"), "integer NULL");
    assert_eq!(negated("double 0"), "double precision -0");
    assert_eq!(negated("int -2147483648"), "integer out of range");
    assert_eq!(
        negated("bigint -9223372036854775808"),
        "bigint out of range"
    );
    assert_eq!(negated("text a"), "operator does not exist: - text");
    assert!(negated("'5'").starts_with("operator is not unique: - unknown"));
}

#[test]
fn null_is_not_distinct_from_null() {
    assert!(is_not_distinct(&Value::Null, &Value::Null));
    assert!(!is_not_distinct(&Value::Null, &1.into()));
    assert!(is_not_distinct(&1.into(), &1i64.into()));
    assert!(!is_not_distinct(&1.into(), &2.into()));
}

#[test]
fn values_of_other_types_are_errors_not_panics() {
    let values = [
        Value::Boolean(true),
        Value::Integer(1),
        Value::Double(1.5),
        Value::from("a"),
        Value::from(vec![1u8]),
        Value::parse(&DataType::Jsonb, "{}").unwrap(),
        Value::parse(&DataType::Vector(Dim::new(1).unwrap()), "[1]").unwrap(),
    ];
    for left in &values {
        for right in &values {
            let error = eval_binary(BinaryOp::JsonPath, left, right).unwrap_err();
            assert!(matches!(error.sqlstate(), "42804" | "22P02"), "{error}");
            let added = eval_binary(BinaryOp::Add, left, right);
            let numbers = |value: &Value| value.data_type().is_some_and(|known| known.is_numeric());
            let vectors = matches!((left, right), (Value::Vector(_), Value::Vector(_)));
            if !vectors {
                assert_eq!(
                    added.is_ok(),
                    numbers(left) && numbers(right),
                    "{left} {right}"
                );
            }
        }
    }
}
