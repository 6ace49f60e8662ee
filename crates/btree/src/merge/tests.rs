//! How full nodes are after merges, and that a pause changes nothing.

use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, KeyspaceId};
use drystone_engine::{Budget, Change, Changes, Engine, EngineError, Op, Progress};
use drystone_testkit::{Draw, seed_of};

use crate::node::child::Child;
use crate::{BTree, BTreeOptions, WriteBatch};

const MAIN: KeyspaceId = KeyspaceId(1);
const PAGE_BYTES: u32 = 4096;

fn open() -> BTree {
    let options = BTreeOptions {
        page_bytes: PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(&Env::memory(1), Path::new("tree"), options).unwrap()
}

/// Bytes in the nodes of a level, and how many nodes.
fn fullness(tree: &BTree, level: u8) -> (u64, u64) {
    let snapshot = tree.newest();
    let root = *snapshot.state().keyspace(MAIN).unwrap().root().unwrap();
    let mut sums = (0, 0);
    add_up(tree, &root.child, root.level, level, &mut sums);
    sums
}

fn add_up(tree: &BTree, child: &Child, at: u8, level: u8, sums: &mut (u64, u64)) {
    let snapshot = tree.newest();
    let pages = snapshot.state().pages();
    let node = pages.read_node(&child.page, at).unwrap();
    if at == level {
        sums.0 += node.page().len() as u64;
        sums.1 += 1;
        return;
    }
    for idx in 0..node.child_count() {
        add_up(tree, &node.child(idx).unwrap(), at - 1, level, sums);
    }
}

/// How full the leaves are, in percent of the length of a page.
fn occupancy(tree: &BTree) -> u64 {
    let (bytes, nodes) = fullness(tree, 0);
    bytes * 100 / (nodes * u64::from(PAGE_BYTES))
}

fn key(number: u64) -> Vec<u8> {
    format!("a key of some length {number:016x}").into_bytes()
}

fn merge(tree: &BTree, puts: impl Iterator<Item = u64>, deletes: impl Iterator<Item = u64>) {
    let mut batch = WriteBatch::new();
    puts.for_each(|number| batch.put(MAIN, key(number), vec![b'v'; 80]));
    deletes.for_each(|number| batch.delete(MAIN, key(number)));
    tree.write_batch(&batch).unwrap();
}

#[test]
fn random_merges_leave_nodes_60_to_95_percent_full() {
    for (seed, batch_len) in [(1, 20), (2, 200), (3, 2000)] {
        let tree = open();
        let mut draw = Draw::new(seed);
        let mut all: Vec<u64> = (0..20_000).map(|_| draw.below(u64::MAX)).collect();
        for batch in all.chunks(batch_len) {
            merge(&tree, batch.iter().copied(), std::iter::empty());
        }
        let grown = occupancy(&tree);
        // As many come as go, for as long as it takes to replace three quarters.
        for _ in 0..15_000 / batch_len {
            let gone: Vec<u64> = (0..batch_len)
                .map(|_| all.swap_remove(usize::try_from(draw.below(all.len() as u64)).unwrap()))
                .collect();
            let new: Vec<u64> = (0..batch_len).map(|_| draw.below(u64::MAX)).collect();
            merge(&tree, new.iter().copied(), gone.into_iter());
            all.extend(new);
        }
        let turned = occupancy(&tree);
        println!("merges of {batch_len}: {grown}% after growth, {turned}% after turnover");
        assert!((60..=95).contains(&grown), "{batch_len}: {grown}%");
        assert!((60..=95).contains(&turned), "{batch_len}: {turned}%");
    }
}

#[test]
fn removals_leave_nodes_more_than_half_full() {
    let tree = open();
    tree.load_sorted(MAIN, (0..20_000).map(|number| (key(number), [b'v'; 80])))
        .unwrap();
    let mut draw = Draw::new(seed_of("removals"));
    for _ in 0..60 {
        let doomed: Vec<u64> = (0..300).map(|_| draw.below(20_000)).collect();
        merge(&tree, std::iter::empty(), doomed.into_iter());
    }
    let left = occupancy(&tree);
    assert!((55..=95).contains(&left), "{left}%");
}

#[test]
fn appends_and_loads_leave_full_nodes() {
    let loaded = open();
    loaded
        .load_sorted(MAIN, (0..20_000).map(|number| (key(number), [b'v'; 80])))
        .unwrap();
    let appended = open();
    for first in (0..20_000).step_by(100) {
        merge(&appended, first..first + 100, std::iter::empty());
    }
    for tree in [&loaded, &appended] {
        for level in [0, 1] {
            let (bytes, nodes) = fullness(tree, level);
            let full = bytes * 100 / (nodes * u64::from(PAGE_BYTES));
            // A last node may be short, and no entry fits into what is left of the others.
            assert!(nodes < 8 || full >= 93, "level {level}: {full}%");
        }
    }
    let (loaded, appended) = (fullness(&loaded, 0), fullness(&appended, 0));
    assert!(appended.1 <= loaded.1 + 1, "{appended:?} and {loaded:?}");
}

/// Changes that are made as they are asked for.
struct Numbered {
    next: u64,
    end: u64,
    key: Vec<u8>,
}

impl Changes for Numbered {
    fn dropped(&self) -> &[KeyspaceId] {
        &[]
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        if self.next >= self.end {
            return Ok(None);
        }
        self.key = key(self.next);
        self.next += 7;
        Ok(Some(Change {
            keyspace: MAIN,
            key: &self.key,
            op: Op::Put(b"changed"),
        }))
    }
}

#[test]
fn slices_keep_to_their_budget_and_make_the_same_tree() {
    let (whole, sliced) = (open(), Arc::new(open()));
    for tree in [&whole, &*sliced] {
        tree.load_sorted(MAIN, (0..20_000).map(|number| (key(number), [b'v'; 80])))
            .unwrap();
    }
    let changes = || Numbered {
        next: 0,
        end: 20_000,
        key: Vec::new(),
    };
    let upto = whole.merged_lsn().next();
    whole.merge(&mut changes(), upto).unwrap();
    let mut job = Arc::clone(&sliced)
        .begin_merge(Box::new(changes()), upto)
        .unwrap();
    let mut slices = 0;
    while job.step(Budget { bytes: 64 << 10 }).unwrap() == Progress::More {
        slices += 1;
    }
    // Read and written: about twice the leaves, each some more than the last budget by one leaf.
    let (bytes, _) = fullness(&whole, 0);
    assert!(
        slices > bytes / (64 << 10),
        "{slices} slices for {bytes} bytes"
    );
    assert_eq!(fullness(&whole, 0), fullness(&sliced, 0));
    assert_eq!(fullness(&whole, 1), fullness(&sliced, 1));
    let entries = |tree: &BTree| {
        tree.newest()
            .range(MAIN, ..)
            .map(Result::unwrap)
            .collect::<Vec<_>>()
    };
    assert_eq!(entries(&whole), entries(&sliced));
}
