//! What a write set does when it outgrows memory: its writes become runs, and come back from them.
//!
//! # Invariants
//! - W1. What was written between two savepoints is in runs between theirs, so that going back to one drops the newer runs.
//!   Writes to a keyspace that is kept in memory for a while come to their runs later than others; the runs lie where they
//!   would have been all the same.
//! - W2. Among the runs of one key, the last has its newest write.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;

use crate::error::StoreError;
use crate::spill::{
    KnownKeys, Layer, Layers, Lookups, Run, RunBound, RunStream, RunWriter, SpillFolder, find,
};

use super::{Mark, Undo, WriteSet, Writes, writes_bytes};

/// Bytes that are read of a run at once.
const READ_BYTES: usize = 1 << 20;

/// Where a write is.
type At<'a> = (KeyspaceId, &'a Bytes);

/// A write, where it lies; a tombstone has no value.
type Written<'a> = (At<'a>, Option<&'a Bytes>);

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
        let runs = self.write_runs(folder, is_kept)?;
        self.add_runs(runs);
        self.forget_writes(is_kept);
        Ok(())
    }

    /// Joins runs until there are no more than `bound` says, and one for each savepoint besides. On an error those that
    /// were joined by then are, and nothing else changed.
    pub(crate) fn bound_runs(
        &mut self,
        folder: &SpillFolder,
        bound: RunBound,
    ) -> Result<(), StoreError> {
        while self.runs.len() > bound.runs_max() + self.savepoints.len() {
            let is_end = |at: usize| self.savepoints.iter().any(|mark| mark.runs_len == at);
            let Some(cheapest) = bound.cheapest(&self.runs, &is_end) else {
                return Ok(());
            };
            let joined = bound.join(folder, &self.runs[cheapest.clone()], KnownKeys::Replaced)?;
            self.replace_runs(cheapest, joined);
        }
        Ok(())
    }

    fn replace_runs(&mut self, joined: Range<usize>, by: Arc<Run>) {
        let fewer = joined.len() - 1;
        for mark in &mut self.savepoints {
            if mark.runs_len >= joined.end {
                mark.runs_len -= fewer;
            }
        }
        self.runs.splice(joined, [by]);
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
        self.count_bytes();
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
            ..Layers::default()
        })
    }

    /// Writes a run, in one file with the others, of what was written before the first savepoint and of what was after
    /// each, where that is anything. Copies nothing: the newest is written first, and the set rewound from one to the
    /// one before.
    fn write_runs(
        &self,
        folder: &SpillFolder,
        is_kept: &dyn Fn(KeyspaceId) -> bool,
    ) -> Result<Vec<Option<Arc<Run>>>, StoreError> {
        let mut rewound = Rewound {
            now: &self.keyspaces,
            before: BTreeMap::new(),
            is_kept,
        };
        let mut runs = Vec::new();
        let mut behind = None;
        let mut end = self.undo.len();
        for mark in self.savepoints.iter().rev() {
            let steps = &self.undo[mark.undo_len..end];
            let written = rewound.written_in(steps);
            let count = written.len();
            runs.push(write(folder, &mut behind, count, written.into_iter())?);
            rewound.take_back(steps);
            end = mark.undo_len;
        }
        let (count, all) = (rewound.count_max(), rewound.all());
        runs.push(write(folder, &mut behind, count, all)?);
        runs.reverse();
        Ok(runs)
    }

    /// Puts runs among those that are there (W1): the first behind what was written before the first savepoint, the next
    /// behind what was before the second, and the last behind all.
    fn add_runs(&mut self, runs: Vec<Option<Arc<Run>>>) {
        let each = match is_planted("mvcc-spilled-epochs-joined") {
            true => runs.len(),
            false => 1,
        };
        let mut older = std::mem::take(&mut self.runs).into_iter();
        let mut newer = runs.into_iter();
        let mut passed = 0;
        for mark in &mut self.savepoints {
            self.runs
                .extend(older.by_ref().take(mark.runs_len - passed));
            self.runs.extend(newer.by_ref().take(each).flatten());
            passed = mark.runs_len;
            mark.runs_len = self.runs.len();
        }
        self.runs.extend(older);
        self.runs.extend(newer.flatten());
    }

    /// Forgets the writes that are in runs now. Steps of the undo list that are no writes stay.
    fn forget_writes(&mut self, is_kept: &dyn Fn(KeyspaceId) -> bool) {
        self.keyspaces.retain(|id, _| is_kept(*id));
        self.count_bytes();
        let without = |step: Undo| step.without_writes(is_kept);
        let mut undo = Vec::new();
        let mut end = 0;
        for Mark { undo_len, .. } in &mut self.savepoints {
            undo.extend(self.undo.drain(..*undo_len - end).filter_map(without));
            end = *undo_len;
            *undo_len = undo.len();
        }
        undo.extend(self.undo.drain(..).filter_map(without));
        self.undo_bytes = undo.iter().map(Undo::bytes).sum();
        self.undo = undo;
        self.kept_bytes = self.bytes + self.undo_bytes;
    }

    fn count_bytes(&mut self) {
        let maps = self.keyspaces.values();
        self.bytes = maps.map(|writes| writes_bytes(writes)).sum();
    }
}

/// What is to be spilled of a write set, as it was some steps ago.
struct Rewound<'a> {
    now: &'a BTreeMap<KeyspaceId, Arc<Writes>>,
    /// What was other than it is now: `None` where nothing was written.
    before: BTreeMap<At<'a>, Option<&'a Option<Bytes>>>,
    is_kept: &'a dyn Fn(KeyspaceId) -> bool,
}

impl<'a> Rewound<'a> {
    fn get(&self, at: At<'a>) -> Option<&'a Option<Bytes>> {
        match self.before.get(&at) {
            Some(before) => *before,
            None => self.now.get(&at.0)?.get(at.1),
        }
    }

    /// What the keys that these steps wrote are after them.
    fn written_in(&self, steps: &'a [Undo]) -> BTreeMap<At<'a>, Option<&'a Bytes>> {
        let mut written = BTreeMap::new();
        for step in steps {
            if let Undo::Write { keyspace, key, .. } = step
                && !(self.is_kept)(*keyspace)
                && let Some(write) = self.get((*keyspace, key))
            {
                written.insert((*keyspace, key), write.as_ref());
            }
        }
        written
    }

    fn take_back(&mut self, steps: &'a [Undo]) {
        for step in steps.iter().rev() {
            match step {
                Undo::Write {
                    keyspace,
                    key,
                    before,
                } => {
                    self.before.insert((*keyspace, key), before.as_ref());
                }
                Undo::Drop { keyspace, writes } => {
                    for (key, write) in writes.iter().flat_map(|writes| writes.iter()) {
                        self.before.insert((*keyspace, key), Some(write));
                    }
                }
                Undo::GuardKey(..) | Undo::GuardKeyspace(_) => {}
            }
        }
    }

    /// At least as many as [`Rewound::all`] gives.
    fn count_max(&self) -> usize {
        let now = self.now.values().map(|writes| writes.len());
        now.sum::<usize>() + self.before.len()
    }

    /// All that was written, in order.
    fn all(&self) -> impl Iterator<Item = Written<'a>> {
        let spills = |id: &KeyspaceId| !(self.is_kept)(*id);
        let now = self.now.iter().filter(move |(id, _)| spills(id));
        let now =
            now.flat_map(|(id, writes)| writes.iter().map(|(key, write)| ((*id, key), write)));
        let mut same = now
            .filter(|(at, _)| !self.before.contains_key(at))
            .peekable();
        let before = self.before.iter();
        let mut other = before
            .filter(move |(at, _)| spills(&at.0))
            .filter_map(|(at, write)| Some((*at, (*write)?)))
            .peekable();
        std::iter::from_fn(move || {
            let is_other_next = match (same.peek(), other.peek()) {
                (Some(same), Some(other)) => other.0 < same.0,
                (None, _) => true,
                (_, None) => false,
            };
            let next = match is_other_next {
                true => other.next(),
                false => same.next(),
            };
            next.map(|(at, write)| (at, write.as_ref()))
        })
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

/// Writes sorted entries as a run, in the file of the one that was written before, if there is one. About `count` come.
fn write<'a>(
    folder: &SpillFolder,
    behind: &mut Option<Arc<Run>>,
    count: usize,
    entries: impl Iterator<Item = Written<'a>>,
) -> Result<Option<Arc<Run>>, StoreError> {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return Ok(None);
    }
    let lookups = Lookups::Many {
        entries: count as u64,
    };
    let mut run = match behind {
        Some(last) => RunWriter::behind(last, lookups),
        None => RunWriter::create(folder, lookups)?,
    };
    for ((keyspace, key), value) in entries {
        run.push_entry(keyspace, key, value.map(Bytes::as_ref))?;
    }
    let run = run.finish()?;
    *behind = Some(Arc::clone(&run));
    Ok(Some(run))
}

#[cfg(test)]
mod tests;
