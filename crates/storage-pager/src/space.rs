//! Which blocks are in use, and which may be written to.
//!
//! ```text
//!             allocate                    commit                      free, then commit of generation g
//!  reusable ------------> fresh (writer) -------------> live ------------------------------------------+
//!     ^                        | roll_back                                                             |
//!     |<-----------------------+ (doubtful first, if its superblock may be there)                       v
//!     +---------------------------------------------------------------------------------------- pending at g
//!                       reclaim: g is durable, no root is held that is older than g and no older than the page, and the
//!                                page is lent to nobody
//! ```
//!
//! # Invariants
//! - S1. `unused` is every block from 4 up to `end` that the state being written does not use: reusable ones, pending
//!   ones, doubtful ones, and those that the current writer has freed.
//! - S2. `reusable`, the pending and the doubtful extents are disjoint, and all lie in `unused`.
//! - S3. Between writers, `unused` is exactly those three.
//! - S4. What `births` holds is in use.
//!
//! One writer has this to itself; nothing here is shared.

mod changes;
mod length;

pub(crate) use self::changes::Changes;
use self::changes::Placement;
pub(crate) use self::length::{FREE_TAIL_BLOCKS_MIN, Headroom};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::births::{Births, is_any_within};
use crate::block::Extent;
use crate::extent_set::ExtentSet;
use crate::root::{Gone, Root};
use crate::superblock::SUPERBLOCKS;
use drystone_base::planted::is_planted;

/// Runs of this many blocks are preferred for new pages, so that a merge is laid out in sequential runs.
const PREFERRED_RUN_BLOCKS: u64 = 16;

/// The blocks of the file.
#[derive(Debug)]
pub(crate) struct Space {
    unused: ExtentSet,
    reusable: ExtentSet,
    /// Freed by commits that are durable, and needed, perhaps, by older roots.
    pending: Vec<Pending>,
    births: Births,
    /// Written by commits that failed when their superblock may have reached the medium. Reusable once another
    /// superblock is in its place.
    doubtful: Vec<Extent>,
    /// Every generation that a root was published for and that may be held still.
    roots: Vec<(u64, Gone)>,
    /// Length of the file in blocks.
    end: u64,
}

/// Pages that states from one generation on have, up to that which freed them.
#[derive(Debug)]
struct Pending {
    born: u64,
    freed: u64,
    /// One for each page.
    extents: Vec<Extent>,
}

/// Why a page cannot be freed: it is no live page of the state being written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotLive;

impl Space {
    /// The blocks of a file of `end` blocks of which `unused` are free, when no state but the newest is in use.
    pub(crate) fn new(unused: ExtentSet, end: u64) -> Space {
        Space {
            reusable: unused.clone(),
            unused,
            pending: Vec::new(),
            births: Births::default(),
            doubtful: Vec::new(),
            roots: Vec::new(),
            end,
        }
    }

    /// Length of the file in blocks.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// The blocks that the state being written does not use.
    pub(crate) fn unused(&self) -> &ExtentSet {
        &self.unused
    }

    /// How many blocks may be written to now.
    pub(crate) fn reusable_count(&self) -> u64 {
        self.reusable.block_count()
    }

    /// A run of blocks for a page: behind the last one where there is room.
    /// `None`: the file must [`grow`](Space::grow).
    pub(crate) fn allocate(&mut self, count: u64, changes: &mut Changes) -> Option<Extent> {
        if changes.placement == Placement::Low {
            return self.allocate_low(count, changes);
        }
        let behind = self.reusable.run_from(changes.next);
        let run = behind
            .filter(|run| run.count >= count)
            .or_else(|| self.reusable.find(count.max(PREFERRED_RUN_BLOCKS)))
            .or_else(|| self.reusable.find(count))?;
        let extent = self.take(run, count, changes);
        changes.next = extent.end();
        Some(extent)
    }

    /// As [`Space::allocate`], as low in the file as it can be.
    pub(crate) fn allocate_low(&mut self, count: u64, changes: &mut Changes) -> Option<Extent> {
        let run = self.reusable.find_low(count)?;
        Some(self.take(run, count, changes))
    }

    /// Whether a page of `count` blocks fits into reusable ones that end at `limit` or before.
    pub(crate) fn has_room_below(&self, limit: u64, count: u64) -> bool {
        let run = self.reusable.find_low(count);
        run.is_some_and(|run| Extent::new(run.start, count).end() <= limit)
    }

    fn take(&mut self, run: Extent, count: u64, changes: &mut Changes) -> Extent {
        let extent = Extent::new(run.start, count);
        self.reusable.remove(extent);
        self.unused.remove(extent);
        changes.fresh.insert(extent);
        extent
    }

    /// The page at `extent` is not part of the next state.
    pub(crate) fn free(&mut self, extent: Extent, changes: &mut Changes) -> Result<(), NotLive> {
        let in_file = extent.start >= SUPERBLOCKS && extent.end() <= self.end;
        if !in_file || self.unused.overlaps(extent) {
            return Err(NotLive);
        }
        if changes.fresh.contains(extent) {
            changes.fresh.remove(extent);
            changes.spoiled.push(extent);
        } else if changes.fresh.overlaps(extent) {
            return Err(NotLive);
        } else if is_planted("pager-freed-block-reused") {
            self.reusable.insert(extent);
        } else {
            changes.freed.push(extent);
        }
        self.unused.insert(extent);
        Ok(())
    }

    /// Takes back that pages of the state before were freed. Hands them out, one extent for each.
    pub(crate) fn keep_freed(&mut self, changes: &mut Changes) -> Vec<Extent> {
        let kept = std::mem::take(&mut changes.freed);
        for extent in &kept {
            self.unused.remove(*extent);
        }
        kept
    }

    /// Whether a superblock may be on the medium, in part or in whole, whose commit failed.
    pub(crate) fn is_in_doubt(&self) -> bool {
        !self.doubtful.is_empty()
    }

    /// The next state is durable as `root`, and its superblock is where a doubtful one may have been.
    pub(crate) fn commit(&mut self, changes: Changes, root: &Arc<Root>) {
        for extent in changes.spoiled.into_iter().chain(self.doubtful.drain(..)) {
            self.reusable.insert(extent);
        }
        let mut by_birth: BTreeMap<u64, Vec<Extent>> = BTreeMap::new();
        for extent in changes.freed {
            let born = self.births.take(extent);
            by_birth.entry(born).or_default().push(extent);
        }
        let freed = root.generation;
        let pending = by_birth.into_iter();
        self.pending.extend(pending.map(|(born, extents)| Pending {
            born,
            freed,
            extents,
        }));
        self.births.record(freed, changes.fresh);
        self.publish(root);
        debug_assert!(self.checked());
    }

    /// Remembers a root, for as long as it may be held.
    pub(crate) fn publish(&mut self, root: &Arc<Root>) {
        self.roots.push((root.generation, root.gone.clone()));
    }

    /// There will be no next state. Hands out the extents that were written to.
    pub(crate) fn roll_back(&mut self, changes: Changes) -> Vec<Extent> {
        let mut written = changes.spoiled;
        for extent in &written {
            self.reusable.insert(*extent);
        }
        for extent in changes.fresh.iter() {
            if is_planted("pager-rollback-leaks") {
                continue;
            }
            self.unused.insert(extent);
            if changes.is_switching {
                self.doubtful.push(extent);
            } else {
                self.reusable.insert(extent);
            }
            written.push(extent);
        }
        for extent in changes.freed {
            if is_planted("pager-rollback-keeps-freed") {
                break;
            }
            self.unused.remove(extent);
        }
        if let Some(cut) = changes.cut {
            self.grow(cut.end());
        }
        debug_assert!(self.checked());
        written
    }

    /// Makes the blocks reusable that no root needs any more, and of which `let_go` says that nobody reads them. Returns
    /// whether there were any.
    pub(crate) fn reclaim(&mut self, let_go: &mut dyn FnMut(Extent) -> bool) -> bool {
        let held = self.held();
        let is_needed = |pending: &Pending| {
            is_any_within(&held, pending.born, pending.freed) && !is_planted("pager-reader-ignored")
        };
        let before = self.reusable.block_count();
        for pending in self.pending.iter_mut().filter(|one| !is_needed(one)) {
            for extent in pending.extents.extract_if(.., |extent| let_go(*extent)) {
                self.reusable.insert(extent);
            }
        }
        self.pending.retain(|pending| !pending.extents.is_empty());
        self.births.forget(&held);
        self.reusable.block_count() > before
    }

    /// The generations whose roots are held, ascending.
    fn held(&mut self) -> Vec<u64> {
        self.roots.retain(|(_, gone)| !gone.is_gone());
        let mut held: Vec<u64> = self
            .roots
            .iter()
            .map(|(generation, _)| *generation)
            .collect();
        held.sort_unstable();
        held
    }

    /// Panics where an invariant of this module does not hold between writers. O(runs).
    pub(crate) fn check(&self) {
        self.unused.check();
        self.reusable.check();
        let mut all = self.reusable.clone();
        let pending = self.pending.iter().flat_map(|pending| &pending.extents);
        for extent in pending.chain(&self.doubtful) {
            all.insert(*extent); // panics where S2 is broken
        }
        assert!(all.iter().eq(self.unused.iter()), "S3");
        self.births.check(&self.unused);
        let in_file = |run: Extent| run.start >= SUPERBLOCKS && run.end() <= self.end;
        assert!(self.unused.iter().all(in_file), "S1");
    }

    fn checked(&self) -> bool {
        self.check();
        true
    }
}

#[cfg(test)]
mod tests;
