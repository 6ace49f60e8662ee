//! Frame pointers: from the children of one page straight to their frames.
//!
//! A reader that goes the same way again and again keeps one for each inner page on it. A child that it has read is
//! then found without decoding its reference, without the cache's table and without a latch. The cache still owns the
//! memory: when it evicts a page, it takes the pointers to it back.
//!
//! # Invariants
//! - P1. A pointer that is set, `handles[idx]`, is a box with a count of the frame; `starts[idx]` and `lens[idx]` are where
//!   that frame lies, written before it. What it pointed to before is buried, with its count, until no hazard names it. So
//!   what a hazard names can be read, and its frame, too.
//! - P2. Pointers change under `changes`, the start being taken back before the handle: a reader that finds the handle it
//!   protects still set found its frame's start, or none.
//! - P3. A child's length is noted once: pages are immutable. A frame of another length is not pointed to.
//!
//! # Source
//! Graefe, Volos, Kimura, Kuno, Tucek, Lillibridge, Veitch: "In-memory performance for big data" (VLDB 2014), pointer
//! swizzling. We differ: the pointer stands beside the page, not in it, since pages are immutable and shared.
#![expect(
    unsafe_code,
    reason = "a point read that takes no latch and counts nothing is a fifth faster, on 1M hot rows"
)]

mod graveyard;

use std::ops::{Deref, Range};
use std::ptr::{self, NonNull};

use bytes::Bytes;

use drystone_base::sync::Mutex;
use drystone_base::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};
use drystone_base::sync::hazard::{self, Hazard};

use self::graveyard::Buried;
use crate::cache::Touch;

/// Pointers to the frames of one page's children. Made by the reader that holds the page, filled by
/// [`Pager::read_child`](crate::Pager::read_child), emptied by the cache.
#[derive(Debug)]
pub struct FramePointers {
    handles: Box<[AtomicPtr<Bytes>]>,
    starts: Box<[AtomicPtr<u8>]>,
    lens: Box<[AtomicU32]>,
    /// Uses of each that were noted since the cache last asked. Apart from the pointers: most are then found noted in one
    /// line.
    uses: Box<[AtomicU8]>,
    /// Latch `frame pointer`.
    changes: Mutex<()>,
}

/// A frame that is read where it lies: it is not freed meanwhile, though nobody counts.
#[derive(Debug)]
pub struct FrameRef<'a>(Holding<'a>);

#[derive(Debug)]
enum Holding<'a> {
    /// Names the handle.
    Protected {
        hazard: Hazard<'a, Bytes>,
        start: NonNull<u8>,
        len: usize,
    },
    Counted(Bytes),
}

impl FramePointers {
    /// No pointers yet, to `count` children.
    #[must_use]
    pub fn new(count: usize) -> FramePointers {
        FramePointers {
            handles: (0..count).map(|_| AtomicPtr::default()).collect(),
            starts: (0..count).map(|_| AtomicPtr::default()).collect(),
            lens: (0..count).map(|_| AtomicU32::new(0)).collect(),
            uses: (0..count).map(|_| AtomicU8::new(0)).collect(),
            changes: Mutex::new(()),
        }
    }

    /// Memory that pointers to `count` children take, in bytes.
    #[must_use]
    pub const fn bytes(count: usize) -> usize {
        let boxed = size_of::<Bytes>() + ALLOCATION_BYTES;
        let each = 2 * size_of::<*const u8>() + size_of::<u32>() + size_of::<u8>() + boxed;
        size_of::<FramePointers>() + count * each
    }

    /// The frame of child `idx`, if it is known and still in the cache, for the caller to keep.
    #[inline]
    pub(crate) fn get(&self, idx: usize, touch: Touch) -> Option<Bytes> {
        let frame = self.frame(idx, touch)?;
        Some(frame.whole())
    }

    /// The frame of child `idx`, if it is known and still in the cache.
    #[inline]
    pub(crate) fn frame(&self, idx: usize, touch: Touch) -> Option<FrameRef<'_>> {
        let start = self.starts.get(idx)?.load(Ordering::Relaxed);
        if start.is_null() {
            return None;
        }
        // Long before it is known to be there: the lines come meanwhile.
        fetch(start);
        touch.note(&self.uses[idx]);
        let Some(hazard) = hazard::protect(&self.handles[idx]) else {
            return self.frame_latched(idx);
        };
        // `Acquire`, both: the handle is looked at after the start (P2).
        let start = NonNull::new(self.starts[idx].load(Ordering::Acquire))?;
        let len = self.lens[idx].load(Ordering::Relaxed) as usize;
        let still = self.handles[idx].load(Ordering::Acquire);
        let holding = Holding::Protected { hazard, start, len };
        (still == holding.handle()).then_some(FrameRef(holding))
    }

    /// For threads that protect as much as they can already, and for models.
    #[cold]
    fn frame_latched(&self, idx: usize) -> Option<FrameRef<'_>> {
        let _changes = self.changes.lock();
        let handle = self.handles[idx].load(Ordering::Acquire);
        // SAFETY: under the latch nobody takes it back (P1, P2).
        let frame = unsafe { handle.as_ref() }?;
        Some(FrameRef(Holding::Counted(frame.clone())))
    }

    /// As [`FramePointers::get`], unnoticed.
    #[cfg(test)]
    pub(crate) fn peek(&self, idx: usize) -> Option<Bytes> {
        self.handles.get(idx)?;
        self.frame_latched(idx).map(FrameRef::whole)
    }

    /// Points to the frame of child `idx`. Without effect where there is no such child.
    pub(crate) fn set(&self, idx: usize, frame: Bytes) {
        let Some(noted) = self.lens.get(idx) else {
            return;
        };
        let Ok(len) = u32::try_from(frame.len()) else {
            return;
        };
        let changes = self.changes.lock();
        let before = noted.load(Ordering::Relaxed);
        if len == 0 || (before != 0 && before != len) {
            return; // P3
        }
        let old = self.take(idx);
        noted.store(len, Ordering::Relaxed);
        let start = frame.as_ptr().cast_mut();
        let handle = Box::into_raw(Box::new(frame));
        // `Release`, both: whoever finds one finds what was written before it.
        self.handles[idx].store(handle, Ordering::Release);
        self.starts[idx].store(start, Ordering::Release);
        drop(changes);
        graveyard::bury(old);
    }

    /// Takes the pointer to child `idx` back.
    pub(crate) fn clear(&self, idx: usize) {
        if idx < self.handles.len() {
            let changes = self.changes.lock();
            let old = self.take(idx);
            drop(changes);
            graveyard::bury(old);
        }
    }

    /// Unlinks a handle. Under `changes`.
    fn take(&self, idx: usize) -> Option<Buried> {
        self.starts[idx].store(ptr::null_mut(), Ordering::Release);
        let handle = self.handles[idx].swap(ptr::null_mut(), Ordering::AcqRel);
        NonNull::new(handle).map(Buried::new)
    }

    /// What was noted at the pointer to child `idx` since this was last asked.
    pub(crate) fn take_uses(&self, idx: usize) -> u8 {
        let uses = self.uses.get(idx);
        uses.map_or(0, |uses| uses.swap(0, Ordering::Relaxed))
    }
}

/// What the allocator adds to a handle, about.
const ALLOCATION_BYTES: usize = 16;

impl Drop for FramePointers {
    /// Whoever protects a frame borrows its pointers, so nobody does any more.
    fn drop(&mut self) {
        for handle in &self.handles {
            drop(NonNull::new(handle.load(Ordering::Acquire)).map(Buried::new));
        }
        graveyard::sweep();
    }
}

impl Holding<'_> {
    fn handle(&self) -> *mut Bytes {
        match self {
            Holding::Protected { hazard, .. } => hazard.at().as_ptr(),
            Holding::Counted(_) => ptr::null_mut(),
        }
    }
}

impl FrameRef<'_> {
    /// All of it, for the caller to keep.
    fn whole(self) -> Bytes {
        match self.0 {
            // SAFETY: P1: the handle is there as long as the hazard names it.
            Holding::Protected { hazard, .. } => unsafe { hazard.at().as_ref() }.clone(),
            Holding::Counted(frame) => frame,
        }
    }

    /// A part of it, for the caller to keep.
    ///
    /// # Panics
    /// When `range` leaves the frame.
    #[inline]
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Bytes {
        match &self.0 {
            // SAFETY: as in `whole`.
            Holding::Protected { hazard, .. } => unsafe { hazard.at().as_ref() }.slice(range),
            Holding::Counted(frame) => frame.slice(range),
        }
    }
}

impl Deref for FrameRef<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            // SAFETY: P1 and P2: start and length are those of the frame of the handle that the hazard names, and frames
            // never change.
            Holding::Protected { start, len, .. } => unsafe {
                std::slice::from_raw_parts(start.as_ptr(), *len)
            },
            Holding::Counted(frame) => frame,
        }
    }
}

/// Asks for a page's first lines, as `warm` does, and waits for none. `start` need not be a page any more.
#[inline]
fn fetch(start: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for offset in (0..crate::frame::WARM_BYTES).step_by(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect but on time, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.cast::<i8>().wrapping_add(offset)) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = start;
}

#[cfg(test)]
mod tests;
