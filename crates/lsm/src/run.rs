//! Run: SSTs that do not overlap, in order. A level below level 0 is one, and so is what one merge leaves in level 0.

use std::sync::Arc;

use drystone_engine::EngineError;

use crate::block::Slot;
use crate::sst::Sst;

/// See the module. A clone costs a pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    ssts: Arc<Vec<Arc<Sst>>>,
}

impl Run {
    /// Of SSTs in any order. `None`: some overlap.
    pub(crate) fn new(mut ssts: Vec<Arc<Sst>>) -> Option<Run> {
        ssts.sort_by(|a, b| a.meta.smallest.cmp(&b.meta.smallest));
        let is_run = ssts.is_sorted_by(|a, b| a.meta.largest < b.meta.smallest);
        is_run.then(|| Run {
            ssts: Arc::new(ssts),
        })
    }

    pub(crate) fn ssts(&self) -> &[Arc<Sst>] {
        &self.ssts
    }

    /// Whether both are the same run of a version.
    pub(crate) fn is(&self, other: &Run) -> bool {
        Arc::ptr_eq(&self.ssts, &other.ssts)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ssts.is_empty()
    }

    pub(crate) fn bytes(&self) -> u64 {
        let each = self.ssts.iter().map(|sst| sst.meta.file_len);
        each.fold(0, u64::saturating_add)
    }

    pub(crate) fn entries(&self) -> u64 {
        let each = self.ssts.iter().map(|sst| sst.meta.entries);
        each.fold(0, u64::saturating_add)
    }

    pub(crate) fn tombstones(&self) -> u64 {
        let each = self.ssts.iter().map(|sst| sst.meta.tombstones);
        each.fold(0, u64::saturating_add)
    }

    /// Where the first SST is that ends at or above `key`.
    pub(crate) fn at_or_above(&self, key: &[u8]) -> usize {
        self.ssts.partition_point(|sst| sst.meta.largest[..] < *key)
    }

    /// The SST that covers a key.
    pub(crate) fn covering(&self, key: &[u8]) -> Option<&Arc<Sst>> {
        let sst = self.ssts.get(self.at_or_above(key))?;
        sst.meta.covers(key).then_some(sst)
    }

    /// The SSTs that may hold a key between two.
    pub(crate) fn overlapping(&self, smallest: &[u8], largest: &[u8]) -> &[Arc<Sst>] {
        let start = self.at_or_above(smallest);
        let rest = &self.ssts[start..];
        &rest[..rest.partition_point(|sst| sst.meta.smallest[..] <= *largest)]
    }

    /// What a key has here; `None`: nothing.
    pub(crate) fn get(&self, full_key: &[u8], hash: u64) -> Result<Option<Slot>, EngineError> {
        match self.covering(full_key) {
            Some(sst) => sst.get(full_key, hash),
            None => Ok(None),
        }
    }
}
