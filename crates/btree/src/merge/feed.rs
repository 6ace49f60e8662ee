//! Feed: the stream of changes, checked, one change ahead.
//!
//! A change is copied when it arrives, so that a merge can look at it for as long as it needs: one key and one value
//! in memory, whatever the number of changes; of a long value only where it is to be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::{Change, Changes, EngineError, LongValue, Op};

use crate::limits::{LIMITS, check_long};
use crate::node::child::Overflow;

/// Values that the writer of a merge has written before it began: the changes of their keys say only that there is one.
pub(crate) type Written = BTreeMap<(KeyspaceId, Bytes), Overflow>;

/// What a key's value becomes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Put<'a> {
    Bytes(&'a [u8]),
    Long(&'a Arc<dyn LongValue>),
    Written(&'a Overflow),
}

/// A stream of changes for as long as a slice of a merge lasts.
pub(crate) struct Feed<'a> {
    changes: &'a mut dyn Changes,
    hand: &'a mut Hand,
}

/// The next change of a stream: what a merge keeps of it between slices.
#[derive(Debug)]
pub(crate) struct Hand {
    dropped: Vec<KeyspaceId>,
    /// The keyspace of the change at hand; `None` after the last.
    keyspace: Option<KeyspaceId>,
    key: Vec<u8>,
    becomes: Becomes,
    /// The value at hand, or left over from before when the change puts no bytes.
    value: Vec<u8>,
    written: Written,
    /// The key before, for the check of the order; afterwards room for the next.
    before: Vec<u8>,
    /// Bytes of all changes that were taken.
    taken_bytes: u64,
}

/// What becomes of the key at hand.
#[derive(Debug)]
enum Becomes {
    Deleted,
    Bytes,
    Long(Arc<dyn LongValue>),
    Written(Overflow),
}

impl Hand {
    /// Takes the first change.
    pub(crate) fn new(changes: &mut dyn Changes, written: Written) -> Result<Hand, EngineError> {
        let mut dropped = changes.dropped().to_vec();
        dropped.sort_unstable();
        dropped.dedup();
        let mut hand = Hand {
            dropped,
            keyspace: None,
            key: Vec::new(),
            becomes: Becomes::Deleted,
            value: Vec::new(),
            written,
            before: Vec::new(),
            taken_bytes: 0,
        };
        Feed::new(changes, &mut hand).advance()?;
        Ok(hand)
    }

    /// Keyspaces to drop, ascending.
    pub(crate) fn dropped(&self) -> &[KeyspaceId] {
        &self.dropped
    }

    /// Keyspace of the change at hand; `None` after the last.
    pub(crate) fn keyspace(&self) -> Option<KeyspaceId> {
        self.keyspace
    }

    /// About how many bytes the changes had so far.
    pub(crate) fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    fn take(&mut self, change: &Change<'_>) {
        self.keyspace = Some(change.keyspace);
        refill(&mut self.key, change.key);
        self.taken_bytes += CHANGE_BYTES + change.key.len() as u64;
        self.becomes = match change.op {
            Op::Put(value) => {
                refill(&mut self.value, value);
                self.taken_bytes += value.len() as u64;
                Becomes::Bytes
            }
            Op::PutLong(value) => {
                self.taken_bytes = self.taken_bytes.saturating_add(value.byte_len());
                Becomes::Long(Arc::clone(value))
            }
            Op::Delete => Becomes::Deleted,
        };
        if !self.written.is_empty() {
            self.take_written(change);
        }
    }

    fn take_written(&mut self, change: &Change<'_>) {
        let at = (change.keyspace, Bytes::copy_from_slice(change.key));
        if let Some(value) = self.written.remove(&at) {
            self.becomes = Becomes::Written(value);
        }
    }
}

impl<'a> Feed<'a> {
    /// `changes` go on behind the one at hand.
    pub(crate) fn new(changes: &'a mut dyn Changes, hand: &'a mut Hand) -> Feed<'a> {
        Feed { changes, hand }
    }

    /// About how many bytes the changes had so far.
    pub(crate) fn taken_bytes(&self) -> u64 {
        self.hand.taken_bytes
    }

    /// Whether the change at hand is in `keyspace`, with a key below `high`.
    #[inline]
    pub(crate) fn is_below(&self, keyspace: KeyspaceId, high: Option<&[u8]>) -> bool {
        self.hand.keyspace == Some(keyspace)
            && high.is_none_or(|high| self.hand.key.as_slice() < high)
    }

    /// Key of the change at hand.
    pub(crate) fn key(&self) -> &[u8] {
        &self.hand.key
    }

    /// What the key's value becomes; `None` when it is deleted.
    pub(crate) fn value(&self) -> Option<Put<'_>> {
        match &self.hand.becomes {
            Becomes::Deleted => None,
            Becomes::Bytes => Some(Put::Bytes(&self.hand.value)),
            Becomes::Long(value) => Some(Put::Long(value)),
            Becomes::Written(value) => Some(Put::Written(value)),
        }
    }

    /// Takes the next change, and checks that it comes after the one at hand and is within the limits.
    pub(crate) fn advance(&mut self) -> Result<(), EngineError> {
        let hand = &mut *self.hand;
        std::mem::swap(&mut hand.key, &mut hand.before);
        let last = hand.keyspace.take();
        let Some(change) = self.changes.next_change()? else {
            return Ok(());
        };
        let in_order = match last {
            Some(last) => (last, hand.before.as_slice()) < (change.keyspace, change.key),
            None => true,
        };
        if !in_order || hand.dropped.binary_search(&change.keyspace).is_ok() {
            return Err(EngineError::Unsorted {
                keyspace: change.keyspace,
            });
        }
        check_limits(change.key, change.op)?;
        hand.take(&change);
        Ok(())
    }
}

/// What a change costs beside its key and value, as bytes.
const CHANGE_BYTES: u64 = 64;

fn check_limits(key: &[u8], op: Op<'_>) -> Result<(), EngineError> {
    match op {
        Op::Put(value) => LIMITS.check(key, Some(value)),
        Op::PutLong(value) => {
            check_long(value.byte_len())?;
            LIMITS.check(key, None)
        }
        Op::Delete => LIMITS.check(key, None),
    }
}

/// Copies into memory that is there already, unless one large value made it far larger than needed.
fn refill(room: &mut Vec<u8>, bytes: &[u8]) {
    const KEPT_BYTES: usize = 1 << 20;
    room.clear();
    if room.capacity() > KEPT_BYTES && bytes.len() < KEPT_BYTES {
        room.shrink_to(KEPT_BYTES);
    }
    room.extend_from_slice(bytes);
}
