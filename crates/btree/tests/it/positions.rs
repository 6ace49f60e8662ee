//! Entries by their number: counts of ranges, the n-th, samples, cuts into equal parts, against a `BTreeMap`.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions, MIN_PAGE_BYTES, WriteBatch};
use drystone_testkit::{Draw, seed_of};

const MAIN: KeyspaceId = KeyspaceId(1);

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A tree of small pages with so many entries, some of whose values are long.
fn tree_of(entries: u64) -> (BTree, Model) {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    let tree = BTree::open(&Env::memory(1), Path::new("tree"), options).unwrap();
    let mut draw = Draw::new(seed_of("positions"));
    let mut model = Model::new();
    while (model.len() as u64) < entries {
        let mut batch = WriteBatch::new();
        for _ in 0..entries.div_ceil(5).min(entries - model.len() as u64) {
            let key = format!("{:x}", draw.below(entries * 50)).into_bytes();
            let len = if draw.chance(3) { 600 } else { draw.below(20) };
            let value = vec![b'v'; usize::try_from(len).unwrap()];
            batch.put(MAIN, key.clone(), value.clone());
            model.insert(key, value);
        }
        tree.write_batch(&batch).unwrap();
    }
    (tree, model)
}

#[test]
fn counts_of_ranges_are_those_of_a_map() {
    for entries in [0, 1, 7, 900] {
        let (tree, model) = tree_of(entries);
        let snapshot = tree.newest();
        let mut draw = Draw::new(seed_of("counts"));
        for _ in 0..300 {
            let mut drawn = || match draw.below(4) {
                0 => Bound::Unbounded,
                1 => Bound::Included(format!("{:x}", draw.below(entries * 50 + 1)).into_bytes()),
                _ => Bound::Excluded(format!("{:x}", draw.below(entries * 50 + 1)).into_bytes()),
            };
            let (start, end) = (drawn(), drawn());
            let is_within = |key: &&Vec<u8>| {
                let above = match &start {
                    Bound::Unbounded => true,
                    Bound::Included(start) => *key >= start,
                    Bound::Excluded(start) => *key > start,
                };
                let below = match &end {
                    Bound::Unbounded => true,
                    Bound::Included(end) => *key <= end,
                    Bound::Excluded(end) => *key < end,
                };
                above && below
            };
            let expected = model.keys().filter(is_within).count() as u64;
            let bounds = (
                start.as_ref().map(|key| &key[..]),
                end.as_ref().map(|key| &key[..]),
            );
            assert_eq!(
                snapshot.count_within(MAIN, bounds).unwrap(),
                expected,
                "{bounds:?}"
            );
        }
    }
}

#[test]
fn the_nth_entry_is_that_of_a_map() {
    let (tree, model) = tree_of(700);
    let snapshot = tree.newest();
    for (position, (key, value)) in (0..).zip(&model) {
        let (found_key, found_value) = snapshot.nth(MAIN, position).unwrap().unwrap();
        assert_eq!((&found_key[..], &found_value[..]), (&key[..], &value[..]));
    }
    for beyond in [700, 701, u64::MAX] {
        assert_eq!(snapshot.nth(MAIN, beyond).unwrap(), None);
    }
    assert_eq!(snapshot.nth(KeyspaceId(9), 0).unwrap(), None);
}

#[test]
fn samples_are_drawn_evenly_and_again_from_the_same_seed() {
    let (tree, model) = tree_of(1000);
    let snapshot = tree.newest();
    let sample = snapshot.sample(MAIN, 2000, 7).unwrap();
    assert_eq!(sample, snapshot.sample(MAIN, 2000, 7).unwrap());
    assert_ne!(sample, snapshot.sample(MAIN, 2000, 8).unwrap());
    assert!(sample.is_sorted_by_key(|(key, _)| key.clone()));
    assert!(
        sample
            .iter()
            .all(|(key, value)| model[&key[..]] == value[..])
    );
    // Each tenth of the keyspace gets 200 of the 2000, give or take five standard deviations.
    for (tenth, keys) in model.keys().collect::<Vec<_>>().chunks(100).enumerate() {
        let drawn = sample
            .iter()
            .filter(|(key, _)| key[..] >= keys[0][..] && key[..] <= keys[keys.len() - 1][..]);
        let drawn = drawn.count();
        assert!((133..=267).contains(&drawn), "tenth {tenth}: {drawn}");
    }
    assert_eq!(snapshot.sample(KeyspaceId(9), 5, 1).unwrap(), []);
}

#[test]
fn cuts_into_equal_parts_are_exact_about_what_lies_below_them() {
    for (entries, parts) in [
        (0, 4),
        (3, 4),
        (900, 1),
        (900, 2),
        (900, 10),
        (900, 100_000),
    ] {
        let (tree, model) = tree_of(entries);
        let cuts = tree.newest().equal_parts(MAIN, parts).unwrap();
        assert!(cuts.len() < parts.max(1));
        assert!(cuts.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1), "{cuts:?}");
        for (key, below) in &cuts {
            let expected = model.keys().filter(|known| known[..] < key[..]).count() as u64;
            assert_eq!(*below, expected, "below {key:?}");
        }
        if (entries, parts) == (900, 10) {
            assert_eq!(cuts.len(), 9);
            for (number, (_, below)) in (1..).zip(&cuts) {
                assert!(below.abs_diff(number * 90) <= 20, "cut {number}: {below}");
            }
        }
    }
}
