//! Writes that are committed without a transaction.

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{Durability, Store, StoreError, StoreOptions, Write};

use crate::support::{all, begin, create, get, open, put, small, store};

fn write(keyspace: KeyspaceId, key: &str, value: Option<&str>) -> Write {
    Write {
        keyspace,
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: value.map(|value| Bytes::copy_from_slice(value.as_bytes())),
    }
}

fn commit(store: &Store, writes: &[Write]) -> Result<(), StoreError> {
    store.write(writes, Durability::Sync).map(drop)
}

#[test]
fn the_last_write_of_a_key_counts_in_each_keyspace() {
    let (store, first) = store();
    let second = create(&store, "second");
    put(&store, first, "gone", "before");
    let writes = [
        write(second, "b", Some("of the second")),
        write(first, "b", Some("1")),
        write(first, "a", None),
        write(first, "b", None),
        write(first, "a", Some("2")),
        write(first, "gone", None),
        write(first, "b", Some("3")),
    ];
    let lsn = store.write(&writes, Durability::Sync).unwrap();
    let view = store.view();
    assert_eq!(view.lsn(), lsn);
    let pair =
        |key: &str, value: &str| (Bytes::from(key.to_owned()), Bytes::from(value.to_owned()));
    assert_eq!(all(&view, first), [pair("a", "2"), pair("b", "3")]);
    assert_eq!(all(&view, second), [pair("b", "of the second")]);
}

#[test]
fn they_are_replayed() {
    let env = Env::memory(1);
    let keyspace = {
        let store = open(&env, small()).unwrap();
        let keyspace = create(&store, "main");
        commit(
            &store,
            &[
                write(keyspace, "b", Some("2")),
                write(keyspace, "a", Some("1")),
            ],
        )
        .unwrap();
        commit(&store, &[write(keyspace, "b", None)]).unwrap();
        keyspace
    };
    let store = open(&env, small()).unwrap();
    let view = store.view();
    assert_eq!(get(&view, keyspace, "a").as_deref(), Some("1"));
    assert_eq!(get(&view, keyspace, "b"), None);
}

#[test]
fn they_conflict_with_nothing_but_others_conflict_with_them() {
    let (store, keyspace) = store();
    let mut tx = begin(&store);
    tx.put(keyspace, "key", "of the transaction").unwrap();
    put(&store, keyspace, "key", "of another");
    commit(&store, &[write(keyspace, "key", Some("written"))]).unwrap();
    assert!(matches!(
        tx.commit(Durability::Sync),
        Err(StoreError::Conflict { .. })
    ));
    assert_eq!(
        get(&store.view(), keyspace, "key").as_deref(),
        Some("written")
    );
}

#[test]
fn what_may_not_be_written_is_refused_as_a_whole() {
    let (store, keyspace) = store();
    let good = write(keyspace, "key", Some("value"));
    let before = store.visible_lsn();
    let nowhere = write(KeyspaceId(99), "key", None);
    assert!(matches!(
        commit(&store, &[good.clone(), nowhere]),
        Err(StoreError::NoSuchKeyspaceId { id: KeyspaceId(99) })
    ));
    let catalog = write(KeyspaceId::CATALOG, "key", None);
    assert!(matches!(
        commit(&store, &[good.clone(), catalog]),
        Err(StoreError::CatalogIsReadOnly)
    ));
    let long = write(keyspace, &"k".repeat(1 << 20), Some("value"));
    assert!(commit(&store, &[good, long]).is_err());
    assert_eq!(store.write(&[], Durability::Sync).unwrap(), before);
    assert_eq!(store.visible_lsn(), before);
    assert_eq!(all(&store.view(), keyspace), []);
}

#[test]
fn a_keyspace_that_was_dropped_takes_none_wherever_the_drop_is() {
    for is_merged in [false, true] {
        let (store, keyspace) = store();
        put(&store, keyspace, "key", "value");
        let mut tx = begin(&store);
        tx.drop_keyspace("main").unwrap();
        tx.commit(Durability::Sync).unwrap();
        if is_merged {
            store.flush().unwrap();
        }
        assert!(matches!(
            commit(&store, &[write(keyspace, "key", Some("value"))]),
            Err(StoreError::NoSuchKeyspaceId { .. })
        ));
    }
}

#[test]
fn more_than_fits_in_memory_is_a_transaction() {
    let options = StoreOptions {
        transaction_bytes_max: 4 << 10,
        ..small()
    };
    let store = open(&Env::memory(1), options).unwrap();
    let keyspace = create(&store, "main");
    let value = "v".repeat(1 << 10);
    let keys: Vec<String> = (0..8).map(|number| format!("{number}")).collect();
    let writes = keys.iter().map(|key| write(keyspace, key, Some(&value)));
    let writes: Vec<_> = writes.collect();
    assert!(matches!(
        commit(&store, &writes),
        Err(StoreError::TooLarge { .. })
    ));
    // In a transaction the last write of a key takes the place of those before.
    let same: Vec<_> = (0..8)
        .map(|_| write(keyspace, "key", Some(&value)))
        .collect();
    commit(&store, &same).unwrap();
    assert_eq!(all(&store.view(), keyspace).len(), 1);
}
