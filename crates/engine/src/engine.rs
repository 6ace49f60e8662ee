//! The traits that an engine implements.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_compress::Codec;

use crate::changes::Changes;
use crate::cursor::Cursor;
use crate::error::EngineError;
use crate::long_value::StoredValue;
use crate::merge_job::{MergeJob, WholeMerge};
use crate::staging::Staging;

/// A durable, ordered, multi-keyspace map that changes only by whole merges. Rules E1 to E5 of the crate hold.
pub trait Engine: Send + Sync + fmt::Debug {
    /// The newest durable state. Cheap: no I/O, no lock that a merge holds.
    fn snapshot(&self) -> Arc<dyn Snapshot>;

    /// Folds `changes` in, atomically and durably, as state `upto`, which is above [`Engine::merged_lsn`].
    ///
    /// # Errors
    /// Failed I/O, a full disk, damage met on the way. The state is the one before; the merge may be tried again
    /// unless the error says that a reopen is needed.
    fn merge(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError>;

    /// Begins a merge that is done in slices, so that nobody waits for the whole of it. Its effect and its errors are
    /// those of [`Engine::merge`]. An engine that has nothing else merges whole in the first slice.
    ///
    /// # Errors
    /// As [`Engine::merge`]. An engine may find a mistake of the caller here or in a later slice.
    fn begin_merge(
        self: Arc<Self>,
        changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> Result<Box<dyn MergeJob>, EngineError>
    where
        Self: 'static,
    {
        Ok(Box::new(WholeMerge::new(self, changes, upto)))
    }

    /// How it merges in two steps, if it can. Without, a transaction must fit into memory.
    fn staging(&self) -> Option<&dyn Staging> {
        None
    }

    /// Changes how an engine that compresses what it stores does so for one keyspace, durably: from now on, and as later
    /// merges come by. What is stored reads as before. A keyspace that is not there begins, empty. Not while a merge is
    /// under way.
    ///
    /// # Errors
    /// [`EngineError::NoCompression`] from an engine that has no such choice; otherwise as [`Engine::merge`], and for a codec that
    /// this build lacks, with nothing done.
    fn set_codec(&self, keyspace: KeyspaceId, codec: Codec) -> Result<(), EngineError> {
        let _nothing_to_choose = (keyspace, codec);
        Err(EngineError::NoCompression)
    }

    /// Whether [`Engine::set_codec`] takes a codec, before there is a keyspace to give it to.
    ///
    /// # Errors
    /// [`EngineError::NoCompression`] from an engine that has no such choice; what this build lacks for the codec.
    fn check_codec(&self, codec: Codec) -> Result<(), EngineError> {
        let _nothing_to_choose = codec;
        Err(EngineError::NoCompression)
    }

    /// The longest keys and values that it takes. A merge with longer ones fails as a whole, each time it is tried; so
    /// whoever makes changes durable before they are merged refuses longer ones first.
    fn limits(&self) -> Limits {
        Limits::NONE
    }

    /// Everything up to here survives a crash. [`Lsn::ZERO`] for a new engine.
    fn merged_lsn(&self) -> Lsn;

    /// One bounded slice of background work (compaction, space reclaim), driven by threads or by a simulation.
    ///
    /// # Errors
    /// As [`Engine::merge`].
    fn step(&self, budget: Budget) -> Result<Progress, EngineError>;

    /// One bounded slice of making the files as small as they get, and [`Progress::Idle`] once nothing more can be gained
    /// now. What snapshots hold stays until they go. To be called as [`Engine::step`]; merges may come between two slices.
    /// The state stays the same, whatever happens. An engine that has nothing to compact need not have this.
    ///
    /// # Errors
    /// As [`Engine::merge`].
    fn compact(&self, budget: Budget) -> Result<Progress, EngineError> {
        let _ = budget;
        Ok(Progress::Idle)
    }

    /// One bounded slice of giving space back where much of the files is free: for times in which nothing else is to be
    /// done, since it moves data about. [`Progress::Idle`]: that is not worth it, or not again before the next merge.
    /// Otherwise as [`Engine::compact`].
    ///
    /// # Errors
    /// As [`Engine::merge`].
    fn reclaim(&self, budget: Budget) -> Result<Progress, EngineError> {
        let _ = budget;
        Ok(Progress::Idle)
    }

    /// Reads everything that is durable and checks every checksum and invariant.
    ///
    /// # Errors
    /// Only when checking could not go on; what it found wrong is in the report.
    fn verify(&self) -> Result<VerifyReport, EngineError>;

    /// Figures for people.
    fn stats(&self) -> EngineStats;
}

/// One immutable state of an engine.
pub trait Snapshot: Send + Sync + fmt::Debug {
    /// The state: all commits up to here, and none after.
    fn lsn(&self) -> Lsn;

    /// The value of `key`, sharing the page's memory where it can.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// Shows the value of `key` to `read`, where it lies if the engine can, and says whether there is one. For values that
    /// are looked at and not kept: no holder of the memory is counted. `read` must not wait for anything: what the engine
    /// evicts or retires meanwhile stays in memory.
    ///
    /// # Errors
    /// As [`Snapshot::get`]; `read` was not called then.
    fn get_with(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        read: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, EngineError> {
        let value = self.get(keyspace, key)?;
        Ok(value.map(|value| read(&value)).is_some())
    }

    /// The value of `key`, to be read a piece at a time where it is long. What is provided here has all of it in memory.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    fn open_value(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<StoredValue>, EngineError> {
        Ok(self.get(keyspace, key)?.map(StoredValue::Whole))
    }

    /// A cursor over one keyspace, on no entry yet. A keyspace that is not there is empty.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn cursor(&self, keyspace: KeyspaceId) -> Result<Box<dyn Cursor>, EngineError>;

    /// How many entries a keyspace has. O(1) where the engine keeps counts, as the B+tree does; else a walk.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn count(&self, keyspace: KeyspaceId) -> Result<u64, EngineError>;

    /// How many entries of a keyspace lie between two bounds; 0 for bounds that end before they start. An engine that
    /// keeps counts answers in O(log n); what is provided here walks over the entries.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn count_range(
        &self,
        keyspace: KeyspaceId,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
    ) -> Result<u64, EngineError> {
        count_by_cursor(&mut *self.cursor(keyspace)?, start, end)
    }

    /// The keyspaces that have had an entry and were not dropped, ascending.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn keyspaces(&self) -> Result<Vec<KeyspaceId>, EngineError>;
}

fn count_by_cursor(
    cursor: &mut dyn Cursor,
    start: Bound<&[u8]>,
    end: Bound<&[u8]>,
) -> Result<u64, EngineError> {
    let mut is_on = match start {
        Bound::Unbounded => cursor.first()?,
        Bound::Included(key) | Bound::Excluded(key) => cursor.seek(key)?,
    };
    if let Bound::Excluded(key) = start
        && is_on
        && cursor.key() == key
    {
        is_on = cursor.next()?;
    }
    let is_within = |key: &[u8]| match end {
        Bound::Unbounded => true,
        Bound::Included(end) => key <= end,
        Bound::Excluded(end) => key < end,
    };
    let mut count = 0;
    while is_on && is_within(cursor.key()) {
        count += 1;
        is_on = cursor.next()?;
    }
    Ok(count)
}

/// The longest keys and values that an engine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest key, in bytes.
    pub key_bytes_max: usize,
    /// The longest value, in bytes, that is handed over in memory.
    pub value_bytes_max: usize,
    /// The longest value, in bytes, that is handed over piece by piece ([`LongValue`](crate::LongValue)).
    pub long_value_bytes_max: u64,
}

impl Limits {
    /// Of an engine that takes whatever fits into memory.
    pub const NONE: Limits = Limits {
        key_bytes_max: usize::MAX,
        value_bytes_max: usize::MAX,
        long_value_bytes_max: u64::MAX,
    };

    /// Whether a change keeps to the limits.
    ///
    /// # Errors
    /// [`EngineError::KeyTooLarge`], [`EngineError::ValueTooLarge`].
    pub fn check(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), EngineError> {
        let (key_len, value_len) = (key.len(), value.map_or(0, <[u8]>::len));
        if key_len > self.key_bytes_max {
            return Err(EngineError::KeyTooLarge {
                len: key_len,
                max: self.key_bytes_max,
            });
        }
        if value_len > self.value_bytes_max {
            return Err(EngineError::ValueTooLarge {
                len: value_len as u64,
                max: self.value_bytes_max as u64,
            });
        }
        Ok(())
    }

    /// Whether a long value of so many bytes keeps to the limits.
    ///
    /// # Errors
    /// [`EngineError::ValueTooLarge`].
    pub fn check_long(&self, byte_len: u64) -> Result<(), EngineError> {
        let max = self.long_value_bytes_max;
        match byte_len > max {
            true => Err(EngineError::ValueTooLarge { len: byte_len, max }),
            false => Ok(()),
        }
    }
}

/// How much work one [`Engine::step`] or [`MergeJob::step`] may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// About how many bytes it may read and write.
    pub bytes: u64,
}

/// Whether background work is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left to do until the next merge; of a merge: it is done.
    Idle,
    /// Some was done, and some is left.
    More,
}

/// What [`Engine::verify`] saw.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// Pages or blocks read and checked.
    pub pages: u64,
    /// Bytes read and checked.
    pub bytes: u64,
    /// Entries seen.
    pub entries: u64,
    /// What is wrong, in the order it was found. Empty for a sound engine.
    pub findings: Vec<EngineError>,
}

/// Figures of an engine. Zero where a figure has no meaning for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Kind of engine, as files record it: `btree`, `lsm`, ...
    pub kind: &'static str,
    /// Length of its files.
    pub file_bytes: u64,
    /// Bytes in its files that are free for reuse.
    pub free_bytes: u64,
    /// Bytes in its files that only older snapshots still need.
    pub pinned_bytes: u64,
    /// Bytes that compaction has read and written since it was opened.
    pub moved_bytes: u64,
    /// Memory its cache uses now.
    pub cache_bytes: u64,
    /// The cache's budget.
    pub cache_bytes_max: u64,
    /// Reads that the cache answered.
    pub cache_hits: u64,
    /// Reads that went to the file.
    pub cache_misses: u64,
    /// Merges since it was opened.
    pub merges: u64,
    /// Bytes written since it was opened.
    pub written_bytes: u64,
}
