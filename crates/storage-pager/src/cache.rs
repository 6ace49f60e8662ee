//! Page cache: frames by first block, within a budget of bytes.
//!
//! S3-FIFO: a new page enters a small queue (a tenth of the budget) and moves to the main one only if it was read again
//! before its turn to leave; one that left the small queue lately enters the main one at once. So a scan, or a merge's
//! writes, passes through the small queue and leaves the pages that are read again and again where they are. A hit
//! takes a shared latch and, while a page is new, one relaxed store.
//!
//! A frame is found by its block and then held against the reference's checksum and length: a page that is gone, whose
//! blocks hold another one by now, is a miss, and never the wrong bytes.
//!
//! # Invariants
//! - C1. `bytes <= bytes_max` in every shard when no call is under way. Frames that readers hold after they were
//!   evicted are theirs, and are not counted.
//! - C2. A frame's ticket is in the queue that `in_main` names. Tickets whose frame is gone are skipped.
//! - C3. A frame pointer that is set points to a frame that is here, and is listed beside it: what leaves takes its
//!   pointers along. They are set and cleared under the shard's latch.
//!
//! # Source
//! Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction" (SOSP 2023). We differ: one read is
//! enough to be promoted, and the ghost queue is a table that newer entries overwrite.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use hashbrown::{HashMap, HashTable};

use drystone_base::planted::is_planted;
use drystone_base::sync::RwLock;
use drystone_base::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::frame::{frame_bytes, warm};
use crate::frame_pointers::FramePointers;
use crate::page_ref::PageRef;
use crate::regions::Regions;

/// Longer pages are not kept: they would push out many short ones, and reading them costs little more than copying.
pub(crate) const CACHED_PAGE_BYTES_MAX: usize = 64 * 1024;

/// What a frame costs beyond its page: its entry, its ticket, the entry of a pointer to it and the allocator's share.
const FRAME_BYTES: usize = 224;

/// A shard has at least this budget; there are up to [`SHARDS_MAX`].
const SHARD_BYTES_MIN: usize = 1 << 20;
const SHARDS_MAX: usize = 64;

/// Pages that left lately and are remembered, in one shard: 512 KiB for their numbers, whatever the budget.
const GHOSTS_MAX: usize = 1 << 16;

/// Reads beyond this many are not counted.
const USES_MAX: u8 = 3;

/// Pages in memory.
#[derive(Debug)]
pub(crate) struct Cache {
    shards: Box<[Shard]>,
    regions: Arc<Regions>,
    bytes_max: usize,
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
    frames: HashTable<Frame>,
    /// Who points to which frame, by block.
    pointers: HashMap<u64, Vec<Pointer>>,
    regions: Arc<Regions>,
    small: VecDeque<Ticket>,
    main: VecDeque<Ticket>,
    /// Blocks of pages that left the small queue lately, by hash.
    ghosts: Box<[u64]>,
    bytes: usize,
    small_bytes: usize,
    bytes_max: usize,
    next_stamp: u64,
}

/// Aligned, so that each is one cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Frame {
    block: u64,
    checksum: u64,
    bytes: Bytes,
    /// Names its ticket.
    stamp: u64,
    /// As stored: shorter than `bytes` where the page is compressed.
    len: u32,
    codec: u8,
    in_main: bool,
    uses: AtomicU8,
}

/// One pointer to a frame. Weak: whoever made it may be gone first.
#[derive(Debug)]
struct Pointer {
    pointers: Weak<FramePointers>,
    idx: usize,
}

/// A frame's place in a queue.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    block: u64,
    stamp: u64,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Cache {
        let shard_count = (bytes_max / SHARD_BYTES_MIN).clamp(1, SHARDS_MAX);
        let shard_count = 1 << shard_count.ilog2();
        let regions = Arc::new(Regions::new(bytes_max));
        let shards = (0..shard_count).map(|_| Shard::new(bytes_max / shard_count, &regions));
        Cache {
            shards: shards.collect(),
            regions,
            bytes_max,
        }
    }

    /// The page's frame, if it is here.
    pub(crate) fn get(&self, page: &PageRef) -> Option<Bytes> {
        let hash = hash_of(page.block.0);
        let shard = self.shard(hash);
        let table = shard.table.read();
        let Some(frame) = table
            .frame(hash, page.block.0)
            .filter(|frame| frame.holds(page))
        else {
            count(&shard.misses);
            return None;
        };
        count(&shard.hits);
        frame.touch();
        warm(&frame.bytes);
        Some(frame.bytes.clone())
    }

    /// Keeps a page whose checksum was proved. Returns the frame to use: another reader may have been faster.
    pub(crate) fn insert(&self, page: &PageRef, bytes: Bytes) -> Bytes {
        if bytes.len() > CACHED_PAGE_BYTES_MAX {
            return bytes;
        }
        let hash = hash_of(page.block.0);
        let mut table = self.shard(hash).table.write();
        if let Some(frame) = table.frame(hash, page.block.0) {
            if frame.holds(page) {
                return frame.bytes.clone();
            }
            table.remove(page.block.0);
        }
        table.insert(page, bytes.clone());
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

    /// One slice of work for the sake of later reads. Nothing else tells how far it came.
    pub(crate) fn step(&self) {
        self.regions.step();
    }

    /// Forgets the page that begins at `block`.
    pub(crate) fn remove(&self, block: u64) {
        self.shard(hash_of(block)).table.write().remove(block);
    }

    /// Memory in use.
    pub(crate) fn bytes(&self) -> usize {
        let in_shards = self.shards.iter().map(|shard| shard.table.read().bytes);
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
    fn new(bytes_max: usize, regions: &Arc<Regions>) -> Shard {
        let ghost_count = (bytes_max / 4096).min(GHOSTS_MAX).next_power_of_two();
        Shard {
            table: RwLock::new(Table {
                frames: HashTable::new(),
                pointers: HashMap::new(),
                regions: Arc::clone(regions),
                small: VecDeque::new(),
                main: VecDeque::new(),
                ghosts: vec![0; ghost_count].into_boxed_slice(),
                bytes: 0,
                small_bytes: 0,
                bytes_max,
                next_stamp: 0,
            }),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }
}

impl Frame {
    fn holds(&self, page: &PageRef) -> bool {
        if is_planted("pager-cache-stale") {
            return true;
        }
        self.checksum == page.checksum && self.codec == page.codec && self.len == page.len
    }

    fn touch(&self) {
        let uses = self.uses.load(Ordering::Relaxed);
        if uses < USES_MAX {
            self.uses.store(uses + 1, Ordering::Relaxed);
        }
    }

    fn cost(&self) -> usize {
        frame_bytes(self.bytes.len()) + FRAME_BYTES
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            block: self.block,
            stamp: self.stamp,
        }
    }
}

impl Pointer {
    fn is_dead(&self) -> bool {
        self.pointers.strong_count() == 0
    }

    #[cfg(test)]
    fn is_to(&self, frame: &Bytes) -> bool {
        let pointers = self.pointers.upgrade();
        let found = pointers.and_then(|pointers| pointers.get(self.idx));
        found.is_none_or(|found| found.as_ptr() == frame.as_ptr())
    }

    fn take_used(&self) -> bool {
        let pointers = self.pointers.upgrade();
        pointers.is_some_and(|pointers| pointers.take_used(self.idx))
    }

    fn clear(&self) {
        if let Some(pointers) = self.pointers.upgrade() {
            pointers.clear(self.idx);
        }
    }
}

impl Table {
    fn frame(&self, hash: u64, block: u64) -> Option<&Frame> {
        self.frames.find(hash, |frame| frame.block == block)
    }

    fn insert(&mut self, page: &PageRef, bytes: Bytes) {
        let hash = hash_of(page.block.0);
        let frame = Frame {
            block: page.block.0,
            checksum: page.checksum,
            bytes,
            len: page.len,
            codec: page.codec,
            stamp: self.next_stamp,
            in_main: self.is_ghost(hash, page.block.0),
            uses: AtomicU8::new(0),
        };
        if frame.cost() > self.bytes_max {
            return;
        }
        self.next_stamp += 1;
        self.regions.add(&frame.bytes);
        self.bytes += frame.cost();
        if frame.in_main {
            self.main.push_back(frame.ticket());
        } else {
            self.small_bytes += frame.cost();
            self.small.push_back(frame.ticket());
        }
        self.frames
            .insert_unique(hash, frame, |frame| hash_of(frame.block));
        while self.bytes > self.bytes_max {
            self.evict_one();
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
        let frame = self.frame(hash, page.block.0);
        let frame = frame.filter(|frame| frame.holds(page))?.bytes.clone();
        let pointer = Pointer {
            pointers: Arc::downgrade(pointers),
            idx,
        };
        let beside = self.pointers.entry(page.block.0).or_default();
        beside.retain(|other| !other.is_dead());
        beside.push(pointer);
        Some(frame)
    }

    fn remove(&mut self, block: u64) {
        let found = self
            .frames
            .find_entry(hash_of(block), |frame| frame.block == block);
        let Ok(entry) = found else {
            return;
        };
        let (frame, _) = entry.remove();
        self.regions.remove(&frame.bytes);
        let pointers = self.pointers.remove(&block).unwrap_or_default();
        pointers.iter().for_each(Pointer::clear);
        self.bytes -= frame.cost();
        if !frame.in_main {
            self.small_bytes -= frame.cost();
        }
        self.sweep_tickets();
    }

    /// One step towards the budget: a frame goes, is promoted, or loses a use; or a dead ticket goes.
    fn evict_one(&mut self) {
        let from_small = self.small_bytes * 10 > self.bytes_max || self.main.is_empty();
        let queue = if from_small {
            &mut self.small
        } else {
            &mut self.main
        };
        let Some(ticket) = queue.pop_front() else {
            return; // never met: the bytes that made it this queue's turn have tickets in it (C2)
        };
        let frame = self
            .frames
            .find_mut(hash_of(ticket.block), |frame| frame.block == ticket.block)
            .filter(|frame| frame.stamp == ticket.stamp);
        let Some(frame) = frame else {
            return;
        };
        // Readers count under the latch, shared; here it is held alone.
        let uses = frame.uses.load(Ordering::Relaxed);
        let pointers = self.pointers.get(&ticket.block);
        let followed = pointers.is_some_and(|all| followed_since_last(all));
        if uses == 0 && !followed {
            self.evict(ticket.block, from_small);
        } else if from_small {
            frame.uses.store(0, Ordering::Relaxed);
            frame.in_main = true;
            self.small_bytes -= frame.cost();
            self.main.push_back(ticket);
        } else {
            let fewer = uses.saturating_sub(1);
            frame.uses.store(fewer, Ordering::Relaxed);
            self.main.push_back(ticket);
        }
    }

    fn evict(&mut self, block: u64, from_small: bool) {
        self.remove(block);
        if from_small {
            let ghost = self.ghost_idx(hash_of(block));
            self.ghosts[ghost] = block;
        }
    }

    fn is_ghost(&self, hash: u64, block: u64) -> bool {
        self.ghosts[self.ghost_idx(hash)] == block
    }

    fn ghost_idx(&self, hash: u64) -> usize {
        let mask = self.ghosts.len() as u64 - 1;
        usize::try_from(hash & mask).expect("there are few ghosts")
    }

    /// Drops the tickets of frames that are gone, once they are the greater part: each is looked at O(1) times.
    fn sweep_tickets(&mut self) {
        if self.small.len() + self.main.len() <= 2 * self.frames.len() + 64 {
            return;
        }
        let frames = &self.frames;
        let is_live = |ticket: &Ticket| {
            let frame = frames.find(hash_of(ticket.block), |frame| frame.block == ticket.block);
            frame.is_some_and(|frame| frame.stamp == ticket.stamp)
        };
        self.small.retain(is_live);
        self.main.retain(is_live);
    }

    #[cfg(test)]
    fn check(&self) {
        let cost_of = |in_small: bool| -> usize {
            let frames = self.frames.iter();
            let counted = frames.filter(|frame| !in_small || !frame.in_main);
            counted.map(Frame::cost).sum()
        };
        assert_eq!(self.bytes, cost_of(false));
        assert_eq!(self.small_bytes, cost_of(true));
        assert!(self.bytes <= self.bytes_max, "C1");
        for (block, pointers) in &self.pointers {
            let frame = self.frame(hash_of(*block), *block);
            let frame = frame.expect("C3: what is pointed to is here");
            assert!(
                pointers.iter().all(|pointer| pointer.is_to(&frame.bytes)),
                "C3: block {block}"
            );
        }
        for frame in &self.frames {
            let queue = if frame.in_main {
                &self.main
            } else {
                &self.small
            };
            let tickets = queue
                .iter()
                .filter(|ticket| (ticket.block, ticket.stamp) == (frame.block, frame.stamp));
            assert_eq!(tickets.count(), 1, "C2: block {}", frame.block);
        }
    }
}

/// Whether one of these pointers was followed since this was last asked. Asks them all.
fn followed_since_last(pointers: &[Pointer]) -> bool {
    let asked = pointers.iter().map(Pointer::take_used);
    asked.fold(false, |any, one| any | one)
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
