//! What a graph is made with. Stored with it, and fixed for its life.

use drystone_base::Lsn;

use crate::error::VectorError;
use crate::metric::Metric;

/// The most dimensions that a vector may have.
pub const MAX_DIM: usize = 65_535;
/// The fewest and the most neighbors ([`HnswParameters::m`]) that a graph may be made with.
pub const M_LIMITS: (usize, usize) = (2, 128);
/// The narrowest and the widest beam ([`HnswParameters::ef_construction`]) that a graph may be made with.
pub const EF_CONSTRUCTION_LIMITS: (usize, usize) = (4, 4_096);

/// What a graph is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HnswParameters {
    /// Length of every vector, `1..=MAX_DIM`.
    pub dim: usize,
    /// What "near" means.
    pub metric: Metric,
    /// Neighbors that a node gets on each level; it may come to have twice as many on the lowest. 16 suits most data;
    /// more costs memory and time, and helps recall in many dimensions.
    pub m: usize,
    /// Candidates looked at when a node's neighbors are chosen. 128 suits most data; more gives a better graph, slower.
    pub ef_construction: usize,
}

impl HnswParameters {
    /// `m` of 16 and `ef_construction` of 128.
    #[must_use]
    pub fn new(dim: usize, metric: Metric) -> HnswParameters {
        HnswParameters {
            dim,
            metric,
            m: 16,
            ef_construction: 128,
        }
    }

    /// Checks every parameter against its limits.
    ///
    /// # Errors
    /// [`VectorError::Parameter`] naming the first that is outside.
    pub fn check(&self) -> Result<(), VectorError> {
        within("dim", self.dim, (1, MAX_DIM))?;
        within("m", self.m, M_LIMITS)?;
        within(
            "ef_construction",
            self.ef_construction,
            EF_CONSTRUCTION_LIMITS,
        )
    }

    /// The most children that a node has in the tree: so few that most of its links stay free to be the best ones.
    pub(crate) fn children_max(&self) -> usize {
        (self.m / 2).max(1)
    }

    /// The most neighbors that a node has on `level`.
    pub(crate) fn links_max(&self, level: u8) -> usize {
        if level == 0 { 2 * self.m } else { self.m }
    }
}

fn within(what: &'static str, found: usize, (min, max): (usize, usize)) -> Result<(), VectorError> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(VectorError::Parameter {
        what,
        found,
        min,
        max,
    })
}

/// Figures of a graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HnswStats {
    /// Nodes whose key has their vector in the newest state.
    pub live: usize,
    /// Nodes that only older states see; they still lead searches on.
    pub dead: usize,
    /// Levels in use; 0 for an empty graph.
    pub levels: usize,
    /// Memory in use, in bytes.
    pub memory_bytes: usize,
    /// Nodes linked in by computing distances since the graph was made or loaded. Loading links none.
    pub linked: u64,
    /// States older than this cannot be searched.
    pub floor: Lsn,
}
