//! Vector index.
mod error;
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
