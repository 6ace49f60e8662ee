//! How a database is opened.

use std::time::Duration;

use drystone_compress::Codec;
use drystone_mvcc::{Durability, IsolationLevel};
use drystone_wal::Recovery;

use crate::custom_engine::CustomEngine;
use crate::log_archive::LogArchive;

/// How a database is opened. `Options::default()` is safe, and right for most.
///
/// ```
/// use drystone::{Durability, Options};
///
/// let options = Options { cache_bytes: 1 << 30, durability: Durability::Async, ..Options::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether to create the database where there is none.
    pub create: CreateMode,
    /// The engine, if it is not the B+tree. A database is opened with the engine that it was created with.
    /// Default: the B+tree.
    pub engine: Option<CustomEngine>,
    /// About how long a page of the B+tree is, in bytes: from 512 to 1 MiB, for a database that is created. One that
    /// exists keeps what it was created with. Longer pages make scans faster, and small changes write more.
    /// Default: 8192.
    pub page_bytes: u32,
    /// How the pages of keyspaces are compressed that begin from now on; others keep what they began with, or
    /// [`Database::keyspace_with`](crate::Database::keyspace_with) gives them. The B+tree
    /// stores a page as it is where compressing it would not save 4 KiB, so let `page_bytes` be 16 or 32 KiB beside it.
    /// The log is not compressed. Default: [`Codec::None`].
    ///
    /// [`Codec::Lz4`] and [`Codec::Snappy`] are in every build with the B+tree; [`Codec::Zstd`] and [`Codec::Gzip`] come
    /// with the features `zstd` and `gzip`. A database that needs one of them does not open without it.
    pub compression: Codec,
    /// Memory for pages, in bytes; compressed ones lie here as they are. It pays for the cache's tables, too. Default:
    /// 256 MiB.
    pub cache_bytes: usize,
    /// Which pages of the B+tree leave memory first. Default: [`CachePolicy::S3Fifo`](crate::CachePolicy::S3Fifo).
    #[cfg(feature = "btree")]
    pub cache_policy: drystone_btree::CachePolicy,
    /// How pages of the B+tree come from its file: read into memory of the process, or read where they lie in the file
    /// mapped into memory, in builds with the feature `mmap`. [`ReadMode::Map`](crate::ReadMode::Map) says whom that
    /// serves, and what it costs. Default: [`ReadMode::Copy`](crate::ReadMode::Copy).
    #[cfg(feature = "btree")]
    pub reads: drystone_btree::ReadMode,
    /// Size at which a memtable is sealed and merged into the engine, in bytes. Up to two of them wait for their merge
    /// when a third begins to fill, so a database takes three times this at most, and as much as the three commits take
    /// with which memtables got full. A reopen replays at most as much. Default: 64 MiB.
    pub memtable_bytes: u64,
    /// About how many bytes one slice of a merge reads and writes. It is what a commit waits for at most where merges do
    /// not keep up with commits: each then does slices in proportion to what it adds, one for small ones. Shorter slices
    /// make commits more even, and merges a little dearer. What cannot be cut is a value longer than this, and the syncs
    /// that end a merge. Default: 1 MiB.
    pub merge_slice_bytes: u64,
    /// Memory for the writes of one transaction, or of one [`BulkLoad`](crate::BulkLoad), in bytes. One that writes more
    /// keeps the rest in files of the database's directory until it commits, which then goes straight into the engine;
    /// so a transaction may be larger than memory. One that writes vectors of a table with a vector index may be of 1 GiB
    /// in all, and is in memory when it commits; so is any with an engine of the application's own that cannot merge in two
    /// steps. More than 512 MiB is taken as 512 MiB. Default: 64 MiB.
    pub transaction_bytes: u64,
    /// Size of one file of the log, in bytes. Default: 16 MiB.
    pub segment_bytes: u64,
    /// A folder, best on another disk, or an archive of the application's own, that gets a copy of every file of the log
    /// before the database reuses it: for backups up to any moment. Where it fails (its disk is full, say), the log is
    /// kept and grows; see [`StoreStats::archive`](crate::StoreStats::archive). Default: none.
    pub log_archive: Option<LogArchive>,
    /// How many bytes of the log stay readable that the database itself needs no more, for who follows its commits and was
    /// away: see [`Database::commits_from`](crate::Database::commits_from). Default: none.
    pub log_retain_bytes: u64,
    /// How many bytes of the log may wait for `log_archive`. Commits that would add another file to them fail until it has
    /// taken some. Default: as many as the disk has room for.
    pub log_archive_bytes_max: u64,
    /// What to do about damage in the log. Default: [`Recovery::Strict`], to refuse to open. [`Recovery::Repair`] is for a
    /// person who has no better copy: see [`Database::repaired`](crate::Database::repaired).
    pub recovery: Recovery,
    /// What a commit waits for, where it does not say so itself. Default: [`Durability::Sync`].
    pub durability: Durability,
    /// The level of a transaction that names none. Default: [`IsolationLevel::RepeatableRead`].
    pub isolation: IsolationLevel,
    /// How long commits with [`Durability::Async`] may wait for stable media. Default: 10 ms.
    pub async_interval: Duration,
    /// How often [`Database::transact`](crate::Database::transact) runs a transaction that meets conflicts.
    /// Default: 100.
    pub attempts_max: u32,
    /// Who drives the background work. Default: threads of the database.
    pub background: BackgroundWork,
    /// Memory for one SQL statement's sorts, groups and joins, in bytes. Default: 256 MiB.
    pub statement_bytes: usize,
    /// How long one SQL statement may take, rows that are asked for later included. It then fails, and nothing of it
    /// remains. Default: as long as it needs.
    pub statement_time: Option<Duration>,
}

/// How one keyspace is stored: see [`Database::keyspace_with`](crate::Database::keyspace_with). The default leaves all as it
/// is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyspaceOptions {
    /// How its pages are compressed. Default: as it is; where it is new, as [`Options::compression`] says.
    pub compression: Option<Codec>,
}

/// Whether to create a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreateMode {
    /// Where there is none.
    #[default]
    IfMissing,
    /// Never: there must be one.
    Never,
    /// Always: there must be none.
    MustBeNew,
}

/// Who drives the background work: merges, asynchronous syncs, spare segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackgroundWork {
    /// Two threads of the database.
    #[default]
    Threads,
    /// The application, by calling [`Database::step`](crate::Database::step). For simulations, which need every run to
    /// be the same.
    Manual,
}

const MIB: u64 = 1 << 20;

impl Options {
    /// For tests on a simulated disk. The caller does the background work, by
    /// [`Database::step`](crate::Database::step), so that every run is the same; and memtables, slices of
    /// merges and files of the log are so small that a short test meets full ones, merges and recoveries.
    #[must_use]
    pub fn simulated() -> Options {
        Options {
            cache_bytes: 256 << 10,
            memtable_bytes: 8 << 10,
            transaction_bytes: 16 << 10,
            merge_slice_bytes: 4 << 10,
            segment_bytes: 16 << 10,
            background: BackgroundWork::Manual,
            ..Options::default()
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            create: CreateMode::IfMissing,
            engine: None,
            page_bytes: 8192,
            compression: Codec::None,
            cache_bytes: 256 << 20,
            #[cfg(feature = "btree")]
            cache_policy: drystone_btree::CachePolicy::default(),
            #[cfg(feature = "btree")]
            reads: drystone_btree::ReadMode::default(),
            memtable_bytes: 64 * MIB,
            transaction_bytes: 64 * MIB,
            merge_slice_bytes: MIB,
            segment_bytes: 16 * MIB,
            log_archive: None,
            log_retain_bytes: 0,
            log_archive_bytes_max: u64::MAX,
            recovery: Recovery::Strict,
            durability: Durability::Sync,
            isolation: IsolationLevel::RepeatableRead,
            async_interval: Duration::from_millis(10),
            attempts_max: 100,
            background: BackgroundWork::Threads,
            statement_bytes: 256 << 20,
            statement_time: None,
        }
    }
}
