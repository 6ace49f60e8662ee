//! What a search reads from.

use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_engine::Snapshot;
use drystone_mvcc::{Tail, Transaction, View};

/// A state to search: a base, and what is newer than it.
pub trait Reader {
    /// The state of the base.
    fn base(&self) -> &Arc<dyn Snapshot>;

    /// What changed in `keyspace` after the base: keys ascending, each with what it is now.
    fn tail(&self, keyspace: KeyspaceId) -> Tail;
}

impl Reader for View {
    fn base(&self) -> &Arc<dyn Snapshot> {
        View::base(self)
    }

    fn tail(&self, keyspace: KeyspaceId) -> Tail {
        View::tail(self, keyspace)
    }
}

impl Reader for Transaction {
    fn base(&self) -> &Arc<dyn Snapshot> {
        self.view().base()
    }

    /// The transaction's own writes are on top.
    fn tail(&self, keyspace: KeyspaceId) -> Tail {
        Transaction::tail(self, keyspace)
    }
}
