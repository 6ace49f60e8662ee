//! Tests of regions.

use super::*;

const FRAME_BYTES: usize = 8192;

/// Frames that lie side by side in one allocation of three regions, of which at least the middle one is whole.
fn frames(memory: &[u8]) -> impl Iterator<Item = &[u8]> {
    memory.chunks_exact(FRAME_BYTES)
}

#[test]
fn a_region_is_asked_for_once_when_it_is_full() {
    let memory = vec![7; 3 * HUGE_PAGE_BYTES];
    let regions = Regions::new(CACHE_BYTES_MIN);
    let mut found = Vec::new();
    for frame in frames(&memory) {
        regions.add(frame);
        found.extend(regions.next_full());
    }
    assert!((2..=3).contains(&found.len()), "{found:?}");
    assert!(found.is_sorted_by(|one, two| two - one == 1), "{found:?}");
    assert_eq!(regions.next_full(), None);
}

#[test]
fn a_region_that_emptied_meanwhile_is_not_asked_for() {
    let memory = vec![7; 3 * HUGE_PAGE_BYTES];
    let regions = Regions::new(CACHE_BYTES_MIN);
    frames(&memory).for_each(|frame| regions.add(frame));
    frames(&memory).for_each(|frame| regions.remove(frame));
    assert_eq!(regions.next_full(), None);
    let filled = regions.filled.as_ref().unwrap().lock();
    assert!(filled.bytes.is_empty() && filled.full.is_empty());
}

#[test]
fn a_small_cache_asks_for_nothing() {
    let memory = vec![7; 3 * HUGE_PAGE_BYTES];
    let regions = Regions::new(CACHE_BYTES_MIN - 1);
    frames(&memory).for_each(|frame| regions.add(frame));
    assert_eq!(regions.next_full(), None);
}
