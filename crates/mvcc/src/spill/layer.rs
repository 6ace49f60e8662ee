//! Layers: what a large transaction wrote, as sorted parts of which later ones count.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;

use crate::error::StoreError;
use crate::memtable::KeyHash;

use super::run::Run;
use super::sort_buffer::{KnownKeys, Sorted};

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
    /// What was handed to the engine as it came, and is in no part.
    pub(crate) span: Option<Span>,
    /// What becomes of keys that are there already.
    pub(crate) known: KnownKeys,
}

/// Keys that were written of which only the first and the last are known: any between them may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) keyspace: KeyspaceId,
    pub(crate) first: Vec<u8>,
    pub(crate) last: Vec<u8>,
}

impl Span {
    fn has_key(&self, keyspace: KeyspaceId, key: &[u8]) -> bool {
        self.keyspace == keyspace && self.first.as_slice() <= key && key <= self.last.as_slice()
    }
}

impl Layer {
    pub(crate) fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        match self {
            Layer::Run(run) => run.has_keyspace(keyspace),
            Layer::Sorted(sorted) => sorted.keyspace() == keyspace && sorted.len() > 0,
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
        let keys = |span: &Span| (span.first.len() + span.last.len()) as u64;
        let parts: u64 = self.parts.iter().map(Layer::memory_bytes).sum();
        parts + self.span.as_ref().map_or(0, keys)
    }

    /// The keyspaces that it wrote to or dropped, ascending.
    pub(crate) fn keyspaces(&self) -> BTreeSet<KeyspaceId> {
        let written = self.parts.iter().flat_map(Layer::keyspaces);
        let written = written.chain(self.span.as_ref().map(|span| span.keyspace));
        written.chain(self.dropped.iter().copied()).collect()
    }

    /// Whether it wrote keys of a keyspace that nobody kept.
    pub(crate) fn has_span_in(&self, keyspace: KeyspaceId) -> bool {
        self.span
            .as_ref()
            .is_some_and(|span| span.keyspace == keyspace)
    }

    /// Whether it wrote anything to a keyspace, or dropped it.
    pub(crate) fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        self.dropped.contains(&keyspace)
            || self.has_span_in(keyspace)
            || self.parts.iter().any(|part| part.has_keyspace(keyspace))
    }

    /// Whether a key lies where it may have been written although no part has it.
    pub(super) fn may_have_in_span(&self, keyspace: KeyspaceId, key: &[u8]) -> bool {
        let span = self.span.as_ref();
        span.is_some_and(|span| span.has_key(keyspace, key))
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
