//! Storage that refuses: what fails says so, what was committed stays readable, and all goes on once it may.

use std::io::ErrorKind;

use drystone_base::KeyspaceId;
use drystone_mvcc::{Durability, Store, StoreError, StoreOptions};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, Fault, OpKind, SimFileSystem};

use crate::support::{begin, create, open, small};

fn disk() -> SimFileSystem {
    SimFileSystem::with_folder(1, CRASH_FOLDER)
}

fn try_put(store: &Store, ks: KeyspaceId, number: u64) -> Result<(), StoreError> {
    let mut tx = begin(store);
    tx.put(ks, number.to_be_bytes().to_vec(), vec![7; 500])?;
    tx.commit(Durability::Sync).map(drop)
}

/// Checks that exactly the keys up to `count` are there.
fn check(store: &Store, ks: KeyspaceId, count: u64) {
    let view = store.view();
    assert_eq!(view.count(ks).unwrap(), count);
    for number in 0..count {
        assert!(view.get(ks, &number.to_be_bytes()).unwrap().is_some());
    }
}

#[test]
fn a_full_disk_stops_commits_and_no_reads() {
    let disk = disk();
    let options = StoreOptions {
        sealed_memtables_max: 0,
        ..small()
    };
    let store = open(&disk.env(), options).unwrap();
    let ks = create(&store, "main");
    let mut count = 0;
    disk.set_capacity(Some(300 << 10));
    let refused = loop {
        match try_put(&store, ks, count) {
            Ok(()) => count += 1,
            Err(refused) => break refused,
        }
        assert!(count < 10_000, "the disk fills");
    };
    assert!(
        matches!(
            refused,
            StoreError::MergeStalled { .. } | StoreError::Wal(_)
        ),
        "{refused}"
    );
    check(&store, ks, count);
    assert!(try_put(&store, ks, count).is_err());
    check(&store, ks, count);
    disk.set_capacity(None);
    try_put(&store, ks, count).unwrap();
    store.flush().unwrap();
    check(&store, ks, count + 1);
    drop(store);
    let left = disk.crash(CrashPolicy::LoseAll);
    check(&open(&left.env(), options).unwrap(), ks, count + 1);
}

#[test]
fn a_failed_merge_is_tried_again() {
    let disk = disk();
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    for number in 0..5 {
        try_put(&store, ks, number).unwrap();
    }
    disk.inject(
        Fault::error(OpKind::Write, ErrorKind::StorageFull)
            .under("/db/btree")
            .times(3),
    );
    assert!(matches!(store.flush(), Err(StoreError::Engine(_))));
    check(&store, ks, 5);
    assert_eq!(store.stats().sealed_memtables, 1);
    try_put(&store, ks, 5).unwrap();
    while store.flush().is_err() {}
    assert_eq!(store.stats().sealed_memtables, 0);
    assert_eq!(store.stats().merged_lsn, store.visible_lsn());
    check(&store, ks, 6);
}

/// What was not durable is not seen, not even after the sync failed, and never reaches the base.
#[test]
fn a_failed_sync_of_the_log_poisons_commits_and_no_reads() {
    let disk = disk();
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    try_put(&store, ks, 0).unwrap();
    let old = begin(&store);
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other).under("/db/log"));
    let failed = try_put(&store, ks, 1);
    assert!(matches!(failed, Err(StoreError::LogFailed { .. })));
    check(&store, ks, 1);
    for durability in [Durability::Sync, Durability::Async, Durability::None] {
        let mut tx = begin(&store);
        tx.put(ks, "key", "value").unwrap();
        assert!(matches!(tx.commit(durability), Err(StoreError::Poisoned)));
    }
    assert!(matches!(store.sync(), Err(StoreError::Poisoned)));
    assert!(matches!(store.flush(), Err(StoreError::Poisoned)));
    assert!(store.step().is_err());
    assert_eq!(store.stats().merged_lsn.0, 0);
    check(&store, ks, 1);
    assert!(old.commit(Durability::Sync).is_ok(), "it wrote nothing");
    drop(store);
    let left = disk.crash(CrashPolicy::LoseAll);
    check(&open(&left.env(), small()).unwrap(), ks, 1);
}

/// A commit that failed is newer than every view, and yet no reason to try again.
#[test]
fn who_writes_what_a_failed_commit_wrote_hears_of_the_failure_and_of_no_conflict() {
    let disk = disk();
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other).under("/db/log"));
    assert!(try_put(&store, ks, 1).is_err());
    let again = try_put(&store, ks, 1);
    assert!(matches!(again, Err(StoreError::Poisoned)), "{again:?}");
    assert_eq!(store.stats().conflicts, 0);
}

/// Every operation of the disk fails once, in turn. Whatever a commit says, it does not lie.
#[test]
fn one_failed_operation_anywhere() {
    for nth in 1..400 {
        let disk = disk();
        let store = open(&disk.env(), small()).unwrap();
        let ks = create(&store, "main");
        let kind = [OpKind::Write, OpKind::Sync, OpKind::Open, OpKind::SyncDir][nth % 4];
        disk.inject(Fault::error(kind, ErrorKind::Other).nth(nth as u64 / 4 + 1));
        let mut sure = 0;
        while sure < 40 && try_put(&store, ks, sure).is_ok() {
            sure += 1;
            let _background = store.step();
        }
        check(&store, ks, sure);
        drop(store);
        let left = disk.crash(CrashPolicy::LoseAll);
        let store = open(&left.env(), small()).unwrap();
        let found = store.view().count(ks).unwrap();
        assert!(
            (sure..=sure + 1).contains(&found),
            "{sure} acknowledged, {found} found"
        );
        check(&store, ks, found);
        try_put(&store, ks, found).unwrap();
    }
}

/// What the log could not begin left it whole: another try may do.
#[test]
fn a_segment_that_cannot_be_made_fails_the_commit_and_not_the_log() {
    let disk = disk();
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    let full = Fault::error(OpKind::Open, ErrorKind::StorageFull);
    disk.inject(full.under("/db/log").for_ever());
    let mut count = 0;
    let refused = loop {
        match try_put(&store, ks, count) {
            Ok(()) => count += 1,
            Err(refused) => break refused,
        }
        assert!(count < 1_000, "the segment fills");
    };
    assert!(matches!(refused, StoreError::Wal(_)), "{refused:?}");
    let prepared = store.step_log();
    assert!(matches!(prepared, Err(StoreError::Wal(_))), "{prepared:?}");
    check(&store, ks, count);
    disk.clear_faults();
    try_put(&store, ks, count).unwrap();
    check(&store, ks, count + 1);
}
