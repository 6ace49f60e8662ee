//! Compaction: the base's files get as small as they can, while commits, merges and readers go on.

use drystone_base::sync::atomic::Ordering;
use drystone_engine::{Budget, Progress};

use crate::error::StoreError;
use crate::shared::{Shared, log_error};

/// A slice of compaction is so many times as long as one of a merge: each ends with a commit of the base.
const SLICES: u64 = 4;

impl Shared {
    /// Merges what is in memory, and compacts the base until nothing more is to be gained.
    pub(crate) fn compact(&self) -> Result<(), StoreError> {
        self.flush()?;
        while self.compact_slice()? == Progress::More {}
        let log = self.log()?;
        log.shed_spares().map_err(|error| log_error(&log, error))
    }

    /// One slice of giving space back that the base does not use, while no memtable waits for its merge.
    pub(crate) fn step_reclaim(&self) -> Result<Progress, StoreError> {
        let merges = self.merges.lock();
        let is_quiet = !merges.is_underway() && self.layers.load().sealed().is_empty();
        if !is_quiet || self.closed.load(Ordering::Acquire) {
            return Ok(Progress::Idle);
        }
        let reclaimed = self.engine.reclaim(self.compact_budget());
        if !matches!(reclaimed, Ok(Progress::Idle)) {
            self.show_base(self.engine.merged_lsn());
        }
        Ok(reclaimed?)
    }

    fn compact_budget(&self) -> Budget {
        Budget {
            bytes: self.options.step_bytes.saturating_mul(SLICES),
        }
    }

    /// One slice of compacting, or of the merge that is under way: that has the base's writer.
    fn compact_slice(&self) -> Result<Progress, StoreError> {
        let mut merges = self.merges.lock();
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        if merges.is_underway() {
            self.merge_slice(&mut merges)?;
            return Ok(Progress::More);
        }
        // The base keeps both states as they are until it is decided.
        self.settle_stage(&mut merges)?;
        let compacted = self.engine.compact(self.compact_budget());
        // Or the layers would pin the pages that it has freed.
        self.show_base(self.engine.merged_lsn());
        Ok(compacted?)
    }
}
