//! Load guards: keys that must have the value, when a load is committed, that they had when it began.
//!
//! A load reads nothing and is made again after others' commits, so it cannot hold a view for as long as it takes, as a
//! transaction does. It remembers values instead, and looks again on the base that it is staged upon.

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::Snapshot;

use crate::error::{Contended, StoreError};
use crate::shared::Shared;
use crate::transaction::Transaction;
use crate::write_set::WriteSet;

/// Keys, and what they had.
#[derive(Default)]
pub(crate) struct LoadGuards {
    known: Vec<(KeyspaceId, Bytes, Option<Bytes>)>,
    /// Guards of the same keys, against commits that are in no base yet. It writes nothing.
    writes: WriteSet,
}

impl LoadGuards {
    pub(crate) fn add(
        &mut self,
        store: &Shared,
        keyspace: KeyspaceId,
        key: Bytes,
    ) -> Result<(), StoreError> {
        let value = store.get(keyspace, &key)?;
        self.writes.guard_key(keyspace, key.clone());
        self.known.push((keyspace, key, value));
        Ok(())
    }

    /// The guards, as a transaction has them.
    pub(crate) fn writes(&self) -> &WriteSet {
        &self.writes
    }

    /// Guards them in a transaction that sees them as they were.
    pub(crate) fn guard(&self, transaction: &mut Transaction) -> Result<(), StoreError> {
        for (keyspace, key, value) in &self.known {
            if transaction.get(*keyspace, key)? != *value {
                return Err(changed(*keyspace, key));
            }
            transaction.guard_key(*keyspace, key.clone());
        }
        Ok(())
    }

    /// Makes sure that a base has them as they were.
    pub(crate) fn check(&self, base: &dyn Snapshot) -> Result<(), StoreError> {
        for (keyspace, key, value) in &self.known {
            if base.get(*keyspace, key)? != *value {
                return Err(changed(*keyspace, key));
            }
        }
        Ok(())
    }
}

fn changed(keyspace: KeyspaceId, key: &Bytes) -> StoreError {
    let key = key.clone();
    StoreError::Conflict {
        what: Contended::Key { keyspace, key },
    }
}
