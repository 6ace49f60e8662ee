//! Merges beside commits and readers, and the memtable alone: what one state holds does not depend on where it lies.

use std::sync::Arc;

use drystone_mvcc::{Durability, KeyRange};
use shuttle::thread;

use crate::runner::check;
use crate::support::{MEMTABLE_BYTES, all, get, number, open_store, put, store};

/// One writer, one merger, and a reader whose older view must not change.
#[test]
fn merges_beside_commits_and_readers() {
    check("merges_beside_commits_and_readers", || {
        let (env, store, keyspace) = store(MEMTABLE_BYTES);
        let writer = {
            let store = store.clone();
            thread::spawn(move || {
                for value in 1..=10 {
                    put(&store, keyspace, "one", value, Durability::None).unwrap();
                    put(
                        &store,
                        keyspace,
                        &format!("{value}"),
                        value,
                        Durability::None,
                    )
                    .unwrap();
                }
            })
        };
        let merger = {
            let store = store.clone();
            thread::spawn(move || {
                for _ in 0..4 {
                    store.step_merge().unwrap();
                }
            })
        };
        let older = store.view();
        let before = all(&older, keyspace);
        for _ in 0..4 {
            let view = store.view();
            let newest = get(&view, keyspace, "one");
            let others = all(&view, keyspace).len() as u64;
            assert!(others == newest || others == newest + u64::from(newest > 0));
        }
        assert_eq!(all(&older, keyspace), before, "a view changed");
        writer.join().unwrap();
        merger.join().unwrap();
        assert_eq!(all(&store.view(), keyspace).len(), 11);
        store.close().unwrap();
        drop((store, older));
        let store = open_store(&env, MEMTABLE_BYTES).unwrap();
        assert_eq!(all(&store.view(), keyspace).len(), 11);
    });
}

/// Two writers that must merge by themselves, and a flush.
#[test]
fn merges_by_writers_and_a_flush() {
    check("merges_by_writers_and_a_flush", || {
        let (_, store, keyspace) = store(MEMTABLE_BYTES / 2);
        let writers = ["a", "b"].map(|name| {
            let store = store.clone();
            thread::spawn(move || {
                for value in 1..=5 {
                    let key = format!("{name}{value}");
                    put(&store, keyspace, &key, value, Durability::Async).unwrap();
                }
            })
        });
        store.flush().unwrap();
        store.step().unwrap();
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(all(&store.view(), keyspace).len(), 10);
        assert!(store.verify().unwrap().findings.is_empty());
    });
}

/// Readers of a memtable whose leaves split under them: at every LSN, both directions show exactly its commits.
#[test]
fn memtable_readers_beside_writer() {
    check("memtable_readers_beside_writer", || {
        const KEYS: u64 = 40;
        let (_, store, keyspace) = store(1 << 20);
        let first = store.view().lsn().0;
        let key = |number: u64| format!("{:02}", number * 7 % KEYS);
        let store = Arc::new(store);
        let writer = {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                for number in 1..=KEYS {
                    put(&store, keyspace, &key(number), number, Durability::None).unwrap();
                }
            })
        };
        let reader = {
            let store = Arc::clone(&store);
            move || {
                for _ in 0..3 {
                    let view = store.view();
                    let count = view.lsn().0 - first;
                    let mut expected: Vec<_> = (1..=count).map(|n| (key(n), n)).collect();
                    expected.sort();
                    let read = |entry: Result<_, _>| {
                        let (key, value): (bytes::Bytes, bytes::Bytes) = entry.unwrap();
                        (String::from_utf8(key.to_vec()).unwrap(), number(value))
                    };
                    let range = view.range(keyspace, KeyRange::all());
                    assert_eq!(range.map(read).collect::<Vec<_>>(), expected);
                    let backwards = view.range(keyspace, KeyRange::all()).rev();
                    let mut found: Vec<_> = backwards.map(read).collect();
                    found.reverse();
                    assert_eq!(found, expected);
                    if count < KEYS {
                        assert_eq!(get(&view, keyspace, &key(count + 1)), 0);
                    }
                }
            }
        };
        let readers = [thread::spawn(reader.clone()), thread::spawn(reader)];
        writer.join().unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
    });
}
