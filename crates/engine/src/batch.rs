//! Changes for an engine that is used alone: a batch in memory, or sorted input as it comes.

use std::collections::BTreeMap;

use crate::changes::{Change, Changes, Op};
use crate::error::EngineError;
use drystone_base::KeyspaceId;

/// Changes in any order; a later one to the same key replaces the earlier one.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    changes: BTreeMap<(KeyspaceId, Vec<u8>), Option<Vec<u8>>>,
    dropped: Vec<KeyspaceId>,
}

impl WriteBatch {
    /// A batch without changes.
    #[must_use]
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// The key has this value from now on.
    pub fn put(
        &mut self,
        keyspace: KeyspaceId,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) {
        self.changes
            .insert((keyspace, key.into()), Some(value.into()));
    }

    /// The key is gone.
    pub fn delete(&mut self, keyspace: KeyspaceId, key: impl Into<Vec<u8>>) {
        self.changes.insert((keyspace, key.into()), None);
    }

    /// The keyspace is gone with all it holds. Its number must not be used again, nor in this batch.
    pub fn drop_keyspace(&mut self, keyspace: KeyspaceId) {
        self.dropped.push(keyspace);
    }

    /// Whether there is no change in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.dropped.is_empty()
    }

    /// All of it, as a merge takes it.
    #[must_use]
    pub fn changes(&self) -> impl Changes {
        BatchChanges {
            dropped: &self.dropped,
            changes: self.changes.iter(),
        }
    }
}

/// A batch as a stream.
struct BatchChanges<'a> {
    dropped: &'a [KeyspaceId],
    changes: std::collections::btree_map::Iter<'a, (KeyspaceId, Vec<u8>), Option<Vec<u8>>>,
}

impl Changes for BatchChanges<'_> {
    fn dropped(&self) -> &[KeyspaceId] {
        self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        let next = self.changes.next();
        Ok(next.map(|((keyspace, key), value)| Change {
            keyspace: *keyspace,
            key,
            op: match value {
                Some(value) => Op::Put(value),
                None => Op::Delete,
            },
        }))
    }
}

/// Sorted entries of one keyspace as a stream. Whoever takes it checks their order.
#[derive(Debug)]
pub struct SortedEntries<I, K, V> {
    keyspace: KeyspaceId,
    entries: I,
    at_hand: Option<(K, V)>,
}

impl<I, K, V> SortedEntries<I, K, V> {
    /// These entries, which ascend strictly by their keys.
    pub fn new(keyspace: KeyspaceId, entries: I) -> SortedEntries<I, K, V> {
        SortedEntries {
            keyspace,
            entries,
            at_hand: None,
        }
    }
}

impl<I, K, V> Changes for SortedEntries<I, K, V>
where
    I: Iterator<Item = (K, V)>,
    K: AsRef<[u8]>,
    V: AsRef<[u8]>,
{
    fn dropped(&self) -> &[KeyspaceId] {
        &[]
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        self.at_hand = self.entries.next();
        Ok(self.at_hand.as_ref().map(|(key, value)| Change {
            keyspace: self.keyspace,
            key: key.as_ref(),
            op: Op::Put(value.as_ref()),
        }))
    }
}
