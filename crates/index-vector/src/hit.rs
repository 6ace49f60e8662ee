//! One answer of a search.

use bytes::Bytes;

/// An entry near to a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The entry's key in the source keyspace.
    pub key: Bytes,
    /// How far it is, as [`crate::Metric`] defines it. NaN where there is no such distance; such hits come last.
    pub distance: f32,
}
