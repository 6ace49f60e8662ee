//! Keyspaces: created, dropped and created again, while older views read on.

use drystone_base::KeyspaceId;
use drystone_mvcc::{Contended, Durability, KEYSPACE_NAME_BYTES_MAX, StoreError};

use crate::support::{all, begin, create, get, put, store};

fn drop_keyspace(store: &drystone_mvcc::Store, name: &str) {
    let mut tx = begin(store);
    tx.drop_keyspace(name).unwrap();
    tx.commit(Durability::Sync).unwrap();
}

#[test]
fn views_keep_reading_what_was_dropped() {
    let (store, ks) = store();
    put(&store, ks, "old", "1");
    store.flush().unwrap();
    put(&store, ks, "new", "2");
    let before = store.view();
    drop_keyspace(&store, "main");
    let unmerged = store.view();
    store.flush().unwrap();
    let merged = store.view();
    assert_eq!(all(&before, ks).len(), 2);
    assert_eq!(before.keyspace("main").unwrap(), Some(ks));
    for view in [unmerged, merged] {
        assert_eq!(view.keyspace("main").unwrap(), None);
        assert_eq!(all(&view, ks), []);
        assert_eq!(get(&view, ks, "old"), None);
        assert_eq!(view.count(ks).unwrap(), 0);
        assert_eq!(view.tail(ks).count(), 0);
    }
}

#[test]
fn a_name_that_comes_back_gets_another_number() {
    let (store, first) = store();
    put(&store, first, "key", "old");
    drop_keyspace(&store, "main");
    let second = create(&store, "main");
    assert_ne!(first, second);
    assert_eq!(all(&store.view(), second), []);
    assert_eq!(
        store.view().keyspaces().unwrap(),
        [("main".to_owned(), second)]
    );
}

#[test]
fn created_filled_and_dropped_in_one_transaction() {
    let (store, _) = store();
    let mut tx = begin(&store);
    let savepoint = tx.savepoint();
    let id = tx.create_keyspace("brief").unwrap();
    tx.put(id, "key", "value").unwrap();
    let filled = tx.savepoint();
    tx.drop_keyspace("brief").unwrap();
    assert_eq!(tx.get(id, b"key").unwrap(), None);
    assert!(matches!(
        tx.put(id, "key", ""),
        Err(StoreError::NoSuchKeyspaceId { .. })
    ));
    tx.rollback_to(&filled).unwrap();
    assert_eq!(tx.get(id, b"key").unwrap().unwrap(), "value");
    tx.rollback_to(&savepoint).unwrap();
    assert_eq!(tx.keyspace("brief").unwrap(), None);
    assert!(matches!(
        tx.put(id, "key", ""),
        Err(StoreError::NoSuchKeyspaceId { .. })
    ));
    let again = tx.create_keyspace("brief").unwrap();
    tx.drop_keyspace("brief").unwrap();
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.view().keyspace("brief").unwrap(), None);
    assert_ne!(create(&store, "brief"), again);
}

#[test]
fn drops_conflict_with_writes_and_writes_with_drops() {
    let (store, ks) = store();
    let (mut dropper, mut writer) = (begin(&store), begin(&store));
    dropper.drop_keyspace("main").unwrap();
    writer.put(ks, "key", "value").unwrap();
    put(&store, ks, "other", "value");
    let refused = dropper.commit(Durability::Sync);
    assert!(matches!(refused, Err(StoreError::Conflict { .. })));
    drop_keyspace(&store, "main");
    match writer.commit(Durability::Sync) {
        Err(StoreError::Conflict { what }) => assert_eq!(what, Contended::Keyspace(ks)),
        other => panic!("a conflict was due, not {other:?}"),
    }
}

#[test]
fn two_that_create_at_once_conflict() {
    let (store, _) = store();
    let (mut one, mut two) = (begin(&store), begin(&store));
    one.create_keyspace("a").unwrap();
    two.create_keyspace("a").unwrap();
    one.commit(Durability::Sync).unwrap();
    assert!(matches!(
        two.commit(Durability::Sync),
        Err(StoreError::Conflict { .. })
    ));
}

#[test]
fn what_cannot_be_is_refused() {
    let (store, ks) = store();
    let mut tx = begin(&store);
    assert!(matches!(
        tx.create_keyspace("main"),
        Err(StoreError::KeyspaceExists { id, .. }) if id == ks
    ));
    for name in ["", &"n".repeat(KEYSPACE_NAME_BYTES_MAX + 1)] {
        let len = name.len();
        assert!(matches!(
            tx.create_keyspace(name),
            Err(StoreError::KeyspaceName { len: refused }) if refused == len
        ));
    }
    tx.create_keyspace(&"n".repeat(KEYSPACE_NAME_BYTES_MAX))
        .unwrap();
    assert!(matches!(
        tx.drop_keyspace("none"),
        Err(StoreError::NoSuchKeyspace { .. })
    ));
    let unknown = tx.put(KeyspaceId(99), "key", "value");
    assert!(matches!(
        unknown,
        Err(StoreError::NoSuchKeyspaceId { id: KeyspaceId(99) })
    ));
    let catalog = tx.delete(KeyspaceId::CATALOG, "key");
    assert!(matches!(catalog, Err(StoreError::CatalogIsReadOnly)));
}
