//! What can go wrong in a vector index.

use drystone_base::KeyspaceId;
use drystone_engine::{EngineError, Malformed};

use crate::hnsw::HnswParameters;

/// An operation on a vector index failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// Two vectors of different lengths were compared, or a vector does not have the index's length. Fix the call.
    #[error("vector of {found} dimensions where {expected} are expected")]
    Dimensions {
        /// The length that was needed.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// A query vector holds NaN or an infinity, which are at no distance from anything. Fix the call.
    #[error("component {idx} of the query vector is not a finite number")]
    NotFinite {
        /// The position of the first such component, from 0.
        idx: usize,
    },
    /// The index was asked for with parameters outside the limits. Fix the call.
    #[error("{what} is {found}; the limits are {min} and {max}")]
    Parameter {
        /// The parameter.
        what: &'static str,
        /// What it was set to.
        found: usize,
        /// The least it may be.
        min: usize,
        /// The most it may be.
        max: usize,
    },
    /// The stored graph was made with other parameters. Open it with those, or drop and create the index.
    #[error("the stored graph was made with {stored:?}, not with {asked:?}")]
    OtherParameters {
        /// What it was made with.
        stored: HnswParameters,
        /// What it was opened with.
        asked: HnswParameters,
    },
    /// The index has as many nodes as its numbers can name. Drop old entries, or use two indexes.
    #[error("the index is full: {max} nodes")]
    Full {
        /// The most nodes that one index holds, dead ones included.
        max: u32,
    },
    /// The graph's own keyspace breaks the format. The next opening builds the graph anew.
    #[error("{keyspace} of a vector index is damaged")]
    Corrupt {
        /// The keyspace that holds the bytes.
        keyspace: KeyspaceId,
        /// What is wrong with them.
        #[source]
        why: Malformed,
    },
    /// The base could not be read.
    #[error("reading the base of a vector index")]
    Engine(#[from] EngineError),
}
