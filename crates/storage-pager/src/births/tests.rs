//! Tests of births.

use super::*;

fn set(runs: &[(u64, u64)]) -> ExtentSet {
    let mut set = ExtentSet::default();
    for &(start, end) in runs {
        set.insert(Extent::between(start, end));
    }
    set
}

#[test]
fn a_page_is_as_old_as_its_set_and_leaves_it() {
    let mut births = Births::default();
    births.record(5, set(&[(10, 20)]));
    births.record(6, set(&[(20, 30)]));
    assert_eq!(births.take(Extent::new(12, 2)), 5);
    assert_eq!(births.take(Extent::new(12, 2)), LONG_AGO);
    assert_eq!(births.take(Extent::new(20, 2)), 6);
    assert_eq!(births.take(Extent::new(100, 2)), LONG_AGO);
    births.check(&ExtentSet::default());
}

#[test]
fn sets_that_no_root_tells_apart_become_one_and_old_ones_go() {
    let mut births = Births::default();
    for generation in 1..=6 {
        births.record(generation, set(&[(generation * 10, generation * 10 + 5)]));
    }
    births.forget(&[2, 4, 6]);
    births.check(&ExtentSet::default());
    let generations: Vec<u64> = births
        .sets
        .iter()
        .map(|(generation, _)| *generation)
        .collect();
    assert_eq!(generations, [4, 6], "3 with 4, 5 with 6");
    assert_eq!(births.take(Extent::new(30, 1)), 4);
    assert_eq!(births.take(Extent::new(10, 1)), LONG_AGO);
    births.forget(&[6]);
    assert!(
        births.sets.is_empty(),
        "without an older root nothing is kept"
    );
}

#[test]
fn a_block_is_needed_from_its_birth_until_it_is_freed() {
    let held = [3, 7];
    let cases = [
        ((0, 3), false),
        ((0, 4), true),
        ((3, 4), true),
        ((4, 7), false),
        ((4, 8), true),
        ((8, 9), false),
    ];
    for ((born, freed), expected) in cases {
        assert_eq!(
            is_any_within(&held, born, freed),
            expected,
            "{born}..{freed}"
        );
    }
    assert!(!is_any_within(&[], 0, u64::MAX));
}
