//! Vector indexes: those attached to the store, and searches through them. Without the feature `vector` there are none.

#[cfg(not(feature = "vector"))]
mod absent;
#[cfg(feature = "vector")]
mod attached;

#[cfg(not(feature = "vector"))]
pub(crate) use absent::VectorIndexes;
#[cfg(feature = "vector")]
pub(crate) use attached::VectorIndexes;
