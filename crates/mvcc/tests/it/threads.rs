//! Many threads at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_mvcc::{Durability, Store, StoreError, StoreOptions};

use crate::support::{all, begin, create, open};

const WRITERS: u64 = 8;
const INCREMENTS: u64 = 300;

fn number(value: Option<Bytes>) -> u64 {
    value.map_or(0, |value| u64::from_le_bytes(value[..].try_into().unwrap()))
}

/// Adds one to a counter and to the writer's own, until no other comes first.
fn increment(store: &Store, ks: KeyspaceId, writer: u64, durability: Durability) -> Lsn {
    loop {
        let mut tx = begin(store);
        for key in ["shared".to_owned(), format!("writer {writer}")] {
            let count = number(tx.get(ks, key.as_bytes()).unwrap()) + 1;
            tx.put(ks, key, count.to_le_bytes().to_vec()).unwrap();
        }
        match tx.commit(durability) {
            Ok(lsn) => return lsn,
            Err(StoreError::Conflict { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// In every view, the shared counter is the sum of all others.
fn check_sum(store: &Store, ks: KeyspaceId) -> u64 {
    let entries = all(&store.view(), ks);
    let (shared, own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key == "shared");
    let shared = shared
        .into_iter()
        .map(|(_, value)| number(Some(value)))
        .sum();
    let own: u64 = own.into_iter().map(|(_, value)| number(Some(value))).sum();
    assert_eq!(shared, own);
    shared
}

#[test]
fn no_increment_is_lost_and_no_view_is_torn() {
    let options = StoreOptions {
        memtable_bytes: 20_000,
        sealed_memtables_max: 1,
        ..StoreOptions::default()
    };
    let env = Env::memory(1);
    let store = open(&env, options).unwrap();
    let ks = create(&store, "counters");
    let done = AtomicBool::new(false);
    let running = AtomicU64::new(WRITERS);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, running) = (&store, &running);
            scope.spawn(move || {
                for count in 0..INCREMENTS {
                    let durability = match (writer + count) % 3 {
                        0 => Durability::Sync,
                        1 => Durability::Async,
                        _ => Durability::None,
                    };
                    let lsn = increment(store, ks, writer, durability);
                    assert!(
                        lsn <= store.view().lsn(),
                        "a commit is seen once it returned"
                    );
                }
                running.fetch_sub(1, Ordering::Release);
            });
        }
        scope.spawn(|| {
            let mut last = 0;
            while running.load(Ordering::Acquire) > 0 {
                let sum = check_sum(&store, ks);
                assert!(sum >= last, "views do not go back");
                last = sum;
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                store.step().unwrap();
            }
        });
    });
    assert_eq!(check_sum(&store, ks), WRITERS * INCREMENTS);
    assert!(store.stats().merges > 3);
    store.close().unwrap();
    let store = open(&env, options).unwrap();
    assert_eq!(check_sum(&store, ks), WRITERS * INCREMENTS);
}

#[test]
fn a_close_waits_for_commits_and_refuses_later_ones() {
    let env = Env::memory(1);
    let store = open(&env, StoreOptions::default()).unwrap();
    let ks = create(&store, "counters");
    let acknowledged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for writer in 0..4u64 {
            let (store, acknowledged) = (&store, &acknowledged);
            scope.spawn(move || {
                for count in 0u64.. {
                    let Ok(mut tx) = store.begin(Default::default()) else {
                        return;
                    };
                    tx.put(ks, format!("{writer}/{count}"), "").unwrap();
                    match tx.commit(Durability::None) {
                        Ok(_) => acknowledged.fetch_add(1, Ordering::Relaxed),
                        Err(StoreError::Closed) => return,
                        Err(other) => panic!("{other}"),
                    };
                }
            });
        }
        while acknowledged.load(Ordering::Relaxed) < 1_000 {
            std::hint::spin_loop();
        }
        store.close().unwrap();
    });
    let count = acknowledged.load(Ordering::Relaxed);
    assert_eq!(store.view().count(ks).unwrap(), count);
    assert!(matches!(store.flush(), Err(StoreError::Closed)));
    store.close().unwrap();
    let store = open(&env, StoreOptions::default()).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), count);
}
