//! Names of types, read and printed.

use super::*;

fn vector(dim: u32) -> DataType {
    DataType::Vector(Dim::new(dim).unwrap())
}

#[test]
fn names_of_postgresql_are_read() {
    for (name, expected) in [
        ("BOOL", DataType::Boolean),
        ("boolean", DataType::Boolean),
        ("INT", DataType::Integer),
        ("int4", DataType::Integer),
        ("Integer", DataType::Integer),
        ("INT8", DataType::BigInt),
        ("bigint", DataType::BigInt),
        ("FLOAT8", DataType::Double),
        ("DOUBLE  PRECISION", DataType::Double),
        (" text ", DataType::Text),
        ("VARCHAR", DataType::Text),
        ("character varying", DataType::Text),
        ("BYTEA", DataType::Bytea),
        ("TIMESTAMP", DataType::Timestamp),
        ("timestamp without time zone", DataType::Timestamp),
        ("JSONB", DataType::Jsonb),
        ("VECTOR(3)", vector(3)),
        ("vector ( 65535 )", vector(65_535)),
    ] {
        assert_eq!(name.parse(), Ok(expected), "{name}");
    }
}

#[test]
fn printed_names_are_read_back() {
    for data_type in [
        DataType::Boolean,
        DataType::Integer,
        DataType::BigInt,
        DataType::Double,
        DataType::Text,
        DataType::Bytea,
        DataType::Timestamp,
        DataType::Jsonb,
        vector(1),
        vector(Dim::MAX),
    ] {
        assert_eq!(data_type.to_string().parse(), Ok(data_type));
    }
}

#[test]
fn other_names_say_what_to_use() {
    let message = |name: &str| name.parse::<DataType>().unwrap_err().to_string();
    assert_eq!(message("geometry"), "type \"geometry\" does not exist");
    assert_eq!(
        message("numeric"),
        "type \"numeric\" is not supported; use DOUBLE PRECISION"
    );
    assert_eq!(
        message("varchar(20)"),
        "type \"varchar(20)\" is not supported; use TEXT; no length is enforced"
    );
    assert_eq!(message("text(3)"), "type \"text(3)\" does not exist");
    for name in ["vector", "vector(0)", "vector(65536)", "vector(x)"] {
        let expected =
            format!("vector type \"{name}\" needs 1 to 65535 dimensions, as in vector(3)");
        assert_eq!(message(name), expected);
    }
}

#[test]
fn odd_brackets_are_no_type() {
    for name in [
        "",
        "(",
        ")",
        "()",
        "int(",
        "vector(3",
        "vector)3(",
        "vector(3))",
    ] {
        assert!(name.parse::<DataType>().is_err(), "{name}");
    }
}
