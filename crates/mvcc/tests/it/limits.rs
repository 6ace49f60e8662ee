//! What would stand in the way of every later merge, or take memory without end, is refused before it is committed.

use drystone_base::Env;
use drystone_btree::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use drystone_engine::EngineError;
use drystone_mvcc::{Durability, StoreError, StoreOptions};

use crate::support::{all, begin, create, open, store};

#[test]
fn keys_and_values_that_no_merge_would_take_are_refused() {
    let (store, ks) = store();
    let mut tx = begin(&store);
    tx.put(ks, vec![1; MAX_KEY_BYTES], "the longest key")
        .unwrap();
    for refused in [
        tx.put(ks, vec![1; MAX_KEY_BYTES + 1], "value"),
        tx.delete(ks, vec![1; MAX_KEY_BYTES + 1]),
    ] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::Engine(EngineError::KeyTooLarge { max, .. }) if max == MAX_KEY_BYTES
            ),
            "{refused:?}"
        );
    }
    let refused = tx.put(ks, "key", vec![0; MAX_VALUE_BYTES + 1]).unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Engine(EngineError::ValueTooLarge { max, .. }) if max == MAX_VALUE_BYTES
        ),
        "{refused:?}"
    );
    tx.commit(Durability::Sync).unwrap();
    store.flush().unwrap();
    assert_eq!(all(&store.view(), ks).len(), 1);
}

/// What savepoints remember of overwritten values counts: a loop that overwrites one key cannot take all memory.
#[test]
fn what_savepoints_remember_counts_as_written() {
    let options = StoreOptions {
        transaction_bytes_max: 100_000,
        ..StoreOptions::default()
    };
    let store = open(&Env::memory(1), options).unwrap();
    let ks = create(&store, "main");
    let mut tx = begin(&store);
    let start = tx.savepoint();
    let overwrite = |tx: &mut drystone_mvcc::Transaction| {
        (0..1_000).try_for_each(|_| tx.put(ks, "key", vec![7; 1_000]))
    };
    let refused = overwrite(&mut tx).unwrap_err();
    assert!(
        matches!(refused, StoreError::TooLarge { max: 100_000, .. }),
        "{refused:?}"
    );
    tx.rollback_to(&start).unwrap();
    assert!(tx.is_read_only());
    tx.release(start).unwrap();
    overwrite(&mut tx).unwrap();
    tx.commit(Durability::Sync).unwrap();
}
