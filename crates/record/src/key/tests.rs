//! Keys: what is refused, and the bytes of single values.

use super::*;
use crate::data_type::Dim;

fn layout(columns: &[KeyColumn]) -> KeyLayout {
    KeyLayout::new(columns.iter().copied()).unwrap()
}

fn encoded(column: KeyColumn, value: impl Into<Value>) -> Vec<u8> {
    let mut key = Vec::new();
    layout(&[column]).encode(&[value.into()], &mut key).unwrap();
    key
}

fn decode(column: KeyColumn, key: &[u8]) -> Result<Vec<Value>, Malformed> {
    let mut values = Vec::new();
    layout(&[column]).decode(&Bytes::copy_from_slice(key), &mut values)?;
    Ok(values)
}

const INTEGER: KeyColumn = KeyColumn::not_null(DataType::Integer);
const TEXT: KeyColumn = KeyColumn::not_null(DataType::Text);

#[test]
fn a_bare_integer_takes_its_own_size() {
    assert_eq!(encoded(INTEGER, -1), [0x7F, 0xFF, 0xFF, 0xFF]);
    assert_eq!(encoded(INTEGER, 0), [0x80, 0, 0, 0]);
    let nullable = KeyColumn::nullable(DataType::Integer);
    assert_eq!(encoded(nullable, 0), [1, 0x80, 0, 0, 0]);
    assert_eq!(encoded(nullable, Value::Null), [2]);
}

#[test]
fn zero_bytes_in_text_are_escaped() {
    assert_eq!(encoded(TEXT, ""), [0, 1]);
    assert_eq!(encoded(TEXT, "a\0b"), [b'a', 0, 0xFF, b'b', 0, 1]);
    assert_eq!(encoded(TEXT, "\0\0"), [0, 0xFF, 0, 0xFF, 0, 1]);
    for text in ["", "a", "\0", "a\0", "\0a\0\0b"] {
        assert_eq!(decode(TEXT, &encoded(TEXT, text)), Ok(vec![text.into()]));
    }
}

#[test]
fn text_without_zero_bytes_shares_the_key() {
    let key = Bytes::from(encoded(TEXT, "granite"));
    let mut values = Vec::new();
    layout(&[TEXT]).decode(&key, &mut values).unwrap();
    let Value::Text(text) = &values[0] else {
        panic!("not a text: {values:?}");
    };
    assert_eq!(text.as_ptr(), key.as_ptr());
}

#[test]
fn types_without_an_order_are_refused() {
    let vector = DataType::Vector(Dim::new(2).unwrap());
    for data_type in [DataType::Jsonb, vector] {
        let error = KeyLayout::new([TEXT, KeyColumn::nullable(data_type)]).unwrap_err();
        assert_eq!(error, UnsupportedKeyType(data_type));
    }
}

#[test]
fn wrong_values_are_refused() {
    let mut out = Vec::new();
    let both = layout(&[INTEGER, TEXT]);
    let mut error = |values: &[Value]| both.encode(values, &mut out).unwrap_err();
    assert_eq!(
        error(&[1.into(), 2.into()]).to_string(),
        "value of type integer in column 1 of type text"
    );
    assert_eq!(error(&[Value::Null]), EncodeError::Null { column: 0 });
    let too_many = EncodeError::ColumnCount {
        expected: 2,
        found: 3,
    };
    assert_eq!(error(&[1.into(), "a".into(), 3.into()]), too_many);
    let time = layout(&[KeyColumn::not_null(DataType::Timestamp)]);
    let error = time.encode(&[Timestamp(i64::MAX).into()], &mut out);
    assert!(matches!(error, Err(EncodeError::TimestampRange { .. })));
}

#[test]
fn other_encodings_are_malformed() {
    for (column, key) in [
        (INTEGER, &[0x80, 0, 0][..]),
        (INTEGER, &[0x80, 0, 0, 0, 0]),
        (KeyColumn::nullable(DataType::Integer), &[3, 0x80, 0, 0, 0]),
        (KeyColumn::nullable(DataType::Integer), &[]),
        (KeyColumn::not_null(DataType::Boolean), &[2]),
        (KeyColumn::not_null(DataType::Double), &[0xFF; 8]),
        (KeyColumn::not_null(DataType::Timestamp), &[0xFF; 8]),
        (TEXT, b"abc"),
        (TEXT, b"abc\0"),
        (TEXT, b"abc\0\x02"),
        (TEXT, b"abc\0\xFFd"),
        (TEXT, b"\xFF\0\x01"),
        (TEXT, b"\0\x01\0\x01"),
    ] {
        assert!(decode(column, key).is_err(), "{key:?}");
    }
}

#[test]
fn a_reader_stops_after_an_error_and_knows_its_place() {
    let both = layout(&[TEXT, INTEGER]);
    let mut key = encoded(TEXT, "ab");
    let bytes = Bytes::copy_from_slice(&key);
    let mut reader = KeyReader::new(&both, &bytes);
    reader.skip_columns(1).unwrap();
    assert_eq!(reader.offset(), 4);
    assert!(reader.finish().is_err());
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());

    key.extend(encoded(INTEGER, 5));
    let bytes = Bytes::from(key);
    let mut reader = KeyReader::new(&both, &bytes);
    reader.skip_columns(1).unwrap();
    assert_eq!(reader.next(), Some(Ok(5.into())));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn the_end_of_a_prefix_is_just_after_it() {
    assert_eq!(prefix_end(b"ab"), Some(b"ac".to_vec()));
    assert_eq!(prefix_end(b"a\xFF\xFF"), Some(b"b".to_vec()));
    assert_eq!(prefix_end(b"\xFF"), None);
    assert_eq!(prefix_end(b""), None);
}
