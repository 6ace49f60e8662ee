//! The traits that an engine implements.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};

use crate::changes::Changes;
use crate::cursor::Cursor;
use crate::error::EngineError;

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

    /// Everything up to here survives a crash. [`Lsn::ZERO`] for a new engine.
    fn merged_lsn(&self) -> Lsn;

    /// One bounded slice of background work (compaction, space reclaim), driven by threads or by a simulation.
    ///
    /// # Errors
    /// As [`Engine::merge`].
    fn step(&self, budget: Budget) -> Result<Progress, EngineError>;

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

    /// A cursor over one keyspace, on no entry yet. A keyspace that is not there is empty.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn cursor(&self, keyspace: KeyspaceId) -> Result<Box<dyn Cursor>, EngineError>;

    /// How many entries a keyspace has. O(1).
    ///
    /// # Errors
    /// Damage or a failed read.
    fn count(&self, keyspace: KeyspaceId) -> Result<u64, EngineError>;

    /// The keyspaces that have had an entry and were not dropped, ascending.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn keyspaces(&self) -> Result<Vec<KeyspaceId>, EngineError>;
}

/// How much work one [`Engine::step`] may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// About how many bytes it may read and write.
    pub bytes: u64,
}

/// Whether background work is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left to do until the next merge.
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
