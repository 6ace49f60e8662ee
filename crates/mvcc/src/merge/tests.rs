//! Tests of the stream that a merge hands to an engine.

use super::*;

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn put(
    memtable: &Memtable,
    keyspace: u32,
    key: &'static str,
    lsn: u64,
    value: Option<&'static str>,
) {
    let change = (bytes(key), value.map(bytes));
    memtable.apply(
        KeyspaceId(keyspace),
        std::iter::once((&change.0, change.1.as_ref())),
        Lsn(lsn),
    );
}

fn all(changes: &mut MemtableChanges) -> Vec<(u32, Bytes, Option<Bytes>)> {
    let mut all = Vec::new();
    while let Some(change) = changes.next_change().unwrap() {
        let value = match change.op {
            Op::Put(value) => Some(Bytes::copy_from_slice(value)),
            Op::PutLong(long) => panic!("a long value: {long:?}"),
            Op::Delete => None,
        };
        all.push((change.keyspace.0, Bytes::copy_from_slice(change.key), value));
    }
    all
}

#[test]
fn the_newest_version_of_each_key_in_order() {
    let memtable = Arc::new(Memtable::new(1 << 20));
    put(&memtable, 7, "b", 1, Some("old"));
    put(&memtable, 7, "b", 2, None);
    put(&memtable, 3, "z", 3, Some("last"));
    put(&memtable, 7, "a", 4, Some("new"));
    let mut changes = MemtableChanges::new(&memtable, &Folds::default(), Lsn(4));
    let expected = vec![
        (3, bytes("z"), Some(bytes("last"))),
        (7, bytes("a"), Some(bytes("new"))),
        (7, bytes("b"), None),
    ];
    assert_eq!(all(&mut changes), expected);
    assert!(changes.next_change().unwrap().is_none());
    assert!(changes.dropped().is_empty());
}

#[test]
fn a_dropped_keyspace_has_no_changes() {
    let memtable = Arc::new(Memtable::new(1 << 20));
    put(&memtable, 1, "a", 1, Some("gone"));
    put(&memtable, 2, "a", 2, Some("kept"));
    memtable.drop_keyspace(KeyspaceId(1), Lsn(3));
    let mut changes = MemtableChanges::new(&memtable, &Folds::default(), Lsn(3));
    assert_eq!(changes.dropped(), [KeyspaceId(1)]);
    assert_eq!(
        all(&mut changes),
        vec![(2, bytes("a"), Some(bytes("kept")))]
    );
}

#[test]
fn an_empty_memtable_has_no_changes() {
    let memtable = Arc::new(Memtable::new(1 << 20));
    let mut changes = MemtableChanges::new(&memtable, &Folds::default(), Lsn::ZERO);
    assert_eq!(all(&mut changes), vec![]);
}
