//! Stages: unseen until they are adopted, gone when they are discarded, and there after a reopening.

use std::path::Path;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{Engine, Snapshot, StageId, Staging};

use super::*;
use crate::{BTreeOptions, MIN_PAGE_BYTES, WriteBatch};

const OLD: KeyspaceId = KeyspaceId(1);
const DROPPED: KeyspaceId = KeyspaceId(2);
const NEW: KeyspaceId = KeyspaceId(3);

fn open(env: &Env) -> BTree {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(env, Path::new("tree"), options).unwrap()
}

fn key(number: u32) -> String {
    format!("stone {number:04}")
}

/// A tree of 300 entries, one of them long, and one that is going to be dropped.
fn tree(env: &Env) -> BTree {
    let tree = open(env);
    let mut batch = WriteBatch::new();
    (0..300).for_each(|number| batch.put(OLD, key(number), "old"));
    batch.put(OLD, "long", vec![b'l'; 3000]);
    (0..50).for_each(|number| batch.put(DROPPED, key(number), vec![b'd'; 1000]));
    tree.write_batch(&batch).unwrap();
    tree
}

/// Changes some of it.
fn stage(tree: &BTree) -> StageId {
    let mut batch = WriteBatch::new();
    (100..120).for_each(|number| batch.put(OLD, key(number), "new"));
    batch.delete(OLD, key(7));
    batch.put(NEW, "long", vec![b'n'; 3000]);
    batch.drop_keyspace(DROPPED);
    tree.stage(&mut batch.changes()).unwrap()
}

fn get(snapshot: &dyn Snapshot, number: u32) -> Option<bytes::Bytes> {
    snapshot.get(OLD, key(number).as_bytes()).unwrap()
}

fn check_old(snapshot: &dyn Snapshot) {
    assert_eq!(get(snapshot, 100).as_deref(), Some(&b"old"[..]));
    assert_eq!(snapshot.keyspaces().unwrap(), [OLD, DROPPED]);
    assert_eq!(snapshot.count(OLD).unwrap(), 301);
}

fn check_new(snapshot: &dyn Snapshot) {
    assert_eq!(get(snapshot, 100).as_deref(), Some(&b"new"[..]));
    assert_eq!(
        (get(snapshot, 7), get(snapshot, 200).as_deref()),
        (None, Some(&b"old"[..]))
    );
    assert_eq!(snapshot.keyspaces().unwrap(), [OLD, NEW]);
    assert_eq!(snapshot.count(OLD).unwrap(), 300);
}

fn check_sound(tree: &BTree) {
    let report = tree.verify().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn a_stage_is_seen_by_nobody_and_then_adopted_or_discarded() {
    for reopened in [false, true] {
        for adopted in [true, false] {
            let env = Env::memory(1);
            let mut tree = tree(&env);
            let before = tree.newest();
            let stage = stage(&tree);
            if reopened {
                drop(tree);
                tree = open(&env);
            }
            check_old(&*tree.newest());
            check_sound(&tree);
            let (found, staged) = tree.staged().unwrap();
            assert_eq!(
                (found, tree.adopted(), staged.lsn()),
                (stage, StageId(0), Lsn(1))
            );
            check_new(&*staged);
            match adopted {
                true => tree.adopt(stage).unwrap(),
                false => tree.discard(stage).unwrap(),
            }
            assert!(tree.staged().is_none());
            check_sound(&tree);
            let check = if adopted { check_new } else { check_old };
            check(&*tree.newest());
            check_old(&*before);
            check_new(&*staged);
            assert_eq!(tree.merged_lsn(), Lsn(1));
            drop((tree, staged, before));
            let tree = open(&env);
            check(&*tree.newest());
            assert_eq!(tree.adopted(), StageId(u64::from(adopted)));
            check_sound(&tree);
        }
    }
}

#[test]
fn numbers_ascend_whatever_became_of_stages() {
    let env = Env::memory(1);
    let tree = tree(&env);
    let decided = |tree: &BTree, stage: StageId, expected: u64| {
        assert_eq!(stage, StageId(expected));
        match expected % 2 {
            0 => tree.adopt(stage).unwrap(),
            _ => tree.discard(stage).unwrap(),
        }
    };
    (1..5).for_each(|number| decided(&tree, stage(&tree), number));
    drop(tree);
    let tree = open(&env);
    decided(&tree, stage(&tree), 5);
    assert_eq!(tree.adopted(), StageId(4));
}

#[test]
fn nothing_is_merged_while_a_stage_is_undecided() {
    let env = Env::memory(1);
    let tree = tree(&env);
    let stage = stage(&tree);
    let mut batch = WriteBatch::new();
    batch.put(OLD, "a", "b");
    let is_undecided = |error: EngineError| matches!(error, EngineError::Undecided { .. });
    assert!(is_undecided(tree.write_batch(&batch).unwrap_err()));
    assert!(is_undecided(tree.stage(&mut batch.changes()).unwrap_err()));
    assert!(is_undecided(
        tree.set_codec(OLD, crate::Codec::Lz4).unwrap_err()
    ));
    let other = StageId(stage.0 + 1);
    let is_missing = |error: EngineError| matches!(error, EngineError::NoSuchStage { .. });
    assert!(is_missing(tree.adopt(other).unwrap_err()));
    tree.adopt(stage).unwrap();
    assert!(is_missing(tree.discard(stage).unwrap_err()));
    tree.write_batch(&batch).unwrap();
    check_sound(&tree);
}
