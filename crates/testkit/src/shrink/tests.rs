//! What is shrunk still fails, is 1-minimal, and takes few tries.

use proptest::prelude::*;

use super::*;

#[test]
fn two_culprits_among_a_thousand_are_found_in_few_tries() {
    let items: Vec<u32> = (0..1000).collect();
    let mut shrink = Shrink::new();
    let small = shrink.items(&items, |kept| kept.contains(&123) && kept.contains(&871));
    assert_eq!(small, [123, 871]);
    assert!(shrink.tries() < 120, "{} tries", shrink.tries());
}

#[test]
fn what_always_fails_becomes_empty() {
    let mut shrink = Shrink::new();
    assert_eq!(shrink.items(&[1, 2, 3], |_| true), []);
    assert_eq!(shrink.items::<u8>(&[], |_| true), []);
}

#[test]
fn order_is_kept_where_it_matters() {
    let items = ["sync", "open", "write", "write", "sync", "crash", "open"];
    let lost = |kept: &[&str]| {
        let wrote = kept.iter().position(|item| *item == "write");
        let crashed = kept.iter().position(|item| *item == "crash");
        matches!((wrote, crashed), (Some(write), Some(crash)) if write < crash)
    };
    assert_eq!(Shrink::new().items(&items, lost), ["write", "crash"]);
}

#[test]
fn values_stop_just_where_they_pass() {
    let small = Shrink::new().values(
        &[900, 900, 900],
        |number| smaller_numbers(*number),
        |kept| kept[0] >= 17 && kept[1] > 0,
    );
    assert_eq!(small, [17, 1, 0]);
}

#[test]
fn out_of_tries_the_best_so_far_is_given() {
    let items: Vec<u32> = (0..64).collect();
    let mut shrink = Shrink::new().tries_max(3);
    let small = shrink.items(&items, |kept| kept.contains(&63));
    assert_eq!(shrink.tries(), 3);
    assert!(small.len() < 64 && small.contains(&63));
}

#[test]
fn offers_for_a_number_come_nearer_to_it() {
    assert_eq!(smaller_numbers(0), []);
    assert_eq!(smaller_numbers(1), [0]);
    assert_eq!(smaller_numbers(10), [0, 5, 8, 9]);
}

proptest! {
    #[test]
    fn the_result_fails_and_nothing_in_it_can_be_spared(
        items in proptest::collection::vec(0..40u32, 0..60),
        culprits in proptest::collection::btree_set(0..40u32, 0..5),
    ) {
        let fails = |kept: &[u32]| culprits.iter().all(|culprit| kept.contains(culprit));
        prop_assume!(fails(&items));
        let small = Shrink::new().items(&items, fails);
        prop_assert!(fails(&small));
        prop_assert_eq!(small.len(), culprits.len());
    }
}
