//! Births: which generation wrote the blocks that are in use, as far as a root that is held may tell.
//!
//! A state that is held needs a block if it is not older than the block's birth, and older than the commit that freed it.
//! So blocks that were written and freed while a reader holds one old state are nobody's, and are used again; without
//! their births, all that is freed while a reader lives would wait for its end.
//!
//! # Invariants
//! - B1. Sets are disjoint, and their generations ascend.
//! - B2. Blocks in no set were born at or before every root that is held.
//!
//! In memory only: after a crash, no older state is held. One set for each root that is held, and one more; none without.

use crate::block::Extent;
use crate::extent_set::ExtentSet;
use drystone_base::planted::is_planted;

/// A generation at or before every root that is held: which, makes no difference.
pub(crate) const LONG_AGO: u64 = 0;

/// The blocks in use that are younger than the oldest root that is held.
#[derive(Debug, Default)]
pub(crate) struct Births {
    sets: Vec<(u64, ExtentSet)>,
}

impl Births {
    /// These blocks are in use from `generation`, the newest, on.
    pub(crate) fn record(&mut self, generation: u64, blocks: ExtentSet) {
        if blocks.block_count() > 0 {
            self.sets.push((generation, blocks));
        }
    }

    /// A page is no longer in use. Says when it was born.
    pub(crate) fn take(&mut self, page: Extent) -> u64 {
        let born = self.sets.iter_mut().find(|(_, set)| set.contains(page));
        let Some((generation, set)) = born else {
            return LONG_AGO;
        };
        set.remove(page);
        *generation
    }

    /// Forgets what makes no difference any more: these roots are held, by ascending generation, and no older one will
    /// be.
    pub(crate) fn forget(&mut self, held: &[u64]) {
        let oldest = held.first().copied().unwrap_or(u64::MAX);
        let mut kept: Vec<(u64, ExtentSet)> = Vec::new();
        for (generation, set) in std::mem::take(&mut self.sets) {
            if generation <= oldest || set.block_count() == 0 {
                continue;
            }
            match kept.last_mut() {
                Some((before, into)) if !is_any_within(held, *before, generation) => {
                    *before = generation;
                    join(into, set);
                }
                _ => kept.push((generation, set)),
            }
        }
        self.sets = kept;
    }

    /// Panics where an invariant of this module does not hold, or one of these blocks, which are in no use, is in a set.
    /// O(runs).
    pub(crate) fn check(&self, unused: &ExtentSet) {
        assert!(
            self.sets.is_sorted_by_key(|(generation, _)| *generation),
            "B1: generations ascend"
        );
        let mut all = ExtentSet::default();
        for run in self.sets.iter().flat_map(|(_, set)| set.iter()) {
            assert!(!unused.overlaps(run), "{run:?} is in no use");
            all.insert(run); // panics where sets overlap
        }
    }
}

/// Whether a root is held that a block needs which was born at one generation and freed by a later one.
pub(crate) fn is_any_within(held: &[u64], born: u64, freed: u64) -> bool {
    if is_planted("pager-born-ignored") {
        return held.contains(&born);
    }
    let first = held.partition_point(|generation| *generation < born);
    held.get(first)
        .is_some_and(|generation| *generation < freed)
}

/// Moves the runs of the smaller set into the larger one.
fn join(into: &mut ExtentSet, mut other: ExtentSet) {
    if into.run_count() < other.run_count() {
        std::mem::swap(into, &mut other);
    }
    for run in other.iter() {
        into.insert(run);
    }
}

#[cfg(test)]
mod tests;
