//! Values: parsing by type, and the three ways to compare them.

use std::cmp::Ordering::{Equal, Greater, Less};

use super::*;

fn parse(data_type: DataType, text: &str) -> Value {
    Value::parse(&data_type, text).unwrap_or_else(|why| panic!("{why}"))
}

fn vector(dim: u32) -> DataType {
    DataType::Vector(Dim::new(dim).unwrap())
}

#[test]
fn every_type_prints_what_it_read() {
    for (data_type, text) in [
        (DataType::Boolean, "t"),
        (DataType::Boolean, "f"),
        (DataType::Integer, "-7"),
        (DataType::BigInt, "9223372036854775807"),
        (DataType::Double, "1e+20"),
        (DataType::Text, "  kept "),
        (DataType::Bytea, r"\x00ff"),
        (DataType::Timestamp, "2024-02-29 13:37:00.5"),
        (DataType::Jsonb, r#"{"a": [1, 2]}"#),
        (vector(3), "[1,2.5,3]"),
    ] {
        let value = parse(data_type, text);
        assert_eq!(value.data_type(), Some(data_type));
        assert_eq!(value.to_string(), text);
    }
    assert_eq!(Value::Null.to_string(), "NULL");
    assert_eq!(Value::Null.data_type(), None);
}

#[test]
fn a_vector_of_another_length_is_an_error() {
    let error = Value::parse(&vector(3), "[1,2]").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected 3 dimensions, found 2: \"[1,2]\""
    );
}

#[test]
fn a_long_input_is_shortened() {
    let error = Value::parse(&DataType::Integer, &"é".repeat(60)).unwrap_err();
    assert_eq!(error.input, "é".repeat(40) + "...");
}

#[test]
fn comparison_is_sqls() {
    let check = |left: Value, right: Value, expected| {
        assert_eq!(left.compare(&right), expected, "{left} and {right}");
    };
    check(Value::Null, Value::Null, None);
    check(Value::Null, 1.into(), None);
    check(1.into(), 2i64.into(), Some(Less));
    check(2i64.into(), 1.into(), Some(Greater));
    check(1.into(), 1.0.into(), Some(Equal));
    check(1.5.into(), 1i64.into(), Some(Greater));
    check(f64::NAN.into(), f64::NAN.into(), Some(Equal));
    check(f64::NAN.into(), f64::INFINITY.into(), Some(Greater));
    check((-0.0).into(), 0.0.into(), Some(Equal));
    check("Z".into(), "a".into(), Some(Less));
    check("1".into(), 1.into(), None);
    check(false.into(), true.into(), Some(Less));
}

#[test]
fn sorting_puts_null_last() {
    let mut values = [Value::Null, 2.into(), Value::Null, 1.5.into(), 1i64.into()];
    values.sort_by(Value::sort_cmp);
    let expected = [1i64.into(), 1.5.into(), 2.into(), Value::Null, Value::Null];
    assert_eq!(values, expected);
}

#[test]
fn grouping_has_one_null_one_nan_and_one_zero() {
    assert_eq!(Value::Null, Value::Null);
    assert_eq!(Value::Double(f64::NAN), Value::Double(-f64::NAN));
    assert_eq!(Value::Double(-0.0), Value::Double(0.0));
    assert_ne!(Value::Integer(1), Value::BigInt(1));
    assert_ne!(Value::Integer(1), Value::Null);
    let hash = |value: Value| {
        let mut hasher = std::hash::DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    };
    assert_eq!(hash(Value::Double(-0.0)), hash(Value::Double(0.0)));
    assert_eq!(hash(f64::NAN.into()), hash((-f64::NAN).into()));
    assert_ne!(hash("a".into()), hash("b".into()));
}
