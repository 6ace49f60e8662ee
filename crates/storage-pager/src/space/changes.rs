//! Changes: what one writer has done to the file's blocks, so that it can be committed or taken back.

use crate::block::Extent;
use crate::extent_set::ExtentSet;

/// What a writer has changed, so that it can be taken back.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Allocated, and not freed again.
    pub(super) fresh: ExtentSet,
    /// Allocated and freed again. No other state knows them.
    pub(super) spoiled: Vec<Extent>,
    /// Pages of the state before that the next one does without.
    pub(super) freed: Vec<Extent>,
    /// Cut off the end.
    pub(super) cut: Option<Extent>,
    /// Whether a superblock that names these may be on the medium.
    pub(super) is_switching: bool,
    /// Where the last page ended. Each writer starts over from the lowest free blocks, so that the file can shrink.
    pub(super) next: u64,
    pub(super) placement: Placement,
}

/// Where new pages go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Placement {
    /// Into long runs, one behind the other.
    #[default]
    InRuns,
    /// As low in the file as they fit, so that its end becomes free.
    Low,
}

impl Changes {
    /// From here on, a superblock that names what was written may be on the medium, whatever becomes of the commit.
    pub(crate) fn switch(&mut self) {
        self.is_switching = true;
    }

    /// What was allocated and not freed again, in runs, ascending.
    pub(crate) fn fresh(&self) -> impl Iterator<Item = Extent> + '_ {
        self.fresh.iter()
    }

    /// From here on pages lie as low in the file as they fit.
    pub(crate) fn place_low(&mut self) {
        self.placement = Placement::Low;
    }
}
