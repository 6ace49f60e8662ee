//! View: what a reader sees.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Snapshot, StoredValue, ValueReader};

use crate::catalog;
use crate::error::StoreError;
use crate::key_range::{KeyRange, is_after};
use crate::layers::Layers;
use crate::memory_merge::{Direction, MemoryMerge, MemorySources};
use crate::range::Range;
use crate::spill::Run;
use crate::tail::Tail;
use crate::write_set::Writes;

/// One committed state, read-only: everything up to [`View::lsn`], and nothing after.
///
/// Cheap to clone, may be shared among threads, and waits for nobody. While it lives it keeps in memory the memtables,
/// and on disk the pages, that were in use when it was taken. A keyspace that was dropped reads as empty.
#[derive(Clone)]
pub struct View {
    lsn: Lsn,
    layers: Arc<Layers>,
}

impl View {
    pub(crate) fn new(lsn: Lsn, layers: Arc<Layers>) -> View {
        debug_assert!(layers.floor <= lsn);
        View { lsn, layers }
    }

    pub(crate) fn layers(&self) -> &Arc<Layers> {
        &self.layers
    }

    /// The newest commit it sees.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    #[inline]
    pub fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.layers.get(keyspace, key, self.lsn)
    }

    /// Shows the value of `key` to `read` where it lies, and says whether there is one. As [`View::get`], for values that
    /// are looked at and not kept: no holder is counted and nothing is copied. `read` must not wait for anything: what is
    /// given up meanwhile stays in memory.
    ///
    /// # Errors
    /// As [`View::get`]; `read` was not called then.
    #[inline]
    pub fn get_with(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        mut read: impl FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        self.layers.get_with(keyspace, key, self.lsn, &mut read)
    }

    /// Reads the value of `key` as a stream, from any place in it; `None` where there is none. Of a long value in the base it
    /// needs one piece in memory at a time. It reads on, whatever is committed meanwhile.
    ///
    /// # Errors
    /// As [`View::get`]; later ones come from the reader.
    pub fn value_reader(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<ValueReader>, StoreError> {
        let value = match self.layers.find(keyspace, key, self.lsn) {
            Some(found) => found.map(StoredValue::Whole),
            None => self.layers.base.open_value(keyspace, key)?,
        };
        Ok(value.map(ValueReader::new))
    }

    /// The entries of a part of a keyspace. Nothing is read before the first step.
    #[must_use]
    pub fn range(&self, keyspace: KeyspaceId, range: impl Into<KeyRange>) -> Range {
        self.range_over(keyspace, range.into(), None, &[])
    }

    /// As [`View::range`], with a transaction's writes on top, and what it spilled, oldest first.
    pub(crate) fn range_over(
        &self,
        keyspace: KeyspaceId,
        range: KeyRange,
        writes: Option<Arc<Writes>>,
        runs: &[Arc<Run>],
    ) -> Range {
        match self.memory(keyspace, writes, runs_of(runs, keyspace)) {
            Some(memory) => Range::new(keyspace, range, memory, Arc::clone(&self.layers.base)),
            None => Range::empty(),
        }
    }

    /// The keys of a keyspace that changed after the base, as [`View::base`] is, with what they are in this view.
    /// O(what the memtables hold of the keyspace). Empty for a keyspace that was dropped, whatever the base still has.
    #[must_use]
    pub fn tail(&self, keyspace: KeyspaceId) -> Tail {
        self.tail_over(keyspace, None)
    }

    /// As [`View::tail`], with a transaction's writes on top.
    pub(crate) fn tail_over(&self, keyspace: KeyspaceId, writes: Option<Arc<Writes>>) -> Tail {
        match self.memory(keyspace, writes, Vec::new()) {
            Some(memory) => Tail::new(&memory),
            None => Tail::empty(),
        }
    }

    /// What memory holds of a keyspace; `None` when it was dropped.
    fn memory(
        &self,
        keyspace: KeyspaceId,
        writes: Option<Arc<Writes>>,
        runs: Vec<(Arc<Run>, KeyspaceId)>,
    ) -> Option<MemorySources> {
        Some(MemorySources {
            writes,
            runs,
            tables: self.layers.tables(keyspace, self.lsn)?,
            lsn: self.lsn,
        })
    }

    /// How many entries a keyspace has, exactly. As [`View::count_range`] of all of it.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn count(&self, keyspace: KeyspaceId) -> Result<u64, StoreError> {
        self.count_over(keyspace, &KeyRange::all(), None, &[])
    }

    /// How many entries of a keyspace lie in a range, exactly. The base counts without reading them, if it can; what the
    /// memtables hold of the range is looked up in the base, one key after the other.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn count_range(
        &self,
        keyspace: KeyspaceId,
        range: impl Into<KeyRange>,
    ) -> Result<u64, StoreError> {
        self.count_over(keyspace, &range.into(), None, &[])
    }

    /// As [`View::count_range`], with a transaction's writes on top, and what it spilled, oldest first.
    pub(crate) fn count_over(
        &self,
        keyspace: KeyspaceId,
        range: &KeyRange,
        writes: Option<Arc<Writes>>,
        runs: &[Arc<Run>],
    ) -> Result<u64, StoreError> {
        let Some(memory) = self.memory(keyspace, writes, runs_of(runs, keyspace)) else {
            return Ok(0);
        };
        let (start, end) = (range.start.as_ref(), range.end.as_ref());
        let (start, end) = (start.map(Bytes::as_ref), end.map(Bytes::as_ref));
        let mut count = self.base().count_range(keyspace, start, end)?;
        let mut tail = MemoryMerge::new(&memory, Direction::Forward, start);
        while let Some(key) = tail.key()
            && !is_after(&range.end, key)
        {
            let was_there = self.base().get(keyspace, key)?.is_some()
                && !is_planted("mvcc-count-shadowed-twice");
            count = count.saturating_add(u64::from(tail.value().is_some()));
            count = count.saturating_sub(u64::from(was_there));
            tail.advance();
        }
        tail.check()?;
        Ok(count)
    }

    /// The number of the keyspace of this name.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn keyspace(&self, name: &str) -> Result<Option<KeyspaceId>, StoreError> {
        let value = self.get(KeyspaceId::CATALOG, &catalog::name_key(name))?;
        value.map(|value| catalog::decode_id(&value)).transpose()
    }

    /// All keyspaces: name and number, ascending by name.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn keyspaces(&self) -> Result<Vec<(String, KeyspaceId)>, StoreError> {
        collect_keyspaces(self.range(KeyspaceId::CATALOG, catalog::names()))
    }

    /// The state of the base under the memtables.
    #[must_use]
    pub fn base(&self) -> &Arc<dyn Snapshot> {
        &self.layers.base
    }
}

/// The runs that have something of a keyspace, newest first.
fn runs_of(runs: &[Arc<Run>], keyspace: KeyspaceId) -> Vec<(Arc<Run>, KeyspaceId)> {
    let runs = runs.iter().rev().filter(|run| run.has_keyspace(keyspace));
    runs.map(|run| (Arc::clone(run), keyspace)).collect()
}

/// Names and numbers from a range over [`catalog::names`].
pub(crate) fn collect_keyspaces(range: Range) -> Result<Vec<(String, KeyspaceId)>, StoreError> {
    range
        .map(|entry| {
            let (key, value) = entry?;
            Ok((catalog::decode_name(&key)?, catalog::decode_id(&value)?))
        })
        .collect()
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("lsn", &self.lsn)
            .field("base", &self.layers.base.lsn())
            .finish_non_exhaustive()
    }
}
