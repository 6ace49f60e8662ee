//! What a reopening finds, and what bounds memory.

use std::sync::Arc;

use drystone_base::{Env, Lsn};
use drystone_engine::Progress;
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreError, StoreOptions};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, ModelEngine, SimFileSystem};

use crate::support::{all, begin, create, open, open_over, put, small, store};

/// `sealed_memtables_max` may wait for their merge when one more begins to fill.
const FULL_MEMTABLES: u8 = 3;

#[test]
fn a_log_longer_than_the_memtables_is_replayed_whole() {
    let env = Env::memory(1);
    let large = StoreOptions::default();
    let store = open(&env, large).unwrap();
    let ks = create(&store, "main");
    for number in 0..300 {
        put(&store, ks, &format!("key {number}"), "value");
    }
    let expected = all(&store.view(), ks);
    store.close().unwrap();
    let store = open(&env, small()).unwrap();
    assert!(store.stats().sealed_memtables > 2);
    assert_eq!(all(&store.view(), ks), expected);
    // The first commit brings the memory back within its bounds, before it may seal one more.
    put(&store, ks, "key 0", "value");
    assert!(store.stats().sealed_memtables <= 3);
    assert_eq!(all(&store.view(), ks), expected);
}

#[test]
fn memory_is_bounded_though_nobody_steps() {
    let (store, ks) = store();
    for number in 0..2_000u64 {
        let mut tx = begin(&store);
        tx.put(ks, number.to_be_bytes().to_vec(), vec![7; 100])
            .unwrap();
        tx.commit(Durability::None).unwrap();
        check_bounds(&store, 1_000);
    }
    let stats = store.stats();
    assert!(stats.merges > 20 && stats.commits == 2_001, "{stats:?}");
    assert_eq!(store.view().count(ks).unwrap(), 2_000);
}

/// At most three full memtables, each larger than it should be by less than the largest commit.
fn check_bounds(store: &Store, commit_bytes_max: u64) {
    let (stats, full) = (store.stats(), u64::from(FULL_MEMTABLES));
    assert!(stats.sealed_memtables as u64 <= full, "{stats:?}");
    let bytes_max = full * (small().memtable_bytes + commit_bytes_max);
    assert!(stats.memtable_bytes < bytes_max, "{stats:?}");
}

/// Each writer filled a memtable with the room that all of them had found.
#[test]
fn memory_is_bounded_though_many_commit_at_once() {
    let (store, ks) = store();
    let value_bytes = 2 * small().memtable_bytes;
    std::thread::scope(|scope| {
        for writer in 0..8u8 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..20 {
                    let mut tx = begin(store);
                    let value = vec![writer; usize::try_from(value_bytes).unwrap()];
                    tx.put(ks, vec![writer], value).unwrap();
                    tx.commit(Durability::None).unwrap();
                    check_bounds(store, value_bytes + 1_000);
                }
            });
        }
    });
}

/// A table of its own, with little in it or none, takes far more than its entries: uncounted, memory had no bound.
#[test]
fn keyspaces_that_hold_little_fill_a_memtable() {
    let (store, _) = store();
    let keyspaces: Vec<_> = (0..100)
        .map(|number| create(&store, &format!("keyspace {number}")))
        .collect();
    store.flush().unwrap();
    let before = store.stats().merges;
    for keyspace in keyspaces {
        let mut tx = begin(&store);
        tx.put(keyspace, "k", "v").unwrap();
        tx.commit(Durability::None).unwrap();
        check_bounds(&store, 1_000);
    }
    let merges = store.stats().merges - before;
    assert!(merges > 7, "{merges} merges");
}

#[test]
fn the_log_is_trimmed_as_merges_go_on() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    for number in 0..3_000u64 {
        put(
            &store,
            ks,
            &format!("key {}", number % 10),
            &"v".repeat(300),
        );
    }
    let logs = disk
        .files()
        .into_iter()
        .filter(|path| path.starts_with("/db/log"));
    let bytes: u64 = logs.map(|path| disk.image(&path).unwrap().len()).sum();
    assert!(bytes <= 8 * (64 << 10), "{bytes} bytes of log");
}

#[test]
fn a_killed_process_loses_no_sync_commit_and_no_stepped_async_one() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    let mut tx = begin(&store);
    tx.put(ks, "async", "1").unwrap();
    let lsn = tx.commit(Durability::Async).unwrap();
    assert_eq!(store.visible_lsn(), lsn);
    store.step().unwrap();
    assert_eq!(store.stats().durable_lsn, lsn);
    let mut tx = begin(&store);
    tx.put(ks, "none", "1").unwrap();
    tx.commit(Durability::None).unwrap();
    store.step().unwrap();
    let left = open(&disk.crash(CrashPolicy::LoseAll).env(), small()).unwrap();
    assert_eq!(left.visible_lsn(), lsn);
    store.sync().unwrap();
    let left = open(&disk.crash(CrashPolicy::LoseAll).env(), small()).unwrap();
    assert_eq!(left.visible_lsn(), lsn.next());
}

#[test]
fn an_engine_that_is_behind_a_trimmed_log_is_refused() {
    let env = Env::memory(1);
    let store = open(&env, small()).unwrap();
    let ks = create(&store, "main");
    for number in 0..3_000u64 {
        put(
            &store,
            ks,
            &format!("key {}", number % 10),
            &"v".repeat(300),
        );
    }
    store.close().unwrap();
    let dir = std::path::Path::new(CRASH_FOLDER).join("other");
    let empty = ModelEngine::open(&env, &dir).unwrap();
    let refused = open_over(&env, small(), Arc::new(empty)).unwrap_err();
    assert!(
        matches!(refused, StoreError::Wal(_) | StoreError::LogGap { .. }),
        "{refused:?}"
    );
}

#[test]
fn a_transaction_over_the_limit_is_refused_and_can_go_on() {
    let options = StoreOptions {
        transaction_bytes_max: 10_000,
        ..small()
    };
    let store = open(&Env::memory(1), options).unwrap();
    let ks = create(&store, "main");
    let mut tx = begin(&store);
    tx.put(ks, "small", "value").unwrap();
    let refused = tx.put(ks, "large", vec![0; 10_000]).unwrap_err();
    assert!(matches!(refused, StoreError::TooLarge { max: 10_000, .. }));
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(all(&store.view(), ks).len(), 1);
}

#[test]
fn a_transaction_larger_than_a_memtable_commits() {
    let (store, ks) = store();
    let mut tx = begin(&store);
    for number in 0..5_000u64 {
        tx.put(ks, number.to_be_bytes().to_vec(), vec![1; 50])
            .unwrap();
    }
    tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 5_000);
    store.flush().unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 5_000);
}

#[test]
fn a_store_over_another_engine_works_the_same() {
    let env = Env::memory(1);
    let dir = std::path::Path::new(CRASH_FOLDER).join("model");
    let engine = || Arc::new(ModelEngine::open(&env, &dir).unwrap());
    let store = open_over(&env, small(), engine()).unwrap();
    let ks = create(&store, "main");
    for number in 0..200 {
        put(&store, ks, &format!("key {number:03}"), "value");
    }
    let expected = all(&store.view(), ks);
    assert_eq!(expected.len(), 200);
    store.close().unwrap();
    let store = open_over(&env, small(), engine()).unwrap();
    assert_eq!(all(&store.view(), ks), expected);
}

#[test]
fn lsns_go_on_where_they_ended() {
    let env = Env::memory(1);
    let store = open(&env, small()).unwrap();
    assert_eq!(store.visible_lsn(), Lsn::ZERO);
    let ks = create(&store, "main");
    store.flush().unwrap();
    store.close().unwrap();
    let store = open(&env, small()).unwrap();
    assert_eq!(store.visible_lsn(), Lsn(1));
    assert_eq!(put(&store, ks, "key", "value"), Lsn(2));
}

#[test]
fn steps_say_that_there_is_more_until_all_is_merged() {
    let (store, ks) = store();
    store.flush().unwrap();
    for number in 0..100u64 {
        let mut tx = begin(&store);
        tx.put(ks, number.to_be_bytes().to_vec(), vec![7; 100])
            .unwrap();
        tx.commit(Durability::None).unwrap();
    }
    assert!(store.stats().sealed_memtables > 1);
    let steps = (0..100).take_while(|_| store.step_merge().unwrap() == Progress::More);
    assert!(steps.count() > 1);
    assert_eq!(store.stats().sealed_memtables, 0);
    assert_eq!(store.step_merge().unwrap(), Progress::Idle);
}

#[test]
fn a_closed_store_is_read_and_begins_nothing() {
    let (store, ks) = store();
    let lsn = put(&store, ks, "key", "value");
    store.close().unwrap();
    let refused = store.begin(IsolationLevel::RepeatableRead);
    assert!(matches!(refused, Err(StoreError::Closed)));
    assert_eq!(all(&store.view(), ks).len(), 1);
    assert_eq!(store.stats().durable_lsn, lsn);
}
