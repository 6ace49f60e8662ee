//! Copy-on-write B+tree, changed by sorted merges. Usable alone.
//!
//! A [`BTree`] keeps any number of *keyspaces*, ordered maps from byte strings to byte strings, in one file. It changes
//! only by merges: each folds a sorted stream of changes in, atomically and durably, and rewrites each page on the way
//! once, however many of its keys changed. Readers work on snapshots, which never change; they take no lock and never
//! wait. It implements [`drystone_engine::Engine`], whose rules E1 to E6 hold.
//!
//! ```
//! use drystone_base::{Env, KeyspaceId};
//! use drystone_btree::{BTree, BTreeOptions};
//! use drystone_engine::Snapshot;
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let env = Env::memory(7); // Env::os() for files on a disk
//! let dir = Path::new("wall");
//! let stones = KeyspaceId(1);
//!
//! let tree = BTree::open(&env, dir, BTreeOptions::default())?;
//! let mut tx = tree.begin_write(); // one at a time
//! tx.put(stones, "slate", "flat")?;
//! tx.put(stones, "flint", "hard")?;
//! assert_eq!(tx.range(stones, &b"f"[..]..).count(), 2);
//! tx.commit()?; // durable when it returns
//!
//! tree.load_sorted(KeyspaceId(2), (0..1000u32).map(|n| (n.to_be_bytes(), b"pebble")))?;
//!
//! let snapshot = tree.newest();
//! assert_eq!(snapshot.get(stones, b"slate")?.as_deref(), Some(&b"flat"[..]));
//! for entry in snapshot.range(stones, ..) {
//!     let (key, value) = entry?;
//!     println!("{key:?} is {value:?}");
//! }
//!
//! drop((tree, snapshot));
//! let tree = BTree::open(&env, dir, BTreeOptions::default())?;
//! assert_eq!(tree.newest().count(KeyspaceId(2))?, 1000);
//! # Ok(())
//! # }
//! ```
//!
//! # Used alone
//! - Reading: [`BTree::newest`] gives the newest state, a [`BTreeSnapshot`]: point reads, ranges and cursors both ways,
//!   counts of ranges, the n-th entry, samples, values as streams. It never changes; while it lives, the file keeps its pages.
//! - Writing: [`BTree::begin_write`] gives the write transaction, which reads its own writes; [`BTree::write_batch`] and
//!   [`BTree::load_sorted`] take changes as they are. Each ends in one merge, durable when it returns, and its cost is that
//!   of the pages it touches and three syncs: many changes at a time cost little more than one.
//! - Care: [`Engine::verify`](drystone_engine::Engine::verify) checks every page; [`Engine::step`](drystone_engine::Engine::step)
//!   gives free space back.
//!
//! # Limits
//! Keys: [`MAX_KEY_BYTES`]. Values: [`MAX_VALUE_BYTES`] from memory, [`MAX_LONG_VALUE_BYTES`] from a stream
//! ([`WriteTransaction::put_stream`]); those longer than a quarter of `page_bytes` lie outside their leaves, and those longer
//! than 128 times `page_bytes`, or 4 MiB, in pieces, which [`BTreeSnapshot::value_reader`] reads one at a time. `get` and ranges have values
//! whole. A node's page stays within `page_bytes` unless a single key demands more.
//!
//! # Compression
//! By keyspace: those that begin take [`BTreeOptions::codec`], and [`BTree::set_codec`] changes it. The cache holds pages
//! as they are, so compression costs what leaves it and what merges write.
//!
//! The bytes on disk: `docs/format/btree.md`.
//!
//! # Modules, in reading order
//! `node` (one page; `format` has its layout), `tree` and `payload` (where trees begin), `keyspace`, `snapshot`,
//! `cursor`, `positions` (reading), `merge` (of one tree), `merging` (of all, in slices), `btree`, `verify`.

mod btree;
mod compact;
mod cursor;
mod directory;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod key_buffer;
mod keyspace;
mod keyspace_list;
mod limits;
mod merge;
mod merging;
mod node;
mod opening;
mod options;
mod pages;
mod payload;
mod pieces;
mod pin;
mod positions;
mod read_ahead;
mod release;
mod snapshot;
mod staging;
mod tree;
mod verify;
mod write_range;
mod write_transaction;

pub use btree::BTree;
pub use cursor::BTreeCursor;
pub use drystone_engine::{ValueReader, WriteBatch};
pub use drystone_storage_pager::{CachePolicy, Codec, ReadMode};
pub use limits::{MAX_KEY_BYTES, MAX_LONG_VALUE_BYTES, MAX_VALUE_BYTES};
pub use options::{BTreeOptions, MAX_PAGE_BYTES, MIN_PAGE_BYTES};
pub use snapshot::{BTreeSnapshot, Range};
pub use write_range::WriteRange;
pub use write_transaction::WriteTransaction;
