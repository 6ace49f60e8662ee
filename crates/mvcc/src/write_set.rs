//! Write set: what a transaction wrote, dropped and guards, with an undo list for its savepoints.
//!
//! Each keyspace has a map of its own behind an `Arc`: a range over it keeps the map as it was, and the next write
//! copies the map only if such a range still lives. (One map over `(keyspace, key)` pairs was dropped: it cannot be
//! searched without building a pair.)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;

use crate::error::StoreError;
use crate::spill::Run;

mod spill;

/// Keys of one keyspace and what became of them; `None` is a tombstone.
pub(crate) type Writes = BTreeMap<Bytes, Option<Bytes>>;

/// What one write costs beside its key and value, about.
pub(crate) const WRITE_BYTES: u64 = 64;

#[derive(Default)]
pub(crate) struct WriteSet {
    keyspaces: BTreeMap<KeyspaceId, Arc<Writes>>,
    dropped: BTreeSet<KeyspaceId>,
    guarded_keys: BTreeSet<(KeyspaceId, Bytes)>,
    guarded_keyspaces: BTreeSet<KeyspaceId>,
    bytes: u64,
    undo: Vec<Undo>,
    /// Memory that the undo list takes, about.
    undo_bytes: u64,
    /// Live savepoints, oldest first.
    savepoints: Vec<Mark>,
    /// What outgrew memory, oldest first: what was written before the first savepoint, then what was after each.
    runs: Vec<Arc<Run>>,
    /// Memory that the last spill could not free.
    kept_bytes: u64,
}

/// A live savepoint.
struct Mark {
    number: u64,
    /// How long the undo list was.
    undo_len: usize,
    /// How many runs have what was written before it.
    runs_len: usize,
}

/// How to take one step back.
enum Undo {
    Write {
        keyspace: KeyspaceId,
        key: Bytes,
        before: Option<Option<Bytes>>,
    },
    Drop {
        keyspace: KeyspaceId,
        writes: Option<Arc<Writes>>,
    },
    GuardKey(KeyspaceId, Bytes),
    GuardKeyspace(KeyspaceId),
}

impl WriteSet {
    /// Whether a commit would change nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.keyspaces.is_empty() && self.dropped.is_empty() && self.runs.is_empty()
    }

    /// What was written to a keyspace, ascending by keyspace. No map is empty.
    pub(crate) fn keyspaces(&self) -> impl ExactSizeIterator<Item = (KeyspaceId, &Arc<Writes>)> {
        self.keyspaces.iter().map(|(&id, writes)| (id, writes))
    }

    pub(crate) fn writes(&self, keyspace: KeyspaceId) -> Option<&Arc<Writes>> {
        self.keyspaces.get(&keyspace)
    }

    pub(crate) fn dropped(&self) -> &BTreeSet<KeyspaceId> {
        &self.dropped
    }

    pub(crate) fn guarded_keys(&self) -> impl Iterator<Item = (KeyspaceId, &Bytes)> {
        self.guarded_keys.iter().map(|(id, key)| (*id, key))
    }

    pub(crate) fn guarded_keyspaces(&self) -> &BTreeSet<KeyspaceId> {
        &self.guarded_keyspaces
    }

    /// Memory it takes, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What this transaction wrote to `key`, if anything.
    pub(crate) fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Option<&Option<Bytes>> {
        self.keyspaces.get(&keyspace)?.get(key)
    }

    /// Writes a value or a tombstone, unless the set, with what its savepoints remember, would pass `max` bytes.
    pub(crate) fn put(
        &mut self,
        keyspace: KeyspaceId,
        key: Bytes,
        value: Option<Bytes>,
        max: u64,
    ) -> Result<(), StoreError> {
        let bytes = self.bytes + self.undo_bytes + write_bytes(&key, value.as_ref());
        if bytes > max {
            return Err(StoreError::TooLarge { bytes, max });
        }
        self.put_unbounded(keyspace, key, value);
        Ok(())
    }

    /// As [`WriteSet::put`], for the few bytes of the catalog: no limit stops a keyspace half-way into being.
    pub(crate) fn put_unbounded(&mut self, keyspace: KeyspaceId, key: Bytes, value: Option<Bytes>) {
        let undo_key = (!self.savepoints.is_empty()).then(|| key.clone());
        let before = self.set(keyspace, key, Some(value));
        if let Some(key) = undo_key {
            self.note(Undo::Write {
                keyspace,
                key,
                before,
            });
        }
    }

    /// Makes a key's write what is given; returns what it was before.
    fn set(
        &mut self,
        keyspace: KeyspaceId,
        key: Bytes,
        write: Option<Option<Bytes>>,
    ) -> Option<Option<Bytes>> {
        let key_bytes = key.len() as u64 + WRITE_BYTES;
        let writes = Arc::make_mut(self.keyspaces.entry(keyspace).or_default());
        let cost = |write: &Option<Option<Bytes>>| match write {
            Some(value) => key_bytes + value.as_ref().map_or(0, Bytes::len) as u64,
            None => 0,
        };
        self.bytes += cost(&write);
        let before = match write {
            Some(value) => writes.insert(key, value),
            None => writes.remove(&key),
        };
        self.bytes -= cost(&before);
        if writes.is_empty() {
            self.keyspaces.remove(&keyspace);
        }
        before
    }

    /// Ends a keyspace: what was written to it goes.
    pub(crate) fn drop_keyspace(&mut self, keyspace: KeyspaceId) {
        let writes = self.keyspaces.remove(&keyspace);
        self.bytes -= writes.as_deref().map_or(0, writes_bytes);
        self.dropped.insert(keyspace);
        self.note(Undo::Drop { keyspace, writes });
        self.limit_kept();
    }

    pub(crate) fn guard_key(&mut self, keyspace: KeyspaceId, key: Bytes) {
        if self.guarded_keys.insert((keyspace, key.clone())) {
            self.note(Undo::GuardKey(keyspace, key));
        }
    }

    pub(crate) fn guard_keyspace(&mut self, keyspace: KeyspaceId) {
        if self.guarded_keyspaces.insert(keyspace) {
            self.note(Undo::GuardKeyspace(keyspace));
        }
    }

    fn note(&mut self, step: Undo) {
        if !self.savepoints.is_empty() {
            self.undo_bytes += step.bytes();
            self.undo.push(step);
        }
    }

    /// Marks the state as it is now.
    pub(crate) fn savepoint(&mut self, number: u64) {
        self.savepoints.push(Mark {
            number,
            undo_len: self.undo.len(),
            runs_len: self.runs.len(),
        });
    }

    /// Back to a savepoint, which stays; those after it go.
    pub(crate) fn rollback_to(&mut self, number: u64) -> Result<(), StoreError> {
        let at = self.find_savepoint(number)?;
        self.savepoints.truncate(at + 1);
        let Mark {
            undo_len, runs_len, ..
        } = self.savepoints[at];
        if !is_planted("mvcc-savepoint-keeps-runs") {
            self.runs.truncate(runs_len);
        }
        let kept = usize::from(is_planted("mvcc-savepoint-keeps-first"));
        while self.undo.len() > undo_len + kept {
            if let Some(step) = self.undo.pop() {
                self.undo_bytes -= step.bytes();
                self.take_back(step);
            }
        }
        self.limit_kept();
        Ok(())
    }

    /// Forgets a savepoint and those after it; what was written stays.
    pub(crate) fn release(&mut self, number: u64) -> Result<(), StoreError> {
        let at = self.find_savepoint(number)?;
        self.savepoints.truncate(at);
        if self.savepoints.is_empty() {
            self.undo.clear();
            self.undo_bytes = 0;
        }
        self.limit_kept();
        Ok(())
    }

    /// What a spill left in memory is no more than what is there.
    fn limit_kept(&mut self) {
        self.kept_bytes = self.kept_bytes.min(self.bytes + self.undo_bytes);
    }

    fn find_savepoint(&self, number: u64) -> Result<usize, StoreError> {
        let found = self
            .savepoints
            .iter()
            .position(|live| live.number == number);
        found.ok_or(StoreError::NoSuchSavepoint)
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::Write {
                keyspace,
                key,
                before,
            } => {
                self.set(keyspace, key, before);
            }
            Undo::Drop { keyspace, writes } => {
                if !is_planted("mvcc-savepoint-keeps-drop") {
                    self.dropped.remove(&keyspace);
                }
                if let Some(writes) = writes {
                    self.bytes += writes_bytes(&writes);
                    self.keyspaces.insert(keyspace, writes);
                }
            }
            Undo::GuardKey(keyspace, key) => {
                self.guarded_keys.remove(&(keyspace, key));
            }
            Undo::GuardKeyspace(keyspace) => {
                self.guarded_keyspaces.remove(&keyspace);
            }
        }
    }
}

impl Undo {
    /// Memory it takes, about, beside the key that it shares.
    fn bytes(&self) -> u64 {
        let kept = match self {
            Undo::Write {
                before: Some(Some(value)),
                ..
            } => value.len() as u64,
            Undo::Drop {
                writes: Some(writes),
                ..
            } => writes_bytes(writes),
            _ => 0,
        };
        WRITE_BYTES + kept
    }
}

fn write_bytes(key: &Bytes, value: Option<&Bytes>) -> u64 {
    (key.len() + value.map_or(0, Bytes::len)) as u64 + WRITE_BYTES
}

fn writes_bytes(writes: &Writes) -> u64 {
    let each = writes.iter();
    each.map(|(key, value)| write_bytes(key, value.as_ref()))
        .sum()
}

#[cfg(test)]
mod tests;
