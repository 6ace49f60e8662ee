//! Log-structured merge tree: sorted files, merged in the background. For heavy writing, and data larger than memory.
//!
//! An [`Lsm`] keeps any number of *keyspaces*, ordered maps from byte strings to byte strings, in sorted files (SSTs) that
//! never change. It changes only by merges: each writes its changes as a run of SSTs, reads nothing, and becomes visible with
//! one edit of the manifest. [`Engine::step`](drystone_engine::Engine::step) merges runs into deeper levels, slice by slice.
//! Readers work on snapshots, which never change; they take no lock and never wait. It implements
//! [`drystone_engine::Engine`], whose rules hold.
//!
//! ```
//! use drystone_base::{Env, KeyspaceId};
//! use drystone_engine::{Budget, Engine, Progress, Snapshot};
//! use drystone_lsm::{Lsm, LsmOptions, WriteBatch};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let env = Env::memory(7); // Env::os() for files on a disk
//! let dir = Path::new("wall");
//! let stones = KeyspaceId(1);
//!
//! let lsm = Lsm::open(&env, dir, LsmOptions::default())?;
//! let mut batch = WriteBatch::new();
//! batch.put(stones, "slate", "flat");
//! batch.put(stones, "flint", "hard");
//! lsm.write_batch(&batch)?; // durable when it returns
//!
//! lsm.load_sorted(KeyspaceId(2), (0..1000u32).map(|n| (n.to_be_bytes(), b"pebble")))?;
//! while lsm.step(Budget { bytes: 1 << 20 })? == Progress::More {} // now and then, from any thread
//!
//! let snapshot = lsm.newest();
//! assert_eq!(snapshot.get(stones, b"slate")?.as_deref(), Some(&b"flat"[..]));
//! for entry in snapshot.range(stones, &b"f"[..]..) {
//!     let (key, value) = entry?;
//!     println!("{key:?} is {value:?}");
//! }
//!
//! drop((lsm, snapshot));
//! let lsm = Lsm::open(&env, dir, LsmOptions::default())?;
//! assert_eq!(lsm.newest().count(KeyspaceId(2))?, 1000);
//! # Ok(())
//! # }
//! ```
//!
//! # Used alone
//! - Reading: [`Lsm::newest`] gives the newest state, an [`LsmSnapshot`]: point reads, ranges and cursors both ways.
//! - Writing: [`Lsm::write_batch`] and [`Lsm::load_sorted`]. Each is one merge, durable when it returns, and writes a run of
//!   files with five syncs: gather many changes for one.
//! - Care: [`Engine::step`](drystone_engine::Engine::step) keeps the runs few, [`Engine::compact`](drystone_engine::Engine::compact)
//!   makes the files as small as they get, [`Engine::verify`](drystone_engine::Engine::verify) checks every block.
//!
//! # Costs
//! A point read asks each run that covers the key: its filter first, and one data block where the filter passes. A range read
//! merges all runs that cover it. Counting a keyspace walks over it, unless it lies in one run.
//!
//! Keys: [`MAX_KEY_BYTES`]. Values: [`MAX_VALUE_BYTES`]. One file is open for each SST that was read from. The bytes on disk:
//! `docs/format/lsm.md`.
//!
//! # Modules, in reading order
//! `block` (`format` has its layout), `filter`, `handle`, `sst` (one file), `run`, `version` (one state), `manifest`, `cursor`,
//! `snapshot` (reading), `merging`, `placing`, `compaction` (`plan` says what), `staging`, `lsm`, `verify`.

mod block;
mod compaction;
mod cursor;
mod error;
mod filter;
mod handle;
mod key;
mod level;
mod limits;
#[allow(clippy::module_inception, reason = "the noun of the crate")]
mod lsm;
mod manifest;
mod merging;
mod options;
mod placing;
mod run;
mod run_cursor;
mod snapshot;
mod sst;
mod staging;
mod stats;
mod store;
mod verify;
mod version;

pub use cursor::LsmCursor;
pub use drystone_compress::Codec;
pub use drystone_engine::WriteBatch;
pub use drystone_storage_pager::CachePolicy;
pub use limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use lsm::Lsm;
pub use options::{BLOCK_BYTES, LsmOptions, SST_BYTES};
pub use snapshot::{LsmSnapshot, Range};
pub use stats::{FilterStats, LevelStats};
