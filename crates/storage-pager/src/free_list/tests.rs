//! Tests of the free list's format.

use proptest::prelude::*;

use super::*;

fn set_of(blocks: impl IntoIterator<Item = u64>) -> ExtentSet {
    let mut set = ExtentSet::default();
    for block in blocks {
        set.insert(Extent::new(block, 1));
    }
    set
}

fn encoded(set: &ExtentSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(set, &mut bytes);
    bytes
}

fn runs(set: &ExtentSet) -> Vec<Extent> {
    set.iter().collect()
}

#[track_caller]
fn check_rejected(header: [u64; 2], rest: &[u8], what: &str) {
    let mut bytes: Vec<u8> = header
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect();
    bytes.extend_from_slice(rest);
    let why = decode(&bytes, 100).unwrap_err();
    assert_eq!(why.what, what);
}

#[test]
fn the_layout_is_the_one_of_the_table() {
    let bytes = encoded(&set_of([4, 5, 8]));
    assert_eq!(bytes[..8], 2u64.to_le_bytes());
    assert_eq!(bytes[8..16], 3u64.to_le_bytes());
    assert_eq!(bytes[16..], [0, 2, 2, 1]);
}

#[test]
fn every_rule_of_the_table_is_checked() {
    check_rejected([2, 2], &[0, 1], "free list"); // a run is missing
    check_rejected([1, 1], &[0, 0], "run of the free list"); // empty
    check_rejected([2, 2], &[0, 1, 0, 1], "run of the free list"); // touches
    check_rejected([1, 97], &[0, 97], "run of the free list"); // outside the file
    check_rejected([1, 2], &[0, 1], "blocks in the free list"); // another sum
    check_rejected([1, 1], &[0, 1, 0, 1], "padding of the free list");
    check_rejected([u64::MAX, 1], &[0, 1], "free list");
    let far = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1];
    check_rejected([1, 1], &far, "run of the free list"); // overflows
    assert_eq!(decode(&[0; 15], 100).unwrap_err().what, "free list");
}

proptest! {
    #[test]
    fn decoding_is_total(runs in 0..4u64, blocks in 0..9u64, rest: Vec<u8>, file_blocks in 4..1000u64) {
        let mut bytes = runs.to_le_bytes().to_vec();
        bytes.extend_from_slice(&blocks.to_le_bytes());
        bytes.extend_from_slice(&rest);
        if let Ok(set) = decode(&bytes, file_blocks) {
            set.check();
            let again = encoded(&set);
            prop_assert_eq!(&bytes[..again.len()], &again[..]);
        }
    }

    #[test]
    fn what_was_encoded_decodes(blocks in prop::collection::btree_set(4..5000u64, 0..300), padding in 0..99usize) {
        let set = set_of(blocks);
        let mut bytes = encoded(&set);
        bytes.resize(bytes.len() + padding, 0);
        prop_assert_eq!(runs(&decode(&bytes, 5000).unwrap()), runs(&set));
    }

    /// The promise that lets the list's own blocks be taken before it is encoded.
    #[test]
    fn the_list_fits_after_its_own_blocks_were_taken(
        free in prop::collection::btree_set(4..1u64 << 42, 1..300),
        count in 1..4u64,
        grown in 1..1u64 << 42,
    ) {
        let mut set = set_of(free.iter().copied());
        let promised = encoded_len_max(&set);
        let run = set.find(count).unwrap_or_else(|| {
            let end = set.last_run().unwrap().end() + 1;
            set.insert(Extent::new(end, count + grown));
            Extent::new(end, count + grown)
        });
        set.remove(Extent::new(run.start, count));
        prop_assert!(encoded(&set).len() as u64 <= promised);
    }
}

#[test]
fn what_a_list_takes_is_reckoned_to_the_byte_but_for_the_slack() {
    for gap in [2, 100, 1 << 20] {
        let set = set_of((0..1_000).map(|run| 4 + run * gap));
        let len = encoded(&set).len() as u64;
        assert_eq!(encoded_len_max(&set), len + SLACK_BYTES, "gaps of {gap}");
    }
}
