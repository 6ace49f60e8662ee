//! Tests of reading ahead.

use super::*;
use crate::block::BlockNo;
use crate::page_ref::CODEC_NONE;

fn page(block: u64, len: u32) -> PageRef {
    PageRef {
        block: BlockNo(block),
        len,
        codec: CODEC_NONE,
        checksum: block,
    }
}

#[test]
fn a_run_is_what_lies_together_with_the_page() {
    let wanted = [page(4, 8192), page(6, 100), page(10, 100), page(13, 100)];
    assert_eq!(run_around(&wanted[0], &wanted), &wanted[..2]);
    assert_eq!(run_around(&wanted[1], &wanted), &wanted[..2]);
    assert_eq!(run_around(&wanted[3], &wanted), &wanted[2..]);
    assert_eq!(run_around(&page(99, 1), &wanted), &[]);
    assert_eq!(extent_of(&wanted[..2]), Extent::new(4, 3));
    assert_eq!(extent_of(&wanted), Extent::new(4, 10));
    let overlapping = [page(4, 8192), page(5, 100)];
    assert_eq!(run_around(&overlapping[0], &overlapping), &overlapping[..1]);
}
