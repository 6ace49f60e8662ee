//! Derived indexes: structures that follow a keyspace and move with merges.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::Snapshot;

/// Keys and what became of them, ascending, each once; `None` is a tombstone.
pub type KeyChanges = Vec<(Bytes, Option<Bytes>)>;

/// An index (a vector graph, inverted lists) that is stored in a keyspace of its own and moves with merges.
///
/// Transactions write to its [`source`](DerivedIndex::source) only. When a memtable is merged, the index turns what
/// changed there into changes of its [`target`](DerivedIndex::target), which become durable in the same merge. So in
/// every base the index agrees with its source, and what is newer is found in the source's tail
/// ([`View::tail`](crate::View::tail)).
///
/// All calls come from one thread at a time. They must not call back into the store.
pub trait DerivedIndex: Send + Sync + fmt::Debug {
    /// The keyspace whose changes it follows.
    fn source(&self) -> KeyspaceId;

    /// The keyspace it is stored in, which nobody else writes to.
    fn target(&self) -> KeyspaceId;

    /// The changes of the target that follow from `changes` of the source, both ascending by key, each key once. `base`
    /// is the state before the merge, `upto` the state after it.
    ///
    /// # Errors
    /// Whatever stands in the way. The merge then fails and is tried again later, so every state stays readable.
    fn fold(
        &self,
        base: &Arc<dyn Snapshot>,
        changes: &[(Bytes, Option<Bytes>)],
        upto: Lsn,
    ) -> Result<KeyChanges, Box<dyn Error + Send + Sync>>;

    /// The merge that contained the fold for `upto` became durable and is what new views see (`merged`), or it failed
    /// and will be tried again with another fold.
    fn settled(&self, merged: bool, upto: Lsn);
}
