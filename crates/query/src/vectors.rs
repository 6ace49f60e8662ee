//! Vector indexes: those attached to the store, and searches through them. Without the feature `vector` there are none.

#[cfg(feature = "vector")]
mod attached;
#[cfg(not(feature = "vector"))]
#[path = "vectors/absent.rs"]
mod attached;

pub(crate) use attached::VectorIndexes;
