//! Tests of writes that are committed without a transaction.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn any_write() -> impl Strategy<Value = Write> {
    let key = (0..3u8, proptest::collection::vec(0..3u8, 0..4))
        .prop_map(|(prefix, rest)| [&b"12345678"[..usize::from(prefix) * 4], &rest].concat());
    let value = proptest::option::of(any::<u8>().prop_map(|byte| vec![byte].into()));
    (0..3u32, key, value).prop_map(|(keyspace, key, value)| Write {
        keyspace: KeyspaceId(keyspace),
        key: key.into(),
        value,
    })
}

proptest! {
    #[test]
    fn the_last_write_of_each_key_is_left_in_order(
        writes in proptest::collection::vec(any_write(), 1..60)
    ) {
        let mut expected = BTreeMap::new();
        for write in &writes {
            expected.insert((write.keyspace, write.key.clone()), write.value.clone());
        }
        let sorted = SortedWrites::new(&writes).unwrap();
        let mut found = Vec::new();
        for group in sorted.groups() {
            prop_assert_eq!(group.len(), group.changes().count());
            for (key, value) in group.changes() {
                found.push(((group.keyspace(), key.clone()), value.cloned()));
            }
        }
        prop_assert_eq!(found, Vec::from_iter(expected));
        let keyspaces: Vec<_> = sorted.groups().map(|group| group.keyspace()).collect();
        prop_assert!(keyspaces.is_sorted_by(|a, b| a < b));
    }
}

#[test]
fn nothing_is_sorted_into_nothing() {
    let sorted = SortedWrites::new(&[]).unwrap();
    assert_eq!((sorted.groups().count(), sorted.bytes()), (0, 0));
}
