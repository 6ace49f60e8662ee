//! Vector index.
mod error;
mod hit;
mod hnsw;
mod kernel;
mod metric;
pub use error::VectorError;
pub use hit::Hit;
pub use hnsw::{EF_CONSTRUCTION_LIMITS, Found, Hnsw, HnswParameters, HnswStats, M_LIMITS, MAX_DIM};
pub use metric::Metric;
