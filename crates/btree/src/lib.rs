//! Copy-on-write B+tree, changed by sorted merges. Usable alone.
//!
//! A [`BTree`] keeps any number of *keyspaces*, ordered maps from byte strings to byte strings, in one file. It changes
//! only by merges: each folds a sorted stream of changes in, atomically and durably, and rewrites each page on the way
//! once, however many of its keys changed. Readers work on snapshots, which never change; they take no lock and never
//! wait. It implements [`drystone_engine::Engine`], whose rules E1 to E6 hold.
//!
//! ```
//! use drystone_base::{Env, KeyspaceId};
//! use drystone_btree::{BTree, BTreeOptions, WriteBatch};
//! use drystone_engine::Snapshot;
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let env = Env::memory(7); // Env::os() for files on a disk
//! let dir = Path::new("wall");
//! let stones = KeyspaceId(1);
//!
//! let tree = BTree::open(&env, dir, BTreeOptions::default())?;
//! let mut batch = WriteBatch::new();
//! batch.put(stones, "slate", "flat");
//! batch.put(stones, "flint", "hard");
//! tree.write_batch(&batch)?; // durable when it returns
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
//! # Limits
//! Keys: [`MAX_KEY_BYTES`]. Values: [`MAX_VALUE_BYTES`]; those longer than a quarter of `page_bytes` lie in pages of
//! their own. A node's page stays within `page_bytes` unless a single key demands more.
//!
//! # Compression
//! By keyspace: those that begin take [`BTreeOptions::codec`], and [`BTree::set_codec`] changes it. The cache holds pages
//! as they are, so compression costs what leaves it and what merges write.
//!
//! The bytes on disk: `docs/format/btree.md`.
//!
//! # Modules, in reading order
//! `node` (one page; `format` has its layout), `tree` and `payload` (where trees begin), `keyspace`, `snapshot`,
//! `cursor`, `range` (reading), `merge` (of one tree), `merging` (of all, in slices), `btree`, `verify`.

mod batch;
mod btree;
mod compact;
mod cursor;
mod directory;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod keyspace;
mod limits;
mod merge;
mod merging;
mod node;
mod options;
mod pages;
mod payload;
mod pin;
mod range;
mod read_ahead;
mod release;
mod snapshot;
mod staging;
mod tree;
mod verify;

pub use batch::WriteBatch;
pub use btree::BTree;
pub use cursor::BTreeCursor;
pub use drystone_storage_pager::{CachePolicy, Codec};
pub use limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
pub use options::{BTreeOptions, MAX_PAGE_BYTES, MIN_PAGE_BYTES};
pub use range::Range;
pub use snapshot::BTreeSnapshot;
