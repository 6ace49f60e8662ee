//! Rows: growth, limits, and what is refused.

use super::*;

fn layout(types: &[DataType]) -> RowLayout {
    RowLayout::new(types.iter().copied()).unwrap()
}

fn vector_type(dim: u32) -> DataType {
    DataType::Vector(Dim::new(dim).unwrap())
}

fn encode(layout: &RowLayout, values: &[Value]) -> Bytes {
    let mut out = Vec::new();
    layout.encode(values, &mut out).unwrap();
    out.into()
}

fn decode(layout: &RowLayout, row: &Bytes) -> Result<Vec<Value>, Malformed> {
    let mut values = Vec::new();
    RowReader::new(layout, row)?.columns(&mut values)?;
    Ok(values)
}

#[test]
fn columns_added_later_read_as_their_default() {
    let old = layout(&[DataType::Text, DataType::Integer]);
    let row = encode(&old, &["a".into(), 1.into()]);
    let new = RowLayout::with_missing([
        (DataType::Text, Value::Null),
        (DataType::Integer, Value::Null),
        (DataType::Boolean, Value::Null),
        (DataType::Text, "new".into()),
        (vector_type(2), Value::Null),
    ])
    .unwrap();
    let expected = ["a".into(), 1.into(), Value::Null, "new".into(), Value::Null];
    assert_eq!(decode(&new, &row).unwrap(), expected);
    let reader = RowReader::new(&new, &row).unwrap();
    assert_eq!(reader.is_null(2), Ok(true));
    assert_eq!(reader.is_null(3), Ok(false));
    assert_eq!(reader.vector_bytes(4), Ok(None));
    assert!(decode(&old, &encode(&new, &expected)).is_err());
}

#[test]
fn a_long_row_has_wide_offsets() {
    let texts = layout(&[DataType::Text, DataType::Text]);
    for (len, tag) in [(65_534, NARROW), (65_535, WIDE), (70_000, WIDE)] {
        let values = ["x".repeat(len).into(), Value::from("y")];
        let row = encode(&texts, &values);
        assert_eq!(row[0], tag, "{len}");
        assert_eq!(decode(&texts, &row).unwrap(), values);
    }
}

#[test]
fn text_and_bytes_share_the_row() {
    let columns = layout(&[DataType::Bytea, DataType::Text]);
    let row = encode(&columns, &[vec![1u8, 2].into(), "granite".into()]);
    let Value::Text(text) = RowReader::new(&columns, &row).unwrap().column(1).unwrap() else {
        panic!("not a text");
    };
    assert_eq!(text.as_ptr(), row[row.len() - 7..].as_ptr());
}

#[test]
fn a_vector_is_read_with_and_without_a_copy() {
    let columns = layout(&[vector_type(2), vector_type(2), DataType::Integer]);
    let vector = Vector::new([1.0, -2.0]).unwrap();
    let row = encode(&columns, &[vector.clone().into(), Value::Null, 3.into()]);
    let reader = RowReader::new(&columns, &row).unwrap();
    assert_eq!(reader.column(0).unwrap(), Value::Vector(vector));
    let bytes = [1.0f32, -2.0].map(f32::to_le_bytes).concat();
    assert_eq!(reader.vector_bytes(0), Ok(Some(&bytes[..])));
    assert_eq!(reader.vector_bytes(1), Ok(None));
    assert!(reader.vector_bytes(2).is_err());
    assert!(reader.column(3).is_err());
}

#[test]
fn wrong_values_are_refused() {
    let columns = layout(&[DataType::Integer, vector_type(2)]);
    let mut out = Vec::new();
    let mut error = |values: &[Value]| columns.encode(values, &mut out).unwrap_err();
    assert_eq!(error(&[1.into()]).to_string(), "1 values for 2 columns");
    let three = Vector::new([1.0, 2.0, 3.0]).unwrap();
    assert_eq!(
        error(&[1.into(), three.into()]).to_string(),
        "value of type vector(3) in column 1 of type vector(2)"
    );
    let error = error(&[1i64.into(), Value::Null]);
    assert_eq!(
        error.to_string(),
        "value of type bigint in column 0 of type integer"
    );
    let time = layout(&[DataType::Timestamp]);
    let error = time.encode(&[Timestamp(i64::MIN).into()], &mut out);
    assert!(matches!(error, Err(EncodeError::TimestampRange { .. })));
}

#[test]
fn too_many_columns_are_refused() {
    let columns = |count| RowLayout::new((0..count).map(|_| DataType::Boolean));
    assert_eq!(columns(MAX_COLUMNS).unwrap().column_count(), MAX_COLUMNS);
    assert_eq!(columns(MAX_COLUMNS + 1), Err(RowTooWide(MAX_COLUMNS + 1)));
}

#[test]
fn broken_rows_are_malformed() {
    let columns = layout(&[DataType::Boolean, DataType::Text, DataType::Text]);
    let row = encode(&columns, &[true.into(), "ab".into(), "c".into()]);
    assert_eq!(row[..], [1, 3, 0, 0, 1, 2, 0, 3, 0, b'a', b'b', b'c']);
    for (offset, byte, what) in [
        (0, 0, "row tag"),
        (0, 3, "row tag"),
        (1, 4, "row columns"),
        (3, 8, "row null bits"),
        (4, 2, "row boolean"),
        (5, 9, "row offset"),
        (7, 4, "row"),
        (7, 1, "row"),
        (9, 0xFF, "text"),
    ] {
        let mut bytes = row.to_vec();
        bytes[offset] = byte;
        let error = decode(&columns, &bytes.into()).unwrap_err();
        assert_eq!(error.what, what, "offset {offset}: {error}");
    }
    for len in 0..row.len() {
        assert!(decode(&columns, &row.slice(..len)).is_err(), "{len} bytes");
    }
}
