//! Snapshot: one durable state of all keyspaces.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::Mutex;
use drystone_base::{KeyspaceId, Lsn};
use drystone_compress::Codec;
use drystone_engine::{Cursor, EngineError, Snapshot};
use smallvec::SmallVec;

use crate::block::Slot;
use crate::cursor::LsmCursor;
use crate::filter;
use crate::version::Version;

/// The entries between two bounds: an iterator from both ends.
pub type Range = drystone_engine::Range<LsmCursor>;

/// One durable state. It never changes; a clone costs two pointers. While it, a clone or a cursor of it lives, its SSTs
/// stay.
#[derive(Clone, Debug)]
pub struct LsmSnapshot {
    version: Arc<Version>,
    /// Latch `counts`: what was counted of this state. Held for moments.
    counts: Arc<Mutex<BTreeMap<KeyspaceId, u64>>>,
}

impl LsmSnapshot {
    pub(crate) fn new(version: Version) -> LsmSnapshot {
        LsmSnapshot {
            version: Arc::new(version),
            counts: Arc::default(),
        }
    }

    pub(crate) fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// The entries of a keyspace within `bounds`, in key order; from the back with `rev`. Nothing is read before the
    /// first step. A keyspace that is not there is empty.
    #[must_use]
    pub fn range<'k>(&self, keyspace: KeyspaceId, bounds: impl RangeBounds<&'k [u8]>) -> Range {
        let owned = |bound: Bound<&&'k [u8]>| bound.map(|key| key.to_vec());
        let cursor = || LsmCursor::new(Arc::clone(&self.version), keyspace);
        Range::new(
            cursor(),
            cursor(),
            owned(bounds.start_bound()),
            owned(bounds.end_bound()),
        )
    }

    /// The codec that a keyspace was given of its own. `None`: none, or there is no such keyspace.
    #[must_use]
    pub fn codec(&self, keyspace: KeyspaceId) -> Option<Codec> {
        self.version.keyspaces.get(&keyspace).copied().flatten()
    }

    /// The value of a key.
    fn find(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        if !self.version.has(keyspace) {
            return Ok(None);
        }
        let mut full: SmallVec<[u8; 64]> = SmallVec::from_slice(&keyspace.0.to_be_bytes());
        full.extend_from_slice(key);
        Ok(match self.version.get(&full, filter::hash(&full))? {
            Some(Slot::Value(value)) => Some(value),
            Some(Slot::Tombstone) | None => None,
        })
    }

    /// Counts a keyspace: from what SSTs say of themselves where it lies in one run, by walking over it otherwise.
    fn count_entries(&self, keyspace: KeyspaceId) -> Result<u64, EngineError> {
        let version = &self.version;
        let start = keyspace.0.to_be_bytes();
        let end = keyspace.0.checked_add(1).map(u32::to_be_bytes);
        let mut sum = 0u64;
        let mut holders = 0;
        for run in version.runs() {
            let from = run.at_or_above(&start);
            let rest = &run.ssts()[from..];
            let until =
                rest.partition_point(|sst| end.is_none_or(|end| sst.meta.smallest[..] < end[..]));
            let mut is_held = false;
            for sst in &rest[..until] {
                let properties = sst.properties()?;
                let mut shares = properties.shares.iter();
                is_held |= shares.any(|share| share.keyspace == keyspace);
                sum = sum.saturating_add(properties.entries_of(keyspace));
            }
            holders += usize::from(is_held);
        }
        if holders <= 1 {
            return Ok(sum);
        }
        let mut cursor = LsmCursor::new(Arc::clone(version), keyspace);
        let mut count = 0;
        let mut is_on = cursor.first()?;
        while is_on {
            count += 1;
            is_on = cursor.next()?;
        }
        Ok(count)
    }
}

impl Snapshot for LsmSnapshot {
    fn lsn(&self) -> Lsn {
        self.version.lsn
    }

    fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.find(keyspace, key)
    }

    fn cursor(&self, keyspace: KeyspaceId) -> Result<Box<dyn Cursor>, EngineError> {
        Ok(Box::new(LsmCursor::new(
            Arc::clone(&self.version),
            keyspace,
        )))
    }

    /// Exact, and not O(1) where a keyspace lies in several runs: the first call for a state then walks over it. Merges are
    /// blind; to know whether a key is new they would have to read it.
    fn count(&self, keyspace: KeyspaceId) -> Result<u64, EngineError> {
        if !self.version.has(keyspace) {
            return Ok(0);
        }
        if let Some(count) = self.counts.lock().get(&keyspace) {
            return Ok(*count);
        }
        let count = self.count_entries(keyspace)?;
        self.counts.lock().insert(keyspace, count);
        Ok(count)
    }

    fn keyspaces(&self) -> Result<Vec<KeyspaceId>, EngineError> {
        Ok(self.version.keyspaces.keys().copied().collect())
    }
}
