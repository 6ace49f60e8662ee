//! WriteTransaction: changes to a tree that is used alone, read by the one who makes them, and merged as one.
//!
//! # Invariants
//! - W1. One at a time: it holds the writing latch, so nothing is merged between what it read and its commit.
//! - W2. Nothing of it is in the tree before its commit, which is one merge.

use std::collections::btree_map::{self, BTreeMap};
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::MutexGuard;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Change, Changes, Cursor, EngineError, Op, Snapshot};

use crate::btree::BTree;
use crate::cursor::BTreeCursor;
use crate::limits::LIMITS;
use crate::snapshot::BTreeSnapshot;

/// What was written to one keyspace; `None` is a delete.
type Writes = BTreeMap<Bytes, Option<Bytes>>;

/// The one write transaction of a [`BTree`] that is used alone.
///
/// It reads the state it began on, and what it wrote. What it writes is kept in memory and is merged by
/// [`WriteTransaction::commit`]; dropping it is a rollback. Made by [`BTree::begin_write`].
pub struct WriteTransaction<'t> {
    tree: &'t BTree,
    snapshot: Arc<BTreeSnapshot>,
    /// Keyspaces that it dropped: the state's entries of them are gone.
    dropped: Vec<KeyspaceId>,
    writes: BTreeMap<KeyspaceId, Writes>,
    _writing: MutexGuard<'t, ()>,
}

impl<'t> WriteTransaction<'t> {
    pub(crate) fn new(tree: &'t BTree, writing: MutexGuard<'t, ()>) -> WriteTransaction<'t> {
        WriteTransaction {
            tree,
            snapshot: tree.newest(),
            dropped: Vec::new(),
            writes: BTreeMap::new(),
            _writing: writing,
        }
    }

    /// The state that it began on.
    #[must_use]
    pub fn snapshot(&self) -> &BTreeSnapshot {
        &self.snapshot
    }

    /// Gives `key` a value.
    ///
    /// # Errors
    /// [`EngineError::KeyTooLarge`], [`EngineError::ValueTooLarge`]; [`EngineError::Unsorted`] for a keyspace that this
    /// transaction dropped. Nothing was written.
    pub fn put(
        &mut self,
        keyspace: KeyspaceId,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
    ) -> Result<(), EngineError> {
        self.write(keyspace, key.into(), Some(value.into()))
    }

    /// Removes `key`. No error when it is not there.
    ///
    /// # Errors
    /// As [`WriteTransaction::put`].
    pub fn delete(
        &mut self,
        keyspace: KeyspaceId,
        key: impl Into<Bytes>,
    ) -> Result<(), EngineError> {
        self.write(keyspace, key.into(), None)
    }

    fn write(
        &mut self,
        keyspace: KeyspaceId,
        key: Bytes,
        value: Option<Bytes>,
    ) -> Result<(), EngineError> {
        LIMITS.check(&key, value.as_deref())?;
        if self.dropped.contains(&keyspace) {
            return Err(EngineError::Unsorted { keyspace });
        }
        self.writes.entry(keyspace).or_default().insert(key, value);
        Ok(())
    }

    /// Ends a keyspace with all it holds, what this transaction wrote to it included. Its number must not be used again.
    pub fn drop_keyspace(&mut self, keyspace: KeyspaceId) {
        self.writes.remove(&keyspace);
        if !self.dropped.contains(&keyspace) {
            self.dropped.push(keyspace);
        }
    }

    /// The value of `key`: what was written here, or what the state has.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        if let Some(written) = self.writes.get(&keyspace).and_then(|own| own.get(key)) {
            return Ok(written.clone());
        }
        if self.dropped.contains(&keyspace) {
            return Ok(None);
        }
        self.snapshot.get(keyspace, key)
    }

    /// The entries of a keyspace within `bounds` as they are now, in key order. Ends after its first error.
    pub fn range<'a, 'k>(
        &'a self,
        keyspace: KeyspaceId,
        bounds: impl RangeBounds<&'k [u8]>,
    ) -> WriteRange<'a> {
        let start = bounds.start_bound().map(|key| Bytes::copy_from_slice(key));
        let end = bounds.end_bound().map(|key| Bytes::copy_from_slice(key));
        let is_known = !self.dropped.contains(&keyspace);
        let cursor = BTreeCursor::new(Arc::clone(self.snapshot.state()), keyspace);
        WriteRange {
            own: own_writes(self.writes.get(&keyspace), &start, &end),
            own_next: None,
            base: is_known.then_some(cursor),
            base_is_on: false,
            start: Some(start),
            end,
        }
    }

    /// Merges what was written, durably, as the state after the newest one; returns that state's number. Where nothing was
    /// written, the number of the state it read.
    ///
    /// # Errors
    /// As [`Engine::merge`](drystone_engine::Engine::merge). Nothing was merged, unless the error says to reopen: then all
    /// of it may have been, or nothing.
    pub fn commit(self) -> Result<Lsn, EngineError> {
        if self.writes.values().all(BTreeMap::is_empty) && self.dropped.is_empty() {
            return Ok(self.snapshot.lsn());
        }
        let writes = self.writes.iter().flat_map(|(keyspace, writes)| {
            let changes = writes.iter();
            changes.map(|(key, value)| Change {
                keyspace: *keyspace,
                key,
                op: value.as_deref().map_or(Op::Delete, Op::Put),
            })
        });
        self.tree.merge_next(&mut WriteChanges {
            dropped: &self.dropped,
            changes: writes,
        })
    }

    /// Forgets what was written. The same as dropping it.
    pub fn rollback(self) {}
}

impl fmt::Debug for WriteTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteTransaction")
            .field("began_on", &self.snapshot.lsn())
            .field(
                "writes",
                &self.writes.values().map(BTreeMap::len).sum::<usize>(),
            )
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

/// What was written, as a merge takes it.
struct WriteChanges<'a, I> {
    dropped: &'a [KeyspaceId],
    changes: I,
}

impl<'a, I: Iterator<Item = Change<'a>>> Changes for WriteChanges<'a, I> {
    fn dropped(&self) -> &[KeyspaceId] {
        self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        Ok(self.changes.next())
    }
}

type OwnWrites<'a> = btree_map::Range<'a, Bytes, Option<Bytes>>;

/// What was written within bounds; nothing for bounds that end before they start.
fn own_writes<'a>(
    writes: Option<&'a Writes>,
    start: &Bound<Bytes>,
    end: &Bound<Bytes>,
) -> Option<OwnWrites<'a>> {
    let is_empty = match (start, end) {
        (Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start > end,
        _ => false,
    };
    let bounds = (start.as_ref(), end.as_ref());
    writes
        .filter(|_| !is_empty)
        .map(|writes| writes.range::<Bytes, _>(bounds))
}

/// The entries of a range, the transaction's own writes on top of the state it began on.
pub struct WriteRange<'a> {
    own: Option<OwnWrites<'a>>,
    own_next: Option<(&'a Bytes, &'a Option<Bytes>)>,
    /// `None` once it is through.
    base: Option<BTreeCursor>,
    base_is_on: bool,
    /// Where to begin; `None` once it has begun.
    start: Option<Bound<Bytes>>,
    end: Bound<Bytes>,
}

impl WriteRange<'_> {
    fn pull(&mut self) -> Result<Option<(Bytes, Bytes)>, EngineError> {
        if let Some(start) = self.start.take() {
            self.own_next = self.own.as_mut().and_then(Iterator::next);
            self.base_is_on = match &mut self.base {
                Some(cursor) => seek(cursor, &start)?,
                None => false,
            };
            self.check_end();
        }
        loop {
            let base_key = self
                .base
                .as_ref()
                .filter(|_| self.base_is_on)
                .map(Cursor::key);
            let order = match (self.own_next, base_key) {
                (None, None) => return Ok(None),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((own, _)), Some(base)) => own[..].cmp(base),
            };
            let entry = if order.is_gt() {
                self.base_entry()?
            } else {
                let own = self.own_next;
                own.and_then(|(key, value)| Some((key.clone(), value.clone()?)))
            };
            if order.is_le() {
                self.own_next = self.own.as_mut().and_then(Iterator::next);
            }
            if order.is_ge() {
                self.advance_base()?;
            }
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }

    fn base_entry(&self) -> Result<Option<(Bytes, Bytes)>, EngineError> {
        let Some(cursor) = &self.base else {
            return Ok(None);
        };
        let key = Bytes::copy_from_slice(cursor.key());
        Ok(Some((key, cursor.value()?)))
    }

    fn advance_base(&mut self) -> Result<(), EngineError> {
        if let Some(cursor) = &mut self.base {
            self.base_is_on = cursor.next()?;
            self.check_end();
        }
        Ok(())
    }

    /// Leaves the state's entries when they are beyond the end.
    fn check_end(&mut self) {
        let Some(cursor) = self.base.as_ref().filter(|_| self.base_is_on) else {
            return;
        };
        self.base_is_on = match &self.end {
            Bound::Unbounded => true,
            Bound::Included(end) => cursor.key() <= &end[..],
            Bound::Excluded(end) => cursor.key() < &end[..],
        };
    }
}

fn seek(cursor: &mut BTreeCursor, start: &Bound<Bytes>) -> Result<bool, EngineError> {
    match start {
        Bound::Unbounded => cursor.first(),
        Bound::Included(key) => cursor.seek(key),
        Bound::Excluded(key) => {
            let is_on = cursor.seek(key)?;
            if is_on && cursor.key() == &key[..] {
                return cursor.next();
            }
            Ok(is_on)
        }
    }
}

impl Iterator for WriteRange<'_> {
    type Item = Result<(Bytes, Bytes), EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let pulled = self.pull().transpose();
        if matches!(pulled, Some(Err(_))) {
            (self.own, self.own_next, self.base) = (None, None, None);
            self.base_is_on = false;
        }
        pulled
    }
}

impl fmt::Debug for WriteRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteRange").finish_non_exhaustive()
    }
}
