//! Layers: what a large transaction wrote, as sorted parts of which later ones count.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;

use crate::error::StoreError;
use crate::memtable::KeyHash;

use super::run::Run;
use super::sort_buffer::Sorted;

/// One sorted part.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// In a file.
    Run(Arc<Run>),
    /// In memory: what a bulk load had left.
    Sorted(Arc<Sorted>),
}

/// All that a transaction wrote and dropped, once it is written no more.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Oldest first.
    pub(crate) parts: Vec<Layer>,
    /// Keyspaces that end. What the parts say of them counts no more.
    pub(crate) dropped: BTreeSet<KeyspaceId>,
}

impl Layer {
    pub(crate) fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        match self {
            Layer::Run(run) => run.has_keyspace(keyspace),
            Layer::Sorted(sorted) => sorted.keyspace() == keyspace && sorted.len() > 0,
        }
    }

    fn has_key(&self, keyspace: KeyspaceId, key: &[u8], hash: KeyHash) -> Result<bool, StoreError> {
        match self {
            Layer::Run(run) => Ok(run.get(keyspace, key, hash)?.is_some()),
            Layer::Sorted(sorted) => Ok(sorted.keyspace() == keyspace && sorted.has_key(key)),
        }
    }

    /// Memory that it takes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        match self {
            Layer::Run(run) => run.memory_bytes(),
            Layer::Sorted(sorted) => sorted.memory_bytes(),
        }
    }

    fn keyspaces(&self) -> Vec<KeyspaceId> {
        match self {
            Layer::Run(run) => run.keyspaces().collect(),
            Layer::Sorted(sorted) => vec![sorted.keyspace()],
        }
    }
}

impl Layers {
    /// Memory that it takes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.parts.iter().map(Layer::memory_bytes).sum()
    }

    /// The keyspaces that it wrote to or dropped, ascending.
    pub(crate) fn keyspaces(&self) -> BTreeSet<KeyspaceId> {
        let written = self.parts.iter().flat_map(Layer::keyspaces);
        written.chain(self.dropped.iter().copied()).collect()
    }

    /// Whether it wrote anything to a keyspace, or dropped it.
    pub(crate) fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        self.dropped.contains(&keyspace)
            || self.parts.iter().any(|part| part.has_keyspace(keyspace))
    }

    /// Whether it wrote `key`, or dropped its keyspace.
    pub(crate) fn has_key(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<bool, StoreError> {
        if self.dropped.contains(&keyspace) {
            return Ok(true);
        }
        let hash = KeyHash::new(keyspace, key);
        for part in &self.parts {
            if part.has_key(keyspace, key, hash)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What the runs of a transaction say of `key`; the newest that says something counts.
pub(crate) fn find(
    runs: &[Arc<Run>],
    keyspace: KeyspaceId,
    key: &[u8],
) -> Result<Option<Option<Bytes>>, StoreError> {
    let hash = KeyHash::new(keyspace, key);
    for run in runs.iter().rev() {
        if let Some(found) = run.get(keyspace, key, hash)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
