//! Which page leaves when another needs its room.

use std::fmt::Debug;

use super::frames::{FrameIdx, Frames};

/// Which pages leave the cache first. All of them see every read, also those that never come to the cache's table, but
/// only when a page's turn to leave comes: reads take no latch for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CachePolicy {
    /// Pages that were read once leave before those that were read again: a scan, or a merge's writes, pass through a
    /// tenth of the budget and leave the rest alone. S3-FIFO.
    #[default]
    S3Fifo,
    /// What was not used for longest leaves first, to within a sixteenth of the budget. For work whose next reads are
    /// those of a moment ago, and that never scans: a scan of more than the budget pushes everything out.
    Lru,
    /// What was used least leaves first, and what was used much long ago loses its credit as others leave: LFU with
    /// dynamic ageing. For work whose favourites seldom change.
    Lfu,
}

/// What one shard does to choose. Called under its latch, held alone.
pub(super) trait Policy: Debug + Send + Sync {
    /// Puts a frame that is new into a queue.
    fn enter(&mut self, frames: &mut Frames, idx: FrameIdx);

    /// Takes a frame out of its queue that leaves for another reason than want of room.
    fn leave(&mut self, frames: &mut Frames, idx: FrameIdx);

    /// Takes the frame out of its queue that is to leave. `None`: there is none.
    fn choose(&mut self, frames: &mut Frames) -> Option<FrameIdx>;

    /// Memory of its own.
    fn bytes(&self) -> usize;

    /// Panics where frames and queues do not agree.
    #[cfg(test)]
    fn check(&self, frames: &Frames);

    /// Whether a page that left lately would be known if it came again.
    #[cfg(test)]
    fn remembers(&self, _block: u64) -> bool {
        false
    }
}

/// How often a frame may be passed over before one is taken all the same: readers follow pointers meanwhile, and could
/// keep every frame in use for ever.
pub(super) fn passes_max(frames: &Frames) -> usize {
    4 * frames.count() + 4
}
