//! The B+tree: snapshots and pinned nodes beside merges, and merges in slices beside all else that changes it.

use std::io::ErrorKind;
use std::sync::Arc;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeSnapshot, Codec, WriteBatch};
use drystone_engine::{
    Budget, Change, Changes, Engine, EngineError, Op, Progress, Snapshot, Staging,
};
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

/// Changes of one keyspace that own what they have, as a merge in slices wants them.
struct Puts {
    keyspace: KeyspaceId,
    left: std::ops::Range<u64>,
    at: Vec<u8>,
    value: [u8; 8],
}

impl Puts {
    fn new(keyspace: KeyspaceId, numbers: std::ops::Range<u64>, value: u64) -> Puts {
        Puts {
            keyspace,
            left: numbers,
            at: Vec::new(),
            value: value.to_le_bytes(),
        }
    }
}

impl Changes for Puts {
    fn dropped(&self) -> &[KeyspaceId] {
        &[]
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        let Some(number) = self.left.next() else {
            return Ok(None);
        };
        self.at = key(number);
        Ok(Some(Change {
            keyspace: self.keyspace,
            key: &self.at,
            op: Op::Put(&self.value),
        }))
    }
}

/// Tries until nobody else has the pager's writer, and no stage waits.
fn in_turn<T>(mut attempt: impl FnMut() -> Result<T, EngineError>) -> T {
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(EngineError::Io { source, .. }) if source.kind() == ErrorKind::ResourceBusy => {}
            Err(EngineError::Undecided { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        thread::yield_now();
    }
}

/// What else changes the tree, while merges in slices begin and end on another thread: none undoes another.
#[test]
fn tree_changes_beside_merges_in_slices() {
    check("tree_changes_beside_merges_in_slices", || {
        let tree = Arc::new(open_tree(&Env::memory(1)));
        let mut batch = WriteBatch::new();
        (0..60).for_each(|number| batch.put(KEYSPACE, key(number), 0u64.to_le_bytes()));
        tree.write_batch(&batch).unwrap();
        let (slices, steps) = (Arc::clone(&tree), Arc::clone(&tree));
        let merger = thread::spawn(move || {
            for round in 1..=3u64 {
                let changes = || Box::new(Puts::new(KEYSPACE, round * 10..round * 10 + 10, round));
                let upto = Lsn(100 * round);
                let mut job = in_turn(|| Arc::clone(&slices).begin_merge(changes(), upto));
                while job.step(Budget { bytes: 1 }).unwrap() == Progress::More {
                    thread::yield_now();
                }
            }
        });
        let stepper = thread::spawn(move || {
            for _ in 0..3 {
                in_turn(|| steps.step(Budget { bytes: 1 }));
                in_turn(|| steps.compact(Budget { bytes: 1 }));
            }
        });
        let codec = Codec::Snappy;
        in_turn(|| tree.set_codec(KeyspaceId(8), codec));
        let stage = in_turn(|| tree.stage(&mut Puts::new(KeyspaceId(9), 0..10, 9)));
        in_turn(|| tree.adopt(stage));
        merger.join().unwrap();
        stepper.join().unwrap();
        let newest = tree.newest();
        assert_eq!(newest.codec(KeyspaceId(8)), Some(codec), "a codec was lost");
        assert_eq!(newest.count(KeyspaceId(9)).unwrap(), 10, "a stage was lost");
        for number in 0..60 {
            let round = number / 10 % 6;
            let expected = if round <= 3 { round } else { 0 };
            assert_eq!(get(&newest, &key(number)), expected, "a merge was lost");
        }
        assert!(tree.verify().unwrap().findings.is_empty());
    });
}
