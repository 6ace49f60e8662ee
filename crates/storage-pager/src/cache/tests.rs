//! Tests of the cache.

use proptest::prelude::*;

use super::*;
use crate::block::BlockNo;
use crate::page_ref::CODEC_NONE;

fn page(block: u64, len: usize) -> PageRef {
    PageRef {
        block: BlockNo(block),
        len: u32::try_from(len).unwrap(),
        codec: CODEC_NONE,
        checksum: block ^ 0xC0DE,
    }
}

fn insert(cache: &Cache, block: u64, len: usize) {
    cache.insert(&page(block, len), Bytes::from(vec![1; len]));
    cache.check();
}

#[test]
fn a_page_is_found_by_its_whole_reference() {
    let cache = Cache::new(1 << 20);
    insert(&cache, 4, 100);
    assert_eq!(cache.get(&page(4, 100)).unwrap().len(), 100);
    let other_contents = PageRef {
        checksum: 1,
        ..page(4, 100)
    };
    assert_eq!(cache.get(&other_contents), None);
    assert_eq!(cache.get(&page(4, 99)), None);
    assert_eq!(cache.get(&page(5, 100)), None);
    assert_eq!(cache.hits_and_misses(), (1, 3));
}

#[test]
fn new_contents_of_a_block_replace_the_old() {
    let cache = Cache::new(1 << 20);
    insert(&cache, 4, 100);
    insert(&cache, 4, 200);
    assert_eq!(cache.get(&page(4, 100)), None);
    assert!(cache.get(&page(4, 200)).is_some());
}

#[test]
fn a_second_reader_shares_the_first_ones_frame() {
    let cache = Cache::new(1 << 20);
    let first = cache.insert(&page(4, 9), Bytes::from(vec![1; 9]));
    let second = cache.insert(&page(4, 9), Bytes::from(vec![1; 9]));
    assert_eq!(first.as_ptr(), second.as_ptr());
}

#[test]
fn a_removed_page_is_gone() {
    let cache = Cache::new(1 << 20);
    insert(&cache, 4, 100);
    cache.remove(4);
    cache.remove(4);
    cache.check();
    assert_eq!(cache.get(&page(4, 100)), None);
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn long_pages_are_not_kept() {
    let cache = Cache::new(1 << 20);
    insert(&cache, 4, CACHED_PAGE_BYTES_MAX);
    insert(&cache, 99, CACHED_PAGE_BYTES_MAX + 1);
    assert!(cache.get(&page(4, CACHED_PAGE_BYTES_MAX)).is_some());
    assert_eq!(cache.get(&page(99, CACHED_PAGE_BYTES_MAX + 1)), None);
}

#[test]
fn a_cache_of_nothing_keeps_nothing() {
    let cache = Cache::new(0);
    insert(&cache, 4, 1);
    assert_eq!(cache.bytes(), 0);
}

/// Hot pages that were read again survive a scan ten times as long as the cache.
#[test]
fn a_scan_leaves_what_is_read_again() {
    let cache = Cache::new(100 * (4096 + FRAME_BYTES));
    let hot = 4..54;
    for block in hot.clone() {
        insert(&cache, block, 4096);
        cache.get(&page(block, 4096)).unwrap();
    }
    for block in 1000..2000 {
        insert(&cache, block, 4096);
    }
    let left = hot.filter(|block| cache.get(&page(*block, 4096)).is_some());
    assert_eq!(left.count(), 50);
}

/// Steady removal and insertion below the budget, as merges do, must not pile up tickets.
#[test]
fn tickets_of_removed_pages_do_not_pile_up() {
    let cache = Cache::new(1 << 20);
    for block in 4..10_000 {
        insert(&cache, block, 10);
        cache.remove(block - 3);
    }
    let table = cache.shards[0].table.read();
    assert!(table.small.len() + table.main.len() < 100);
}

#[test]
fn tickets_stay_in_proportion_to_frames() {
    let cache = Cache::new(64 << 10);
    for block in 0..10 {
        insert(&cache, 1_000 + block, 10);
    }
    for block in 1..500 {
        insert(&cache, block, 10);
        cache.remove(block);
        let table = cache.shards[0].table.read();
        let tickets = table.small.len() + table.main.len();
        assert!(tickets <= 2 * table.frames.len() + 64, "{tickets} tickets");
    }
}

/// What was read once, left, and is read again soon was not part of a scan.
#[test]
fn pages_that_come_back_are_kept_apart_from_those_of_a_scan() {
    let cache = Cache::new(64 << 10);
    for block in 1..=200 {
        insert(&cache, block, 1_000);
    }
    let (gone, ghosts) = {
        let table = cache.shards[0].table.read();
        let is_gone = |block: &u64| table.frame(hash_of(*block), *block).is_none();
        let gone: Vec<u64> = (1..=200).filter(is_gone).collect();
        let is_ghost = |block: &&u64| table.is_ghost(hash_of(**block), **block);
        let ghosts: Vec<u64> = gone.iter().filter(is_ghost).copied().collect();
        (gone, ghosts)
    };
    assert!(ghosts.len() > 1, "many are remembered, not one");
    assert_eq!(ghosts.last(), gone.last(), "the last to leave is");
    for (block, is_known) in [(ghosts[0], true), (201, false)] {
        insert(&cache, block, 1_000);
        let table = cache.shards[0].table.read();
        let frame = table.frame(hash_of(block), block).unwrap();
        assert_eq!(frame.in_main, is_known, "block {block}");
    }
}

#[test]
fn a_pointer_leads_to_the_frame_until_it_leaves() {
    let cache = Cache::new(2 * (4096 + FRAME_BYTES));
    let pointers = Arc::new(FramePointers::new(1));
    cache.point(&page(4, 4096), &pointers, 0);
    assert_eq!(pointers.get(0), None, "the page is not here");
    insert(&cache, 4, 4096);
    cache.point(&page(4, 4096), &pointers, 0);
    cache.check();
    let frame = cache.get(&page(4, 4096)).unwrap();
    assert_eq!(pointers.get(0).unwrap().as_ptr(), frame.as_ptr());
    cache.remove(4);
    cache.check();
    assert_eq!(pointers.get(0), None);
}

#[test]
fn every_pointer_to_a_frame_is_taken_back() {
    let cache = Cache::new(1 << 20);
    let all: Vec<_> = (0..3).map(|_| Arc::new(FramePointers::new(1))).collect();
    insert(&cache, 4, 100);
    for pointers in &all {
        cache.point(&page(4, 100), pointers, 0);
    }
    insert(&cache, 4, 200);
    assert!(all.iter().all(|pointers| pointers.get(0).is_none()));
}

#[test]
fn pointers_that_are_gone_are_forgotten() {
    let cache = Cache::new(1 << 20);
    insert(&cache, 4, 100);
    for _ in 0..10 {
        cache.point(&page(4, 100), &Arc::new(FramePointers::new(1)), 0);
    }
    assert_eq!(cache.shards[0].table.read().pointers[&4].len(), 1);
}

/// To follow a pointer is a use, though the cache sees nothing of it at the time.
#[test]
fn a_page_that_is_pointed_to_and_read_survives_a_scan() {
    let cache = Cache::new(100 * (4096 + FRAME_BYTES));
    let pointers = Arc::new(FramePointers::new(50));
    for idx in 0..50 {
        insert(&cache, 4 + idx as u64, 4096);
        cache.point(&page(4 + idx as u64, 4096), &pointers, idx);
        pointers.get(idx).unwrap();
    }
    for block in 1000..2000 {
        insert(&cache, block, 4096);
    }
    assert_eq!(
        (0..50).filter(|idx| pointers.get(*idx).is_some()).count(),
        50
    );
}

#[test]
fn pages_that_are_pointed_to_make_room_for_others() {
    let cache = Cache::new(10 * (4096 + FRAME_BYTES));
    let pointers = Arc::new(FramePointers::new(30));
    for idx in 0..30 {
        let block = 4 + idx as u64;
        insert(&cache, block, 4096);
        cache.point(&page(block, 4096), &pointers, idx);
    }
    let left = (0..30).filter(|idx| pointers.get(*idx).is_some());
    assert!(left.count() <= 10);
}

/// It was read by way of two parents, which are two reads and not none.
#[test]
fn a_page_that_is_read_by_two_pointers_stays() {
    let cache = Cache::new(100 * (4096 + FRAME_BYTES));
    let both = [0, 1].map(|_| Arc::new(FramePointers::new(1)));
    insert(&cache, 4, 4096);
    for pointers in &both {
        cache.point(&page(4, 4096), pointers, 0);
        pointers.get(0).unwrap();
    }
    for block in 1000..1200 {
        insert(&cache, block, 4096);
    }
    assert!(both.iter().all(|pointers| pointers.get(0).is_some()));
}

/// Blocks of pages are even, or multiples of more: still each shard gets its part.
#[test]
fn pages_are_spread_over_the_shards() {
    let cache = Cache::new(8 << 20);
    let shards = cache.shards.len();
    assert!(shards > 1);
    for number in 0..1_000 {
        insert(&cache, number * 16, 100);
    }
    for shard in &cache.shards {
        let frames = shard.table.read().frames.len();
        assert!(frames > 1_000 / shards / 2, "{frames} frames of 1,000");
    }
    let ghosts = cache.shards[0].table.read().ghosts.len();
    let table = cache.shards[0].table.read();
    let places = (0..1_000).map(|number| table.ghost_idx(hash_of(number * 16)));
    let places: std::collections::BTreeSet<usize> = places.collect();
    assert!(places.len() > ghosts / 2, "{} of {ghosts}", places.len());
}

proptest! {
    #[test]
    fn the_budget_holds_and_no_wrong_page_is_returned(
        bytes_max in 0..20_000usize,
        ops in prop::collection::vec((4..40u64, 1..3000usize, 0..6u8), 1..300),
    ) {
        let cache = Cache::new(bytes_max);
        let pointers = Arc::new(FramePointers::new(40));
        for (block, len, op) in ops {
            match op {
                0 => cache.remove(block),
                1 | 2 => insert(&cache, block, len),
                3 => cache.point(&page(block, len), &pointers, usize::try_from(block).unwrap()),
                4 => {
                    let pointed = pointers.get(usize::try_from(block).unwrap());
                    let here = cache.shards[0].table.read().frame(hash_of(block), block).map(|frame| frame.bytes.clone());
                    prop_assert!(pointed.is_none() || pointed == here);
                }
                _ => {
                    let found = cache.get(&page(block, len));
                    prop_assert!(found.is_none_or(|bytes| bytes.len() == len));
                }
            }
            cache.check();
            prop_assert!(cache.bytes() <= bytes_max);
        }
    }
}

#[test]
fn a_page_that_just_fits_into_the_budget_is_kept() {
    let cache = Cache::new(1024 + FRAME_BYTES);
    insert(&cache, 4, 1024);
    assert!(cache.get(&page(4, 1024)).is_some());
    insert(&cache, 5, 1025);
    assert_eq!(cache.get(&page(5, 1025)), None, "larger than the budget");
    assert!(cache.get(&page(4, 1024)).is_some());
}
