//! Figures of a store.

use std::time::Duration;

use drystone_base::Lsn;
use drystone_engine::EngineStats;
use drystone_wal::{ArchiveStats, LogStats};

use drystone_base::sync::atomic::{AtomicU64, Ordering};

/// What [`Store::stats`](crate::Store::stats) tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Memory of all memtables that are not merged yet, in bytes.
    pub memtable_bytes: u64,
    /// Sealed memtables that wait for a merge.
    pub sealed_memtables: usize,
    /// The newest commit that readers see.
    pub visible_lsn: Lsn,
    /// The newest commit that is on stable media.
    pub durable_lsn: Lsn,
    /// The newest commit that is in the base.
    pub merged_lsn: Lsn,
    /// Commits that changed something, since the store was opened.
    pub commits: u64,
    /// Commits refused because another came first, since the store was opened.
    pub conflicts: u64,
    /// Merges since the store was opened.
    pub merges: u64,
    /// Time spent in those merges.
    pub merge_time: Duration,
    /// Figures of the log; all zero once it is closed.
    pub log: LogStats,
    /// How far the log's archive is, if it has one.
    pub archive: Option<ArchiveStats>,
    /// Figures of the base.
    pub engine: EngineStats,
}

/// Counts since the store was opened.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) merges: Counter,
    pub(crate) merge_nanos: Counter,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts one more and returns the count before.
    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
