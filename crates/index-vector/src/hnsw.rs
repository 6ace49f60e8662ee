//! A Hierarchical Navigable Small World graph in memory that many threads search while one changes it.
//!
//! Every node carries the state at which it was born and the one at which it died, so that a search as of an older state
//! sees what that state saw. Dead nodes lead searches on until they are taken out.
//!
//! # Latches
//! One read-write latch guards the graph. A search holds it for reading while it walks, never while the caller's filter
//! runs. Changes are worked out under the same shared latch; the exclusive one is held only to copy finished lists in,
//! a few microseconds for each new node. Changes are made by one thread at a time (`writer` below sees to it).

mod check;
mod consolidate;
pub(crate) mod format;
pub(crate) mod graph;
mod journal;
mod link;
mod parameters;
mod pool;
mod rank;
mod search;
mod vectors;
mod visited;
mod walk;
mod written;

use bytes::Bytes;
use drystone_base::sync::{Mutex, RwLock};
use drystone_base::{Lsn, checksum};
use drystone_engine::Malformed;

pub use parameters::{EF_CONSTRUCTION_LIMITS, HnswParameters, HnswStats, M_LIMITS, MAX_DIM};
pub use search::Found;

pub(crate) use rank::{order, rank_of};

use crate::error::VectorError;
use crate::kernel::Line;
use crate::metric::{Scorer, same_dimensions};
use graph::{Graph, Node};
use link::level_of;
use walk::Scratch;
pub(crate) use written::Records;

/// How many scratch spaces are kept for searches to come.
const SCRATCHES_MAX: usize = 64;

/// A graph of vectors by key. See the module for what may run beside what.
///
/// ```
/// use bytes::Bytes;
/// use drystone_base::Lsn;
/// use drystone_index_vector::{Hnsw, HnswParameters, Metric, VectorError};
///
/// # fn main() -> Result<(), VectorError> {
/// let graph = Hnsw::new(HnswParameters::new(2, Metric::L2))?;
/// graph.insert(Bytes::from("near"), &[1.0, 1.0], Lsn(1))?;
/// graph.insert(Bytes::from("far"), &[9.0, 9.0], Lsn(2))?;
/// graph.kill(b"near", Lsn(3));
///
/// let nearest = |at| graph.search(&[0.0, 0.0], 1, 64, at, |_| Ok::<_, VectorError>(true));
/// assert_eq!(nearest(Lsn(2))?.expect("remembered").hits[0].key, "near");
/// assert_eq!(nearest(Lsn(3))?.expect("remembered").hits[0].key, "far");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Hnsw {
    parameters: HnswParameters,
    pub(crate) scorer: Scorer,
    pub(crate) graph: RwLock<Graph>,
    /// Held by whoever changes the graph, for as long as the changes take; taken before `graph`.
    writer: Mutex<Scratch>,
    scratches: Mutex<Vec<Scratch>>,
}

impl Hnsw {
    /// An empty graph.
    ///
    /// # Errors
    /// [`VectorError::Parameter`] when a parameter is outside its limits.
    pub fn new(parameters: HnswParameters) -> Result<Hnsw, VectorError> {
        parameters.check()?;
        Ok(Hnsw::from_graph(Graph::new(parameters)))
    }

    pub(crate) fn from_graph(graph: Graph) -> Hnsw {
        Hnsw {
            parameters: graph.parameters,
            scorer: graph.scorer,
            graph: RwLock::new(graph),
            writer: Mutex::default(),
            scratches: Mutex::default(),
        }
    }

    /// What it was made with.
    #[must_use]
    pub fn parameters(&self) -> &HnswParameters {
        &self.parameters
    }

    /// Adds a node that states from `birth` on see; a live node of the same key dies there. Nothing happens when that one
    /// has the very same vector. Costs about as much as `ef_construction` steps of a search.
    ///
    /// # Errors
    /// [`VectorError::Dimensions`], [`VectorError::Full`]; the graph is then as before.
    pub fn insert(&self, key: Bytes, vector: &[f32], birth: Lsn) -> Result<(), VectorError> {
        same_dimensions(self.parameters.dim, vector.len())?;
        let mut scratch = self.writer.lock();
        let lines = self.scorer.prepare(vector.iter().copied());
        let level = level_of(&key, self.parameters.m);
        let node = Node {
            key,
            birth,
            death: Lsn::MAX,
            level,
            vector_crc: crc_of(vector),
        };
        if self.is_current(&node, &lines) {
            return Ok(());
        }
        let node = self.graph.write().replace(node, &lines)?;
        let plan = self.graph.read().plan(node, &mut scratch);
        self.graph.write().apply(plan);
        Ok(())
    }

    /// Whether a key's live node has the vector already. The checksum must be the same, too: to the cosine, vectors of one
    /// direction are equal, but a stored node must belong to the very bytes in the source.
    fn is_current(&self, new: &Node, lines: &[Line]) -> bool {
        let graph = self.graph.read();
        let same = |node: &u32| {
            let bits = |lines| crate::kernel::flatten(lines).iter().map(|x| x.to_bits());
            graph.node(*node).vector_crc == new.vector_crc
                && bits(graph.vectors.lines(*node)).eq(bits(lines))
        };
        graph.by_key.get(&new.key).is_some_and(same)
    }

    /// Ends the life of a key's node: states from `death` on do not see it. Says whether there was one.
    pub fn kill(&self, key: &[u8], death: Lsn) -> bool {
        let _writer = self.writer.lock();
        self.graph.write().kill(key, death).is_some()
    }

    /// Takes nodes out that no state from `before` on sees, if dead nodes are more than a fifth of all. States older than
    /// `before` cannot be searched afterwards. Says how many went. Searches go on meanwhile.
    pub fn consolidate(&self, before: Lsn) -> usize {
        let _writer = self.writer.lock();
        let gone = self.graph.read().expired(before);
        if gone.is_empty() {
            return 0;
        }
        for &node in &gone {
            self.graph.write().uproot(node);
        }
        let numbers = u32::try_from(self.graph.read().numbers()).unwrap_or(u32::MAX);
        for node in 0..numbers {
            let lists = self.graph.read().plan_repair(node, &gone);
            if !lists.is_empty() {
                let mut graph = self.graph.write();
                for list in lists {
                    graph.set_links(list.node, list.level, &list.links);
                }
            }
        }
        self.graph.write().take_out(&gone, before);
        gone.len()
    }

    /// All changes so far stand: they cannot be taken back any more.
    pub fn settle(&self) {
        let _writer = self.writer.lock();
        self.graph.write().settle();
    }

    /// Takes back all changes since the last [`Hnsw::settle`].
    pub fn undo(&self) {
        let _writer = self.writer.lock();
        self.graph.write().undo();
    }

    /// How many keys have a live node.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.read().by_key.len()
    }

    /// Whether no key has a live node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Figures for people.
    #[must_use]
    pub fn stats(&self) -> HnswStats {
        self.graph.read().stats()
    }

    /// Checks every invariant of the graph, and that live nodes can be reached. Returns what is wrong.
    #[must_use]
    pub fn check(&self) -> Vec<Malformed> {
        // Not in the middle of a change: a node is placed before it is linked.
        let _writer = self.writer.lock();
        self.graph.read().check()
    }

    /// A query ready to be ranked against.
    pub(crate) fn prepare(&self, query: &[f32]) -> Result<Vec<Line>, VectorError> {
        same_dimensions(self.parameters.dim, query.len())?;
        if let Some(idx) = query.iter().position(|x| !x.is_finite()) {
            return Err(VectorError::NotFinite { idx });
        }
        Ok(self.scorer.prepare(query.iter().copied()))
    }

    /// All that is in the graph is settled, but not written down: the next records are of everything.
    pub(crate) fn adopt_unwritten(&self, floor: Lsn) {
        let _writer = self.writer.lock();
        let mut graph = self.graph.write();
        graph.settle();
        graph.floor = floor;
        // Also when it is empty: what an older graph left must go before the first node is written.
        graph.journal.is_unwritten = true;
    }

    /// Whether nothing of the graph was written down yet.
    pub(crate) fn is_unwritten(&self) -> bool {
        self.graph.read().journal.is_unwritten
    }

    /// The records that changed since the last [`Hnsw::settle`], as of state `lsn`.
    pub(crate) fn changed_records(&self, lsn: Lsn) -> Records {
        self.graph.read().changed_records(lsn)
    }

    fn take_scratch(&self) -> Scratch {
        self.scratches.lock().pop().unwrap_or_default()
    }

    fn give_back(&self, scratch: Scratch) {
        let mut scratches = self.scratches.lock();
        if scratches.len() < SCRATCHES_MAX {
            scratches.push(scratch);
        }
    }
}

/// CRC-32C of a vector as a source keyspace has it: 32-bit floats, little-endian.
fn crc_of(vector: &[f32]) -> u32 {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    checksum::crc32c(&bytes)
}

#[cfg(test)]
mod tests;
