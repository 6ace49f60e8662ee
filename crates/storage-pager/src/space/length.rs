//! Length of the file: how far it grows, and where it should end when the blocks at its end are free.

use super::{Changes, Space};
use crate::block::{Extent, MAX_BLOCKS};

/// The file grows by at least this many blocks (64 KiB), and by at most [`GROWTH_BLOCKS_MAX`] beyond what is needed.
const GROWTH_BLOCKS_MIN: u64 = 16;

/// 64 MiB.
const GROWTH_BLOCKS_MAX: u64 = 16_384;

/// Fewer free blocks are never given back.
pub(crate) const FREE_TAIL_BLOCKS_MIN: u64 = 2 * GROWTH_BLOCKS_MIN;

/// Whether a file grows by more than it needs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Headroom {
    /// By a step, so that its length changes rarely.
    Step,
    /// By just what is needed: the disk is nearly full.
    None,
}

impl Space {
    /// The length in blocks to which the file should grow so that `count` blocks in a row are free at its end.
    /// `None`: a file cannot be that long.
    pub(crate) fn length_for(&self, count: u64, headroom: Headroom) -> Option<u64> {
        let free_tail = self.free_tail().map_or(0, |tail| tail.count);
        let needed = count.saturating_sub(free_tail);
        let step = match headroom {
            Headroom::Step => growth_step(self.end),
            Headroom::None => 0,
        };
        let length = self.end.checked_add(needed.max(step))?;
        (length <= MAX_BLOCKS).then_some(length)
    }

    /// The file has `length` blocks now. Stays so when the writer is rolled back.
    pub(crate) fn grow(&mut self, length: u64) {
        let grown = Extent::between(self.end, length);
        self.unused.insert(grown);
        self.reusable.insert(grown);
        self.end = length;
    }

    /// The length in blocks at which the file should end, if the reusable blocks at its end are too many: more than
    /// two steps of growth. One is kept.
    pub(crate) fn shorter_end(&self) -> Option<u64> {
        shorter_end(self.free_tail()?)
    }

    /// The length in blocks at which the file should end if none of the reusable blocks at its end is to be kept: `None`
    /// where the free list, which needs `list_blocks`, might take them all.
    pub(crate) fn shortest_end(&self, list_blocks: u64) -> Option<u64> {
        let tail = self.free_tail()?;
        (tail.count > list_blocks).then_some(tail.start)
    }

    /// Whether the free list at `list` alone keeps the file from having a [`Space::shorter_end`], and a commit would
    /// move it down.
    pub(crate) fn is_in_the_way(&self, list: Extent) -> bool {
        let is_last = list.end() == self.end
            || self
                .free_tail()
                .is_some_and(|tail| tail.start == list.end());
        let below = self.reusable.run_before(list.start);
        let below =
            below.filter(|run| is_last && run.end() == list.start && run.count >= list.count);
        below.is_some_and(|run| shorter_end(Extent::between(run.start, self.end)).is_some())
    }

    /// The reusable blocks at the end of the file.
    pub(super) fn free_tail(&self) -> Option<Extent> {
        self.reusable.last_run().filter(|run| run.end() == self.end)
    }

    /// The file ends at `length` in the next state; what is cut off is reusable.
    pub(crate) fn cut(&mut self, length: u64, changes: &mut Changes) {
        let cut = Extent::between(length, self.end);
        self.reusable.remove(cut);
        self.unused.remove(cut);
        self.end = length;
        changes.cut = Some(cut);
    }
}

/// Where a file with this free tail should end, if it is too long.
fn shorter_end(tail: Extent) -> Option<u64> {
    let kept = growth_step(tail.start);
    (tail.count > 2 * kept).then_some(tail.start + kept)
}

/// A sixteenth of the file, within bounds.
fn growth_step(end: u64) -> u64 {
    (end / 16).clamp(GROWTH_BLOCKS_MIN, GROWTH_BLOCKS_MAX)
}
