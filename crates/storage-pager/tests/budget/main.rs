//! The cache's budget, held against an allocator that counts. A process of its own, with one test: nothing else
//! allocates meanwhile.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, Lsn};
use drystone_storage_pager::{CachePolicy, Codec, FramePointers, PageRef, Pager, PagerOptions};
use drystone_testkit::CountingAllocator;
use tempfile::TempDir;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

/// Lengths of pages, drawn from these one after another.
#[derive(Clone, Copy, Debug)]
struct Lengths(&'static [usize]);

const MIXES: [(Lengths, Codec); 4] = [
    (Lengths(&[300]), Codec::None),
    (Lengths(&[8100, 8192, 7000]), Codec::Lz4),
    (Lengths(&[20_000, 70_000]), Codec::None),
    (Lengths(&[500_000, 3000, 120_000]), Codec::Lz4),
];

const CACHE_BYTES: usize = 4 << 20;

/// Text of which no two pages have the same; it takes a third when it is compressed.
fn contents(number: usize, len: usize) -> Vec<u8> {
    let line = format!("{number} stone upon stone upon stone; ");
    let mut page = line.repeat(len / line.len() + 1).into_bytes();
    page.truncate(len);
    page
}

/// Pages of twice the budget.
fn write(pager: &Pager, lengths: Lengths, codec: Codec) -> Vec<PageRef> {
    let mut writer = pager.begin().unwrap();
    let (mut pages, mut bytes) = (Vec::new(), 0);
    while bytes < 2 * CACHE_BYTES {
        let len = lengths.0[pages.len() % lengths.0.len()];
        let page = contents(pages.len(), len);
        pages.push(writer.write_compressed(&page, codec).unwrap());
        bytes += len;
    }
    writer.commit(b"", Lsn(1)).unwrap();
    pages
}

/// What the cache takes when it is full, in parts of a thousand of its budget, and what it says that it takes.
fn fill(cache_policy: CachePolicy, lengths: Lengths, codec: Codec) -> (usize, usize) {
    let dir = TempDir::new().unwrap();
    let open = || {
        let options = PagerOptions {
            cache_bytes: CACHE_BYTES,
            cache_policy,
            ..PagerOptions::default()
        };
        Pager::open(&Env::os(), Path::new(dir.path()), options).unwrap()
    };
    let pages = write(&open(), lengths, codec);
    // Of pointers beside their parent the parent's holder pays; what the cache keeps of them is the cache's.
    let parents: Vec<_> = (0..3)
        .map(|_| Arc::new(FramePointers::new(pages.len())))
        .collect();
    let before = ALLOCATOR.live_bytes();
    let pager = open();
    for (idx, page) in pages.iter().enumerate() {
        let parents_count = idx % 4;
        for parent in &parents[..parents_count] {
            pager.read_child(page, parent, idx).unwrap();
        }
        pager.read(page).unwrap();
    }
    let live = ALLOCATOR.live_bytes() - before;
    let said = usize::try_from(pager.stats().cache_bytes).unwrap();
    (live * 1000 / CACHE_BYTES, said * 1000 / CACHE_BYTES)
}

#[test]
fn the_cache_takes_its_budget_and_no_more() {
    for policy in [CachePolicy::S3Fifo, CachePolicy::Lru, CachePolicy::Lfu] {
        for (lengths, codec) in MIXES {
            let (live, said) = fill(policy, lengths, codec);
            let what = format!("{policy:?}, {lengths:?}, {codec:?}: {live}, says {said}");
            assert!(live <= 1050, "{what}");
            assert!(said <= 1000, "{what}");
            // Of the longest, one more may just not fit.
            let longest = lengths.0.iter().max().unwrap() * 1000 / CACHE_BYTES;
            assert!(live >= 950 - longest, "{what}: much is not used");
        }
    }
}
