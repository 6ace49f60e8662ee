//! The tree used alone: ranges, cursors, what they own, what verify and stats say.

use std::ops::Bound::{Excluded, Included, Unbounded};
use std::path::Path;

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions, MIN_PAGE_BYTES, WriteBatch};
use drystone_engine::{Budget, Engine, Progress, Snapshot};

const KEYSPACE: KeyspaceId = KeyspaceId(1);

fn open(env: &Env) -> BTree {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(env, Path::new("tree"), options).unwrap()
}

/// A tree of the even numbers below `end`.
fn evens(end: u32) -> BTree {
    let tree = open(&Env::memory(1));
    let entries = (0..end)
        .step_by(2)
        .map(|number| (number.to_be_bytes(), b"even"));
    tree.load_sorted(KEYSPACE, entries).unwrap();
    tree
}

fn number(key: &[u8]) -> u32 {
    u32::from_be_bytes(key.try_into().unwrap())
}

#[test]
fn ranges_keep_their_bounds_from_both_ends() {
    let tree = evens(1000);
    let snapshot = tree.newest();
    let [low, odd, high] = [100u32, 151, 200].map(u32::to_be_bytes);
    let check = |range: drystone_btree::Range, expected: Vec<u32>| {
        let keys: Vec<u32> = range.map(|entry| number(&entry.unwrap().0)).collect();
        assert_eq!(keys, expected);
    };
    let within = |bounds: (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>), expected: Vec<u32>| {
        check(snapshot.range(KEYSPACE, bounds), expected.clone());
        let range = snapshot.range(KEYSPACE, bounds);
        let mut backwards: Vec<u32> = range.rev().map(|entry| number(&entry.unwrap().0)).collect();
        backwards.reverse();
        assert_eq!(backwards, expected);
    };
    within(
        (Included(&low), Included(&high)),
        (100..=200).step_by(2).collect(),
    );
    within(
        (Excluded(&low), Excluded(&high)),
        (102..200).step_by(2).collect(),
    );
    within(
        (Included(&odd), Unbounded),
        (152..1000).step_by(2).collect(),
    );
    within((Unbounded, Excluded(&odd)), (0..151).step_by(2).collect());
    within((Excluded(&odd), Included(&odd)), vec![]);
    within((Included(&high), Included(&low)), vec![]);
}

#[test]
fn both_ends_of_a_range_meet_without_overlap() {
    let tree = evens(500);
    for turns in [1, 2, 3, 7] {
        let mut range = tree.newest().range(KEYSPACE, ..);
        let (mut front, mut back) = (Vec::new(), Vec::new());
        loop {
            let step = match (front.len() + back.len()) % (turns + 1) {
                0 => range.next_back().map(|entry| back.push(entry.unwrap().0)),
                _ => range.next().map(|entry| front.push(entry.unwrap().0)),
            };
            if step.is_none() {
                break;
            }
        }
        assert!(range.next().is_none() && range.next_back().is_none());
        front.extend(back.into_iter().rev());
        let keys: Vec<u32> = front.iter().map(|key| number(key)).collect();
        assert_eq!(keys, (0..500).step_by(2).collect::<Vec<_>>());
    }
}

#[test]
fn ranks_count_the_keys_below() {
    let tree = evens(5000);
    let snapshot = tree.newest();
    for probe in [0u32, 1, 2, 999, 1000, 4998, 4999, 70_000] {
        let expected = u64::from(probe.min(5000).div_ceil(2));
        assert_eq!(
            snapshot.rank(KEYSPACE, &probe.to_be_bytes()).unwrap(),
            expected,
            "{probe}"
        );
    }
    assert_eq!(snapshot.rank(KeyspaceId(9), b"any").unwrap(), 0);
}

#[test]
fn a_cursor_owns_what_it_reads_and_may_move() {
    let tree = evens(1000);
    let mut cursor = tree.snapshot().cursor(KEYSPACE).unwrap();
    drop(tree);
    let last = std::thread::scope(|scope| {
        let handle = scope.spawn(move || {
            assert!(cursor.seek(&500u32.to_be_bytes()).unwrap());
            let mut last = number(cursor.key());
            while cursor.next().unwrap() {
                last = number(cursor.key());
            }
            last
        });
        handle.join().unwrap()
    });
    assert_eq!(last, 998);
}

#[test]
fn a_cursor_on_no_entry_stays_there_until_a_seek() {
    let tree = evens(100);
    let mut cursor = tree.snapshot().cursor(KEYSPACE).unwrap();
    assert!(!cursor.next().unwrap() && !cursor.prev().unwrap());
    assert!(cursor.last().unwrap() && !cursor.next().unwrap());
    assert!(
        !cursor.prev().unwrap(),
        "past the end there is no way back but a seek"
    );
    assert!(cursor.seek_back(&[255]).unwrap());
    assert_eq!(number(cursor.key()), 98);
    assert!(cursor.first().unwrap() && !cursor.prev().unwrap());
    let mut nowhere = tree.snapshot().cursor(KeyspaceId(7)).unwrap();
    assert!(
        !nowhere.first().unwrap()
            && !nowhere.seek(b"").unwrap()
            && !nowhere.seek_back(b"z").unwrap()
    );
}

#[test]
fn readers_keep_their_state_while_merges_go_on() {
    let tree = evens(2000);
    let before = tree.newest();
    let mut range = before.range(KEYSPACE, ..);
    let mut seen = 0;
    for round in 0..10u32 {
        let mut batch = WriteBatch::new();
        (0..200).for_each(|n| batch.delete(KEYSPACE, (round * 200 + n).to_be_bytes()));
        batch.put(KEYSPACE, [round.to_le_bytes()[0]], "new");
        tree.write_batch(&batch).unwrap();
        seen += range
            .by_ref()
            .take(100)
            .filter(|entry| entry.as_ref().unwrap().1 == "even")
            .count();
    }
    assert_eq!((seen, tree.newest().count(KEYSPACE).unwrap()), (1000, 10));
}

#[test]
fn appends_leave_full_pages_and_other_merges_half_full_ones() {
    let pages_after = |order: &dyn Fn(u32) -> u32| {
        let tree = open(&Env::memory(1));
        for batch in 0..100 {
            let mut changes = WriteBatch::new();
            for n in 0..30 {
                changes.put(KEYSPACE, order(batch * 30 + n).to_be_bytes(), [7; 28]);
            }
            tree.write_batch(&changes).unwrap();
        }
        assert_eq!(tree.newest().count(KEYSPACE).unwrap(), 3000);
        tree.verify().unwrap().pages
    };
    // An entry takes 44 bytes of a page: 11 to a page, 3,000 on 273 leaves.
    let appended = pages_after(&|n| n);
    assert!(appended < 330, "{appended} pages");
    let scattered = pages_after(&|n| n.wrapping_mul(2_654_435_761));
    assert!(scattered < 600, "{scattered} pages");
}

#[test]
fn deletes_join_pages_and_an_emptied_keyspace_has_none() {
    let tree = evens(20_000);
    let full = tree.verify().unwrap().pages;
    let mut batch = WriteBatch::new();
    (0u32..20_000)
        .filter(|n| n % 20 != 0)
        .for_each(|n| batch.delete(KEYSPACE, n.to_be_bytes()));
    tree.write_batch(&batch).unwrap();
    let thinned = tree.verify().unwrap().pages;
    assert!(
        thinned < full / 3,
        "{full} pages before, {thinned} after nine of ten entries went"
    );
    let mut batch = WriteBatch::new();
    (0u32..20_000).for_each(|n| batch.delete(KEYSPACE, n.to_be_bytes()));
    tree.write_batch(&batch).unwrap();
    assert_eq!(tree.newest().keyspaces().unwrap(), [KEYSPACE]);
    assert!(
        tree.verify().unwrap().pages <= 2,
        "the directory and the free list"
    );
}

#[test]
fn steps_give_the_free_end_of_the_file_back() {
    let env = Env::memory(1);
    let tree = open(&env);
    let value = vec![7u8; 3_000_000];
    for keyspace in 1..6 {
        tree.load_sorted(KeyspaceId(keyspace), [(b"k", &value)])
            .unwrap();
    }
    let mut batch = WriteBatch::new();
    (2..6).for_each(|keyspace| batch.drop_keyspace(KeyspaceId(keyspace)));
    tree.write_batch(&batch).unwrap();
    // The pages written by that merge lie behind all others; the next one's lie in front.
    tree.load_sorted(KEYSPACE, [(b"l", b"v")]).unwrap();
    let before = tree.stats().file_bytes;
    let mut steps = 0;
    while tree.step(Budget { bytes: 1 << 20 }).unwrap() == Progress::More {
        steps += 1;
    }
    assert!(
        steps > 0 && tree.stats().file_bytes < before / 2,
        "{before} bytes, then {:?}",
        tree.stats()
    );
    assert!(tree.newest().get(KEYSPACE, b"k").unwrap().unwrap() == value);
    assert!(tree.verify().unwrap().findings.is_empty());
}
