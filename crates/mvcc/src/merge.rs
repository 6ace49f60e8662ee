//! Merges: how sealed memtables become part of the base, and the other background work.
//!
//! A merge takes the oldest sealed memtable. It first makes the log durable up to that memtable's newest commit: so the
//! base never holds what a crash could undo, and all of it is visible. A merge that fails leaves everything as it was,
//! and is tried again.
//!
//! It is done in slices ([`MergeJob`]), and whoever does one holds the merge latch for as long as that takes: background
//! steps, flushes, and commits when memory runs short. Between slices the memtable is where it was, so readers notice
//! nothing.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Budget, Change, Changes, EngineError, MergeJob, Op, Progress, Staging};
use drystone_wal::Log;

use crate::derived_index::{DerivedIndex, KeyChanges};
use crate::error::StoreError;
use crate::known_keyspaces::KnownKeyspaces;
use crate::layers::Layers;
use crate::memory_merge::{Direction, MemoryMerge, MemorySources};
use crate::memtable::{Memtable, Table};
use crate::shared::{Shared, log_error};
use crate::staged_commit::Fate;
use crate::tail::Tail;
use crate::write_set::Writes;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::Ordering;

/// Guarded by the merge latch.
#[derive(Default)]
pub(crate) struct Merges {
    indexes: Vec<Arc<dyn DerivedIndex>>,
    underway: Option<Underway>,
    /// A stage that the engine has, and what becomes of it.
    pub(crate) stage: Option<Fate>,
}

/// A merge between two slices.
struct Underway {
    job: Box<dyn MergeJob>,
    folds: Folds,
    upto: Lsn,
}

impl Merges {
    /// Changes which indexes follow. A merge under way began with the others: it is forgotten, and begins anew.
    pub(crate) fn indexes_mut(&mut self) -> &mut Vec<Arc<dyn DerivedIndex>> {
        self.abandon();
        &mut self.indexes
    }

    /// Whether a merge is between two slices.
    pub(crate) fn is_underway(&self) -> bool {
        self.underway.is_some()
    }

    /// Forgets the merge under way.
    pub(crate) fn abandon(&mut self) {
        self.underway = None;
    }
}

impl Shared {
    /// One slice of merging the oldest sealed memtable into the base; `false` when there is none. A merge that fails is
    /// forgotten, and begins anew with the next slice.
    pub(crate) fn merge_slice(&self, merges: &mut Merges) -> Result<bool, StoreError> {
        let started = self.clock.monotonic();
        let sliced = self.try_merge_slice(merges);
        self.merges_fail.store(sliced.is_err(), Ordering::Relaxed);
        let took = self.clock.monotonic().saturating_sub(started);
        self.counters
            .merge_nanos
            .add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        sliced
    }

    fn try_merge_slice(&self, merges: &mut Merges) -> Result<bool, StoreError> {
        let log = self.log()?;
        let underway = match merges.underway.take() {
            Some(underway) => Some(underway),
            None => self.begin_merge(&log, merges)?,
        };
        let Some(mut underway) = underway else {
            return Ok(false);
        };
        match underway.job.step(self.slice_budget()) {
            Ok(Progress::Idle) => self.end_merge(&log, underway)?,
            Ok(Progress::More) => merges.underway = Some(underway),
            Err(error) => {
                if is_planted("btree-failed-merge-continued") {
                    merges.underway = Some(underway);
                }
                return Err(error.into());
            }
        }
        Ok(true)
    }

    fn slice_budget(&self) -> Budget {
        Budget {
            bytes: self.options.step_bytes,
        }
    }

    /// Makes the oldest sealed memtable durable and begins to merge it; `None` when there is none.
    fn begin_merge(&self, log: &Log, merges: &mut Merges) -> Result<Option<Underway>, StoreError> {
        if self.layers.load().sealed().is_empty() {
            return Ok(None);
        }
        self.settle_stage(merges)?;
        let layers = self.layers.load_full();
        let Some(oldest) = layers.sealed().last() else {
            return Ok(None);
        };
        let upto = if is_planted("mvcc-merge-lsn-too-new") {
            self.publication.visible()
        } else {
            oldest.newest()
        };
        self.sync_to(log, upto)?;
        assert!(
            upto <= self.publication.visible(),
            "S3: only what is visible is merged"
        );
        if is_planted("mvcc-log-trimmed-before-merge") {
            log.trim(upto)?;
        }
        let folds = Folds::make(oldest, &layers, &merges.indexes, upto)?;
        let changes = Box::new(MemtableChanges::new(oldest, &folds, upto));
        let job = Arc::clone(&self.engine).begin_merge(changes, upto)?;
        if is_planted("mvcc-memtable-dropped-before-merged") {
            self.show_base(upto);
        }
        Ok(Some(Underway { job, folds, upto }))
    }

    /// Shows the new base, and lets the log forget what is in it.
    fn end_merge(&self, log: &Log, underway: Underway) -> Result<(), StoreError> {
        self.show_base(self.engine.merged_lsn());
        underway.folds.settle(Outcome::Merged);
        self.counters.merges.add(1);
        let merged = if is_planted("mvcc-log-trimmed-too-far") {
            self.publication.visible()
        } else {
            underway.upto
        };
        log.trim(merged).map_err(|error| log_error(log, error))?;
        Ok(())
    }

    /// Publishes layers with the newest base, and without the memtables up to `merged`, which it holds.
    pub(crate) fn show_base(&self, merged: Lsn) {
        let _head = self.head.lock();
        let layers = self.layers.load_full();
        // While a stage is undecided there, the engine's newest state may lack what the log says that it has.
        let staged = self.engine.staging().and_then(Staging::staged);
        let base = match staged {
            None => self.engine.snapshot(),
            Some(_) => Arc::clone(&layers.base),
        };
        let left = layers.memtables.iter().enumerate();
        let is_merged = |memtable: &Memtable| {
            memtable.newest() <= merged || is_planted("mvcc-unmerged-memtable-dropped")
        };
        let left = left.filter(|(idx, memtable)| *idx == 0 || !is_merged(memtable));
        self.layers.store(Arc::new(Layers {
            memtables: left.map(|(_, memtable)| Arc::clone(memtable)).collect(),
            floor: layers.floor.max(base.lsn()),
            base,
            link: layers.link.clone(),
            known: KnownKeyspaces::default(),
        }));
    }

    /// One slice of background work. Does each part whether or not the one before failed: space that the base reclaims
    /// may be what a merge lacks.
    pub(crate) fn step(&self) -> Result<Progress, StoreError> {
        let log = self.step_log();
        let merge = self.step_merge();
        match [log?, merge?].contains(&Progress::More) {
            true => Ok(Progress::More),
            false => self.step_reclaim(),
        }
    }

    /// Makes `Async` commits durable and lets the log do its part.
    pub(crate) fn step_log(&self) -> Result<Progress, StoreError> {
        self.sync_async()?;
        let log = self.log()?;
        let stepped = log.step_files().map_err(|error| log_error(&log, error));
        Ok(match stepped? {
            drystone_wal::Progress::More => Progress::More,
            drystone_wal::Progress::Idle => Progress::Idle,
        })
    }

    /// Does with a stage what is left to do, and a slice of a merge, or lets the base do its part where none is under way.
    pub(crate) fn step_merge(&self) -> Result<Progress, StoreError> {
        let mut merges = self.merges.lock();
        self.check_open()?;
        let settled = self.settle_stage(&mut merges);
        let merged = settled.and_then(|()| self.merge_slice(&mut merges));
        if merges.underway.is_some() {
            return Ok(Progress::More);
        }
        let stepped = self.engine.step(self.slice_budget());
        if matches!(stepped, Ok(Progress::More)) {
            self.show_base(self.engine.merged_lsn()); // or the layers would pin what it has freed
        }
        match (merged?, stepped?) {
            (false, Progress::Idle) => Ok(Progress::Idle),
            _ => Ok(Progress::More),
        }
    }

    /// Makes the newest `Async` commit durable.
    fn sync_async(&self) -> Result<(), StoreError> {
        let log = self.log()?;
        let newest = Lsn(self.newest_async.load(Ordering::Acquire));
        if newest > log.durable_lsn() {
            self.sync_to(&log, newest)?;
        }
        Ok(())
    }

    /// Seals the active memtable and merges all that were sealed by then. Others may do slices of that, too.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let upto = self.seal_active();
        while self.has_sealed(upto) {
            let mut merges = self.merges.lock();
            self.merge_slice(&mut merges)?;
        }
        Ok(())
    }

    /// Whether a sealed memtable with commits up to `upto` waits.
    pub(crate) fn has_sealed(&self, upto: Lsn) -> bool {
        let layers = self.layers.load();
        let oldest = layers.sealed().last();
        oldest.is_some_and(|oldest| oldest.newest() <= upto)
    }

    /// Seals the active memtable unless it is empty; returns the newest commit that is sealed.
    pub(crate) fn seal_active(&self) -> Lsn {
        let mut head = self.head.lock();
        if !head.active.is_empty() {
            self.seal(&mut head);
        }
        let layers = self.layers.load();
        layers
            .sealed()
            .first()
            .map_or(Lsn::ZERO, |newest| newest.newest())
    }
}

/// What the derived indexes make of a memtable. They hear how the merge ended, also when that is a drop of this.
#[derive(Default)]
struct Folds {
    folded: Vec<(Arc<dyn DerivedIndex>, Arc<Writes>)>,
    upto: Lsn,
}

/// How a merge ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Merged,
    Forgotten,
}

impl Folds {
    fn make(
        memtable: &Memtable,
        layers: &Layers,
        indexes: &[Arc<dyn DerivedIndex>],
        upto: Lsn,
    ) -> Result<Folds, StoreError> {
        let mut folds = Folds {
            folded: Vec::new(),
            upto,
        };
        for index in indexes {
            let Some(changes) = source_changes(memtable, index.as_ref(), upto) else {
                continue;
            };
            match index.fold(&layers.base, &changes, upto) {
                Ok(folded) => {
                    let folded = Arc::new(folded.into_iter().collect());
                    folds.folded.push((Arc::clone(index), folded));
                }
                Err(source) => {
                    index.settled(false, upto);
                    let target = index.target();
                    return Err(StoreError::Index { target, source });
                }
            }
        }
        Ok(folds)
    }

    fn settle(mut self, outcome: Outcome) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Outcome) {
        for (index, _) in self.folded.drain(..) {
            index.settled(outcome == Outcome::Merged, self.upto);
        }
    }

    fn of(&self, target: KeyspaceId) -> Option<&Arc<Writes>> {
        let mut folded = self.folded.iter();
        let found = folded.find(|(index, _)| index.target() == target)?;
        Some(&found.1)
    }
}

impl Drop for Folds {
    fn drop(&mut self) {
        self.tell(Outcome::Forgotten);
    }
}

/// What a memtable changed in an index's source; `None` if nothing that matters.
fn source_changes(memtable: &Memtable, index: &dyn DerivedIndex, upto: Lsn) -> Option<KeyChanges> {
    let is_dropped = |table: &Arc<Table>| table.is_dropped(upto);
    if memtable.table(index.target()).is_some_and(is_dropped) {
        return None;
    }
    let table = memtable.table(index.source())?;
    if is_dropped(table) {
        return None;
    }
    let sources = MemorySources {
        tables: vec![Arc::clone(table)],
        lsn: upto,
        ..MemorySources::default()
    };
    Some(Tail::new(&sources).collect())
}

/// A memtable and what was folded from it, as the stream that an engine merges.
struct MemtableChanges {
    memtable: Arc<Memtable>,
    dropped: Vec<KeyspaceId>,
    /// Keyspaces that are not through, ascending.
    runs: VecDeque<(KeyspaceId, MemoryMerge)>,
    /// Whether the first run stands on a change that was given.
    is_given: bool,
    /// The value of the change that was given.
    value: Option<Bytes>,
}

impl MemtableChanges {
    fn new(memtable: &Arc<Memtable>, folds: &Folds, upto: Lsn) -> MemtableChanges {
        memtable.begin_merge();
        let tables = memtable.tables();
        let (dropped, live): (Vec<_>, Vec<_>) =
            tables.iter().partition(|table| table.is_dropped(upto));
        let targets = folds.folded.iter().map(|(index, _)| index.target());
        let keyspaces = live.iter().map(|table| table.keyspace()).chain(targets);
        let keyspaces: BTreeSet<_> = keyspaces.collect();
        let runs = keyspaces.into_iter();
        MemtableChanges {
            memtable: Arc::clone(memtable),
            dropped: dropped.iter().map(|table| table.keyspace()).collect(),
            runs: runs
                .map(|keyspace| (keyspace, run(memtable, folds, keyspace, upto)))
                .collect(),
            is_given: false,
            value: None,
        }
    }

    /// Leaves the change that was given, and the keyspaces that are through.
    fn advance(&mut self) {
        if self.is_given
            && let Some((_, run)) = self.runs.front_mut()
        {
            run.advance();
        }
        while self
            .runs
            .front()
            .is_some_and(|(_, run)| run.key().is_none())
        {
            self.runs.pop_front();
        }
    }
}

/// What becomes of one keyspace: what was folded for it, over what was committed to it.
fn run(memtable: &Memtable, folds: &Folds, keyspace: KeyspaceId, upto: Lsn) -> MemoryMerge {
    let table = memtable.table(keyspace);
    let sources = MemorySources {
        writes: folds.of(keyspace).map(Arc::clone),
        tables: table.into_iter().map(Arc::clone).collect(),
        lsn: upto,
        ..MemorySources::default()
    };
    MemoryMerge::new(&sources, Direction::Forward, Bound::Unbounded)
}

impl Changes for MemtableChanges {
    fn dropped(&self) -> &[KeyspaceId] {
        &self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        self.advance();
        let Some((keyspace, run)) = self.runs.front() else {
            return Ok(None);
        };
        self.is_given = true;
        self.value = run.value();
        let value_len = self.value.as_ref().map_or(0, Bytes::len);
        let key_len = run.key().map_or(0, <[u8]>::len);
        self.memtable.merged((key_len + value_len) as u64);
        let op = self.value.as_deref().map_or(Op::Delete, Op::Put);
        Ok(run.key().map(|key| Change {
            keyspace: *keyspace,
            key,
            op,
        }))
    }
}

#[cfg(test)]
mod tests;
