//! Tests of the extent set, against a set of single blocks.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn runs_that_touch_become_one() {
    let mut set = ExtentSet::default();
    set.insert(Extent::new(10, 2));
    set.insert(Extent::new(14, 2));
    set.insert(Extent::new(12, 2));
    assert_eq!(set.iter().collect::<Vec<_>>(), [Extent::new(10, 6)]);
    set.remove(Extent::new(11, 1));
    let expected = [Extent::new(10, 1), Extent::new(12, 4)];
    assert_eq!(set.iter().collect::<Vec<_>>(), expected);
    set.check();
}

#[test]
#[should_panic(expected = "in the set in part already")]
fn a_block_has_one_owner() {
    let mut set = ExtentSet::default();
    set.insert(Extent::new(10, 4));
    set.insert(Extent::new(8, 3));
}

#[test]
#[should_panic(expected = "is not in the set")]
fn what_is_not_there_cannot_be_taken() {
    let mut set = ExtentSet::default();
    set.insert(Extent::new(10, 4));
    set.remove(Extent::new(12, 3));
}

#[test]
fn the_lowest_run_of_a_class_that_promises_enough_is_found() {
    let mut set = ExtentSet::default();
    set.insert(Extent::new(10, 3));
    set.insert(Extent::new(20, 40));
    set.insert(Extent::new(80, 4));
    assert_eq!(set.find(4), Some(Extent::new(20, 40)));
    assert_eq!(set.find(2), Some(Extent::new(10, 3)));
    assert_eq!(
        set.find(33),
        Some(Extent::new(20, 40)),
        "the class below is looked at"
    );
    assert_eq!(set.find(41), None);
}

/// A file that grew by just enough: its new tail must be found, however many shorter runs there are.
#[test]
fn the_last_run_is_found_behind_many_that_are_too_short() {
    let mut set = ExtentSet::default();
    for start in 0..100 {
        set.insert(Extent::new(start * 100, 17));
    }
    assert_eq!(set.find(18), None);
    set.insert(Extent::new(10_000, 18));
    assert_eq!(set.find(18), Some(Extent::new(10_000, 18)));
}

fn blocks_of(extent: Extent) -> impl Iterator<Item = u64> {
    extent.start..extent.end()
}

proptest! {
    #[test]
    fn it_agrees_with_a_set_of_blocks(ops in prop::collection::vec((0..64u64, 1..9u64), 1..200)) {
        let (mut set, mut model) = (ExtentSet::default(), BTreeSet::new());
        for (start, count) in ops {
            let extent = Extent::new(start, count);
            let held = blocks_of(extent).filter(|block| model.contains(block)).count() as u64;
            prop_assert_eq!(set.overlaps(extent), held > 0);
            prop_assert_eq!(set.contains(extent), held == count);
            if held == count {
                set.remove(extent);
                model.retain(|block| !(start..start + count).contains(block));
            } else if held == 0 {
                set.insert(extent);
                model.extend(blocks_of(extent));
            }
            set.check();
            prop_assert!(set.iter().flat_map(blocks_of).eq(model.iter().copied()));
            prop_assert_eq!(set.block_count(), model.len() as u64);
            if let Some(run) = set.find(count) {
                prop_assert!(run.count >= count && set.contains(run));
            }
        }
    }
}
