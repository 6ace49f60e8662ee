//! A batch as a stream that owns its changes.

use std::collections::{BTreeMap, btree_map};

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::{Change, Changes, EngineError, Op};

type Key = (KeyspaceId, Bytes);

/// The changes of a [`Batch`](super::Batch), as a merge in slices takes them.
#[derive(Debug)]
pub struct BatchStream {
    dropped: Vec<KeyspaceId>,
    left: btree_map::IntoIter<Key, Option<Bytes>>,
    at_hand: Option<(Key, Option<Bytes>)>,
}

impl BatchStream {
    pub(super) fn new(
        dropped: Vec<KeyspaceId>,
        changes: BTreeMap<Key, Option<Bytes>>,
    ) -> BatchStream {
        BatchStream {
            dropped,
            left: changes.into_iter(),
            at_hand: None,
        }
    }
}

impl Changes for BatchStream {
    fn dropped(&self) -> &[KeyspaceId] {
        &self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        self.at_hand = self.left.next();
        Ok(self
            .at_hand
            .as_ref()
            .map(|((keyspace, key), value)| Change {
                keyspace: *keyspace,
                key,
                op: match value {
                    Some(value) => Op::Put(value),
                    None => Op::Delete,
                },
            }))
    }
}
