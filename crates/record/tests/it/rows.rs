//! Rows: they come back, whole and column by column, and no bytes make a reader panic.

use bytes::Bytes;
use drystone_record::{DataType, Malformed, RowLayout, RowReader, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::strategy;

fn types_and_values() -> impl Strategy<Value = (Vec<DataType>, Vec<Value>)> {
    vec(strategy::any_type(), 0..12).prop_flat_map(|types| {
        let values: Vec<_> = types
            .iter()
            .map(|data_type| strategy::value_or_null(*data_type))
            .collect();
        (Just(types), values)
    })
}

fn layout(types: &[DataType]) -> RowLayout {
    RowLayout::new(types.iter().copied()).unwrap()
}

fn encode(types: &[DataType], values: &[Value]) -> Bytes {
    let mut row = Vec::new();
    layout(types).encode(values, &mut row).unwrap();
    row.into()
}

fn decode(layout: &RowLayout, row: &Bytes) -> Result<Vec<Value>, Malformed> {
    let mut values = Vec::new();
    RowReader::new(layout, row)?.columns(&mut values)?;
    Ok(values)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn rows_come_back((types, values) in types_and_values()) {
        let (layout, row) = (layout(&types), encode(&types, &values));
        prop_assert_eq!(decode(&layout, &row).unwrap(), values.clone());
        let reader = RowReader::new(&layout, &row).unwrap();
        for (idx, value) in values.iter().enumerate().rev() {
            prop_assert_eq!(&reader.column(idx).unwrap(), value);
            prop_assert_eq!(reader.is_null(idx).unwrap(), value.is_null());
        }
    }

    #[test]
    fn old_rows_are_read_with_new_layouts(
        (mut types, mut values) in types_and_values(),
        (added_types, added_values) in types_and_values(),
    ) {
        let row = encode(&types, &values);
        let added = added_types.iter().copied().zip(added_values.iter().cloned());
        let old = types.drain(..).map(|data_type| (data_type, Value::Null));
        let layout = RowLayout::with_missing(old.chain(added)).unwrap();
        values.extend(added_values);
        prop_assert_eq!(decode(&layout, &row).unwrap(), values);
    }

    #[test]
    fn any_bytes_give_a_row_or_an_error(
        types in vec(strategy::any_type(), 0..10),
        tag in 0u8..4,
        count in 0u8..12,
        rest in vec(prop_oneof![Just(0u8), any::<u8>()], 0..80),
    ) {
        let layout = layout(&types);
        let bytes = [&[tag, count, 0][..], &rest].concat();
        let _: Result<Vec<Value>, Malformed> = decode(&layout, &bytes.into());
        let _: Result<Vec<Value>, Malformed> = decode(&layout, &rest.into());
    }

    #[test]
    fn a_damaged_row_gives_a_row_or_an_error(
        (types, values) in types_and_values(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let layout = layout(&types);
        let mut row = encode(&types, &values).to_vec();
        let whole = row.len();
        let cut = row[..cut.index(whole)].to_vec();
        prop_assert!(decode(&layout, &cut.into()).is_err());
        for (place, byte) in damage {
            row[place.index(whole)] = byte;
        }
        if let Ok(read) = decode(&layout, &row.into()) {
            let read_types = read.iter().zip(&types);
            for (value, data_type) in read_types {
                prop_assert!(value.is_null() || value.data_type() == Some(*data_type));
            }
        }
    }
}
