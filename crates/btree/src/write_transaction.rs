//! WriteTransaction: changes to a tree that is used alone, read by the one who makes them, and merged as one.
//!
//! # Invariants
//! - W1. One at a time: it holds the writing latch, so nothing is merged between what it read and its commit.
//! - W2. Nothing of it is in the tree before its commit, which is one merge.
//! - W3. What it wrote from streams lies in blocks that the pager's writer has taken; that is the writer of the commit, and
//!   gives them back if there is none.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Cursor, Read};
use std::ops::RangeBounds;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::MutexGuard;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Change, Changes, EngineError, Op, Snapshot};
use drystone_storage_pager::{Codec, Writer};

use crate::btree::BTree;
use crate::limits::LIMITS;
use crate::merging::Prepared;
use crate::node::child::Overflow;
use crate::pages::Pages;
use crate::pieces;
use crate::snapshot::BTreeSnapshot;
use crate::write_range::WriteRange;

/// What was written to one keyspace.
pub(crate) type Writes = BTreeMap<Bytes, Own>;

/// What a transaction made of a key.
#[derive(Clone, Debug)]
pub(crate) enum Own {
    Deleted,
    Put(Bytes),
    /// From a stream, by the transaction's writer.
    Written(Overflow),
}

/// Where the values lie that a transaction has written.
#[derive(Clone, Copy)]
pub(crate) struct OwnValues<'a> {
    pages: &'a Pages,
    writer: Option<&'a Writer>,
}

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
    /// From the first value on that came as a stream.
    writer: Option<Writer>,
    /// What the writer has written and the transaction replaced since.
    unwanted: Vec<Overflow>,
    _writing: MutexGuard<'t, ()>,
}

impl<'t> WriteTransaction<'t> {
    pub(crate) fn new(tree: &'t BTree, writing: MutexGuard<'t, ()>) -> WriteTransaction<'t> {
        WriteTransaction {
            tree,
            snapshot: tree.newest(),
            dropped: Vec::new(),
            writes: BTreeMap::new(),
            writer: None,
            unwanted: Vec::new(),
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
        let (key, value) = (key.into(), value.into());
        LIMITS.check(&key, Some(&value))?;
        self.write(keyspace, key, Own::Put(value))
    }

    /// Gives `key` the value that `value` yields until it ends, and returns its length: up to
    /// [`MAX_LONG_VALUE_BYTES`](crate::MAX_LONG_VALUE_BYTES), whatever the memory. It is written to the tree's file as it comes,
    /// a piece at a time, to blocks that nobody sees before the commit, and that are free again if there is none. From the
    /// first such value on nobody else can merge before this transaction ends: others fail as they do beside a merge under
    /// way.
    ///
    /// # Errors
    /// As [`WriteTransaction::put`]; [`EngineError::Stream`] where `value` fails; a failed write. The key is what it was before,
    /// and the transaction may go on.
    pub fn put_stream(
        &mut self,
        keyspace: KeyspaceId,
        key: impl Into<Bytes>,
        mut value: impl Read,
    ) -> Result<u64, EngineError> {
        let key = key.into();
        LIMITS.check(&key, None)?;
        self.check_not_dropped(keyspace)?;
        let whole_max = self.tree.pages().value_lengths().whole_max;
        let mut head = Vec::new();
        take(&mut value, whole_max + 1, 0, &mut head)?;
        let own = match head.len() > whole_max {
            true => Own::Written(self.write_stream(keyspace, Cursor::new(head).chain(value))?),
            false => Own::Put(head.into()),
        };
        let byte_len = own.byte_len();
        self.write(keyspace, key, own)?;
        Ok(byte_len)
    }

    fn write_stream(
        &mut self,
        keyspace: KeyspaceId,
        mut value: impl Read,
    ) -> Result<Overflow, EngineError> {
        let codec = self.codec_of(keyspace);
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(self.tree.begin_writer()?),
        };
        let lengths = self.tree.pages().value_lengths();
        let mut offset = 0;
        pieces::write(writer, codec, lengths, &mut |room| {
            take(&mut value, lengths.piece(), offset, room)?;
            offset += room.len() as u64;
            Ok(())
        })
    }

    fn codec_of(&self, keyspace: KeyspaceId) -> Codec {
        let known = self.snapshot.codec(keyspace);
        known.unwrap_or(self.tree.codec())
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
        let key = key.into();
        LIMITS.check(&key, None)?;
        self.write(keyspace, key, Own::Deleted)
    }

    fn write(&mut self, keyspace: KeyspaceId, key: Bytes, own: Own) -> Result<(), EngineError> {
        self.check_not_dropped(keyspace)?;
        let replaced = self.writes.entry(keyspace).or_default().insert(key, own);
        self.unwanted.extend(replaced.and_then(Own::written));
        Ok(())
    }

    fn check_not_dropped(&self, keyspace: KeyspaceId) -> Result<(), EngineError> {
        match self.dropped.contains(&keyspace) {
            true => Err(EngineError::Unsorted { keyspace }),
            false => Ok(()),
        }
    }

    /// Ends a keyspace with all it holds, what this transaction wrote to it included. Its number must not be used again.
    pub fn drop_keyspace(&mut self, keyspace: KeyspaceId) {
        let writes = self.writes.remove(&keyspace).unwrap_or_default();
        let written = writes.into_values().filter_map(Own::written);
        self.unwanted.extend(written);
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
            return self.own_values().get(written);
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
        let base = is_known.then_some(self.snapshot.state());
        let writes = self.writes.get(&keyspace);
        WriteRange::new(keyspace, (start, end), base, writes, self.own_values())
    }

    fn own_values(&self) -> OwnValues<'_> {
        OwnValues {
            pages: self.snapshot.state().pages(),
            writer: self.writer.as_ref(),
        }
    }

    /// Merges what was written, durably, as the state after the newest one; returns that state's number. Where nothing was
    /// written, the number of the state it read.
    ///
    /// # Errors
    /// As [`Engine::merge`](drystone_engine::Engine::merge). Nothing was merged, unless the error says to reopen: then all
    /// of it may have been, or nothing.
    pub fn commit(mut self) -> Result<Lsn, EngineError> {
        if self.writes.values().all(BTreeMap::is_empty) && self.dropped.is_empty() {
            return Ok(self.snapshot.lsn());
        }
        let prepared = self.prepare()?;
        let writes = self.writes.iter().flat_map(|(keyspace, writes)| {
            let changes = writes.iter();
            changes.map(|(key, own)| Change {
                keyspace: *keyspace,
                key,
                op: own.op(),
            })
        });
        let changes = &mut WriteChanges {
            dropped: &self.dropped,
            changes: writes,
        };
        self.tree.merge_prepared(changes, prepared)
    }

    /// The writer, where there is one, with what it has written and the commit is going to name.
    fn prepare(&mut self) -> Result<Option<Prepared>, EngineError> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(None);
        };
        for value in &self.unwanted {
            pieces::free(self.snapshot.state().pages(), &mut writer, value)?;
        }
        let writes = self.writes.iter().flat_map(|(keyspace, writes)| {
            let own = writes.iter();
            own.filter_map(|(key, own)| Some(((*keyspace, key.clone()), own.clone().written()?)))
        });
        Ok(Some(Prepared {
            written: writes.collect(),
            writer,
        }))
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

impl Own {
    fn byte_len(&self) -> u64 {
        match self {
            Own::Deleted => 0,
            Own::Put(value) => value.len() as u64,
            Own::Written(value) => value.value_len,
        }
    }

    fn written(self) -> Option<Overflow> {
        match self {
            Own::Written(value) => Some(value),
            Own::Put(_) | Own::Deleted => None,
        }
    }

    /// What the merge is told; what is written already it knows besides.
    fn op(&self) -> Op<'_> {
        match self {
            Own::Deleted => Op::Delete,
            Own::Put(value) => Op::Put(value),
            Own::Written(_) => Op::Put(&[]),
        }
    }
}

impl OwnValues<'_> {
    /// What was made of a key: its value, if it has one.
    pub(crate) fn get(&self, own: &Own) -> Result<Option<Bytes>, EngineError> {
        match (own, self.writer) {
            (Own::Put(value), _) => Ok(Some(value.clone())),
            (Own::Written(value), Some(writer)) => {
                pieces::read_whole(self.pages, &|page| writer.read(page), value).map(Some)
            }
            (Own::Written(_) | Own::Deleted, _) => Ok(None),
        }
    }
}

/// Takes up to `len` bytes of a stream, of which `offset` came before; fewer at its end.
fn take(
    value: &mut impl Read,
    len: usize,
    offset: u64,
    room: &mut Vec<u8>,
) -> Result<(), EngineError> {
    let taken = value.take(len as u64).read_to_end(room);
    taken.map(drop).map_err(|source| EngineError::Stream {
        offset: offset + room.len() as u64,
        source,
    })
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
