//! Tests of the cache.

use proptest::prelude::*;

use super::*;
use crate::block::BlockNo;
use crate::page_ref::CODEC_NONE;

mod policies;

const POLICIES: [CachePolicy; 3] = [CachePolicy::S3Fifo, CachePolicy::Lru, CachePolicy::Lfu];

fn page(block: u64, len: usize) -> PageRef {
    PageRef {
        block: BlockNo(block),
        len: u32::try_from(len).unwrap(),
        codec: CODEC_NONE,
        checksum: block ^ 0xC0DE,
    }
}

fn contents(len: usize) -> Contents {
    Contents::of(vec![1; len])
}

fn new(bytes_max: usize) -> Cache {
    Cache::new(bytes_max, CachePolicy::S3Fifo)
}

fn insert(cache: &Cache, block: u64, len: usize) {
    cache.insert(&page(block, len), contents(len), Arrival::Asked);
    cache.check();
}

/// A budget for so many pages, and not for one more.
pub(super) fn room(count: u64, len: usize) -> usize {
    let mut frames = Frames::new();
    for block in 0..count {
        frames.add(
            hash_of(block),
            Frame::new(&page(block, len), contents(len), 0),
        );
    }
    let bytes = frames.bytes() + len / 4;
    bytes + S3Fifo::new(bytes).bytes()
}

#[test]
fn a_page_is_found_by_its_whole_reference() {
    let cache = new(1 << 20);
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
    let cache = new(1 << 20);
    insert(&cache, 4, 100);
    insert(&cache, 4, 200);
    assert_eq!(cache.get(&page(4, 100)), None);
    assert!(cache.get(&page(4, 200)).is_some());
}

#[test]
fn a_second_reader_shares_the_first_ones_frame() {
    let cache = new(1 << 20);
    let first = cache.insert(&page(4, 9), contents(9), Arrival::Asked);
    let second = cache.insert(&page(4, 9), contents(9), Arrival::Asked);
    assert_eq!(first.as_ptr(), second.as_ptr());
}

#[test]
fn a_removed_page_is_gone() {
    let cache = new(1 << 20);
    insert(&cache, 4, 100);
    cache.remove(4);
    cache.remove(4);
    cache.check();
    assert_eq!(cache.get(&page(4, 100)), None);
    assert_eq!(cache.bytes(), 0);
}

/// Also where nodes are as long as they can be, of which each shard then has a few.
#[test]
fn pages_that_take_much_of_a_shard_are_not_kept() {
    let cases = [
        (1 << 20, SHORT_PAGE_BYTES, 260 << 10),
        (4 << 20, 1_000_000, 1 << 20),
        (64 << 20, 1_000_000, 1 << 20),
        (1 << 30, 1 << 20, 4 << 20),
    ];
    for (bytes_max, kept, not_kept) in cases {
        let cache = new(bytes_max);
        insert(&cache, 4, kept);
        insert(&cache, 999, not_kept);
        assert!(cache.get(&page(4, kept)).is_some(), "{kept} of {bytes_max}");
        let found = cache.get(&page(999, not_kept));
        assert_eq!(found, None, "{not_kept} of {bytes_max}");
    }
}

#[test]
fn a_cache_of_nothing_keeps_nothing() {
    let cache = new(0);
    insert(&cache, 4, 1);
    assert_eq!(cache.bytes(), 0);
}

/// Hot pages that were read again survive a scan ten times as long as the cache.
#[test]
fn a_scan_leaves_what_is_read_again() {
    let cache = new(room(100, 4096));
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

/// Places of frames that left are used again.
#[test]
fn steady_removal_takes_no_more_memory() {
    let cache = new(1 << 20);
    for block in 4..10_000 {
        insert(&cache, block, 10);
        cache.remove(block - 3);
    }
    let bytes = cache.bytes();
    assert!(bytes < 10_000, "{bytes} bytes for three pages");
}

/// What was read once, left, and is read again soon was not part of a scan.
#[test]
fn pages_that_come_back_are_kept_apart_from_those_of_a_scan() {
    let cache = new(64 << 10);
    for block in 1..=200 {
        insert(&cache, block, 1_000);
    }
    let (gone, ghosts) = {
        let table = cache.shards[0].table.read();
        let is_gone = |block: &u64| table.frames.find(hash_of(*block), *block).is_none();
        let gone: Vec<u64> = (1..=200).filter(is_gone).collect();
        let is_ghost = |block: &&u64| table.policy.remembers(**block);
        let ghosts: Vec<u64> = gone.iter().filter(is_ghost).copied().collect();
        (gone, ghosts)
    };
    assert!(ghosts.len() > 1, "many are remembered, not one");
    assert_eq!(ghosts.last(), gone.last(), "the last to leave is");
    let known = *ghosts.last().unwrap();
    for (block, is_known) in [(known, true), (201, false)] {
        insert(&cache, block, 1_000);
        let table = cache.shards[0].table.read();
        let frame = table.frames.find(hash_of(block), block).unwrap();
        let is_in_main = table.frames.get(frame).queue != 0;
        assert_eq!(is_in_main, is_known, "block {block}");
    }
}

#[test]
fn a_pointer_leads_to_the_frame_until_it_leaves() {
    let cache = new(room(2, 4096));
    let pointers = Arc::new(FramePointers::new(1));
    cache.point(&page(4, 4096), &pointers, 0);
    assert_eq!(
        pointers.get(0, Touch::Count(3)),
        None,
        "the page is not here"
    );
    insert(&cache, 4, 4096);
    cache.point(&page(4, 4096), &pointers, 0);
    cache.check();
    let frame = cache.get(&page(4, 4096)).unwrap();
    assert_eq!(
        pointers.get(0, Touch::Count(3)).unwrap().as_ptr(),
        frame.as_ptr()
    );
    cache.remove(4);
    cache.check();
    assert_eq!(pointers.get(0, Touch::Count(3)), None);
}

#[test]
fn every_pointer_to_a_frame_is_taken_back() {
    let cache = new(1 << 20);
    let all: Vec<_> = (0..3).map(|_| Arc::new(FramePointers::new(1))).collect();
    insert(&cache, 4, 100);
    for pointers in &all {
        cache.point(&page(4, 100), pointers, 0);
    }
    insert(&cache, 4, 200);
    assert!(
        all.iter()
            .all(|pointers| pointers.get(0, Touch::Count(3)).is_none())
    );
}

#[test]
fn pointers_that_are_gone_are_forgotten() {
    let cache = new(1 << 20);
    insert(&cache, 4, 100);
    for _ in 0..10 {
        cache.point(&page(4, 100), &Arc::new(FramePointers::new(1)), 0);
    }
    let table = cache.shards[0].table.read();
    let frame = table.frames.find(hash_of(4), 4).unwrap();
    assert_eq!(table.frames.get(frame).pointers.len(), 1);
}

/// To follow a pointer is a use, though the cache sees nothing of it at the time.
#[test]
fn a_page_that_is_pointed_to_and_read_survives_a_scan() {
    let cache = new(room(100, 4096));
    let pointers = Arc::new(FramePointers::new(50));
    for idx in 0..50 {
        insert(&cache, 4 + idx as u64, 4096);
        cache.point(&page(4 + idx as u64, 4096), &pointers, idx);
        pointers.get(idx, Touch::Count(3)).unwrap();
    }
    for block in 1000..2000 {
        insert(&cache, block, 4096);
    }
    assert_eq!(
        (0..50)
            .filter(|idx| pointers.get(*idx, Touch::Count(3)).is_some())
            .count(),
        50
    );
}

#[test]
fn pages_that_are_pointed_to_make_room_for_others() {
    let cache = new(room(10, 4096));
    let pointers = Arc::new(FramePointers::new(30));
    for idx in 0..30 {
        let block = 4 + idx as u64;
        insert(&cache, block, 4096);
        cache.point(&page(block, 4096), &pointers, idx);
    }
    let left = (0..30).filter(|idx| pointers.get(*idx, Touch::Count(3)).is_some());
    assert!(left.count() <= 10);
}

/// It was read by way of two parents, which are two reads and not none.
#[test]
fn a_page_that_is_read_by_two_pointers_stays() {
    let cache = new(room(100, 4096));
    let both = [0, 1].map(|_| Arc::new(FramePointers::new(1)));
    insert(&cache, 4, 4096);
    for pointers in &both {
        cache.point(&page(4, 4096), pointers, 0);
        pointers.get(0, Touch::Count(3)).unwrap();
    }
    for block in 1000..1200 {
        insert(&cache, block, 4096);
    }
    assert!(
        both.iter()
            .all(|pointers| pointers.get(0, Touch::Count(3)).is_some())
    );
}

/// Blocks of pages are even, or multiples of more: still each shard gets its part.
#[test]
fn pages_are_spread_over_the_shards() {
    let cache = new(32 << 20);
    let shards = cache.shards.len();
    assert!(shards > 1);
    for number in 0..1_000 {
        insert(&cache, number * 16, 100);
    }
    for shard in &cache.shards {
        let frames = shard.table.read().frames.count();
        assert!(frames > 1_000 / shards / 2, "{frames} frames of 1,000");
    }
    let ghosts = ghosts::Ghosts::new(4 << 20);
    let places = (0..500).map(|number| ghosts.idx(number * 16));
    let places: std::collections::BTreeSet<usize> = places.collect();
    assert!(places.len() > 250, "{} of 500", places.len());
}

proptest! {
    #[test]
    fn the_budget_holds_and_no_wrong_page_is_returned(
        bytes_max in 0..30_000usize,
        policy in 0..3usize,
        ops in prop::collection::vec((4..40u64, 1..3000usize, 0..6u8), 1..300),
    ) {
        let cache = Cache::new(bytes_max, POLICIES[policy]);
        let pointers = Arc::new(FramePointers::new(40));
        for (block, len, op) in ops {
            match op {
                0 => cache.remove(block),
                1 | 2 => insert(&cache, block, len),
                3 => cache.point(&page(block, len), &pointers, usize::try_from(block).unwrap()),
                4 => {
                    let pointed = pointers.get(usize::try_from(block).unwrap(), Touch::Count(3));
                    let table = cache.shards[0].table.read();
                    let here = table.frames.find(hash_of(block), block);
                    let here = here.map(|idx| table.frames.get(idx).bytes().clone());
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
    let cache = new(room(1, 1024));
    insert(&cache, 4, 1024);
    assert!(cache.get(&page(4, 1024)).is_some());
    insert(&cache, 5, 4096);
    assert_eq!(cache.get(&page(5, 4096)), None, "larger than the budget");
    assert!(cache.get(&page(4, 1024)).is_some());
}
