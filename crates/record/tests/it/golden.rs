//! Stored bytes: what version 1 wrote is what is written now, and is read back.
//!
//! A line of a golden file is `type=value | type=value => bytes`; `type?` is a key column that may be NULL, and a value that
//! is missing altogether is NULL.

use bytes::Bytes;
use drystone_record::{DataType, KeyColumn, KeyLayout, RowLayout, RowReader, Value};

const KEYS: &str = include_str!("../golden/key-v1.txt");
const ROWS: &str = include_str!("../golden/row-v1.txt");

struct Column {
    data_type: DataType,
    nullable: bool,
    value: Value,
}

/// The lines of a file as their columns and bytes.
fn lines(file: &str) -> impl Iterator<Item = (Vec<Column>, &str)> {
    let lines = file.lines().filter(|line| !line.is_empty());
    lines.map(|line| {
        let (columns, bytes) = line.split_once(" => ").expect("=> before the bytes");
        (columns.split(" | ").map(column).collect(), bytes)
    })
}

fn column(text: &str) -> Column {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let nullable = name.ends_with('?');
    let data_type: DataType = name.trim_end_matches('?').parse().unwrap();
    let value = value.map(|value| Value::parse(&data_type, value).unwrap());
    Column {
        data_type,
        nullable,
        value: value.unwrap_or_default(),
    }
}

fn bytes_of(hex: &str) -> Bytes {
    let bytes = Value::parse(&DataType::Bytea, &format!("\\x{hex}")).unwrap();
    match bytes {
        Value::Bytea(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

fn hex_of(bytes: Vec<u8>) -> String {
    Value::from(bytes).to_string()[2..].to_owned()
}

#[test]
fn keys_of_version_1() {
    for (columns, hex) in lines(KEYS) {
        let layout = KeyLayout::new(columns.iter().map(|column| match column.nullable {
            true => KeyColumn::nullable(column.data_type),
            false => KeyColumn::not_null(column.data_type),
        }));
        let layout = layout.unwrap();
        let values: Vec<_> = columns.into_iter().map(|column| column.value).collect();
        let (mut key, mut read) = (Vec::new(), Vec::new());
        layout.encode(&values, &mut key).unwrap();
        assert_eq!(hex_of(key), hex, "{values:?}");
        layout.decode(&bytes_of(hex), &mut read).unwrap();
        assert_eq!(read, values);
    }
}

#[test]
fn rows_of_version_1() {
    for (columns, hex) in lines(ROWS) {
        let layout = RowLayout::new(columns.iter().map(|column| column.data_type)).unwrap();
        let values: Vec<_> = columns.into_iter().map(|column| column.value).collect();
        let (mut row, mut read) = (Vec::new(), Vec::new());
        layout.encode(&values, &mut row).unwrap();
        assert_eq!(hex_of(row), hex, "{values:?}");
        let bytes = bytes_of(hex);
        let reader = RowReader::new(&layout, &bytes).unwrap();
        reader.columns(&mut read).unwrap();
        assert_eq!(read, values);
    }
}

#[test]
fn golden_keys_ascend_where_columns_are_alike() {
    let integers: Vec<_> = lines(KEYS)
        .filter(|(columns, _)| columns.len() == 1 && columns[0].data_type == DataType::Integer)
        .map(|(_, hex)| bytes_of(hex))
        .collect();
    assert!(integers.len() > 2 && integers.is_sorted());
}
