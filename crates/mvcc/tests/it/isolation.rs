//! Snapshot isolation: what it prevents, what it allows, and what guards add.

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_mvcc::{Contended, Durability, IsolationLevel, Store, StoreError, Transaction};

use crate::support::{begin, create, get, put, store, text};

/// A store where x is 10 and y is 20.
fn accounts() -> (Store, KeyspaceId) {
    let (store, ks) = store();
    put(&store, ks, "x", "10");
    put(&store, ks, "y", "20");
    (store, ks)
}

fn read(tx: &Transaction, ks: KeyspaceId, key: &str) -> Option<String> {
    tx.get(ks, key.as_bytes()).unwrap().map(text)
}

fn write(tx: &mut Transaction, ks: KeyspaceId, key: &'static str, value: &'static str) {
    tx.put(ks, key, value).unwrap();
}

fn commit(tx: Transaction) -> Result<(), StoreError> {
    tx.commit(Durability::Sync).map(drop)
}

fn assert_conflict(result: Result<(), StoreError>, keyspace: KeyspaceId, key: &'static str) {
    let key = Bytes::from_static(key.as_bytes());
    match result {
        Err(StoreError::Conflict { what }) => {
            assert_eq!(what, Contended::Key { keyspace, key });
        }
        other => panic!("a conflict was due, not {other:?}"),
    }
}

#[test]
fn dirty_writes_do_not_mix() {
    let (store, ks) = accounts();
    let (mut one, mut two) = (begin(&store), begin(&store));
    write(&mut one, ks, "x", "11");
    write(&mut two, ks, "x", "12");
    write(&mut one, ks, "y", "21");
    commit(one).unwrap();
    write(&mut two, ks, "y", "22");
    assert_conflict(commit(two), ks, "x");
    let view = store.view();
    assert_eq!(get(&view, ks, "x").unwrap(), "11");
    assert_eq!(get(&view, ks, "y").unwrap(), "21");
}

#[test]
fn aborted_and_intermediate_writes_are_never_read() {
    let (store, ks) = accounts();
    let (mut one, two) = (begin(&store), begin(&store));
    write(&mut one, ks, "x", "101");
    assert_eq!(read(&two, ks, "x").unwrap(), "10");
    one.rollback();
    assert_eq!(read(&two, ks, "x").unwrap(), "10");
    let mut one = begin(&store);
    write(&mut one, ks, "x", "101");
    write(&mut one, ks, "x", "11");
    commit(one).unwrap();
    assert_eq!(read(&two, ks, "x").unwrap(), "10");
    assert_eq!(get(&store.view(), ks, "x").unwrap(), "11");
}

#[test]
fn circular_information_flow_is_prevented() {
    let (store, ks) = accounts();
    let (mut one, mut two) = (begin(&store), begin(&store));
    write(&mut one, ks, "x", "11");
    write(&mut two, ks, "y", "22");
    assert_eq!(read(&one, ks, "y").unwrap(), "20");
    assert_eq!(read(&two, ks, "x").unwrap(), "10");
    commit(one).unwrap();
    commit(two).unwrap();
}

#[test]
fn lost_updates_are_prevented() {
    let (store, ks) = accounts();
    let (mut one, mut two) = (begin(&store), begin(&store));
    assert_eq!(read(&one, ks, "x"), read(&two, ks, "x"));
    write(&mut one, ks, "x", "11");
    write(&mut two, ks, "x", "12");
    commit(one).unwrap();
    assert_conflict(commit(two), ks, "x");
    assert_eq!(store.stats().conflicts, 1);
}

#[test]
fn read_skew_is_prevented() {
    let (store, ks) = accounts();
    let one = begin(&store);
    assert_eq!(read(&one, ks, "x").unwrap(), "10");
    let mut two = begin(&store);
    write(&mut two, ks, "x", "12");
    write(&mut two, ks, "y", "18");
    commit(two).unwrap();
    store.flush().unwrap();
    assert_eq!(read(&one, ks, "y").unwrap(), "20");
}

#[test]
fn phantoms_do_not_appear_in_a_range() {
    let (store, ks) = accounts();
    let one = begin(&store);
    assert_eq!(one.range(ks, ..).count(), 2);
    put(&store, ks, "xx", "30");
    assert_eq!(one.range(ks, ..).count(), 2);
    assert_eq!(store.view().range(ks, ..).count(), 3);
}

/// Allowed by this level: both read both, and write one each.
#[test]
fn write_skew_is_possible() {
    let (store, ks) = accounts();
    let (mut one, mut two) = (begin(&store), begin(&store));
    for tx in [&one, &two] {
        assert_eq!(read(tx, ks, "x").unwrap(), "10");
        assert_eq!(read(tx, ks, "y").unwrap(), "20");
    }
    write(&mut one, ks, "x", "-10");
    write(&mut two, ks, "y", "-20");
    commit(one).unwrap();
    commit(two).unwrap();
}

#[test]
fn guarded_keys_prevent_write_skew() {
    let (store, ks) = accounts();
    let (mut one, mut two) = (begin(&store), begin(&store));
    one.guard_key(ks, "y");
    two.guard_key(ks, "x");
    write(&mut one, ks, "x", "-10");
    write(&mut two, ks, "y", "-20");
    commit(one).unwrap();
    assert_conflict(commit(two), ks, "x");
}

#[test]
fn guarded_keyspaces_prevent_phantoms() {
    let (store, ks) = accounts();
    let other = create(&store, "other");
    let mut one = begin(&store);
    one.guard_keyspace(ks);
    write(&mut one, other, "sum", "30");
    put(&store, ks, "z", "30");
    match commit(one) {
        Err(StoreError::Conflict { what }) => assert_eq!(what, Contended::Keyspace(ks)),
        other => panic!("a conflict was due, not {other:?}"),
    }
}

/// It reads one state, so it is as if it ran when it began.
#[test]
fn guards_without_writes_commit() {
    let (store, ks) = accounts();
    let mut one = begin(&store);
    one.guard_key(ks, "x");
    let lsn = one.view().lsn();
    put(&store, ks, "x", "11");
    assert!(one.is_read_only());
    assert_eq!(one.commit(Durability::Sync).unwrap(), lsn);
}

#[test]
fn a_guard_taken_back_does_not_conflict() {
    let (store, ks) = accounts();
    let mut one = begin(&store);
    let savepoint = one.savepoint();
    one.guard_key(ks, "x");
    one.guard_keyspace(ks);
    one.rollback_to(&savepoint).unwrap();
    write(&mut one, ks, "y", "21");
    put(&store, ks, "x", "11");
    commit(one).unwrap();
}

#[test]
fn a_transaction_reads_its_own_writes() {
    let (store, ks) = accounts();
    let mut tx = begin(&store);
    write(&mut tx, ks, "z", "30");
    tx.delete(ks, "x").unwrap();
    assert_eq!(read(&tx, ks, "x"), None);
    assert_eq!(read(&tx, ks, "z").unwrap(), "30");
    let keys: Vec<_> = tx
        .range(ks, ..)
        .map(|entry| text(entry.unwrap().0))
        .collect();
    assert_eq!(keys, ["y", "z"]);
}

#[test]
fn a_range_does_not_see_writes_made_after_it() {
    let (store, ks) = accounts();
    let mut tx = begin(&store);
    write(&mut tx, ks, "a", "1");
    let range = tx.range(ks, ..);
    write(&mut tx, ks, "b", "2");
    tx.delete(ks, "x").unwrap();
    let keys: Vec<_> = range.map(|entry| text(entry.unwrap().0)).collect();
    assert_eq!(keys, ["a", "x", "y"]);
}

#[test]
fn a_savepoint_belongs_to_its_transaction_and_time() {
    let (store, ks) = accounts();
    let (mut one, mut two) = (begin(&store), begin(&store));
    let outer = one.savepoint();
    let inner = one.savepoint();
    assert!(matches!(
        two.rollback_to(&outer),
        Err(StoreError::NoSuchSavepoint)
    ));
    one.rollback_to(&outer).unwrap();
    assert!(matches!(
        one.rollback_to(&inner),
        Err(StoreError::NoSuchSavepoint)
    ));
    write(&mut one, ks, "x", "11");
    one.rollback_to(&outer).unwrap();
    assert_eq!(read(&one, ks, "x").unwrap(), "10");
    one.release(outer).unwrap();
}

#[test]
fn other_levels_are_refused_by_name() {
    let (store, _) = store();
    for level in [
        IsolationLevel::ReadUncommitted,
        IsolationLevel::ReadCommitted,
        IsolationLevel::Serializable,
    ] {
        let refused = store.begin(level).unwrap_err();
        assert!(matches!(refused, StoreError::Unsupported { level: asked } if asked == level));
        let message = refused.to_string();
        assert!(message.contains(&format!("{level:?}")) && message.contains("RepeatableRead"));
    }
}

#[test]
fn a_conflict_says_over_what() {
    let (store, ks) = accounts();
    let mut first = begin(&store);
    let mut second = begin(&store);
    write(&mut first, ks, "x", "1");
    write(&mut second, ks, "x", "2");
    commit(first).unwrap();
    let told = commit(second).unwrap_err().to_string();
    assert_eq!(
        told,
        format!("key b\"x\" of {ks} was changed by another transaction")
    );
    assert_eq!(Contended::Keyspace(ks).to_string(), ks.to_string());
    assert!(!Contended::Forgotten.to_string().is_empty());
}

#[test]
fn a_transaction_knows_whether_it_wrote() {
    let (store, ks) = accounts();
    let mut tx = begin(&store);
    tx.guard_key(ks, "x");
    assert!(tx.is_read_only() && !tx.has_writes());
    let start = tx.savepoint();
    write(&mut tx, ks, "x", "1");
    assert!(!tx.is_read_only() && tx.has_writes());
    tx.rollback_to(&start).unwrap();
    assert!(tx.is_read_only() && !tx.has_writes());
}
