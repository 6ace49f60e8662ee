//! Touch: what a reader notes when it finds a page, without a latch and without an order: one byte beside the frame, or
//! beside the pointer to it.
//!
//! A policy learns of hits when it asks for these bytes, which is when the page's turn to leave comes. So a hit costs one
//! load and, where it changes anything, one store; the most used pages are those whose bytes change least.

use drystone_base::sync::atomic::{AtomicU8, Ordering};

/// In the place of a use: it was read ahead, and nobody has asked for it yet. The first who does is who it was read for,
/// and is no sign that anybody will come again.
pub(crate) const AHEAD: u8 = u8::MAX;

/// Marks go up to here, and then begin again at 1.
pub(super) const MARKS: u64 = 254;

/// How readers note a use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Touch {
    /// They count, up to this many.
    Count(u8),
    /// They say when it was, by the cache's clock.
    Mark(u8),
}

impl Touch {
    /// Notes a use of a page that a pointer leads to.
    #[inline]
    pub(crate) fn note(self, uses: &AtomicU8) {
        let before = uses.load(Ordering::Relaxed);
        let after = match self {
            Touch::Count(max) if before >= max => return,
            Touch::Count(_) => before + 1,
            Touch::Mark(mark) => mark,
        };
        if after != before {
            uses.store(after, Ordering::Relaxed);
        }
    }

    /// Notes a use of a frame that may have been read ahead.
    #[inline]
    pub(crate) fn note_frame(self, uses: &AtomicU8) {
        if uses.load(Ordering::Relaxed) == AHEAD {
            uses.store(0, Ordering::Relaxed);
        } else {
            self.note(uses);
        }
    }
}

/// The mark of a tick of the clock.
pub(super) fn mark_of(tick: u64) -> u8 {
    u8::try_from(tick % MARKS + 1).expect("there are fewer marks than a byte has values")
}

/// The newest tick up to `now` that has this mark.
pub(super) fn tick_of(mark: u8, now: u64) -> u64 {
    let age = (u64::from(mark_of(now)) + MARKS - u64::from(mark)) % MARKS;
    now.saturating_sub(age)
}
