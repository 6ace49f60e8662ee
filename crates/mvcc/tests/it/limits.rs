//! What would stand in the way of every later merge, or take memory without end, is refused before it is committed.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use drystone_base::Env;
use drystone_btree::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use drystone_engine::EngineError;
use drystone_mvcc::{Contended, Durability, StoreError, StoreOptions};

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
            StoreError::Engine(EngineError::ValueTooLarge { max, .. }) if max == MAX_VALUE_BYTES as u64
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

/// A transaction that idles while others commit does not keep all they commit in memory.
#[test]
fn an_idle_transaction_does_not_take_all_memory() {
    let options = StoreOptions {
        memtable_bytes: 20_000,
        conflict_bytes_max: 100_000,
        ..StoreOptions::default()
    };
    let store = open(&Env::memory(1), options).unwrap();
    let ks = create(&store, "main");
    let value = Bytes::from(vec![7; 2_000]);
    let mut early = begin(&store);
    early.put(ks, "early", "value").unwrap();
    let reader = begin(&store);
    let mut late = None;
    for number in 0..200u64 {
        if number == 190 {
            let tx = late.insert(begin(&store));
            tx.put(ks, "late", "value").unwrap();
        }
        let mut tx = begin(&store);
        let owner = Owned::new(&value);
        tx.put(ks, number.to_be_bytes().to_vec(), Bytes::from_owner(owner))
            .unwrap();
        tx.commit(Durability::None).unwrap();
        store.step().unwrap();
    }
    let kept = Owned::count() * value.len();
    assert!(kept < 200_000, "{kept} bytes are kept");
    let refused = early.commit(Durability::Sync).unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Conflict {
                what: Contended::Forgotten
            }
        ),
        "{refused:?}"
    );
    late.unwrap().commit(Durability::Sync).unwrap();
    assert_eq!(reader.range(ks, ..).count(), 0);
    reader.commit(Durability::Sync).unwrap();
    assert_eq!(all(&store.view(), ks).len(), 201);
}

/// A value that counts how many of its kind are in memory.
struct Owned(Bytes);

static OWNED: AtomicUsize = AtomicUsize::new(0);

impl Owned {
    fn new(value: &Bytes) -> Owned {
        OWNED.fetch_add(1, Ordering::Relaxed);
        Owned(value.clone())
    }

    fn count() -> usize {
        OWNED.load(Ordering::Relaxed)
    }
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        OWNED.fetch_sub(1, Ordering::Relaxed);
    }
}
