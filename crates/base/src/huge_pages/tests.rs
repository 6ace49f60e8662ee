//! Tests of huge pages.

use super::*;

#[test]
#[cfg_attr(
    miri,
    ignore = "Miri has no `madvise`, and millions of bytes take it minutes"
)]
fn memory_keeps_what_is_in_it_whether_it_becomes_huge_or_not() {
    let bytes: Vec<u8> = (0..251).cycle().take(3 * HUGE_PAGE_BYTES).collect();
    let first = bytes.as_ptr().addr() / HUGE_PAGE_BYTES;
    for number in first..=first + 3 {
        let _whether = make_huge(number);
    }
    assert!(
        bytes
            .iter()
            .zip((0..251).cycle())
            .all(|(one, other)| *one == other)
    );
}

#[test]
fn addresses_that_are_not_mapped_are_left_alone() {
    assert!(!make_huge(0));
    assert!(!make_huge(usize::MAX));
    assert!(!make_huge(usize::MAX / HUGE_PAGE_BYTES));
}
