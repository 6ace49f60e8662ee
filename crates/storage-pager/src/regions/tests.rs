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

/// One frame fills it at a stroke: what counts is that the limit was passed, not that it was met.
#[test]
fn a_step_asks_for_the_regions_that_are_full() {
    let memory = vec![7; 3 * HUGE_PAGE_BYTES];
    let regions = Regions::new(CACHE_BYTES_MIN);
    regions.add(&memory[HUGE_PAGE_BYTES..][..FULL_BYTES]);
    let is_full = |regions: &Regions| {
        let filled = regions.filled.as_ref().unwrap().lock();
        !filled.full.is_empty()
    };
    assert!(is_full(&regions));
    assert!(!regions.step(), "nothing is left");
    assert!(!is_full(&regions));
}

#[test]
fn a_region_stays_full_while_enough_frames_are_left() {
    let memory = vec![7; 3 * HUGE_PAGE_BYTES];
    let regions = Regions::new(CACHE_BYTES_MIN);
    let aligned = HUGE_PAGE_BYTES - memory.as_ptr().addr() % HUGE_PAGE_BYTES;
    let (large, small) = memory[aligned..][..HUGE_PAGE_BYTES].split_at(FULL_BYTES);
    regions.add(large);
    regions.add(small);
    regions.remove(small);
    assert_eq!(regions.next_full(), Some(region_of(large)));
}

#[test]
fn a_region_that_is_half_full_is_not_asked_for() {
    let memory = vec![7; 3 * HUGE_PAGE_BYTES];
    let regions = Regions::new(CACHE_BYTES_MIN);
    regions.add(&memory[HUGE_PAGE_BYTES..][..HUGE_PAGE_BYTES / 2]);
    assert_eq!(regions.next_full(), None);
}
