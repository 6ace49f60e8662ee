//! A write set that outgrew memory: what was written goes to runs, one for each part that a savepoint ends.
//!
//! # Invariants
//! - W1. What is in memory is newer than every run, and a later run is newer than an earlier one.
//! - W2. A savepoint knows how many runs were written before it: what came later is in later runs or in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;

use crate::error::StoreError;
use crate::spill::{Layer, Layers, Lookups, Run, RunWriter, SpillFolder, find};

use super::{Undo, WriteSet, Writes};

/// Writes of some keyspaces.
type Part = BTreeMap<KeyspaceId, Writes>;

impl WriteSet {
    /// Runs that were written, oldest first.
    pub(crate) fn runs(&self) -> &[Arc<Run>] {
        &self.runs
    }

    /// What the runs say of `key`, if anything.
    pub(crate) fn find_spilled(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<Option<Bytes>>, StoreError> {
        match self.runs.is_empty() {
            true => Ok(None),
            false => find(&self.runs, keyspace, key),
        }
    }

    /// Memory that it takes, with what its savepoints remember.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.bytes + self.undo_bytes
    }

    /// Moves what was written from memory to runs. On an error everything is as before.
    pub(crate) fn spill(&mut self, folder: &SpillFolder) -> Result<(), StoreError> {
        let mut runs = Vec::new();
        let mut added_at = Vec::new();
        for part in self.parts() {
            if !part.is_empty() {
                runs.push(write(folder, &part)?);
            }
            added_at.push(runs.len());
        }
        self.runs.append(&mut runs);
        self.forget_writes(&added_at);
        Ok(())
    }

    /// All that was written, the rest of it spilled now; of the set are left its guards and what it dropped.
    pub(crate) fn take_layers(&mut self, folder: &SpillFolder) -> Result<Layers, StoreError> {
        self.savepoints.clear();
        self.undo.clear();
        self.undo_bytes = 0;
        if !self.keyspaces.is_empty() {
            self.spill(folder)?;
        }
        Ok(Layers {
            parts: self.runs.drain(..).map(Layer::Run).collect(),
            dropped: self.dropped.clone(),
        })
    }

    /// What was written before the first savepoint, then what was written after each.
    fn parts(&self) -> Vec<Part> {
        if self.savepoints.is_empty() {
            let written = self.keyspaces.iter();
            return vec![
                written
                    .map(|(id, writes)| (*id, (**writes).clone()))
                    .collect(),
            ];
        }
        let mut rewound = Rewound {
            now: self,
            before: BTreeMap::new(),
        };
        let mut parts = Vec::new();
        let mut end = self.undo.len();
        for (_, start, _) in self.savepoints.iter().rev() {
            parts.push(rewound.written_in(&self.undo[*start..end]));
            rewound.take_back(&self.undo[*start..end]);
            end = *start;
        }
        parts.push(rewound.all());
        parts.reverse();
        if is_planted("mvcc-spilled-epochs-joined") {
            let newest = parts.pop().unwrap_or_default();
            for (id, writes) in newest {
                parts[0].entry(id).or_default().extend(writes);
            }
            parts.push(Part::new());
        }
        parts
    }

    /// Forgets the writes that are in runs now. Steps of the undo list that are no writes stay. `added_at` says how many
    /// runs were added before each savepoint, and in all: none where all before it had been in runs already.
    fn forget_writes(&mut self, added_at: &[usize]) {
        self.keyspaces.clear();
        self.bytes = 0;
        let mut undo = Vec::new();
        let mut end = 0;
        for ((_, undo_len, runs_len), added) in self.savepoints.iter_mut().zip(added_at) {
            undo.extend(
                self.undo
                    .drain(..*undo_len - end)
                    .filter_map(Undo::without_writes),
            );
            end = *undo_len;
            *undo_len = undo.len();
            *runs_len += added;
        }
        undo.extend(self.undo.drain(..).filter_map(Undo::without_writes));
        self.undo_bytes = undo.iter().map(Undo::bytes).sum();
        self.undo = undo;
    }
}

/// A write set as it was some steps ago.
struct Rewound<'a> {
    now: &'a WriteSet,
    /// What was other than it is now: `None` where nothing was written.
    before: BTreeMap<(KeyspaceId, Bytes), Option<Option<Bytes>>>,
}

impl Rewound<'_> {
    fn get(&self, keyspace: KeyspaceId, key: &Bytes) -> Option<Option<Bytes>> {
        match self.before.get(&(keyspace, key.clone())) {
            Some(before) => before.clone(),
            None => self.now.keyspaces.get(&keyspace)?.get(key).cloned(),
        }
    }

    /// What the keys that these steps wrote are after them.
    fn written_in(&self, steps: &[Undo]) -> Part {
        let mut part = Part::new();
        for step in steps {
            if let Undo::Write { keyspace, key, .. } = step
                && let Some(write) = self.get(*keyspace, key)
            {
                part.entry(*keyspace)
                    .or_default()
                    .insert(key.clone(), write);
            }
        }
        part
    }

    fn take_back(&mut self, steps: &[Undo]) {
        for step in steps.iter().rev() {
            match step {
                Undo::Write {
                    keyspace,
                    key,
                    before,
                } => {
                    self.before.insert((*keyspace, key.clone()), before.clone());
                }
                Undo::Drop { keyspace, writes } => {
                    for (key, write) in writes.iter().flat_map(|writes| writes.iter()) {
                        let at = (*keyspace, key.clone());
                        self.before.insert(at, Some(write.clone()));
                    }
                }
                Undo::GuardKey(..) | Undo::GuardKeyspace(_) => {}
            }
        }
    }

    /// All that was written.
    fn all(self) -> Part {
        let mut part = Part::new();
        for (keyspace, writes) in &self.now.keyspaces {
            part.insert(*keyspace, (**writes).clone());
        }
        for ((keyspace, key), before) in self.before {
            let writes = part.entry(keyspace).or_default();
            match before {
                Some(write) => writes.insert(key, write),
                None => writes.remove(&key),
            };
        }
        part.retain(|_, writes| !writes.is_empty());
        part
    }
}

impl Undo {
    /// What is left of a step when the writes are in runs.
    fn without_writes(self) -> Option<Undo> {
        match self {
            Undo::Write { .. } => None,
            Undo::Drop { keyspace, .. } => Some(Undo::Drop {
                keyspace,
                writes: None,
            }),
            guard => Some(guard),
        }
    }
}

fn write(folder: &SpillFolder, part: &Part) -> Result<Arc<Run>, StoreError> {
    let entries = part.values().map(|writes| writes.len() as u64).sum();
    let mut run = RunWriter::create(folder, Lookups::Many { entries })?;
    for (keyspace, writes) in part {
        for (key, value) in writes {
            run.push_entry(*keyspace, key, value.as_deref())?;
        }
    }
    run.finish()
}
