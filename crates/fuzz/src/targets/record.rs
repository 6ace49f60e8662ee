//! Numbers, rows and keys.

use bytes::Bytes;
use drystone_record::{KeyColumn, KeyLayout, RowLayout, RowReader, Value, prefix_end};

use crate::source::Source;

/// A number of as many bytes as it needs.
pub fn varint(data: &[u8]) {
    drystone_base::fuzzing::check_varint(data);
}

/// A row that decodes comes back from what would be written of it, and so do rows of any values.
///
/// # Panics
/// When one does not.
pub fn row(data: &[u8]) {
    let mut source = Source::new(data);
    let types: Vec<_> = (0..=source.below(8)).map(|_| source.data_type()).collect();
    let layout = RowLayout::new(types.iter().copied()).expect("a few columns");
    if source.chance(128) {
        let values: Vec<Value> = types
            .iter()
            .map(|known| source.value_or_null(*known))
            .collect();
        let mut bytes = Vec::new();
        layout
            .encode(&values, &mut bytes)
            .expect("values of the columns' types");
        assert_eq!(columns(&layout, &bytes.into()), Some(values));
        return;
    }
    let bytes = Bytes::copy_from_slice(source.rest());
    if let Some(values) = columns(&layout, &bytes) {
        let mut written = Vec::new();
        layout
            .encode(&values, &mut written)
            .expect("values of the columns' types");
        assert_eq!(columns(&layout, &written.into()), Some(values));
    }
}

/// All values of a row; `None` where it is malformed.
fn columns(layout: &RowLayout, bytes: &Bytes) -> Option<Vec<Value>> {
    let reader = RowReader::new(layout, bytes).ok()?;
    let mut all = Vec::new();
    let read = reader.columns(&mut all);
    for idx in 0..layout.column_count() {
        let one = reader.column(idx);
        if read.is_ok() {
            assert_eq!(one.as_ref().ok(), all.get(idx));
            let is_null = reader.is_null(idx).expect("a row that decodes");
            assert_eq!(is_null, all[idx].is_null());
        }
        drop(reader.vector_bytes(idx));
    }
    read.is_ok().then_some(all)
}

/// A key that decodes is the one that would be written (K3); keys of any values come back, and their order is that of
/// the values (K1, K2).
///
/// # Panics
/// When they do not.
pub fn key(data: &[u8]) {
    let mut source = Source::new(data);
    let columns: Vec<KeyColumn> = (0..=source.below(4)).map(|_| column(&mut source)).collect();
    let layout = KeyLayout::new(columns.iter().copied()).expect("types that have an order");
    if source.chance(128) {
        let (left, right) = (tuple(&columns, &mut source), tuple(&columns, &mut source));
        check_order(&layout, &left, &right);
        return;
    }
    let bytes = Bytes::copy_from_slice(source.rest());
    let mut values = Vec::new();
    if layout.decode(&bytes, &mut values).is_ok() {
        assert_eq!(encoded(&layout, &values), bytes);
    }
}

fn column(source: &mut Source<'_>) -> KeyColumn {
    let data_type = source.key_type();
    match source.chance(128) {
        true => KeyColumn::nullable(data_type),
        false => KeyColumn::not_null(data_type),
    }
}

fn tuple(columns: &[KeyColumn], source: &mut Source<'_>) -> Vec<Value> {
    let value = |column: &KeyColumn| match column.is_nullable() {
        true => source.value_or_null(column.data_type()),
        false => source.value(column.data_type()),
    };
    columns.iter().map(value).collect()
}

fn encoded(layout: &KeyLayout, values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout
        .encode(values, &mut bytes)
        .expect("values of the columns' types");
    bytes
}

fn check_order(layout: &KeyLayout, left: &[Value], right: &[Value]) {
    let (left_key, right_key) = (encoded(layout, left), encoded(layout, right));
    let pairs = left.iter().zip(right);
    let order = pairs
        .map(|(left, right)| left.sort_cmp(right))
        .find(|order| order.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal);
    assert_eq!(left_key.cmp(&right_key), order, "{left:?} and {right:?}");
    let mut decoded = Vec::new();
    layout
        .decode(&Bytes::copy_from_slice(&left_key), &mut decoded)
        .expect("a key of our own making");
    assert_eq!(decoded, left);
    for count in 0..left.len() {
        let prefix = encoded(layout, &left[..count]);
        assert!(left_key.starts_with(&prefix));
        let end = prefix_end(&prefix);
        assert!(end.is_none_or(|end| left_key < end));
        let shares = left[..count]
            .iter()
            .zip(right)
            .all(|(l, r)| l.sort_cmp(r).is_eq());
        assert_eq!(
            right_key.starts_with(&prefix),
            shares,
            "{left:?} and {right:?}"
        );
    }
}
