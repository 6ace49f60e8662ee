//! Drystone: an embedded, multi-model database. One library, one directory, one log, one transaction and one snapshot
//! for key-value data, SQL tables and vectors.
//!
//! ```
//! use drystone::{Database, IsolationLevel};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("shop");
//! let db = Database::open(&path)?;
//!
//! // Keys and values. A commit is on stable media when it returns.
//! let carts = db.keyspace("carts")?;
//! carts.put("ada", "3 stones")?;
//! assert_eq!(carts.get("ada")?.as_deref(), Some(&b"3 stones"[..]));
//!
//! // Tables and keys change in one transaction, and conflicts are retried.
//! # #[cfg(feature = "sql")] {
//! db.execute("CREATE TABLE orders (id BIGINT PRIMARY KEY, who TEXT NOT NULL, stones BIGINT NOT NULL)", &[])?;
//! db.transact(|tx| {
//!     tx.execute("INSERT INTO orders VALUES (1, $1, 3)", &["ada".into()])?;
//!     tx.delete(&carts, "ada")
//! })?;
//! for row in db.query("SELECT sum(stones) AS stones FROM orders WHERE who = $1", &["ada".into()])? {
//!     assert_eq!(row?.get::<i64>("stones")?, 3);
//! }
//! assert_eq!(carts.get("ada")?, None);
//! # }
//! db.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`Database`]: opens a directory (or memory), and owns the threads that work in the background.
//! - [`Keyspace`]: a named ordered map. [`Transaction`], [`WriteBatch`]: several changes as one. [`Snapshot`]: one state.
//! - `Session`, `Prepared`, `Rows` (feature `sql`): SQL.
//! - [`Commits`], [`LogHold`], [`LogArchive`]: the log as others follow it.
//! - [`Options`], [`Durability`], [`IsolationLevel`]: what is promised. [`Error`] and [`ErrorKind`]: what went wrong.
//!
//! # Threads
//! Everything here is `Send + Sync` but transactions, sessions and iterators, which are `Send`: share a `Database` (it is
//! cheap to clone), give each thread its own transactions.
//!
//! # Features
//! `btree` (engine, default), `sql` (default), `vector` (default), `serde`. With
//! `default-features = false, features = ["btree"]` it is a key-value store that builds in seconds. No feature changes
//! stored bytes or guarantees.

mod background;
mod bulk_load;
mod commits;
mod custom_engine;
mod database;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod keyspace;
mod locked_files;
mod log_archive;
mod manifest;
mod open;
mod options;
mod retry;
mod snapshot;
#[cfg(feature = "sql")]
mod sql;
mod transaction;
mod write_batch;

pub use bytes::Bytes;
pub use drystone_base::{Env, KeyspaceId, Lsn};
#[cfg(feature = "btree")]
pub use drystone_btree::{CachePolicy, ReadMode};
pub use drystone_compress::Codec;
pub use drystone_engine::{Engine, EngineError, EngineStats, ValueReader};
pub use drystone_mvcc::{
    Commit, CommitContent, CommittedKeyspace, Durability, Followed, IsolationLevel,
    KeyspaceChanges, Savepoint, StoreStats,
};
pub use drystone_wal::{
    Archive, ArchiveStats, ClosedSegment, HoldStats, LogStats, OlderDamage, Recovery, RepairCause,
    RepairReport, SegmentId, WalError,
};

pub use bulk_load::BulkLoad;
pub use commits::{Commits, LogHold};
pub use custom_engine::{CustomEngine, OpenEngine};
pub use database::{Compacted, Database, VerifyReport};
pub use error::{Error, ErrorKind, Part, Result};
pub use keyspace::{Entries, Keyspace};
pub use log_archive::LogArchive;
pub use options::{BackgroundWork, CreateMode, KeyspaceOptions, Options};
pub use snapshot::Snapshot;
#[cfg(feature = "sql")]
pub use sql::{
    ColumnInfo, ColumnKey, DataType, Dim, FromValue, Json, Outcome, Position, Prepared,
    ResultColumn, Row, Rows, Session, SqlError, SqlState, StatementEnd, TableInfo, Text, Timestamp,
    Value, Vector, first_statement, quote_identifier,
};
pub use transaction::Transaction;
pub use write_batch::WriteBatch;

/// The code on the front page works.
#[cfg(all(doctest, feature = "btree", feature = "sql", feature = "vector"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The examples of how to test with the simulated disk, compiled and run.
#[cfg(all(doctest, feature = "btree"))]
#[doc = include_str!("../../../docs/TESTING.md")]
struct TestingGuide;
