//! What a merge folds into an engine: one change per key, in order.

use std::sync::Arc;

use drystone_base::KeyspaceId;

use crate::error::EngineError;
use crate::long_value::LongValue;

/// What becomes of a key.
#[derive(Clone, Copy, Debug)]
pub enum Op<'a> {
    /// The key has this value from now on.
    Put(&'a [u8]),
    /// The key has this value from now on, which need not fit into memory. Engines that keep values whole read it whole
    /// ([`read_whole`](crate::read_whole)).
    PutLong(&'a Arc<dyn LongValue>),
    /// The key is gone. No error when it was not there.
    Delete,
}

/// One key's change.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The keyspace it is in; created by its first change.
    pub keyspace: KeyspaceId,
    /// The key.
    pub key: &'a [u8],
    /// What becomes of it.
    pub op: Op<'a>,
}

/// A stream of changes, strictly ascending by keyspace, then key.
pub trait Changes {
    /// Keyspaces that end with this merge. All they hold goes, and no change names them.
    fn dropped(&self) -> &[KeyspaceId];

    /// The next change; `None` after the last. What it lends is good until the next call.
    ///
    /// # Errors
    /// Whatever stands in the way of making it; the merge then fails as a whole.
    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError>;
}

/// Changes that lie in memory, in order. For tests, and for engines used alone.
#[derive(Debug)]
pub struct SliceChanges<'a> {
    dropped: &'a [KeyspaceId],
    changes: std::slice::Iter<'a, Change<'a>>,
}

impl<'a> SliceChanges<'a> {
    /// A stream over `changes`, which must ascend strictly by keyspace, then key.
    #[must_use]
    pub fn new(dropped: &'a [KeyspaceId], changes: &'a [Change<'a>]) -> SliceChanges<'a> {
        debug_assert!(changes.is_sorted_by(|a, b| (a.keyspace, a.key) < (b.keyspace, b.key)));
        SliceChanges {
            dropped,
            changes: changes.iter(),
        }
    }
}

impl Changes for SliceChanges<'_> {
    fn dropped(&self) -> &[KeyspaceId] {
        self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        Ok(self.changes.next().copied())
    }
}
