//! Figures of levels and filters, beside those that all engines have.

use drystone_base::sync::atomic::Ordering;

use crate::level::LEVELS;
use crate::lsm::Lsm;
use crate::run::Run;

/// Figures of one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelStats {
    /// Runs: any number in level 0, at most one in each other. A read may have to look into each.
    pub runs: usize,
    /// SSTs.
    pub ssts: usize,
    /// Length of their files.
    pub bytes: u64,
    /// Entries, replaced ones among them.
    pub entries: u64,
    /// Tombstones.
    pub tombstones: u64,
}

/// What filters were worth since the engine was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterStats {
    /// Questions that filters were asked by point reads.
    pub checks: u64,
    /// Those that they answered with no, each of which spared a data block.
    pub refusals: u64,
}

impl LevelStats {
    fn add(&mut self, run: &Run) {
        if run.is_empty() {
            return;
        }
        self.runs += 1;
        self.ssts += run.ssts().len();
        self.bytes = self.bytes.saturating_add(run.bytes());
        self.entries = self.entries.saturating_add(run.entries());
        self.tombstones = self.tombstones.saturating_add(run.tombstones());
    }
}

impl Lsm {
    /// Figures of the newest state's levels, from level 0 down. Those of a stage are not among them.
    #[must_use]
    pub fn stats_by_level(&self) -> [LevelStats; LEVELS] {
        let newest = self.newest();
        let version = newest.version();
        let mut levels = [LevelStats::default(); LEVELS];
        version.level0.iter().for_each(|run| levels[0].add(run));
        for (level, run) in levels.iter_mut().zip(&version.deeper).skip(1) {
            level.add(run);
        }
        levels
    }

    /// What filters were worth.
    #[must_use]
    pub fn filter_stats(&self) -> FilterStats {
        let tallies = &self.store().tallies;
        FilterStats {
            checks: tallies.filter_checks.load(Ordering::Relaxed),
            refusals: tallies.filter_refusals.load(Ordering::Relaxed),
        }
    }
}
