//! The B+tree: snapshots and pinned nodes beside merges.

use std::sync::Arc;

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeSnapshot, WriteBatch};
use drystone_engine::Snapshot;
use shuttle::thread;

use crate::runner::check;
use crate::support::open_tree;

const KEYSPACE: KeyspaceId = KeyspaceId(7);
/// Enough for a tree of three levels.
const KEYS: u64 = 600;

fn key(number: u64) -> Vec<u8> {
    format!("key {number:08}").into_bytes()
}

/// State `round`: every tenth key, beginning with a different one each time, has the round as its value.
fn change(tree: &BTree, round: u64) {
    let mut batch = WriteBatch::new();
    for number in (round % 10..KEYS).step_by(10) {
        batch.put(KEYSPACE, key(number), round.to_le_bytes());
    }
    batch.put(KEYSPACE, b"round".to_vec(), round.to_le_bytes());
    tree.write_batch(&batch).unwrap();
}

fn fill(tree: &BTree) {
    let mut batch = WriteBatch::new();
    for number in 0..KEYS {
        batch.put(KEYSPACE, key(number), 0u64.to_le_bytes());
    }
    tree.write_batch(&batch).unwrap();
}

fn get(snapshot: &BTreeSnapshot, key: &[u8]) -> u64 {
    let value = snapshot.get(KEYSPACE, key).unwrap();
    value.map_or(0, |value| u64::from_le_bytes(value[..].try_into().unwrap()))
}

/// Some keys of a snapshot, all of one state; returns which.
fn read(snapshot: &BTreeSnapshot) -> u64 {
    let round = get(snapshot, b"round");
    for number in [3, 177, 342, 599] {
        // The last round up to this one that wrote the key.
        let last = (1..=round).rev().find(|round| round % 10 == number % 10);
        assert_eq!(get(snapshot, &key(number)), last.unwrap_or(0));
    }
    round
}

/// Readers pin nodes of states that a merge replaces, under a budget that has room for few.
#[test]
fn tree_pins_beside_merges() {
    check("tree_pins_beside_merges", || {
        let tree = Arc::new(open_tree(&Env::memory(1)));
        fill(&tree);
        let older = tree.newest();
        let writer = {
            let tree = Arc::clone(&tree);
            thread::spawn(move || (1..=3).for_each(|round| change(&tree, round)))
        };
        let reader = {
            let tree = Arc::clone(&tree);
            move || {
                let mut last = 0;
                for _ in 0..3 {
                    let round = read(&tree.newest());
                    assert!(round >= last, "the newest snapshot went back");
                    last = round;
                }
            }
        };
        let readers = [thread::spawn(reader.clone()), thread::spawn(reader)];
        assert_eq!(read(&older), 0, "a snapshot changed");
        writer.join().unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(read(&older), 0, "a snapshot changed");
        assert_eq!(read(&tree.newest()), 3);
    });
}

/// Two readers of one snapshot race to pin the same nodes, while a range over it goes on beside a merge.
#[test]
fn tree_range_beside_merge() {
    check("tree_range_beside_merge", || {
        let tree = Arc::new(open_tree(&Env::memory(1)));
        fill(&tree);
        let snapshot = tree.newest();
        let merger = {
            let tree = Arc::clone(&tree);
            thread::spawn(move || {
                let mut batch = WriteBatch::new();
                (0..KEYS).for_each(|number| batch.delete(KEYSPACE, key(number)));
                tree.write_batch(&batch).unwrap();
                change(&tree, 1);
            })
        };
        let readers = [(); 2].map(|()| {
            let snapshot = Arc::clone(&snapshot);
            thread::spawn(move || assert_eq!(read(&snapshot), 0))
        });
        let entries: Vec<_> = snapshot.range(KEYSPACE, ..).map(Result::unwrap).collect();
        assert_eq!(entries.len() as u64, KEYS);
        for ((found, _), number) in entries.iter().zip(0..) {
            assert_eq!(found, &key(number));
        }
        merger.join().unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
        drop(snapshot);
        assert_eq!(tree.newest().count(KEYSPACE).unwrap(), KEYS / 10 + 1);
    });
}
