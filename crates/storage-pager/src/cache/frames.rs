//! Frames of one shard: where they are kept, how one is found by its block, and the queues that a policy puts them in.
//!
//! Frames lie in chunks that never move, and are named by a number: a table that moved them when it grows would hold
//! both the old and the new one for a moment, and up to twice as many as are used for ever, which the budget would have
//! to pay for. Queues are threaded through the frames, so that one leaves its queue at once, wherever it stands.
//!
//! # Invariants
//! - F1. Every frame that is here is in `index` under its block, and no other block is.
//! - F2. A frame is in at most one queue, and `queue` of the frame, which is the policy's, says in which.
//! - F3. `bytes()` is all memory that this holds, but for the allocator's rounding: pages, frames, index, pointers.

use std::sync::Weak;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU8, Ordering};
use hashbrown::HashTable;
use smallvec::SmallVec;

use super::touch::AHEAD;
use crate::frame::Contents;
use crate::frame_pointers::FramePointers;
use crate::page_ref::PageRef;

/// Frames in a chunk: few, so that a small cache does not pay for many.
const CHUNK_FRAMES: usize = 8;

/// What an allocation costs beside what was asked for.
const ALLOCATION_BYTES: usize = 16;

const NONE: u32 = u32::MAX;

/// Names a frame of a shard, while it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameIdx(u32);

/// A page in memory.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) block: u64,
    checksum: u64,
    pub(super) contents: Contents,
    /// As stored: shorter than the contents where the page is compressed.
    len: u32,
    codec: u8,
    /// What readers noted since the policy last asked: see `touch.rs`.
    pub(super) uses: AtomicU8,
    /// The queue that it is in, by the policy's numbers.
    pub(super) queue: u8,
    /// How much it was used, as the policy counts.
    pub(super) count: u8,
    before: u32,
    after: u32,
    pub(super) pointers: SmallVec<[Pointer; 1]>,
}

/// One pointer to a frame. Weak: whoever made it may be gone first.
#[derive(Debug)]
pub(super) struct Pointer {
    pub(super) pointers: Weak<FramePointers>,
    pub(super) idx: usize,
}

/// The frames of one shard.
#[derive(Debug)]
pub(super) struct Frames {
    chunks: Vec<Vec<Frame>>,
    index: HashTable<u32>,
    /// The first place that is vacant; each names the next.
    vacant: u32,
    /// Memory of the pages, and of pointers that do not fit into their frame.
    held_bytes: usize,
}

/// Frames in the order in which they were put here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    first: u32,
    last: u32,
    pub(super) bytes: usize,
}

impl Frame {
    pub(super) fn new(page: &PageRef, contents: Contents, uses: u8) -> Frame {
        Frame {
            block: page.block.0,
            checksum: page.checksum,
            contents,
            len: page.len,
            codec: page.codec,
            uses: AtomicU8::new(uses),
            queue: 0,
            count: 0,
            before: NONE,
            after: NONE,
            pointers: SmallVec::new(),
        }
    }

    pub(super) fn holds(&self, page: &PageRef) -> bool {
        if is_planted("pager-cache-stale") {
            return true;
        }
        self.checksum == page.checksum && self.codec == page.codec && self.len == page.len
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.contents.bytes
    }

    /// Shows `note` what was noted since this was last called: by readers who found it here, and by those who followed a
    /// pointer.
    pub(super) fn take_uses(&mut self, mut note: impl FnMut(u8)) {
        // Readers note here under the shard's latch, shared; now it is held alone.
        let uses = self.uses.swap(0, Ordering::Relaxed);
        note(if uses == AHEAD { 0 } else { uses });
        for pointer in &self.pointers {
            if let Some(pointers) = pointer.pointers.upgrade() {
                note(pointers.take_uses(pointer.idx));
            }
        }
    }

    /// Memory that is its own.
    pub(super) fn held_bytes(&self) -> usize {
        self.contents.memory_bytes() + self.pointer_bytes()
    }

    fn pointer_bytes(&self) -> usize {
        if self.pointers.spilled() {
            self.pointers.capacity() * size_of::<Pointer>() + ALLOCATION_BYTES
        } else {
            0
        }
    }
}

impl Frames {
    pub(super) fn new() -> Frames {
        Frames {
            chunks: Vec::new(),
            index: HashTable::new(),
            vacant: NONE,
            held_bytes: 0,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.index.len()
    }

    /// Memory, all of it.
    pub(super) fn bytes(&self) -> usize {
        let chunk_bytes = CHUNK_FRAMES * size_of::<Frame>() + ALLOCATION_BYTES;
        self.held_bytes
            + self.chunks.len() * chunk_bytes
            + self.chunks.capacity() * size_of::<Vec<Frame>>()
            + self.index.allocation_size()
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, block: u64) -> Option<FrameIdx> {
        let found = self.index.find(hash, |idx| self.place(*idx).block == block);
        found.map(|idx| FrameIdx(*idx))
    }

    #[inline]
    pub(super) fn get(&self, idx: FrameIdx) -> &Frame {
        self.place(idx.0)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, idx: FrameIdx) -> &mut Frame {
        self.place_mut(idx.0)
    }

    /// Adds a frame, of a block that has none.
    pub(super) fn add(&mut self, hash: u64, frame: Frame) -> FrameIdx {
        self.held_bytes += frame.held_bytes();
        let idx = match self.vacant {
            NONE => self.push(frame),
            idx => {
                self.vacant = self.place(idx).after;
                *self.place_mut(idx) = frame;
                idx
            }
        };
        let chunks = &self.chunks;
        self.index
            .insert_unique(hash, idx, |idx| super::hash_of(place(chunks, *idx).block));
        FrameIdx(idx)
    }

    /// Takes a frame out that is in no queue.
    pub(super) fn take(&mut self, idx: FrameIdx) -> Frame {
        let hash = super::hash_of(self.get(idx).block);
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == idx.0) {
            entry.remove();
        }
        let mut vacant = Frame::new(&PageRef::NOWHERE, Contents::default(), 0);
        vacant.after = self.vacant;
        self.vacant = idx.0;
        let frame = std::mem::replace(self.get_mut(idx), vacant);
        self.held_bytes -= frame.held_bytes();
        frame
    }

    /// Lists a pointer to a frame beside it, and forgets those that are gone.
    pub(super) fn list(&mut self, idx: FrameIdx, pointer: Pointer) {
        let frame = self.get_mut(idx);
        let before = frame.pointer_bytes();
        frame
            .pointers
            .retain(|other| other.pointers.strong_count() > 0);
        frame.pointers.push(pointer);
        let after = frame.pointer_bytes();
        self.held_bytes = self.held_bytes - before + after;
    }

    /// All of them, in no order.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.index.iter().map(|idx| self.place(*idx))
    }

    fn push(&mut self, frame: Frame) -> u32 {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_FRAMES => chunk.push(frame),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK_FRAMES);
                chunk.push(frame);
                self.chunks.push(chunk);
            }
        }
        let in_last = self.chunks.last().map_or(0, Vec::len);
        let count = (self.chunks.len() - 1) * CHUNK_FRAMES + in_last;
        u32::try_from(count - 1).expect("a shard has fewer frames than blocks fit in memory")
    }

    #[inline]
    fn place(&self, idx: u32) -> &Frame {
        place(&self.chunks, idx)
    }

    #[inline]
    fn place_mut(&mut self, idx: u32) -> &mut Frame {
        let idx = idx as usize;
        &mut self.chunks[idx / CHUNK_FRAMES][idx % CHUNK_FRAMES]
    }
}

#[inline]
fn place(chunks: &[Vec<Frame>], idx: u32) -> &Frame {
    let idx = idx as usize;
    &chunks[idx / CHUNK_FRAMES][idx % CHUNK_FRAMES]
}

impl Queue {
    pub(super) const fn new() -> Queue {
        Queue {
            first: NONE,
            last: NONE,
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Puts a frame that is in no queue behind all others, and notes `number` as where it is.
    pub(super) fn push(&mut self, frames: &mut Frames, idx: FrameIdx, number: u8) {
        let last = self.last;
        let frame = frames.get_mut(idx);
        frame.queue = number;
        frame.before = last;
        frame.after = NONE;
        self.bytes += frame.contents.memory_bytes();
        match last {
            NONE => self.first = idx.0,
            last => frames.place_mut(last).after = idx.0,
        }
        self.last = idx.0;
    }

    /// Takes the frame out that has been here longest.
    pub(super) fn pop(&mut self, frames: &mut Frames) -> Option<FrameIdx> {
        let first = (self.first != NONE).then_some(FrameIdx(self.first))?;
        self.remove(frames, first);
        Some(first)
    }

    /// Takes a frame out that is here.
    pub(super) fn remove(&mut self, frames: &mut Frames, idx: FrameIdx) {
        let frame = frames.get(idx);
        let (before, after) = (frame.before, frame.after);
        self.bytes -= frame.contents.memory_bytes();
        match before {
            NONE => self.first = after,
            before => frames.place_mut(before).after = after,
        }
        match after {
            NONE => self.last = before,
            after => frames.place_mut(after).before = before,
        }
    }

    /// Those that are here, the one that has been here longest first.
    #[cfg(test)]
    pub(super) fn iter<'a>(&self, frames: &'a Frames) -> impl Iterator<Item = &'a Frame> {
        let mut next = self.first;
        std::iter::from_fn(move || {
            let frame = (next != NONE).then(|| frames.place(next))?;
            next = frame.after;
            Some(frame)
        })
    }
}

impl Pointer {
    pub(super) fn clear(&self) {
        if let Some(pointers) = self.pointers.upgrade() {
            pointers.clear(self.idx);
        }
    }

    #[cfg(test)]
    pub(super) fn is_to(&self, frame: &Bytes) -> bool {
        let pointers = self.pointers.upgrade();
        let found = pointers.and_then(|pointers| pointers.peek(self.idx));
        found.is_none_or(|found| found.as_ptr() == frame.as_ptr())
    }
}
