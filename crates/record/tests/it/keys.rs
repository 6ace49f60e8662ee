//! Keys: their order is the tuples' order, they come back, and no bytes make a reader panic.

use std::cmp::Ordering;

use bytes::Bytes;
use drystone_record::{KeyColumn, KeyLayout, Value, prefix_end};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::strategy;

fn column() -> impl Strategy<Value = KeyColumn> {
    (strategy::key_type(), any::<bool>()).prop_map(|(data_type, nullable)| match nullable {
        true => KeyColumn::nullable(data_type),
        false => KeyColumn::not_null(data_type),
    })
}

fn tuple(columns: &[KeyColumn]) -> impl Strategy<Value = Vec<Value>> + use<> {
    let values = columns.iter().map(|column| match column.is_nullable() {
        true => strategy::value_or_null(column.data_type()).boxed(),
        false => strategy::value(column.data_type()),
    });
    values.collect::<Vec<_>>()
}

fn layout_and_tuples(count: usize) -> impl Strategy<Value = (KeyLayout, Vec<Vec<Value>>)> {
    vec(column(), 1..4).prop_flat_map(move |columns| {
        let tuples = vec(tuple(&columns), count);
        let layout = KeyLayout::new(columns).unwrap();
        (Just(layout), tuples)
    })
}

fn encode(layout: &KeyLayout, values: &[Value]) -> Bytes {
    let mut key = Vec::new();
    layout.encode(values, &mut key).unwrap();
    key.into()
}

fn compare(left: &[Value], right: &[Value]) -> Ordering {
    let pairs = left.iter().zip(right);
    pairs
        .map(|(left, right)| left.sort_cmp(right))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn keys_have_the_order_of_tuples((layout, tuples) in layout_and_tuples(2)) {
        let keys = [encode(&layout, &tuples[0]), encode(&layout, &tuples[1])];
        prop_assert_eq!(keys[0].cmp(&keys[1]), compare(&tuples[0], &tuples[1]));
    }

    #[test]
    fn keys_come_back((layout, tuples) in layout_and_tuples(1)) {
        let mut values = Vec::new();
        layout.decode(&encode(&layout, &tuples[0]), &mut values).unwrap();
        prop_assert_eq!(&values, &tuples[0]);
    }

    #[test]
    fn first_columns_bound_a_range(
        (layout, tuples) in layout_and_tuples(2),
        columns in 0usize..4,
    ) {
        let columns = columns.min(layout.columns().len());
        let prefix = encode(&layout, &tuples[0][..columns]);
        let key = encode(&layout, &tuples[1]);
        let within = key >= prefix && prefix_end(&prefix).is_none_or(|end| key < end);
        let equal = compare(&tuples[0][..columns], &tuples[1][..columns]).is_eq();
        prop_assert_eq!(within, equal);
        prop_assert_eq!(key.starts_with(&prefix), equal);
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error(
        columns in vec(column(), 0..4),
        bytes in vec(any::<u8>(), 0..40),
    ) {
        let layout = KeyLayout::new(columns).unwrap();
        let (bytes, mut values) = (Bytes::from(bytes), Vec::new());
        if layout.decode(&bytes, &mut values).is_ok() {
            prop_assert_eq!(encode(&layout, &values), bytes);
        }
    }

    #[test]
    fn a_flipped_bit_gives_other_values_or_an_error(
        (layout, tuples) in layout_and_tuples(1),
        flip in any::<prop::sample::Index>(),
    ) {
        let mut key = encode(&layout, &tuples[0]).to_vec();
        let bit = flip.index(key.len() * 8);
        key[bit / 8] ^= 1 << (bit % 8);
        let mut values = Vec::new();
        if layout.decode(&key.into(), &mut values).is_ok() {
            prop_assert_ne!(&values, &tuples[0]);
        }
    }
}
