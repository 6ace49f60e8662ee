//! LFU with ageing: what was used least leaves first, and credit fades.
//!
//! Frames stand on a ladder. A new one comes to the lowest rung, or two above it if it left lately. A frame whose turn
//! has come is put as many rungs above the lowest as it was used since it was put there, and half as many for its uses
//! before that; it leaves if that is none. After as many have left as are here, twice over, the lowest rung is taken
//! away: so a set of pages that was used much long ago comes down to where it can leave.
//!
//! # Source
//! After Arlitt, Cherkasova, Dilley, Friedrich, Jin: "Evaluating content management techniques for Web proxy caches"
//! (2000), LFU-DA; and Einziger, Friedman, Manes: "TinyLFU" (2017), which ages by halving and remembers what left. We
//! differ: uses are learnt when a frame's turn has come. On a trace of Zipf's law the memory for what left is worth 5 hits
//! of 100, and ageing at every turn of the lowest rung, as LFU-DA has it, costs as much.

use super::frames::{FrameIdx, Frames};
use super::ghosts::Ghosts;
use super::ladder::{Ladder, RUNGS};
use super::policy::{Policy, passes_max};

/// Uses beyond this many make no difference.
pub(super) const USES_MAX: u8 = 15;

/// What it is worth to have been here lately.
const GHOST_USES: u8 = 2;

/// How often as many as are here have to leave before the ladder gets shorter.
const TURNS: usize = 2;

const _: () = assert!((USES_MAX as usize) < RUNGS);

#[derive(Debug)]
pub(super) struct Lfu {
    ladder: Ladder,
    ghosts: Ghosts,
    /// How many left since the ladder got shorter.
    left_count: usize,
}

impl Lfu {
    /// For a shard of `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> Lfu {
        Lfu {
            ladder: Ladder::new(),
            ghosts: Ghosts::new(bytes_max),
            left_count: 0,
        }
    }

    fn put(&mut self, frames: &mut Frames, idx: FrameIdx, uses: u8) {
        frames.get_mut(idx).count = uses;
        let level = self.ladder.lowest() + u64::from(uses);
        self.ladder.put(frames, idx, level);
    }

    /// Remembers a frame that leaves.
    fn note(&mut self, frames: &mut Frames, idx: FrameIdx) {
        self.ghosts.note(frames.get(idx).block);
        self.left_count += 1;
        if self.left_count >= TURNS * frames.count() {
            self.left_count = 0;
            self.ladder.rise(frames);
        }
    }
}

impl Policy for Lfu {
    fn enter(&mut self, frames: &mut Frames, idx: FrameIdx) {
        let is_known = self.ghosts.has(frames.get(idx).block);
        self.put(frames, idx, if is_known { GHOST_USES } else { 0 });
    }

    fn leave(&mut self, frames: &mut Frames, idx: FrameIdx) {
        self.ladder.remove(frames, idx);
    }

    fn choose(&mut self, frames: &mut Frames) -> Option<FrameIdx> {
        for _ in 0..passes_max(frames) {
            let idx = self.ladder.pop(frames)?;
            let frame = frames.get_mut(idx);
            let mut noted = 0u8;
            frame.take_uses(|uses| noted = noted.saturating_add(uses));
            match noted.saturating_add(frame.count / 2).min(USES_MAX) {
                0 => {
                    self.note(frames, idx);
                    return Some(idx);
                }
                uses => self.put(frames, idx, uses),
            }
        }
        self.ladder.pop(frames)
    }

    fn bytes(&self) -> usize {
        size_of::<Lfu>() + self.ghosts.bytes()
    }

    #[cfg(test)]
    fn check(&self, frames: &Frames) {
        self.ladder.check(frames);
    }

    #[cfg(test)]
    fn remembers(&self, block: u64) -> bool {
        self.ghosts.has(block)
    }
}
