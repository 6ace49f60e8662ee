//! Distance kernels, and nearest-neighbor search over transactional data.
//!
//! - [`Metric`]: distances as pgvector defines them, computed with AVX-512, AVX2 or NEON where the processor has them.
//! - [`Hnsw`]: a graph in memory that threads search while it changes, and that remembers older states. Usable alone.
//! - [`VectorIndex`]: such a graph over a keyspace of a [`drystone_mvcc::Store`]. A search sees exactly what its
//!   transaction sees; what a transaction writes is found at once; a reopen reads the graph and rebuilds nothing.
//!
//! ```
//! use drystone_base::{Env, Lsn};
//! use drystone_index_vector::{
//!     HnswParameters, Metric, VectorError, VectorIndex, VectorIndexOptions, encode_vector,
//! };
//! use drystone_mvcc::{Durability, IsolationLevel, Store, StoreOptions};
//! # use drystone_btree::{BTree, BTreeOptions};
//! # use drystone_wal::{Log, LogOptions};
//! # use std::{path::Path, sync::Arc};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let env = Env::memory(7);
//! # let tree = Arc::new(BTree::open(&env, Path::new("db/btree"), BTreeOptions::default())?);
//! # let log = Log::open(&env, Path::new("db/log"), LogOptions::default(), Lsn::ZERO)?;
//! let store = Store::open(&env, StoreOptions::default(), log, tree)?;
//! let mut tx = store.begin(IsolationLevel::RepeatableRead)?;
//! let source = tx.create_keyspace("embeddings")?;
//! let target = tx.create_keyspace("embeddings.graph")?;
//! tx.commit(Durability::Sync)?;
//!
//! let parameters = HnswParameters::new(2, Metric::Cosine);
//! let index = VectorIndex::attach(&store, VectorIndexOptions { source, target, parameters })?;
//!
//! let mut tx = store.begin(IsolationLevel::RepeatableRead)?;
//! tx.put(source, "north", encode_vector(&[0.0, 1.0]))?;
//! tx.put(source, "east", encode_vector(&[1.0, 0.0]))?;
//! let all = |_: &[u8]| Ok::<_, VectorError>(true);
//! assert_eq!(index.search(&tx, &[0.2, 0.9], 1, 64, all)?[0].key, "north"); // its own writes, at once
//! assert!(index.search(&store.view(), &[0.2, 0.9], 1, 64, all)?.is_empty()); // not yet committed
//! tx.commit(Durability::Sync)?;
//! store.flush()?; // merged: now the graph has them
//! assert_eq!(index.search(&store.view(), &[0.2, 0.9], 1, 64, all)?[0].key, "north");
//! # Ok(())
//! # }
//! ```
//!
//! How the graph is stored: `docs/format/index-vector.md`.
//!
//! # Modules, in reading order
//! `metric`, `kernel` (distances), `hnsw` (the graph: `graph`, `walk`, `search` to read it; `link`, `consolidate`,
//! `journal` to change it; `format`, `written` to store it), `index` (the graph in a store: `follow` takes merges in,
//! `load` opens it, `scan` looks at what the graph does not hold).

mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod hit;
mod hnsw;
mod index;
mod kernel;
mod metric;
#[cfg(test)]
mod testing;

pub use error::VectorError;
pub use hit::Hit;
pub use hnsw::{EF_CONSTRUCTION_LIMITS, Found, Hnsw, HnswParameters, HnswStats, M_LIMITS, MAX_DIM};
pub use index::{Reader, VectorIndex, VectorIndexOptions, encode_vector};
pub use metric::Metric;
