//! S3-FIFO: a small queue for what is new, a main one for what was read again, and ghosts of what left the small one.
//!
//! A new page enters the small queue (a tenth of the budget) and moves to the main one only if it was read again before
//! its turn to leave; one that left the small queue lately enters the main one at once. In the main queue a page that was
//! used goes round again, once for each use that was noted, up to three.
//!
//! # Source
//! Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction" (SOSP 2023). We differ: one read is
//! enough to be promoted, and the ghost queue is a table that newer entries overwrite.

use drystone_base::planted::is_planted;

use super::frames::{FrameIdx, Frames, Queue};
use super::ghosts::Ghosts;
use super::policy::{Policy, passes_max};

/// Uses beyond this many make no difference.
pub(super) const USES_MAX: u8 = 3;

const SMALL: u8 = 0;
const MAIN: u8 = 1;

#[derive(Debug)]
pub(super) struct S3Fifo {
    small: Queue,
    main: Queue,
    /// Those that left the small queue lately.
    ghosts: Ghosts,
    small_bytes_max: usize,
}

impl S3Fifo {
    /// For a shard of `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> S3Fifo {
        S3Fifo {
            small: Queue::new(),
            main: Queue::new(),
            ghosts: Ghosts::new(bytes_max),
            small_bytes_max: bytes_max / 10,
        }
    }

    /// The frame whose turn it is in the small queue leaves, or is promoted.
    fn choose_new(&mut self, frames: &mut Frames) -> Option<FrameIdx> {
        let idx = self.small.pop(frames)?;
        if uses_of(frames, idx) > 0 {
            frames.get_mut(idx).count = 0;
            if !is_planted("pager-s3-fifo-promoted-lost") {
                self.main.push(frames, idx, MAIN);
            }
            return None;
        }
        self.ghosts.note(frames.get(idx).block);
        Some(idx)
    }

    /// The frame whose turn it is in the main queue leaves, or goes round again.
    fn choose_old(&mut self, frames: &mut Frames) -> Option<FrameIdx> {
        let idx = self.main.pop(frames)?;
        let noted = uses_of(frames, idx);
        let frame = frames.get_mut(idx);
        let uses = frame.count.saturating_add(noted).min(USES_MAX);
        let Some(fewer) = uses.checked_sub(1) else {
            return Some(idx);
        };
        frame.count = fewer;
        self.main.push(frames, idx, MAIN);
        None
    }
}

impl Policy for S3Fifo {
    fn enter(&mut self, frames: &mut Frames, idx: FrameIdx) {
        if self.ghosts.has(frames.get(idx).block) {
            self.main.push(frames, idx, MAIN);
        } else {
            self.small.push(frames, idx, SMALL);
        }
    }

    fn leave(&mut self, frames: &mut Frames, idx: FrameIdx) {
        match frames.get(idx).queue {
            SMALL => self.small.remove(frames, idx),
            _ => self.main.remove(frames, idx),
        }
    }

    fn choose(&mut self, frames: &mut Frames) -> Option<FrameIdx> {
        for _ in 0..passes_max(frames) {
            let is_small_full = self.small.bytes > self.small_bytes_max;
            let chosen = if is_small_full || self.main.is_empty() {
                self.choose_new(frames)
            } else {
                self.choose_old(frames)
            };
            if chosen.is_some() {
                return chosen;
            }
        }
        self.main.pop(frames).or_else(|| self.small.pop(frames))
    }

    fn bytes(&self) -> usize {
        size_of::<S3Fifo>() + self.ghosts.bytes()
    }

    #[cfg(test)]
    fn check(&self, frames: &Frames) {
        for (queue, number) in [(&self.small, SMALL), (&self.main, MAIN)] {
            assert!(queue.iter(frames).all(|frame| frame.queue == number), "F2");
            let held = queue
                .iter(frames)
                .map(|frame| frame.contents.memory_bytes());
            assert_eq!(queue.bytes, held.sum::<usize>());
        }
        let queued = self.small.iter(frames).chain(self.main.iter(frames));
        assert_eq!(queued.count(), frames.count(), "F2");
    }

    #[cfg(test)]
    fn remembers(&self, block: u64) -> bool {
        self.ghosts.has(block)
    }
}

/// Uses that were noted since this was last asked.
fn uses_of(frames: &mut Frames, idx: FrameIdx) -> u8 {
    let mut sum = 0u8;
    let frame = frames.get_mut(idx);
    frame.take_uses(|uses| sum = sum.saturating_add(uses));
    sum
}
