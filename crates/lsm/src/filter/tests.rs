//! Tests of filters.

use super::*;

#[test]
fn no_key_is_forgotten_and_few_others_pass() {
    for (bits, passing_max) in [(8, 900), (10, 400), (16, 60)] {
        let hashes: Vec<u64> = (0..5000u32).map(|n| hash(&n.to_be_bytes())).collect();
        let filter = build(&hashes, bits);
        check(&filter).unwrap();
        assert!(hashes.iter().all(|hash| may_hold(&filter, *hash)));
        let others = (10_000..30_000u32).map(|n| hash(&n.to_be_bytes()));
        let passing = others.filter(|hash| may_hold(&filter, *hash)).count();
        assert!(
            passing < passing_max,
            "{bits} bits: {passing} of 20000 pass"
        );
    }
}

#[test]
fn no_filter_holds_everything() {
    assert!(build(&[], 10).is_empty() && build(&[7], 0).is_empty());
    assert!(may_hold(&[], 7));
    assert!(check(&[0; 33]).is_err());
}
