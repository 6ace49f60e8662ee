//! Page cache: frames by first block, within a budget of bytes.
//!
//! A frame is found by its block and then held against the reference's checksum and length: a page that is gone, whose
//! blocks hold another one by now, is a miss, and never the wrong bytes. A hit takes a shared latch and, at most, one
//! relaxed store; one through a pointer (`frame_pointers.rs`) does not even come here. What leaves is chosen by a policy
//! for each shard, which learns of hits when it asks.
//!
//! The budget pays for all that the cache takes: the frames' memory, with the allocator's share and the padding, and its
//! own tables. What is over it is evicted before a call returns. Pages that one shard has little room for are not kept:
//! see [`Cache::keeps`].
//!
//! # Invariants
//! - C1. `bytes <= bytes_max` in every shard when no call is under way, unless it has no frame. Frames that readers hold
//!   after they were evicted are theirs, and are not counted.
//! - C2. Every frame is in one queue of its shard's policy.
//! - C3. A frame pointer that is set points to a frame that is here, and is listed beside it: what leaves takes its
//!   pointers along. They are set and cleared under the shard's latch.

mod frames;
mod ghosts;
mod ladder;
mod lfu;
mod lru;
mod policy;
mod s3_fifo;
mod touch;

use std::sync::Arc;

use bytes::Bytes;

use drystone_base::planted::is_planted;
use drystone_base::sync::RwLock;
use drystone_base::sync::atomic::{AtomicU64, Ordering};

use self::frames::{Frame, FrameIdx, Frames, Pointer};
use self::lfu::Lfu;
use self::lru::{Clock, Lru};
pub use self::policy::CachePolicy;
use self::policy::Policy;
use self::s3_fifo::S3Fifo;
use self::touch::AHEAD;
pub(crate) use self::touch::Touch;
use crate::frame::{Contents, frame_bytes, warm};
use crate::frame_pointers::FramePointers;
use crate::page_ref::PageRef;
use crate::regions::Regions;

/// A shard has at least this budget; there are up to [`SHARDS_MAX`].
const SHARD_BYTES_MIN: usize = 4 << 20;
const SHARDS_MAX: usize = 64;

/// A page is kept that takes at most this part of its shard: one that took more would push nearly all others out.
const PAGE_SHARE: usize = 4;

/// Pages up to here are kept wherever they fit.
const SHORT_PAGE_BYTES: usize = 64 * 1024;

/// Pages in memory.
#[derive(Debug)]
pub(crate) struct Cache {
    shards: Box<[Shard]>,
    regions: Arc<Regions>,
    bytes_max: usize,
    policy: CachePolicy,
    /// What LRU tells the time by.
    clock: Arc<Clock>,
}

/// Latch `table`: taken shared by hits and exclusively by everything else, for no I/O and no other latch.
///
/// Aligned, so that threads at work on neighbours do not wait for one another's cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    table: RwLock<Table>,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug)]
struct Table {
    frames: Frames,
    policy: Box<dyn Policy>,
    regions: Arc<Regions>,
    bytes_max: usize,
}

/// Why a page comes into the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Somebody asked for it, or wrote it.
    Asked,
    /// Somebody is likely to ask for it soon, once.
    Ahead,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize, policy: CachePolicy) -> Cache {
        let shard_count = (bytes_max / SHARD_BYTES_MIN).clamp(1, SHARDS_MAX);
        let shard_count = 1 << shard_count.ilog2();
        let regions = Arc::new(Regions::new(bytes_max));
        let clock = Arc::new(Clock::new(bytes_max));
        let shard_bytes = bytes_max / shard_count;
        let policy_of_shard = || -> Box<dyn Policy> {
            match policy {
                CachePolicy::S3Fifo => Box::new(S3Fifo::new(shard_bytes)),
                CachePolicy::Lru => Box::new(Lru::new(Arc::clone(&clock))),
                CachePolicy::Lfu => Box::new(Lfu::new(shard_bytes)),
            }
        };
        let shards = (0..shard_count).map(|_| {
            let table = Table {
                frames: Frames::new(),
                policy: policy_of_shard(),
                regions: Arc::clone(&regions),
                bytes_max: shard_bytes,
            };
            Shard::new(table)
        });
        Cache {
            shards: shards.collect(),
            regions,
            bytes_max,
            policy,
            clock,
        }
    }

    /// Whether a page of `len` bytes is kept: one that takes at most a quarter of a shard, or one of up to 64 KiB that a
    /// shard has room for at all. With 4 MiB or more that is every page of up to 1 MiB. A longer one, which is a long
    /// value, belongs to whoever reads it: to read it again from the operating system costs a small part of what it costs to do
    /// something with it.
    pub(crate) fn keeps(&self, len: usize) -> bool {
        let shard_bytes = self.bytes_max / self.shards.len();
        len <= SHORT_PAGE_BYTES || frame_bytes(len) <= shard_bytes / PAGE_SHARE
    }

    /// How readers note that they used a page.
    #[inline]
    pub(crate) fn touch(&self) -> Touch {
        match self.policy {
            CachePolicy::S3Fifo => Touch::Count(s3_fifo::USES_MAX),
            CachePolicy::Lfu => Touch::Count(lfu::USES_MAX),
            CachePolicy::Lru => Touch::Mark(self.clock.mark()),
        }
    }

    /// The page's frame, if it is here.
    pub(crate) fn get(&self, page: &PageRef) -> Option<Bytes> {
        let hash = hash_of(page.block.0);
        let shard = self.shard(hash);
        let table = shard.table.read();
        let Some(frame) = table.frame(hash, page) else {
            count(&shard.misses);
            return None;
        };
        count(&shard.hits);
        let frame = table.frames.get(frame);
        self.touch().note_frame(&frame.uses);
        // Not one that lies in the file: to touch it may wait for the medium, and others would wait for the latch.
        if frame.contents.is_on_heap() {
            warm(frame.bytes());
        }
        Some(frame.bytes().clone())
    }

    /// Whether the page is here. No use is noted.
    pub(crate) fn has(&self, page: &PageRef) -> bool {
        let hash = hash_of(page.block.0);
        self.shard(hash).table.read().frame(hash, page).is_some()
    }

    /// Keeps a page whose checksum was proved. Returns the frame to use: another reader may have been faster.
    pub(crate) fn insert(&self, page: &PageRef, contents: Contents, arrival: Arrival) -> Bytes {
        if !self.keeps(contents.bytes.len()) {
            return contents.bytes;
        }
        let hash = hash_of(page.block.0);
        let mut table = self.shard(hash).table.write();
        if let Some(frame) = table.frame(hash, page) {
            return table.frames.get(frame).bytes().clone();
        }
        table.remove(page.block.0);
        let bytes = contents.bytes.clone();
        let uses = match arrival {
            Arrival::Asked => 0,
            Arrival::Ahead => AHEAD,
        };
        table.insert(hash, Frame::new(page, contents, uses));
        bytes
    }

    /// Points `pointers` at the page's frame, if it is here.
    pub(crate) fn point(&self, page: &PageRef, pointers: &Arc<FramePointers>, idx: usize) {
        let hash = hash_of(page.block.0);
        let mut table = self.shard(hash).table.write();
        if let Some(frame) = table.list_pointer(hash, page, pointers, idx) {
            if is_planted("pager-pointer-set-late") {
                drop(table);
            }
            pointers.set(idx, frame);
        }
    }

    /// One slice of work for the sake of later reads; whether more of it is left.
    pub(crate) fn step(&self) -> bool {
        self.regions.step()
    }

    /// Forgets the page that begins at `block`.
    pub(crate) fn remove(&self, block: u64) {
        self.shard(hash_of(block)).table.write().remove(block);
    }

    /// Memory in use.
    pub(crate) fn bytes(&self) -> usize {
        let in_shards = self.shards.iter().map(|shard| {
            let table = shard.table.read();
            // Before its first page a shard has nothing but itself.
            if table.frames.count() == 0 {
                0
            } else {
                table.bytes()
            }
        });
        in_shards.sum()
    }

    /// The budget.
    pub(crate) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Reads answered, and reads not answered. Concurrent ones may be counted as one.
    pub(crate) fn hits_and_misses(&self) -> (u64, u64) {
        let sum = |counter: fn(&Shard) -> &AtomicU64| {
            let counts = self.shards.iter().map(counter);
            counts.map(|count| count.load(Ordering::Relaxed)).sum()
        };
        (sum(|shard| &shard.hits), sum(|shard| &shard.misses))
    }

    /// Panics where an invariant of this module does not hold.
    #[cfg(test)]
    fn check(&self) {
        for shard in &self.shards {
            shard.table.read().check();
        }
    }

    fn shard(&self, hash: u64) -> &Shard {
        let mask = self.shards.len() as u64 - 1;
        let idx = usize::try_from((hash >> 24) & mask).expect("there are few shards");
        &self.shards[idx]
    }
}

impl Shard {
    fn new(table: Table) -> Shard {
        Shard {
            table: RwLock::new(table),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }
}

impl Table {
    /// All memory of the shard.
    fn bytes(&self) -> usize {
        self.frames.bytes() + self.policy.bytes()
    }

    /// The frame that holds this very page.
    #[inline]
    fn frame(&self, hash: u64, page: &PageRef) -> Option<FrameIdx> {
        let idx = self.frames.find(hash, page.block.0)?;
        self.frames.get(idx).holds(page).then_some(idx)
    }

    fn insert(&mut self, hash: u64, frame: Frame) {
        if frame.held_bytes() + self.policy.bytes() > self.bytes_max {
            return;
        }
        if frame.contents.is_on_heap() {
            self.regions.add(frame.bytes());
        }
        let idx = self.frames.add(hash, frame);
        self.policy.enter(&mut self.frames, idx);
        self.make_room();
    }

    /// Evicts what is over the budget.
    fn make_room(&mut self) {
        while self.bytes() > self.bytes_max
            && let Some(idx) = self.policy.choose(&mut self.frames)
        {
            self.let_go(idx);
            if is_planted("pager-cache-one-for-one") {
                break;
            }
        }
    }

    /// Lists a pointer that is about to be set; returns the frame to point to.
    fn list_pointer(
        &mut self,
        hash: u64,
        page: &PageRef,
        pointers: &Arc<FramePointers>,
        idx: usize,
    ) -> Option<Bytes> {
        let frame = self.frame(hash, page)?;
        let pointer = Pointer {
            pointers: Arc::downgrade(pointers),
            idx,
        };
        self.frames.list(frame, pointer);
        self.make_room();
        let frame = self.frame(hash, page)?;
        Some(self.frames.get(frame).bytes().clone())
    }

    fn remove(&mut self, block: u64) {
        if let Some(idx) = self.frames.find(hash_of(block), block) {
            self.policy.leave(&mut self.frames, idx);
            self.let_go(idx);
        }
    }

    /// Drops a frame that is in no queue any more.
    fn let_go(&mut self, idx: FrameIdx) {
        let frame = self.frames.take(idx);
        if frame.contents.is_on_heap() {
            self.regions.remove(frame.bytes());
        }
        frame.pointers.iter().for_each(Pointer::clear);
    }

    #[cfg(test)]
    fn check(&self) {
        assert!(
            self.bytes() <= self.bytes_max || self.frames.count() == 0,
            "C1"
        );
        self.policy.check(&self.frames);
        for frame in self.frames.iter() {
            let found = self.frames.find(hash_of(frame.block), frame.block);
            let found = found.map(|idx| self.frames.get(idx).bytes().as_ptr());
            assert_eq!(found, Some(frame.bytes().as_ptr()), "F1");
            let mut pointers = frame.pointers.iter();
            assert!(pointers.all(|pointer| pointer.is_to(frame.bytes())), "C3");
        }
    }
}

/// Spreads block numbers, which are dense and even, over shards and tables (Knuth's multiplicative hashing).
fn hash_of(block: u64) -> u64 {
    let product = block.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    product ^ (product >> 32)
}

/// Adds one without a locked instruction: on the hot path, a lost count costs less than a sure one.
fn count(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

#[cfg(all(test, loom))]
mod loom;
#[cfg(test)]
mod tests;
