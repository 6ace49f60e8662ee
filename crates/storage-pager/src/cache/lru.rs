//! LRU: what was not used for longest leaves first.
//!
//! Readers mark pages with the time, which passes as pages come in: a sixteenth of the budget to a tick. Frames stand on
//! a ladder by the tick of their last use, as far as it is known: one whose turn has come and that was used since is put
//! where it belongs. Frames of one tick leave in the order in which they came there.

use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::frames::{FrameIdx, Frames};
use super::ladder::{Ladder, RUNGS};
use super::policy::{Policy, passes_max};
use super::touch::{MARKS, mark_of, tick_of};

/// Ticks in which as much comes in as the budget has room for.
const TICKS: usize = RUNGS / 2;

// What is still here was used, or came, less than a round of marks ago.
const _: () = assert!((RUNGS as u64) < MARKS);

/// The time, as pages come in. One for all shards.
#[derive(Debug)]
pub(super) struct Clock {
    tick: AtomicU64,
    /// What came in since the last tick.
    bytes: AtomicUsize,
    tick_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Lru {
    ladder: Ladder,
    clock: Arc<Clock>,
}

impl Clock {
    /// For a cache of `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> Clock {
        Clock {
            tick: AtomicU64::new(0),
            bytes: AtomicUsize::new(0),
            tick_bytes: (bytes_max / TICKS).max(1),
        }
    }

    /// What readers mark pages with now.
    #[inline]
    pub(super) fn mark(&self) -> u8 {
        mark_of(self.now())
    }

    fn now(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    /// So much came in. One tick at most, however long it is.
    fn pass(&self, bytes: usize) {
        let passed = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if passed >= self.tick_bytes {
            self.bytes.store(0, Ordering::Relaxed);
            self.tick.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Lru {
    pub(super) fn new(clock: Arc<Clock>) -> Lru {
        Lru {
            ladder: Ladder::new(),
            clock,
        }
    }
}

impl Policy for Lru {
    fn enter(&mut self, frames: &mut Frames, idx: FrameIdx) {
        self.clock.pass(frames.get(idx).held_bytes());
        self.ladder.put(frames, idx, self.clock.now());
    }

    fn leave(&mut self, frames: &mut Frames, idx: FrameIdx) {
        self.ladder.remove(frames, idx);
    }

    fn choose(&mut self, frames: &mut Frames) -> Option<FrameIdx> {
        for _ in 0..passes_max(frames) {
            let idx = self.ladder.pop(frames)?;
            let now = self.clock.now();
            let mut last = None;
            frames.get_mut(idx).take_uses(|mark| {
                let tick = (mark > 0).then(|| tick_of(mark, now));
                last = last.max(tick);
            });
            match last.filter(|last| *last > self.ladder.lowest()) {
                Some(_) if is_planted("pager-lru-used-lost") => {}
                Some(last) => self.ladder.put(frames, idx, last),
                None => return Some(idx),
            }
        }
        self.ladder.pop(frames)
    }

    fn bytes(&self) -> usize {
        size_of::<Lru>()
    }

    #[cfg(test)]
    fn check(&self, frames: &Frames) {
        self.ladder.check(frames);
    }
}
