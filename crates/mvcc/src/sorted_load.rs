//! Sorted load: entries that come in order of their keys go to the engine as they come.
//!
//! ```text
//! entries -> in order? -> the first ones, kept until they are enough for a stage
//!                          | no more come: a transaction like others
//!                          +-> all of them, one by one, into the engine's stage -> commit
//! ```
//!
//! # Invariants
//! - O1. What was given to the engine lies between the first key and the last. Nothing else of it is known when others'
//!   commits are checked against it, so it claims all keys between the two.
//!
//! Others have the same under names like `MDB_APPEND` (LMDB) and ingestion (RocksDB): the caller vouches for the order,
//! and each entry is checked against the one before.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Change, Changes, EngineError, Op};

use crate::bulk_load::{BulkLoad, small_bytes};
use crate::error::StoreError;
use crate::shared::Shared;
use crate::spill::Span;
use crate::staged_commit::SpannedChanges;

/// What an entry costs beside its bytes while it is kept.
const KEPT_BYTES: u64 = 64;

/// See [`Store::load_sorted`](crate::Store::load_sorted).
pub(crate) fn load<K, V, E>(
    store: &Arc<Shared>,
    keyspace: KeyspaceId,
    entries: impl Iterator<Item = Result<(K, V), E>>,
) -> Result<Lsn, E>
where
    K: AsRef<[u8]>,
    V: AsRef<[u8]>,
    E: From<StoreError>,
{
    let mut entries = InOrder::new(entries);
    // It says what is wrong with the keyspace before anything is read, and takes what is little.
    let mut small = BulkLoad::new(Arc::clone(store), store.options().spill_bytes);
    small.check_writable(keyspace)?;
    let kept = match store.spill_folder() {
        Some(_) => entries.keep(small_bytes(store))?,
        None => Kept::of_none(),
    };
    if store.spill_folder().is_some() && !kept.is_all {
        let mut changes = OrderedChanges::new(keyspace, kept.entries, entries);
        let loaded = store.commit_in_order(keyspace, &mut changes);
        return loaded.map_err(|error| changes.failure.take().unwrap_or_else(|| error.into()));
    }
    for entry in kept.entries.into_iter().map(Ok).chain(entries) {
        let (key, value) = entry?;
        small.put(keyspace, key.as_ref(), value.as_ref())?;
    }
    Ok(small.commit()?)
}

/// Entries, each of which was found to come after the one before.
struct InOrder<I> {
    entries: I,
    first: Option<Vec<u8>>,
    last: Vec<u8>,
    count: u64,
}

/// The entries that came first.
struct Kept<K, V> {
    entries: Vec<(K, V)>,
    /// Whether there are no more.
    is_all: bool,
}

impl<K, V> Kept<K, V> {
    fn of_none() -> Kept<K, V> {
        Kept {
            entries: Vec::new(),
            is_all: false,
        }
    }
}

impl<I> InOrder<I> {
    fn new(entries: I) -> InOrder<I> {
        InOrder {
            entries,
            first: None,
            last: Vec::new(),
            count: 0,
        }
    }

    fn check(&mut self, key: &[u8]) -> Result<(), StoreError> {
        if self.first.is_none() {
            self.first = Some(key.to_vec());
        } else if key <= self.last.as_slice() {
            return Err(StoreError::Unsorted {
                entry: self.count,
                key: Bytes::copy_from_slice(key),
            });
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        self.count += 1;
        Ok(())
    }

    fn keep<K, V, E>(&mut self, bytes_max: u64) -> Result<Kept<K, V>, E>
    where
        InOrder<I>: Iterator<Item = Result<(K, V), E>>,
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < bytes_max {
            let Some(entry) = self.next() else {
                let is_all = true;
                return Ok(Kept { entries, is_all });
            };
            let (key, value) = entry?;
            bytes += KEPT_BYTES + (key.as_ref().len() + value.as_ref().len()) as u64;
            entries.push((key, value));
        }
        let is_all = false;
        Ok(Kept { entries, is_all })
    }
}

impl<I, K, V, E> Iterator for InOrder<I>
where
    I: Iterator<Item = Result<(K, V), E>>,
    K: AsRef<[u8]>,
    E: From<StoreError>,
{
    type Item = Result<(K, V), E>;

    #[inline]
    fn next(&mut self) -> Option<Result<(K, V), E>> {
        let entry = self.entries.next()?;
        // Looked at where it lies: an entry may be long, and each way through here is one for every entry.
        match entry.as_ref().map(|(key, _)| self.check(key.as_ref())) {
            Ok(Err(error)) => Some(Err(error.into())),
            _ => Some(entry),
        }
    }
}

/// Entries as the changes that an engine takes.
struct OrderedChanges<I, K, V, E> {
    keyspace: KeyspaceId,
    kept: std::vec::IntoIter<(K, V)>,
    entries: InOrder<I>,
    at_hand: Option<(K, V)>,
    /// What stopped it.
    failure: Option<E>,
}

impl<I, K, V, E> OrderedChanges<I, K, V, E> {
    fn new(keyspace: KeyspaceId, kept: Vec<(K, V)>, entries: InOrder<I>) -> Self {
        OrderedChanges {
            keyspace,
            kept: kept.into_iter(),
            entries,
            at_hand: None,
            failure: None,
        }
    }
}

impl<I, K, V, E> Changes for OrderedChanges<I, K, V, E>
where
    I: Iterator<Item = Result<(K, V), E>>,
    K: AsRef<[u8]>,
    V: AsRef<[u8]>,
    E: From<StoreError>,
{
    fn dropped(&self) -> &[KeyspaceId] {
        &[]
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        self.at_hand = match self.kept.next() {
            Some(kept) => Some(kept),
            None => match self.entries.next().transpose() {
                Ok(entry) => entry,
                Err(failure) => {
                    self.failure = Some(failure);
                    // Only to stop the engine: what is told is the failure.
                    let keyspace = self.keyspace;
                    return Err(EngineError::Unsorted { keyspace });
                }
            },
        };
        Ok(self.at_hand.as_ref().map(|(key, value)| Change {
            keyspace: self.keyspace,
            key: key.as_ref(),
            op: Op::Put(value.as_ref()),
        }))
    }
}

impl<I, K, V, E> SpannedChanges for OrderedChanges<I, K, V, E>
where
    OrderedChanges<I, K, V, E>: Changes,
{
    fn span(&self) -> Option<Span> {
        Some(Span {
            keyspace: self.keyspace,
            first: self.entries.first.clone()?,
            last: self.entries.last.clone(),
        })
    }
}
