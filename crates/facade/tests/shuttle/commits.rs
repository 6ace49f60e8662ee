//! Commits: publication, conflicts, guards, and a log that fails beneath them.

use std::io::ErrorKind;

use drystone_base::KeyspaceId;
use drystone_mvcc::{Durability, Store, StoreError};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, Fault, OpKind, SimFileSystem};
use shuttle::thread;

use crate::runner::check;
use crate::support::{all, begin, create, get, open_store, put, spilling_store, store};

const ROOMY: u64 = 1 << 20;

/// Adds one to `shared` and to the writer's own key, until no other comes first.
fn increment(store: &Store, keyspace: KeyspaceId, own: &str, durability: Durability) {
    loop {
        let mut tx = begin(store);
        for key in ["shared", own] {
            let count = get(tx.view(), keyspace, key) + 1;
            let value = count.to_le_bytes().to_vec();
            tx.put(keyspace, key.to_owned(), value).unwrap();
        }
        match tx.commit(durability) {
            Ok(lsn) => {
                assert!(store.visible_lsn() >= lsn, "returned before it can be seen");
                return;
            }
            // What it conflicts with may wait for its sync: the others must get on.
            Err(StoreError::Conflict { .. }) => thread::yield_now(),
            Err(other) => panic!("{other}"),
        }
    }
}

/// In every view, `shared` is the sum of all others, and views never go back.
fn watch(store: &Store, keyspace: KeyspaceId, times: usize) {
    let mut last = (store.view().lsn(), 0);
    for _ in 0..times {
        let view = store.view();
        let entries = all(&view, keyspace);
        let total: u64 = entries.iter().map(|(_, value)| value).sum();
        let shared = get(&view, keyspace, "shared");
        assert_eq!(total, 2 * shared, "a torn view");
        let now = (view.lsn(), shared);
        assert!(now >= last, "a view went back");
        last = now;
    }
}

/// Three writers of one counter, with each durability, and a reader.
#[test]
fn commits_no_update_is_lost() {
    check("commits_no_update_is_lost", || {
        let (_, store, keyspace) = store(ROOMY);
        let durabilities = [Durability::Sync, Durability::Async, Durability::None];
        let names = ["a", "b", "c"];
        let writers = names.map(|name| {
            let store = store.clone();
            let durability = durabilities[usize::from(name.as_bytes()[0] - b'a')];
            thread::spawn(move || {
                for _ in 0..2 {
                    increment(&store, keyspace, name, durability);
                }
            })
        });
        watch(&store, keyspace, 3);
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(get(&store.view(), keyspace, "shared"), 6);
    });
}

/// A commit that goes straight into the base, beside others that wait for the same sync of the log: whoever sees its LSN
/// sees what it did.
#[test]
fn commits_staged_beside_others() {
    check("commits_staged_beside_others", || {
        let (store, keyspace) = spilling_store();
        let staging = {
            let store = store.clone();
            thread::spawn(move || {
                loop {
                    let mut tx = begin(&store);
                    let count = get(tx.view(), keyspace, "shared") + 1;
                    for filler in 0..12 {
                        let key = format!("z{filler}");
                        tx.put(keyspace, key, vec![0; 200]).unwrap();
                    }
                    let value = count.to_le_bytes().to_vec();
                    tx.put(keyspace, "shared", value).unwrap();
                    match tx.commit(Durability::Sync) {
                        Ok(_) => return,
                        Err(StoreError::Conflict { .. }) => thread::yield_now(),
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        };
        for _ in 0..3 {
            // Nothing of it conflicts, and it may lead the sync that the other waits for.
            put(&store, keyspace, "mine", 1, Durability::Sync).unwrap();
            increment(&store, keyspace, "own", Durability::Sync);
        }
        staging.join().unwrap();
        assert_eq!(get(&store.view(), keyspace, "shared"), 4);
    });
}

/// Of two transactions that write one key, and neither of which saw the other, exactly one commits.
#[test]
fn commits_first_committer_wins() {
    check("commits_first_committer_wins", || {
        let (_, store, keyspace) = store(ROOMY);
        let begun = [1u64, 2, 3].map(|value| (value, begin(&store)));
        let threads = begun.map(|(value, mut tx)| {
            thread::spawn(move || {
                tx.put(keyspace, "key", value.to_le_bytes().to_vec())
                    .unwrap();
                match tx.commit(Durability::Async) {
                    Ok(lsn) => Some((lsn, value)),
                    Err(StoreError::Conflict { .. }) => None,
                    Err(other) => panic!("{other}"),
                }
            })
        });
        let ended = threads.map(|thread| thread.join().unwrap());
        let committed: Vec<_> = ended.into_iter().flatten().collect();
        let [(lsn, value)] = committed[..] else {
            panic!("{} of three committed", committed.len());
        };
        let view = store.view();
        assert!(view.lsn() == lsn && get(&view, keyspace, "key") == value);
    });
}

/// Two doctors may not both leave: each guards what it read, so no skew gets through.
#[test]
fn commits_guards_prevent_write_skew() {
    check("commits_guards_prevent_write_skew", || {
        let (_, store, keyspace) = store(ROOMY);
        for doctor in ["ada", "bob"] {
            put(&store, keyspace, doctor, 1, Durability::None).unwrap();
        }
        let spawn = |own: &'static str, other: &'static str| {
            let store = store.clone();
            thread::spawn(move || {
                let mut tx = begin(&store);
                if get(tx.view(), keyspace, other) == 0 {
                    return;
                }
                tx.guard_key(keyspace, other);
                tx.put(keyspace, own, 0u64.to_le_bytes().to_vec()).unwrap();
                match tx.commit(Durability::Sync) {
                    Ok(_) | Err(StoreError::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            })
        };
        for thread in [spawn("ada", "bob"), spawn("bob", "ada")] {
            thread.join().unwrap();
        }
        let view = store.view();
        let left = get(&view, keyspace, "ada") + get(&view, keyspace, "bob");
        assert_eq!(left, 1, "somebody left, and somebody stayed");
    });
}

/// A sync fails beneath two writers and a reader. Nothing that was read or acknowledged is undone by the crash.
#[test]
fn commits_failed_sync() {
    check("commits_failed_sync", || {
        let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
        let store = open_store(&disk.env(), ROOMY).unwrap();
        let keyspace = create(&store, "main");
        disk.inject(
            Fault::error(OpKind::Sync, ErrorKind::Other)
                .under(CRASH_FOLDER)
                .nth(2),
        );
        let spawn = |key: &'static str| {
            let store = store.clone();
            thread::spawn(move || {
                let mut acknowledged = 0;
                for value in 1..=3 {
                    match put(&store, keyspace, key, value, Durability::Sync) {
                        Ok(_) => acknowledged = value,
                        Err(
                            StoreError::Wal(_)
                            | StoreError::LogFailed { .. }
                            | StoreError::Poisoned,
                        ) => break,
                        Err(other) => panic!("{other}"),
                    }
                }
                (key, acknowledged)
            })
        };
        let writers = [spawn("a"), spawn("b")];
        let read = [(); 3].map(|()| {
            let view = store.view();
            ["a", "b"].map(|key| (key, get(&view, keyspace, key)))
        });
        let acknowledged = writers.map(|writer| writer.join().unwrap());
        drop(store);
        let store = open_store(&disk.crash(CrashPolicy::LoseAll).env(), ROOMY).unwrap();
        let view = store.view();
        for (key, value) in read.into_iter().flatten().chain(acknowledged) {
            assert!(
                get(&view, keyspace, key) >= value,
                "the crash undid {key} = {value}"
            );
        }
    });
}

/// A close beside writers: each commit is in or refused, and what was acknowledged is there afterwards.
#[test]
fn commits_beside_close() {
    check("commits_beside_close", || {
        let (env, store, keyspace) = store(ROOMY);
        let spawn = |key: &'static str, durability| {
            let store = store.clone();
            thread::spawn(move || {
                let mut acknowledged = 0;
                for value in 1..=3u64 {
                    let Ok(mut tx) = store.begin(Default::default()) else {
                        break;
                    };
                    tx.put(keyspace, key, value.to_le_bytes().to_vec()).unwrap();
                    match tx.commit(durability) {
                        Ok(_) => acknowledged = value,
                        Err(StoreError::Closed) => break,
                        Err(other) => panic!("{other}"),
                    }
                }
                (key, acknowledged)
            })
        };
        let writers = [spawn("a", Durability::Sync), spawn("b", Durability::None)];
        store.close().unwrap();
        let acknowledged = writers.map(|writer| writer.join().unwrap());
        drop(store);
        let store = open_store(&env, ROOMY).unwrap();
        for (key, value) in acknowledged {
            assert_eq!(get(&store.view(), keyspace, key), value);
        }
    });
}
