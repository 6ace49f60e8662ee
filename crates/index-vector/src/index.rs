//! Vector index: a graph that lives the life of a keyspace, merge by merge.
//!
//! Transactions write vectors to the *source* keyspace, and nothing else. What they wrote is found at once, in the tail,
//! by looking at all of it. When a memtable is merged, its vectors are linked into the graph, and the records of the
//! nodes that changed go into the *target* keyspace in the same merge. So the graph agrees with the base at all times,
//! is never rebuilt because of a change, and opens by being read.
//!
//! ```text
//!    source changes          merge durable
//! ---- fold ----> [ changed, unsettled ] ---- settled(true) ----> [ settled ]
//!                          |  merge failed                            ^
//!                          +---- settled(false): undo ----------------+
//! ```
//!
//! # Invariants
//! - I1. Nodes carry the states of their birth and death, so readers of a base older than the graph see that base's
//!   nodes, and a fold that fails later was never seen by anybody.
//! - I2. The graph answers for a base only if it holds every merge up to it ([`Follows`]) and still has the nodes that it
//!   saw (the graph's floor). For any other base the source is scanned: slow, and right.
//!
//! # Latches
//! `state` is held for reading or writing for moments only, and never while the graph is used.

mod follow;
mod load;
mod nearest;
mod reader;
mod scan;
mod source;

use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::sync::RwLock;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Malformed, Snapshot};
use drystone_mvcc::{DerivedIndex, Store};

pub use reader::Reader;
pub use source::encode_vector;

use crate::error::VectorError;
use crate::hit::Hit;
use crate::hnsw::{Hnsw, HnswParameters, HnswStats};
use load::Stored;
use scan::Scan;

/// What an index is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorIndexOptions {
    /// Where transactions write vectors: any key, and as value the bytes of [`encode_vector`]. Whatever has another
    /// length is no vector of this index: no search finds it, and [`VectorIndex::verify`] names it.
    pub source: KeyspaceId,
    /// Where the graph is stored. Nobody else writes to it.
    pub target: KeyspaceId,
    /// What the graph is made with. Must be the same at every open.
    pub parameters: HnswParameters,
}

/// A graph over the vectors of a keyspace. Searches may come from any number of threads, beside merges.
#[derive(Debug)]
pub struct VectorIndex {
    options: VectorIndexOptions,
    state: RwLock<State>,
}

#[derive(Clone, Debug)]
struct State {
    graph: Arc<Hnsw>,
    follows: Follows,
    /// The state that an unsettled fold leads to.
    folding: Option<Lsn>,
}

/// Which merges the graph holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    /// Those up to the base it was loaded from. Later ones may have passed it by.
    Loaded(Lsn),
    /// All of them; this is the last that changed it.
    Every(Lsn),
}

impl VectorIndex {
    /// Opens the index of a base: reads the stored graph, O(entries), computing no distance; or builds one, where the
    /// source has entries but no sound graph of them is stored.
    ///
    /// To be attached to its store before the next commit to the source; [`VectorIndex::attach`] does both.
    ///
    /// # Errors
    /// [`VectorError::Parameter`], [`VectorError::OtherParameters`], or a failed read.
    pub fn open(
        options: VectorIndexOptions,
        base: &Arc<dyn Snapshot>,
    ) -> Result<Arc<VectorIndex>, VectorError> {
        options.parameters.check()?;
        let graph = load::load(&options, base.as_ref())?;
        let state = State {
            graph: Arc::new(graph),
            follows: Follows::Loaded(base.lsn()),
            folding: None,
        };
        Ok(Arc::new(VectorIndex {
            options,
            state: RwLock::new(state),
        }))
    }

    /// Opens the index of a store's base, and lets it follow the store's merges from there on. Should a merge come between
    /// the two, it is opened again.
    ///
    /// # Errors
    /// As [`VectorIndex::open`]. Nothing is attached then.
    pub fn attach(
        store: &Store,
        options: VectorIndexOptions,
    ) -> Result<Arc<VectorIndex>, VectorError> {
        loop {
            let index = VectorIndex::open(options, store.view().base())?;
            store.attach(Arc::clone(&index) as Arc<dyn DerivedIndex>);
            if index.confirm(store.view().base().lsn()) {
                return Ok(index);
            }
            store.detach(options.target);
        }
    }

    /// Says whether the graph holds every merge: no merge came between loading and attaching it if the base is still the
    /// same, or if a fold has looked into that.
    fn confirm(&self, base: Lsn) -> bool {
        let mut state = self.state.write();
        if state.follows == Follows::Loaded(base) {
            state.follows = Follows::Every(base);
        }
        matches!(state.follows, Follows::Every(_))
    }

    /// What it was opened with.
    #[must_use]
    pub fn options(&self) -> &VectorIndexOptions {
        &self.options
    }

    /// The entries nearest to `query` that `reader` sees and `accept` lets through: at most `k`, nearest first, of equals
    /// the lesser key first.
    ///
    /// Entries newer than the reader's base, its transaction's own writes among them, are all looked at; those of the base
    /// are found through the graph, with a beam of `ef` (at least `k`; 64 to 100 suits most data). `accept` gets an
    /// entry's key, only of entries near enough to matter, and may read from the store.
    ///
    /// # Errors
    /// [`VectorError::Dimensions`], [`VectorError::NotFinite`], a failed read, and whatever `accept` returns.
    pub fn search<E: From<VectorError>>(
        &self,
        reader: &impl Reader,
        query: &[f32],
        k: usize,
        ef: usize,
        mut accept: impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<Vec<Hit>, E> {
        let mut scan = self.scan_of(query, k)?;
        let base = reader.base();
        let (graph, serves) = self.serving(base.lsn());
        if !serves {
            return self.exact(reader, query, k, accept);
        }
        let tail = scan.take_tail(reader, &mut accept)?;
        let unhidden = |key: &[u8]| {
            if tail.contains(key) && !is_planted("vector-tail-not-hiding") {
                Ok(false)
            } else {
                accept(key)
            }
        };
        match graph.search(query, k, ef, base.lsn(), unhidden)? {
            Some(found) => scan.take_hits(found.hits),
            None => scan.take_base(base.as_ref(), &tail, &mut accept)?,
        }
        Ok(scan.into_hits())
    }

    /// As [`VectorIndex::search`], but looks at every entry: exact, and O(entries).
    ///
    /// # Errors
    /// As [`VectorIndex::search`].
    pub fn exact<E: From<VectorError>>(
        &self,
        reader: &impl Reader,
        query: &[f32],
        k: usize,
        mut accept: impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<Vec<Hit>, E> {
        let mut scan = self.scan_of(query, k)?;
        let tail = scan.take_tail(reader, &mut accept)?;
        scan.take_base(reader.base().as_ref(), &tail, &mut accept)?;
        Ok(scan.into_hits())
    }

    fn scan_of(&self, query: &[f32], k: usize) -> Result<Scan, VectorError> {
        let graph = self.graph();
        Ok(Scan::new(
            self.options,
            graph.scorer,
            graph.prepare(query)?,
            k,
        ))
    }

    fn graph(&self) -> Arc<Hnsw> {
        Arc::clone(&self.state.read().graph)
    }

    /// The graph, and whether it may answer for a base (I2).
    fn serving(&self, base: Lsn) -> (Arc<Hnsw>, bool) {
        let state = self.state.read();
        let serves = match state.follows {
            Follows::Loaded(lsn) => lsn == base,
            Follows::Every(_) => true,
        };
        (Arc::clone(&state.graph), serves)
    }

    /// How many entries the graph's newest state has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph().len()
    }

    /// Whether the graph's newest state has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Figures for people.
    #[must_use]
    pub fn stats(&self) -> HnswStats {
        self.graph().stats()
    }

    /// Checks that the source of `base` holds nothing but vectors, that what is stored is a sound graph of exactly these,
    /// that every one can be reached, and that the graph in memory is sound. Returns what is wrong. O(entries).
    ///
    /// A stored graph of other vectors is no fault while the one in memory was built to replace it: merges went on without
    /// the index, as when it was dropped and a power cut took that back. The next merge writes the new one.
    ///
    /// # Errors
    /// A failed read; damage that keeps the stored graph from being read at all.
    pub fn verify(&self, base: &Arc<dyn Snapshot>) -> Result<Vec<Malformed>, VectorError> {
        let mut findings = source::misfits(&self.options, base.as_ref())?;
        findings.extend(self.graph().check());
        let is_to_be_written = self.graph().is_unwritten();
        match Stored::read(&self.options, base.as_ref())? {
            Some(mut stored) => {
                let is_current = stored.take_vectors(base.as_ref())?;
                if !is_current && is_to_be_written {
                    return Ok(findings);
                }
                if !is_current {
                    let (expected, found) = ("those of the source", "others");
                    findings.push(Malformed::new("nodes of the stored graph", expected, found));
                }
                findings.extend(stored.graph.check());
            }
            None if is_to_be_written || base.count(self.options.source)? == 0 => {}
            None => findings.push(Malformed::new("stored graph", "one", "none")),
        }
        Ok(findings)
    }
}
