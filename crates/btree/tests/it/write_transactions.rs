//! The write transaction of a tree used alone: its own writes are read, others see all of it or nothing.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::mpsc;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions, MAX_KEY_BYTES, MIN_PAGE_BYTES, WriteTransaction};
use drystone_engine::{Engine, EngineError, Snapshot};
use drystone_testkit::{Draw, seed_of};

const MAIN: KeyspaceId = KeyspaceId(1);

type Model = BTreeMap<Bytes, Bytes>;

fn open(env: &Env) -> BTree {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(env, Path::new("tree"), options).unwrap()
}

fn key(number: u64) -> Bytes {
    format!("key {number:04}").into()
}

fn entries(
    range: impl Iterator<Item = Result<(Bytes, Bytes), EngineError>>,
) -> Vec<(Bytes, Bytes)> {
    range.collect::<Result<_, _>>().unwrap()
}

/// What the transaction shows is the model, by key, by range and whole.
fn check(tx: &WriteTransaction<'_>, model: &Model, draw: &mut Draw) {
    let expected: Vec<_> = model.clone().into_iter().collect();
    assert_eq!(entries(tx.range(MAIN, ..)), expected);
    let (from, to) = (key(draw.below(120)), key(draw.below(120)));
    let is_within = |key: &Bytes| *key > from && *key <= to;
    let expected: Vec<_> = expected
        .into_iter()
        .filter(|(key, _)| is_within(key))
        .collect();
    let bounds = (Bound::Excluded(&from[..]), Bound::Included(&to[..]));
    assert_eq!(entries(tx.range(MAIN, bounds)), expected);
    assert_eq!(tx.get(MAIN, &from).unwrap().as_ref(), model.get(&from));
}

#[test]
fn a_transaction_reads_its_own_writes_and_others_see_it_whole() {
    let env = Env::memory(1);
    let mut draw = Draw::new(seed_of("write transactions"));
    let mut tree = open(&env);
    let mut committed = Model::new();
    for round in 0..40 {
        let mut own = committed.clone();
        let mut tx = tree.begin_write();
        for _ in 0..draw.below(30) {
            let key = key(draw.below(120));
            if draw.chance(30) {
                tx.delete(MAIN, key.clone()).unwrap();
                own.remove(&key);
            } else {
                let value = Bytes::from(vec![b'v'; usize::try_from(draw.below(300)).unwrap()]);
                tx.put(MAIN, key.clone(), value.clone()).unwrap();
                own.insert(key, value);
            }
            check(&tx, &own, &mut draw);
        }
        assert_eq!(
            entries(tree.newest().range(MAIN, ..)),
            entries_of(&committed)
        );
        if draw.chance(25) {
            tx.rollback();
        } else {
            tx.commit().unwrap();
            committed = own;
        }
        assert_eq!(
            entries(tree.newest().range(MAIN, ..)),
            entries_of(&committed)
        );
        if round % 10 == 9 {
            drop(tree);
            tree = open(&env);
        }
    }
    assert!(tree.verify().unwrap().findings.is_empty());
}

fn entries_of(model: &Model) -> Vec<(Bytes, Bytes)> {
    model.clone().into_iter().collect()
}

#[test]
fn a_dropped_keyspace_is_empty_at_once_and_takes_no_writes() {
    let env = Env::memory(1);
    let tree = open(&env);
    let mut tx = tree.begin_write();
    tx.put(MAIN, "one", "stone").unwrap();
    tx.commit().unwrap();
    let mut tx = tree.begin_write();
    tx.put(MAIN, "two", "stones").unwrap();
    tx.drop_keyspace(MAIN);
    assert_eq!(tx.get(MAIN, b"one").unwrap(), None);
    assert_eq!(tx.range(MAIN, ..).count(), 0);
    let refused = tx.put(MAIN, "three", "stones");
    assert!(matches!(
        refused,
        Err(EngineError::Unsorted { keyspace: MAIN })
    ));
    assert_eq!(tx.commit().unwrap(), Lsn(2));
    assert_eq!(tree.newest().keyspaces().unwrap(), []);
}

#[test]
fn what_is_too_long_is_refused_when_it_is_written() {
    let env = Env::memory(1);
    let tree = open(&env);
    let mut tx = tree.begin_write();
    let refused = tx.put(MAIN, vec![b'k'; MAX_KEY_BYTES + 1], "");
    assert!(matches!(refused, Err(EngineError::KeyTooLarge { .. })));
    assert_eq!(tx.commit().unwrap(), Lsn::ZERO, "nothing was written");
}

#[test]
fn there_is_one_write_transaction_at_a_time() {
    let env = Env::memory(1);
    let tree = open(&env);
    let (begun, has_begun) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut tx = tree.begin_write();
        scope.spawn(|| {
            begun.send(()).unwrap();
            // Waits for the transaction, and sees what it wrote.
            let mut other = tree.begin_write();
            assert_eq!(other.get(MAIN, b"n").unwrap().as_deref(), Some(&b"1"[..]));
            other.put(MAIN, "n", "2").unwrap();
            other.commit().unwrap();
        });
        has_begun.recv().unwrap();
        tx.put(MAIN, "n", "1").unwrap();
        assert_eq!(tx.commit().unwrap(), Lsn(1));
    });
    assert_eq!(
        tree.newest().get(MAIN, b"n").unwrap().as_deref(),
        Some(&b"2"[..])
    );
}
