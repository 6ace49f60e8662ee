//! Transactions over a log and a base: the memtable, views, write sets, isolation and the commit pipeline of Drystone.
//!
//! A [`Store`] ties a log ([`drystone_wal::Log`]) to a base ([`drystone_engine::Engine`]) and promises:
//!
//! - T1. A transaction commits as a whole or not at all, in one order for all. Its LSN is its place in that order.
//! - T2. A [`View`] is one committed state: everything up to its LSN, and nothing after. Taking and reading one waits for
//!   nobody and is waited for by nobody.
//! - T3. A reader never sees what a crash could undo under [`Durability::Sync`]. What a crash undoes is a suffix of the
//!   commits, none of which was acknowledged as `Sync`.
//! - T4. Of two transactions that change the same key, and neither of which saw the other, only the first commits.
//!
//! ```
//! use drystone_base::Env;
//! use drystone_btree::{BTree, BTreeOptions};
//! use drystone_engine::Engine;
//! use drystone_mvcc::{Durability, IsolationLevel, KeyRange, Store, StoreOptions};
//! use drystone_wal::{Log, LogOptions};
//! use std::{path::Path, sync::Arc};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let env = Env::memory(7);
//! let engine = BTree::open(&env, Path::new("wall/btree"), BTreeOptions::default())?;
//! let floor = engine.merged_lsn();
//! let log = Log::open(&env, Path::new("wall/log"), LogOptions::default(), floor)?;
//! let store = Store::open(&env, StoreOptions::default(), log, Arc::new(engine))?;
//!
//! let mut tx = store.begin(IsolationLevel::RepeatableRead)?;
//! let stones = tx.create_keyspace("stones")?;
//! tx.put(stones, "granite", "hard")?;
//! let before = tx.savepoint();
//! tx.delete(stones, "granite")?;
//! tx.rollback_to(&before)?;
//! let lsn = tx.commit(Durability::Sync)?; // on stable media, and seen by all who begin from here on
//!
//! let view = store.view();
//! assert_eq!(view.lsn(), lsn);
//! assert_eq!(view.get(stones, b"granite")?.as_deref(), Some(&b"hard"[..]));
//! for entry in view.range(stones, KeyRange::prefix(b"gran")).rev() {
//!     let (key, value) = entry?;
//!     println!("{key:?} is {value:?}");
//! }
//! store.flush()?; // from the memtable into the base
//! store.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Modules, in reading order
//! `options.rs`, `error.rs`, `key_range.rs` are vocabulary; `memtable.rs` the newest commits in memory; `layers.rs` and
//! `view.rs` what a reader sees; `write_set.rs` and `transaction.rs` what a writer does; `memory_merge.rs`, `range.rs`
//! and `tail.rs` how the layers are read as one; `commit_record.rs` and `catalog.rs` stored bytes; `link.rs`,
//! `publication.rs` and `shared.rs` the commit pipeline; `merge.rs` and `derived_index.rs` the way into the base;
//! `spill.rs`, `conflicts.rs`, `staged_commit.rs`, `bulk_load.rs`, `load_guards.rs` and `sorted_load.rs` what is too large
//! for all that; `recover.rs` and `verify.rs` the way back; `commits.rs` what others follow; `store.rs` ties them together.

mod bulk_load;
mod catalog;
mod codec;
mod commit_record;
mod commits;
mod compact;
mod conflicts;
mod derived_index;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod key_range;
mod known_keyspaces;
mod layers;
mod link;
mod load_guards;
#[cfg(all(test, loom))]
mod loom;
mod memory_merge;
mod memtable;
mod merge;
mod options;
mod publication;
mod range;
mod recover;
mod shared;
mod sorted_load;
mod spill;
mod staged_commit;
mod stats;
mod store;
mod tail;
mod transaction;
mod verify;
mod view;
mod write;
mod write_set;

pub use bulk_load::BulkLoad;
pub use catalog::KEYSPACE_NAME_BYTES_MAX;
pub use commits::{Commit, CommitContent, Commits, CommittedKeyspace, Followed, KeyspaceChanges};
pub use derived_index::{DerivedIndex, KeyChanges};
pub use error::{Contended, StoreError};
pub use key_range::KeyRange;
pub use options::{Durability, IsolationLevel, StoreOptions};
pub use range::Range;
pub use stats::StoreStats;
pub use store::Store;
pub use tail::Tail;
pub use transaction::{Savepoint, Transaction};
pub use verify::VerifyReport;
pub use view::View;
pub use write::Write;
