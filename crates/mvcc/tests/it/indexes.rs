//! Derived indexes: they see every change once, in the merge that makes it durable.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::Snapshot;
use drystone_mvcc::{DerivedIndex, Durability, KeyChanges, Store, StoreError};
use drystone_testkit::{Draw, seed_of};

use crate::support::{all, begin, create, open, small, text};

/// Counts how many keys of the source have each value.
#[derive(Debug)]
struct Counts {
    source: KeyspaceId,
    target: KeyspaceId,
    fails: AtomicBool,
    settled: drystone_base::sync::Mutex<Vec<(bool, Lsn)>>,
}

impl Counts {
    fn count(
        &self,
        base: &Arc<dyn Snapshot>,
        value: &[u8],
    ) -> Result<u64, Box<dyn Error + Send + Sync>> {
        let count = base.get(self.target, value)?;
        Ok(count.map_or(0, |count| u64::from_le_bytes(count[..].try_into().unwrap())))
    }
}

impl DerivedIndex for Counts {
    fn source(&self) -> KeyspaceId {
        self.source
    }

    fn target(&self) -> KeyspaceId {
        self.target
    }

    fn fold(
        &self,
        base: &Arc<dyn Snapshot>,
        changes: &[(Bytes, Option<Bytes>)],
        _upto: Lsn,
    ) -> Result<KeyChanges, Box<dyn Error + Send + Sync>> {
        if self.fails.load(Ordering::Relaxed) {
            return Err("the index is out of sorts".into());
        }
        assert!(changes.is_sorted_by(|a, b| a.0 < b.0));
        let mut counts = std::collections::BTreeMap::new();
        for (key, value) in changes {
            for (value, by) in [(base.get(self.source, key)?, -1), (value.clone(), 1)] {
                let Some(value) = value else { continue };
                let before = self.count(base, &value)?;
                let count = counts.entry(value).or_insert(i64::try_from(before)?);
                *count += by;
            }
        }
        let encode = |count: i64| (count > 0).then(|| Bytes::copy_from_slice(&count.to_le_bytes()));
        Ok(counts
            .into_iter()
            .map(|(value, count)| (value, encode(count)))
            .collect())
    }

    fn settled(&self, merged: bool, upto: Lsn) {
        self.settled.lock().push((merged, upto));
    }
}

fn indexed() -> (Env, Store, Arc<Counts>) {
    let env = Env::memory(1);
    let store = open(&env, small()).unwrap();
    let index = Arc::new(Counts {
        source: create(&store, "source"),
        target: create(&store, "target"),
        fails: AtomicBool::new(false),
        settled: drystone_base::sync::Mutex::default(),
    });
    store.attach(Arc::clone(&index) as Arc<dyn DerivedIndex>);
    (env, store, index)
}

fn work(store: &Store, index: &Counts, commits: u64) {
    let mut draw = Draw::new(seed_of("indexes"));
    for _ in 0..commits {
        let mut tx = begin(store);
        for _ in 0..5 {
            let key = format!("key {}", draw.below(50));
            match draw.chance(20) {
                true => tx.delete(index.source, key).unwrap(),
                false => tx
                    .put(index.source, key, format!("value {}", draw.below(5)))
                    .unwrap(),
            }
        }
        tx.commit(Durability::Async).unwrap();
        if draw.chance(20) {
            store.step().unwrap();
        }
    }
}

/// What the index says agrees with what the base of the same view has.
fn check(store: &Store, index: &Counts) {
    let view = store.view();
    let mut expected = std::collections::BTreeMap::<String, u64>::new();
    let mut cursor = view.base().cursor(index.source).unwrap();
    let mut is_on = cursor.first().unwrap();
    while is_on {
        *expected.entry(text(cursor.value().unwrap())).or_default() += 1;
        is_on = cursor.next().unwrap();
    }
    let found = all(&view, index.target).into_iter();
    let found = found.map(|(value, count)| {
        (
            text(value),
            u64::from_le_bytes(count[..].try_into().unwrap()),
        )
    });
    assert_eq!(
        found.collect::<std::collections::BTreeMap<_, _>>(),
        expected
    );
}

#[test]
fn an_index_agrees_with_the_base_it_lies_in() {
    let (env, store, index) = indexed();
    for _ in 0..10 {
        work(&store, &index, 20);
        check(&store, &index);
    }
    store.flush().unwrap();
    check(&store, &index);
    let settled = index.settled.lock().clone();
    assert!(settled.len() > 5 && settled.iter().all(|(merged, _)| *merged));
    assert!(settled.is_sorted_by(|a, b| a.1 < b.1));
    assert_eq!(settled.last().unwrap().1, store.stats().merged_lsn);
    work(&store, &index, 20);
    store.close().unwrap();
    // Replay folds nothing: the index is attached after it, and misses no merge.
    let store = open(&env, small()).unwrap();
    store.attach(Arc::clone(&index) as Arc<dyn DerivedIndex>);
    store.flush().unwrap();
    check(&store, &index);
}

#[test]
fn an_index_that_fails_fails_the_merge() {
    let (_, store, index) = indexed();
    work(&store, &index, 3);
    index.fails.store(true, Ordering::Relaxed);
    match store.flush() {
        Err(StoreError::Index { target, source }) => {
            assert_eq!(target, index.target);
            assert_eq!(source.to_string(), "the index is out of sorts");
        }
        other => panic!("the fold failed, not {other:?}"),
    }
    assert_eq!(index.settled.lock().last().map(|last| last.0), Some(false));
    index.fails.store(false, Ordering::Relaxed);
    store.flush().unwrap();
    check(&store, &index);
}

#[test]
fn a_detached_or_dropped_index_is_not_asked() {
    let (_, store, index) = indexed();
    work(&store, &index, 3);
    store.detach(index.target);
    store.flush().unwrap();
    assert!(index.settled.lock().is_empty());
    store.attach(Arc::clone(&index) as Arc<dyn DerivedIndex>);
    work(&store, &index, 3);
    let mut tx = begin(&store);
    tx.drop_keyspace("target").unwrap();
    tx.commit(Durability::Sync).unwrap();
    store.flush().unwrap();
    assert!(index.settled.lock().is_empty());
    assert_eq!(all(&store.view(), index.target), []);
}

#[test]
fn indexes_follow_beside_each_other_and_one_of_the_same_target_replaces_the_other() {
    let (_, store, first) = indexed();
    let second = Arc::new(Counts {
        source: first.source,
        target: create(&store, "other target"),
        fails: AtomicBool::new(false),
        settled: drystone_base::sync::Mutex::default(),
    });
    store.attach(Arc::clone(&second) as Arc<dyn DerivedIndex>);
    store.attach(Arc::clone(&first) as Arc<dyn DerivedIndex>);
    work(&store, &first, 3);
    store.flush().unwrap();
    check(&store, &first);
    check(&store, &second);
    let merges = |index: &Counts| index.settled.lock().len();
    assert_eq!(merges(&first), merges(&second), "each once in a merge");
}
