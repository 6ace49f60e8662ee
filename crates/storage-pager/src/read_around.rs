//! Read-around: what lies around a page that has to come from the medium comes into the system's cache along with it, for
//! as long as that is worth it.
//!
//! A medium takes half as long again for 64 KiB as for a page. Where the system has room for what comes along, a file that
//! is read at random is in memory after a few of the reads it has pages; where it has not, what came is thrown out before
//! anybody asks for it. Nobody says which it is, so it is learned: reads around are paid from a credit, and each page that
//! is found in memory because of one adds to it. Without credit a few still try, so that better times are noticed.
//!
//! # Invariants
//! - A1. `credit <= CREDIT_MAX`: what is read around in vain, once the system's memory is short, is bounded.

use std::ops::Range;

use drystone_base::sync::OnceLock;
use drystone_base::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// What is read at once: so many bytes, and from a multiple of them on.
const WINDOW_BYTES: u64 = 64 << 10;

/// Windows that are remembered, the latest that share a place: 1 GiB of the file in 64 KiB of memory.
const WINDOWS: usize = 1 << 14;

/// So many reads around may be in vain: 128 MiB. A file of five times that, read at random, is in memory before they are
/// used up.
const CREDIT_MAX: i64 = 2048;

/// What a page is worth that was there because of one. A read around costs half as much time again as a read saves.
const GAIN: i64 = 2;

/// Without credit, one read of so many tries.
const TRIALS: u32 = 64;

/// Which windows were read around, and what came of it. For any number of threads; what two of them note at once may be lost.
#[derive(Debug)]
pub(crate) struct ReadAround {
    /// Numbers of windows, plus one. Made when a read first waited for the medium.
    windows: OnceLock<Box<[AtomicU32]>>,
    credit: AtomicI64,
    reads: AtomicU32,
}

impl ReadAround {
    pub(crate) fn new() -> ReadAround {
        ReadAround {
            windows: OnceLock::new(),
            credit: AtomicI64::new(CREDIT_MAX),
            reads: AtomicU32::new(0),
        }
    }

    /// A page at `offset` was found in the system's memory.
    pub(crate) fn met(&self, offset: u64) {
        let Some(windows) = self.windows.get() else {
            return;
        };
        let (place, mark) = place_of(offset);
        if windows[place].load(Ordering::Relaxed) == mark {
            let credit = self.credit.load(Ordering::Relaxed);
            self.credit
                .store((credit + GAIN).min(CREDIT_MAX), Ordering::Relaxed);
        }
    }

    /// A page at `offset` was not. Returns what to read around it.
    pub(crate) fn missed(&self, offset: u64) -> Option<Range<u64>> {
        let credit = self.credit.load(Ordering::Relaxed);
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        if credit <= 0 && !reads.is_multiple_of(TRIALS) {
            return None;
        }
        self.credit.store((credit - 1).max(0), Ordering::Relaxed);
        let windows = self
            .windows
            .get_or_init(|| (0..WINDOWS).map(|_| AtomicU32::new(0)).collect());
        let (place, mark) = place_of(offset);
        windows[place].store(mark, Ordering::Relaxed);
        let start = offset - offset % WINDOW_BYTES;
        Some(start..start.saturating_add(WINDOW_BYTES))
    }
}

/// Where the window of an offset is noted, and how. Of windows that are 2^32 apart nobody tells which it was.
fn place_of(offset: u64) -> (usize, u32) {
    let window = offset / WINDOW_BYTES;
    let place = usize::try_from(window % WINDOWS as u64).expect("there are few windows");
    let mark = u32::try_from(window % u64::from(u32::MAX)).expect("it is less than that");
    (place, mark + 1)
}

#[cfg(test)]
mod tests;
