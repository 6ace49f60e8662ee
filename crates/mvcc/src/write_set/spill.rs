//! A write set that outgrew memory: what was written goes to runs, one for each part that a savepoint ends. Keyspaces that
//! a derived index follows stay in memory.
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
use crate::spill::{Layer, Layers, Lookups, Run, RunStream, RunWriter, SpillFolder, find};

use super::{Undo, WriteSet, Writes, writes_bytes};

/// Bytes that are read of a run at once.
const READ_BYTES: usize = 1 << 20;

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

    /// Memory that a spill would free, about, with what its savepoints remember.
    pub(crate) fn spillable_bytes(&self) -> u64 {
        (self.bytes + self.undo_bytes).saturating_sub(self.kept_bytes)
    }

    /// What was written, in memory and in files.
    pub(crate) fn total_bytes(&self) -> u64 {
        let spilled: u64 = self.runs.iter().map(|run| run.bytes()).sum();
        self.bytes + spilled
    }

    /// Moves what was written from memory to runs, but for the keyspaces that are to be kept. On an error everything is as
    /// before.
    pub(crate) fn spill(
        &mut self,
        folder: &SpillFolder,
        is_kept: &dyn Fn(KeyspaceId) -> bool,
    ) -> Result<(), StoreError> {
        let mut runs = Vec::new();
        let mut added_at = Vec::new();
        for mut part in self.parts() {
            part.retain(|id, _| !is_kept(*id));
            if !part.is_empty() {
                runs.push(write(folder, &part)?);
            }
            added_at.push(runs.len());
        }
        self.runs.append(&mut runs);
        self.forget_writes(&added_at, is_kept);
        Ok(())
    }

    /// Brings what was spilled back into memory. What was spilled to a keyspace that was dropped since is forgotten.
    pub(crate) fn unspill(&mut self) -> Result<(), StoreError> {
        let newer = std::mem::take(&mut self.keyspaces);
        for run in std::mem::take(&mut self.runs) {
            let mut stream = RunStream::new(run, READ_BYTES)?;
            while let Some(keyspace) = stream.keyspace() {
                if !self.dropped.contains(&keyspace) {
                    let writes = Arc::make_mut(self.keyspaces.entry(keyspace).or_default());
                    let value = stream.value().map(Bytes::copy_from_slice);
                    writes.insert(Bytes::copy_from_slice(stream.key()), value);
                }
                stream.advance()?;
            }
        }
        for (keyspace, writes) in newer {
            let all = Arc::make_mut(self.keyspaces.entry(keyspace).or_default());
            all.extend(Arc::unwrap_or_clone(writes));
        }
        self.bytes = self
            .keyspaces
            .values()
            .map(|writes| writes_bytes(writes))
            .sum();
        Ok(())
    }

    /// All that was written, the rest of it spilled now; of the set are left its guards and what it dropped.
    pub(crate) fn take_layers(&mut self, folder: &SpillFolder) -> Result<Layers, StoreError> {
        self.savepoints.clear();
        self.undo.clear();
        self.undo_bytes = 0;
        if !self.keyspaces.is_empty() {
            self.spill(folder, &|_| false)?;
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
    fn forget_writes(&mut self, added_at: &[usize], is_kept: &dyn Fn(KeyspaceId) -> bool) {
        self.keyspaces.retain(|id, _| is_kept(*id));
        self.bytes = self
            .keyspaces
            .values()
            .map(|writes| writes_bytes(writes))
            .sum();
        let without = |step: Undo| step.without_writes(is_kept);
        let mut undo = Vec::new();
        let mut end = 0;
        for ((_, undo_len, runs_len), added) in self.savepoints.iter_mut().zip(added_at) {
            undo.extend(self.undo.drain(..*undo_len - end).filter_map(without));
            end = *undo_len;
            *undo_len = undo.len();
            *runs_len += added;
        }
        undo.extend(self.undo.drain(..).filter_map(without));
        self.undo_bytes = undo.iter().map(Undo::bytes).sum();
        self.undo = undo;
        self.kept_bytes = self.bytes + self.undo_bytes;
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
    /// What is left of a step when the writes are in runs, but for those of keyspaces that are kept.
    fn without_writes(self, is_kept: &dyn Fn(KeyspaceId) -> bool) -> Option<Undo> {
        match self {
            Undo::Write { keyspace, .. } if !is_kept(keyspace) => None,
            Undo::Drop { keyspace, .. } if !is_kept(keyspace) => Some(Undo::Drop {
                keyspace,
                writes: None,
            }),
            other => Some(other),
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
