//! Compaction: levels stay in bounds, space comes back, readers see what they saw, merges come between slices.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{Budget, Engine, Progress, SliceChanges, Snapshot};
use drystone_lsm::{Codec, Lsm, LsmOptions, LsmSnapshot, WriteBatch};
use drystone_testkit::{Batch, Draw, seed_of};

use crate::small;

const ROWS: KeyspaceId = KeyspaceId(1);
const SLICE: Budget = Budget { bytes: 8 << 10 };

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn open(env: &Env) -> Lsm {
    Lsm::open(env, Path::new("lsm"), small()).unwrap()
}

fn entries(snapshot: &LsmSnapshot) -> Model {
    let range = snapshot.range(ROWS, ..).map(|entry| entry.unwrap());
    range
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

fn settle(lsm: &Lsm) {
    while lsm.step(SLICE).unwrap() == Progress::More {}
}

fn compact(lsm: &Lsm) {
    while lsm.compact(SLICE).unwrap() == Progress::More {}
    assert!(lsm.verify().unwrap().findings.is_empty());
}

fn key(number: u64) -> Vec<u8> {
    format!("row {:08x}", (number * 0x9E37_79B9) & 0xFFFF_FFFF).into_bytes()
}

fn put(lsm: &Lsm, model: &mut Model, numbers: impl Iterator<Item = u64>, version: u8) {
    let mut batch = WriteBatch::new();
    for number in numbers {
        batch.put(ROWS, key(number), vec![version; 60]);
        model.insert(key(number), vec![version; 60]);
    }
    lsm.write_batch(&batch).unwrap();
}

#[test]
fn overwrites_and_deletes_give_space_back() {
    let lsm = open(&Env::memory(1));
    let mut model = Model::new();
    for version in 0..12 {
        put(&lsm, &mut model, 0..1000, version);
        settle(&lsm);
    }
    let mut batch = WriteBatch::new();
    for number in (0..1000).filter(|number| number % 10 > 0) {
        batch.delete(ROWS, key(number));
        model.remove(&key(number));
    }
    lsm.write_batch(&batch).unwrap();
    assert_eq!(entries(&lsm.newest()), model);
    compact(&lsm);
    assert_eq!(entries(&lsm.newest()), model);
    let live: usize = model
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    let bytes: u64 = lsm.stats_by_level().iter().map(|level| level.bytes).sum();
    let live = live as u64;
    assert!(bytes < live * 13 / 10 + 1_000, "{bytes} for {live}");
}

#[test]
fn a_dropped_keyspace_gives_its_space_back_and_may_not_begin_again_at_once() {
    let env = Env::memory(1);
    let lsm = open(&env);
    let mut batch = WriteBatch::new();
    for number in 0..500u32 {
        batch.put(KeyspaceId(1), number.to_be_bytes(), [1; 50]);
        batch.put(KeyspaceId(2), number.to_be_bytes(), [2; 50]);
    }
    lsm.write_batch(&batch).unwrap();
    let before = lsm.stats().file_bytes;
    let mut batch = WriteBatch::new();
    batch.drop_keyspace(KeyspaceId(2));
    lsm.write_batch(&batch).unwrap();
    settle(&lsm);
    let after = lsm.stats().file_bytes;
    assert!(
        after < before * 2 / 3,
        "whole SSTs go at once: {before}, {after}"
    );
    let mut again = WriteBatch::new();
    again.put(KeyspaceId(2), "again", "too soon");
    assert!(
        lsm.write_batch(&again).is_err(),
        "an SST holds the end of the one and the beginning of the other"
    );
    compact(&lsm);
    lsm.write_batch(&again).unwrap();
    drop(lsm);
    let lsm = open(&env);
    assert_eq!(lsm.newest().count(KeyspaceId(2)).unwrap(), 1);
    assert_eq!(lsm.newest().count(KeyspaceId(1)).unwrap(), 500);
}

#[test]
fn a_reader_keeps_what_it_sees_and_its_files_go_when_it_goes() {
    let env = Env::memory(1);
    let lsm = open(&env);
    let mut model = Model::new();
    put(&lsm, &mut model, 0..500, 1);
    let (reader, seen) = (lsm.newest(), model.clone());
    put(&lsm, &mut model, 0..500, 2);
    compact(&lsm);
    assert_eq!(entries(&reader), seen);
    assert!(lsm.stats().pinned_bytes > 20_000);
    drop(reader);
    settle(&lsm);
    assert_eq!(
        (entries(&lsm.newest()), lsm.stats().pinned_bytes),
        (model, 0)
    );
    let names = env.files.list_dir(Path::new("lsm")).unwrap();
    let live = lsm.newest().range(ROWS, ..).count();
    assert!(names.len() < 20 && live == 500, "{names:?}");
}

#[test]
fn merges_come_between_slices() {
    let lsm = Arc::new(open(&Env::memory(1)));
    let mut draw = Draw::new(seed_of("merges between slices"));
    let mut model = Model::new();
    for round in 1..=150u64 {
        let mut batch = Batch::new();
        for _ in 0..draw.below(60) {
            let key = key(draw.below(700));
            if draw.chance(30) {
                batch.delete(ROWS, key.clone());
                model.remove(&key);
            } else {
                let value = vec![round.to_le_bytes()[0]; 40];
                batch.put(ROWS, key.clone(), value.clone());
                model.insert(key, value);
            }
        }
        let changes = batch.changes();
        lsm.merge(&mut SliceChanges::new(&[], &changes), Lsn(round))
            .unwrap();
        for _ in 0..draw.below(4) {
            lsm.step(Budget { bytes: 3_000 }).unwrap();
        }
        if round % 10 == 0 {
            assert_eq!(entries(&lsm.newest()), model, "after {round} merges");
            let findings = lsm.verify().unwrap().findings;
            assert!(findings.is_empty(), "{findings:?}");
        }
    }
    assert!(lsm.stats().moved_bytes > 0);
}

/// Without any step, merges keep the runs of level 0 in bounds by themselves.
#[test]
fn merges_alone_keep_reads_cheap() {
    let lsm = open(&Env::memory(1));
    let mut model = Model::new();
    for round in 0..60 {
        put(
            &lsm,
            &mut model,
            (0..50).map(|n| n * 7 + round),
            round.to_le_bytes()[0],
        );
        assert!(lsm.stats_by_level()[0].runs <= 10);
    }
    assert_eq!(entries(&lsm.newest()), model);
}

#[test]
fn sorted_loads_are_written_once() {
    let lsm = open(&Env::memory(1));
    for part in 0..20u32 {
        let rows = part * 100..(part + 1) * 100;
        lsm.load_sorted(ROWS, rows.map(|n| (n.to_be_bytes(), [7; 40])))
            .unwrap();
        settle(&lsm);
    }
    assert_eq!(lsm.stats().moved_bytes, 0);
    assert_eq!(lsm.newest().count(ROWS).unwrap(), 2000);
    let levels = lsm.stats_by_level();
    assert!(levels[..6].iter().all(|level| level.ssts == 0) && levels[6].entries == 2000);
}

/// A block shrinks when it is full and compressed: a slice goes on from there, whatever its budget.
#[test]
fn compressed_blocks_go_through_the_smallest_slices() {
    let options = LsmOptions {
        codecs: vec![Codec::Lz4],
        ..small()
    };
    let lsm = Lsm::open(&Env::memory(1), Path::new("lsm"), options).unwrap();
    let mut model = Model::new();
    for version in 0..3 {
        put(&lsm, &mut model, 0..300, version);
    }
    while lsm.compact(Budget { bytes: 1 }).unwrap() == Progress::More {}
    assert_eq!(entries(&lsm.newest()), model);
    assert_eq!(lsm.newest().count(ROWS).unwrap(), 300);
    assert!(lsm.verify().unwrap().findings.is_empty());
}
