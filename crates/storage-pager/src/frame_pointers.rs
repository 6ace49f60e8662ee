//! Frame pointers: from the children of one page straight to their frames.
//!
//! A reader that goes the same way again and again keeps one for each inner page on it. A child that it has read is
//! then found without decoding its reference and without the cache's table: one memory access in place of four, which is
//! a quarter of a point read's time. The cache still owns the memory: when it evicts a page, it takes the pointers to it
//! back.
//!
//! # Source
//! Graefe, Volos, Kimura, Kuno, Tucek, Lillibridge, Veitch: "In-memory performance for big data" (VLDB 2014), pointer
//! swizzling. We differ: the pointer stands beside the page, not in it, since pages are immutable and shared.

use bytes::Bytes;

use drystone_base::sync::RwLock;
use drystone_base::sync::atomic::{AtomicU8, Ordering};

use crate::cache::Touch;
use crate::frame::warm;

/// Pointers to the frames of one page's children. Made by the reader that holds the page, filled by
/// [`Pager::read_child`](crate::Pager::read_child), emptied by the cache.
#[derive(Debug)]
pub struct FramePointers {
    pointers: Box<[RwLock<Option<Bytes>>]>,
    /// Uses of each that were noted since the cache last asked. Apart from the pointers: most are then found noted in one
    /// line.
    uses: Box<[AtomicU8]>,
}

impl FramePointers {
    /// No pointers yet, to `count` children.
    #[must_use]
    pub fn new(count: usize) -> FramePointers {
        FramePointers {
            pointers: (0..count).map(|_| RwLock::new(None)).collect(),
            uses: (0..count).map(|_| AtomicU8::new(0)).collect(),
        }
    }

    /// Memory that pointers to `count` children take, in bytes.
    #[must_use]
    pub const fn bytes(count: usize) -> usize {
        size_of::<FramePointers>()
            + count * (size_of::<RwLock<Option<Bytes>>>() + size_of::<AtomicU8>())
    }

    /// The frame of child `idx`, if it is known and still in the cache.
    #[inline]
    pub(crate) fn get(&self, idx: usize, touch: Touch) -> Option<Bytes> {
        let pointer = self.pointers.get(idx)?.read();
        let frame = pointer.as_ref()?;
        warm(frame);
        touch.note(&self.uses[idx]);
        Some(frame.clone())
    }

    /// As [`FramePointers::get`], unnoticed.
    #[cfg(test)]
    pub(crate) fn peek(&self, idx: usize) -> Option<Bytes> {
        self.pointers.get(idx)?.read().clone()
    }

    /// Points to the frame of child `idx`. Without effect where there is no such child.
    pub(crate) fn set(&self, idx: usize, frame: Bytes) {
        if let Some(pointer) = self.pointers.get(idx) {
            *pointer.write() = Some(frame);
        }
    }

    /// Takes the pointer to child `idx` back.
    pub(crate) fn clear(&self, idx: usize) {
        if let Some(pointer) = self.pointers.get(idx) {
            *pointer.write() = None;
        }
    }

    /// What was noted at the pointer to child `idx` since this was last asked.
    pub(crate) fn take_uses(&self, idx: usize) -> u8 {
        let uses = self.uses.get(idx);
        uses.map_or(0, |uses| uses.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests;
