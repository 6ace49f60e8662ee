//! Transactions that outgrow their memory, and bulk loads: they are what they would be in memory, also for others.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::{Engine, Snapshot};
use drystone_mvcc::{
    Contended, DerivedIndex, Durability, KeyChanges, KeyRange, Store, StoreError, StoreOptions,
    Transaction, Write,
};
use drystone_testkit::{CRASH_FOLDER, Draw, seed_of};
use drystone_wal::{Log, LogOptions};

use crate::support::{all, begin, create, get, put};

pub(crate) type Entries = BTreeMap<Bytes, Bytes>;

/// Transactions spill after some entries, memtables fill after some commits.
fn tiny() -> StoreOptions {
    StoreOptions {
        memtable_bytes: 4 << 10,
        spill_bytes: 2 << 10,
        ..StoreOptions::default()
    }
}

pub(crate) fn open(env: &Env) -> Result<Store, StoreError> {
    open_with(env, tiny())
}

fn open_with(env: &Env, store_options: StoreOptions) -> Result<Store, StoreError> {
    let dir = Path::new(CRASH_FOLDER);
    let options = BTreeOptions {
        page_bytes: 512,
        ..BTreeOptions::default()
    };
    let engine: Arc<dyn Engine> = Arc::new(BTree::open(env, &dir.join("btree"), options)?);
    let log_options = LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::default()
    };
    let log = Log::open(env, &dir.join("log"), log_options, engine.merged_lsn())?;
    Store::open_spilling(env, store_options, log, engine, &dir.join("spill"))
}

fn store() -> (Env, Store, KeyspaceId) {
    let env = Env::memory(1);
    let store = open(&env).unwrap();
    let keyspace = create(&store, "main");
    (env, store, keyspace)
}

pub(crate) fn key(number: u64) -> Bytes {
    Bytes::from(format!("key {number:05}"))
}

pub(crate) fn spilled_files(env: &Env) -> usize {
    let folder = Path::new(CRASH_FOLDER).join("spill");
    env.files.list_dir(&folder).unwrap().len()
}

/// Writes `range` with values of 100 bytes.
fn fill(tx: &mut Transaction, keyspace: KeyspaceId, range: std::ops::Range<u64>, value: u8) {
    for number in range {
        tx.put(keyspace, key(number), vec![value; 100]).unwrap();
    }
}

pub(crate) fn check_sound(store: &Store) {
    let report = store.verify().unwrap();
    assert!(report.is_sound(), "{report:?}");
}

#[test]
fn a_transaction_beyond_its_memory_commits_as_a_whole() {
    let (env, store, ks) = store();
    put(&store, ks, "key 00003", "before");
    let before = store.view();
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..500, 7);
    assert!((4..10).contains(&spilled_files(&env)), "runs are joined");
    assert_eq!(
        get(&store.view(), ks, "key 00003").as_deref(),
        Some("before")
    );
    let lsn = tx.commit(Durability::None).unwrap();
    assert_eq!(store.view().lsn(), lsn);
    assert_eq!(store.view().count(ks).unwrap(), 500);
    assert_eq!(all(&before, ks).len(), 1);
    assert_eq!(spilled_files(&env), 0);
    check_sound(&store);
    put(&store, ks, "key 00003", "after");
    assert_eq!(
        get(&store.view(), ks, "key 00003").as_deref(),
        Some("after")
    );
    drop((store, before));
    let store = open(&env).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 500);
    assert_eq!(
        get(&store.view(), ks, "key 00003").as_deref(),
        Some("after")
    );
    store.flush().unwrap();
    assert_eq!(
        get(&store.view(), ks, "key 00003").as_deref(),
        Some("after")
    );
    check_sound(&store);
}

/// What a transaction should see of one keyspace, and what it was at its savepoints.
#[derive(Default)]
struct Model {
    now: Entries,
    savepoints: Vec<(drystone_mvcc::Savepoint, Entries)>,
}

impl Model {
    fn check(&self, tx: &Transaction, ks: KeyspaceId, draw: &mut Draw) {
        let (low, high) = (key(draw.below(60)), key(draw.below(60)));
        let range = KeyRange::from(low.clone()..high.clone());
        let expected = self
            .now
            .iter()
            .filter(|(key, _)| (&low..&high).contains(key));
        let expected: Vec<_> = expected.map(|(k, v)| (k.clone(), v.clone())).collect();
        let found: Result<Vec<_>, _> = tx.range(ks, range.clone()).collect();
        assert_eq!(found.unwrap(), expected);
        let found: Result<Vec<_>, _> = tx.range(ks, range).rev().collect();
        assert!(found.unwrap().iter().rev().eq(&expected));
        for number in 0..60 {
            let found = tx.get(ks, &key(number)).unwrap();
            assert_eq!(found.as_ref(), self.now.get(&key(number)));
        }
    }

    fn step(&mut self, tx: &mut Transaction, ks: KeyspaceId, draw: &mut Draw) {
        let key = key(draw.below(60));
        match draw.below(40) {
            0..24 => {
                let len = usize::try_from(draw.below(200)).unwrap();
                let value = Bytes::from(draw.bytes(len));
                tx.put(ks, key.clone(), value.clone()).unwrap();
                self.now.insert(key, value);
            }
            24..32 => {
                tx.delete(ks, key.clone()).unwrap();
                self.now.remove(&key);
            }
            32..35 => self.savepoints.push((tx.savepoint(), self.now.clone())),
            35..37 if !self.savepoints.is_empty() => {
                let at = usize::try_from(draw.below(self.savepoints.len() as u64)).unwrap();
                self.savepoints.truncate(at + 1);
                let (savepoint, entries) = &self.savepoints[at];
                tx.rollback_to(savepoint).unwrap();
                self.now = entries.clone();
            }
            37 if !self.savepoints.is_empty() => {
                let (savepoint, _) = self.savepoints.pop().unwrap();
                tx.release(savepoint).unwrap();
            }
            _ => self.check(tx, ks, draw),
        }
    }
}

#[test]
fn what_was_spilled_is_read_and_taken_back_as_what_was_not() {
    let mut draw = Draw::new(seed_of("spilled transactions"));
    for _ in 0..12 {
        let (_env, store, ks) = store();
        let mut committed = Entries::new();
        for _ in 0..3 {
            let mut tx = begin(&store);
            let mut model = Model {
                now: committed.clone(),
                ..Model::default()
            };
            for _ in 0..draw.below(300) {
                model.step(&mut tx, ks, &mut draw);
            }
            model.check(&tx, ks, &mut draw);
            tx.commit(Durability::Sync).unwrap();
            committed = model.now;
            assert!(all(&store.view(), ks).into_iter().eq(committed.clone()));
        }
        check_sound(&store);
    }
}

#[test]
fn a_dropped_keyspace_comes_back_with_a_savepoint_before_it() {
    let (_env, store, ks) = store();
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..10, 1);
    let savepoint = tx.savepoint();
    fill(&mut tx, ks, 5..40, 2);
    tx.drop_keyspace("main").unwrap();
    let other = tx.create_keyspace("other").unwrap();
    fill(&mut tx, other, 0..100, 3);
    assert_eq!(tx.get(ks, &key(3)).unwrap(), None);
    assert_eq!(tx.range(ks, KeyRange::all()).count(), 0);
    tx.rollback_to(&savepoint).unwrap();
    assert_eq!(tx.range(ks, KeyRange::all()).count(), 10);
    assert_eq!(tx.keyspace("other").unwrap(), None);
    fill(&mut tx, ks, 100..150, 4);
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 60);
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..100, 5);
    tx.drop_keyspace("main").unwrap();
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.view().keyspaces().unwrap(), []);
    assert_eq!(all(&store.view(), ks), []);
    check_sound(&store);
}

fn conflict(result: Result<Lsn, StoreError>) -> Contended {
    match result {
        Err(StoreError::Conflict { what }) => what,
        other => panic!("no conflict, but {other:?}"),
    }
}

#[test]
fn a_large_transaction_gives_way_to_whoever_changed_its_keys_first() {
    let (env, store, ks) = store();
    let is_key = |what: Contended, number: u64| {
        assert!(matches!(what, Contended::Key { key: found, .. } if found == key(number)));
    };
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..100, 1);
    put(&store, ks, "key 00050", "first");
    is_key(conflict(tx.commit(Durability::Sync)), 50);
    // Also when the other has been merged since, and when it was a large one.
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..100, 1);
    put(&store, ks, "key 00060", "first");
    store.flush().unwrap();
    is_key(conflict(tx.commit(Durability::Sync)), 60);
    let (mut tx, mut first) = (begin(&store), begin(&store));
    fill(&mut tx, ks, 70..200, 1);
    fill(&mut first, ks, 0..71, 2);
    first.commit(Durability::Sync).unwrap();
    is_key(conflict(tx.commit(Durability::Sync)), 70);
    // One that touches others commits.
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..100, 3);
    put(&store, ks, "key 00100", "other");
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 101);
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..100, 4);
    let mut dropping = begin(&store);
    dropping.drop_keyspace("main").unwrap();
    dropping.commit(Durability::Sync).unwrap();
    assert_eq!(
        conflict(tx.commit(Durability::Sync)),
        Contended::Keyspace(ks)
    );
    assert_eq!(spilled_files(&env), 0);
    check_sound(&store);
}

#[test]
fn others_give_way_to_a_large_transaction_that_was_first() {
    let (env, store, ks) = store();
    let mut older: Vec<Transaction> = (0..6).map(|_| begin(&store)).collect();
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..100, 1);
    tx.commit(Durability::Sync).unwrap();
    store.flush().unwrap();
    assert!(
        spilled_files(&env) > 0,
        "the older ones are checked against it"
    );
    let next = |older: &mut Vec<Transaction>| older.pop().unwrap();
    let mut tx = next(&mut older);
    tx.put(ks, key(99), "late").unwrap();
    assert!(matches!(
        conflict(tx.commit(Durability::Sync)),
        Contended::Key { .. }
    ));
    let mut tx = next(&mut older);
    tx.drop_keyspace("main").unwrap();
    assert_eq!(
        conflict(tx.commit(Durability::Sync)),
        Contended::Keyspace(ks)
    );
    let mut tx = next(&mut older);
    tx.guard_key(ks, key(7));
    tx.put(ks, key(500), "guarded").unwrap();
    assert!(matches!(
        conflict(tx.commit(Durability::Sync)),
        Contended::Key { .. }
    ));
    let mut tx = next(&mut older);
    tx.guard_keyspace(ks);
    tx.put(ks, key(500), "guarded").unwrap();
    assert_eq!(
        conflict(tx.commit(Durability::Sync)),
        Contended::Keyspace(ks)
    );
    let mut tx = next(&mut older);
    tx.put(ks, key(500), "elsewhere").unwrap();
    tx.commit(Durability::Sync).unwrap();
    let mut tx = next(&mut older);
    fill(&mut tx, ks, 98..200, 9);
    assert!(matches!(
        conflict(tx.commit(Durability::Sync)),
        Contended::Key { .. }
    ));
    assert_eq!(spilled_files(&env), 0);
    assert_eq!(store.view().count(ks).unwrap(), 101);
}

#[test]
fn a_bulk_load_sorts_and_the_last_of_a_key_counts() {
    let (env, store, ks) = store();
    put(&store, ks, "key 00001", "before");
    let mut draw = Draw::new(seed_of("a bulk load"));
    let mut model = Entries::from([(key(1), Bytes::from("before"))]);
    for memory_bytes in [1 << 10, 8 << 10, 1 << 20] {
        let mut load = store.bulk_load(memory_bytes).unwrap();
        for number in 0..2000u64 {
            let key = key(draw.below(1000));
            if draw.chance(10) {
                load.delete(ks, &key).unwrap();
                model.remove(&key);
            } else {
                let value = number.to_string();
                load.put(ks, &key, value.as_bytes()).unwrap();
                model.insert(key, Bytes::from(value));
            }
        }
        // It gives way to nobody.
        put(&store, ks, "key 00001", "meanwhile");
        model
            .entry(key(1))
            .or_insert_with(|| Bytes::from("meanwhile"));
        let lsn = load.commit().unwrap();
        assert_eq!(store.view().lsn(), lsn);
        let found = all(&store.view(), ks);
        let others = |entries: &Entries| entries.iter().filter(|(k, _)| **k != key(1)).count();
        assert_eq!(others(&found.iter().cloned().collect()), others(&model));
        model = found.into_iter().collect();
        assert_eq!(spilled_files(&env), 0);
    }
    let mut small = store.bulk_load(1 << 20).unwrap();
    small.put(ks, b"a", b"b").unwrap();
    let before = store.stats().merges;
    small.commit().unwrap();
    assert_eq!(store.stats().merges, before, "a small one is a transaction");
    assert_eq!(get(&store.view(), ks, "a").as_deref(), Some("b"));
    let nothing = store.bulk_load(1 << 20).unwrap();
    assert_eq!(nothing.commit().unwrap(), store.view().lsn());
    let mut lost = store.bulk_load(100).unwrap();
    lost.put(ks, b"a", &[7; 500]).unwrap();
    lost.put(ks, b"b", &[7; 500]).unwrap();
    drop(lost);
    assert_eq!(
        (get(&store.view(), ks, "b"), spilled_files(&env)),
        (None, 0)
    );
    check_sound(&store);
}

#[test]
fn loads_into_what_is_not_there_are_refused() {
    let (_env, store, ks) = store();
    let mut load = store.bulk_load(1 << 10).unwrap();
    let error = load.put(KeyspaceId(99), b"a", b"b").unwrap_err();
    assert!(matches!(error, StoreError::NoSuchKeyspaceId { .. }));
    let error = load.put(KeyspaceId::CATALOG, b"a", b"b").unwrap_err();
    assert!(matches!(error, StoreError::CatalogIsReadOnly));
    for number in 0..100 {
        load.put(ks, &key(number), &[7; 100]).unwrap();
    }
    let mut dropping = begin(&store);
    dropping.drop_keyspace("main").unwrap();
    dropping.commit(Durability::Sync).unwrap();
    let error = load.commit().unwrap_err();
    assert!(
        matches!(error, StoreError::NoSuchKeyspaceId { .. }),
        "{error}"
    );
    check_sound(&store);
}

/// An index that never has anything to fold.
#[derive(Debug)]
struct Follower(KeyspaceId, KeyspaceId);

impl DerivedIndex for Follower {
    fn source(&self) -> KeyspaceId {
        self.0
    }

    fn target(&self) -> KeyspaceId {
        self.1
    }

    fn fold(
        &self,
        _: &Arc<dyn Snapshot>,
        _: &[(Bytes, Option<Bytes>)],
        _: Lsn,
    ) -> Result<KeyChanges, Box<dyn std::error::Error + Send + Sync>> {
        Ok(KeyChanges::new())
    }

    fn settled(&self, _: bool, _: Lsn) {}
}

#[test]
fn what_an_index_follows_stays_in_memory_and_is_folded() {
    let (env, store, ks) = store();
    let (source, target) = (create(&store, "source"), create(&store, "target"));
    store.attach(Arc::new(Follower(source, target)));
    let mut tx = begin(&store);
    fill(&mut tx, source, 0..50, 1);
    assert_eq!(spilled_files(&env), 0);
    fill(&mut tx, ks, 0..100, 1);
    let savepoint = tx.savepoint();
    fill(&mut tx, source, 50..100, 2);
    fill(&mut tx, ks, 100..200, 2);
    assert_eq!(tx.tail(source).count(), 100);
    tx.rollback_to(&savepoint).unwrap();
    assert_eq!(tx.tail(source).count(), 50);
    fill(&mut tx, source, 50..70, 3);
    fill(&mut tx, ks, 0..10, 3);
    assert!(spilled_files(&env) > 0);
    tx.commit(Durability::Sync).unwrap();
    let view = store.view();
    assert_eq!(view.count(ks).unwrap(), 100);
    assert_eq!(view.count(source).unwrap(), 70);
    let found = view.get(ks, &key(5)).unwrap().unwrap();
    assert_eq!(found[0], 3);
    assert_eq!(spilled_files(&env), 0);
    let error = store.bulk_load(1 << 10).unwrap().put(source, b"a", b"b");
    assert!(matches!(error, Err(StoreError::NotSpillable { .. })));
    // One that began to be followed after it was spilled.
    store.detach(target);
    let mut tx = begin(&store);
    fill(&mut tx, source, 0..200, 4);
    assert!(spilled_files(&env) > 0);
    store.attach(Arc::new(Follower(source, target)));
    tx.put(source, key(200), "the last").unwrap();
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.view().count(source).unwrap(), 201);
    store.flush().unwrap();
    assert_eq!(store.view().count(source).unwrap(), 201);
    check_sound(&store);
}

#[test]
fn what_an_index_follows_is_limited_as_a_whole() {
    let env = Env::memory(1);
    let options = StoreOptions {
        transaction_bytes_max: 20 << 10,
        ..tiny()
    };
    let store = open_with(&env, options).unwrap();
    let (ks, source, target) = (
        create(&store, "a"),
        create(&store, "b"),
        create(&store, "c"),
    );
    store.attach(Arc::new(Follower(source, target)));
    let mut tx = begin(&store);
    fill(&mut tx, ks, 0..300, 1);
    let error = tx.put(source, "a", "b").unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    tx.commit(Durability::Sync).unwrap();
    let mut tx = begin(&store);
    tx.put(source, "a", "b").unwrap();
    let mut puts = (0..300).map(|number| tx.put(ks, key(number), vec![1; 100]));
    let error = puts.find_map(Result::err).unwrap();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.view().count(source).unwrap(), 1);
    check_sound(&store);
}

/// An index that commits to a keyspace while it is asked what a merge means for it, once.
#[derive(Debug)]
struct Meddler {
    follows: Follower,
    store: Store,
    writes: std::sync::Mutex<Option<Write>>,
}

impl DerivedIndex for Meddler {
    fn source(&self) -> KeyspaceId {
        self.follows.source()
    }

    fn target(&self) -> KeyspaceId {
        self.follows.target()
    }

    fn fold(
        &self,
        _: &Arc<dyn Snapshot>,
        _: &[(Bytes, Option<Bytes>)],
        _: Lsn,
    ) -> Result<KeyChanges, Box<dyn std::error::Error + Send + Sync>> {
        if let Some(write) = self.writes.lock().unwrap().take() {
            self.store.write(&[write], Durability::None).unwrap();
        }
        Ok(KeyChanges::new())
    }

    fn settled(&self, _: bool, _: Lsn) {}
}

#[test]
fn a_load_comes_after_what_is_committed_while_it_merges() {
    let (_env, store, ks) = store();
    let (source, target) = (create(&store, "source"), create(&store, "target"));
    let meanwhile = Write {
        keyspace: ks,
        key: Bytes::from_static(b"a"),
        value: Some(Bytes::from_static(b"meanwhile")),
    };
    store.attach(Arc::new(Meddler {
        follows: Follower(source, target),
        store: store.clone(),
        writes: std::sync::Mutex::new(Some(meanwhile)),
    }));
    let mut tx = begin(&store);
    tx.put(source, "any", "thing").unwrap();
    tx.commit(Durability::Sync).unwrap();
    let mut load = store.bulk_load(1 << 10).unwrap();
    load.put(ks, b"a", b"loaded").unwrap();
    for number in 0..100 {
        load.put(ks, &key(number), &[7; 100]).unwrap();
    }
    let lsn = load.commit().unwrap();
    assert_eq!(lsn, store.view().lsn());
    assert_eq!(get(&store.view(), ks, "a").as_deref(), Some("loaded"));
    store.detach(target);
    store.flush().unwrap();
    assert_eq!(get(&store.view(), ks, "a").as_deref(), Some("loaded"));
    check_sound(&store);
}
