//! Merges: how sealed memtables become part of the base, and the other background work.
//!
//! A merge takes the oldest sealed memtable. It first makes the log durable up to that memtable's newest commit: so the
//! base never holds what a crash could undo, and all of it is visible. A merge that fails leaves everything as it was,
//! and is tried again.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Budget, Change, Changes, EngineError, Op, Progress};

use crate::derived_index::{DerivedIndex, KeyChanges};
use crate::error::StoreError;
use crate::layers::Layers;
use crate::memory_merge::{Direction, MemoryMerge, MemorySources};
use crate::memtable::{Memtable, Table};
use crate::shared::{Shared, log_error};
use crate::tail::Tail;
use crate::write_set::Writes;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::Ordering;

/// Guarded by the merge latch.
#[derive(Default)]
pub(crate) struct Merges {
    pub(crate) indexes: Vec<Arc<dyn DerivedIndex>>,
}

impl Shared {
    /// Folds the oldest sealed memtable into the base; `false` when there is none.
    pub(crate) fn merge_oldest(&self, merges: &Merges) -> Result<bool, StoreError> {
        let layers = self.layers.load_full();
        let Some(oldest) = layers.sealed().last() else {
            return Ok(false);
        };
        let upto = if is_planted("mvcc-merge-lsn-too-new") {
            self.publication.visible()
        } else {
            oldest.newest()
        };
        let log = self.log()?;
        self.sync_to(&log, upto)?;
        assert!(
            upto <= self.publication.visible(),
            "S3: only what is visible is merged"
        );
        if is_planted("mvcc-log-trimmed-before-merge") {
            log.trim(upto)?;
        }
        let started = self.clock.monotonic();
        self.merge(oldest, &layers, merges, upto)?;
        let took = self.clock.monotonic().saturating_sub(started);
        self.counters.merges.add(1);
        self.counters
            .merge_nanos
            .add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        let merged = if is_planted("mvcc-log-trimmed-too-far") {
            self.publication.visible()
        } else {
            upto
        };
        log.trim(merged)?;
        Ok(true)
    }

    /// Folds one memtable and what the indexes make of it, and shows the new base.
    fn merge(
        &self,
        memtable: &Memtable,
        layers: &Layers,
        merges: &Merges,
        upto: Lsn,
    ) -> Result<(), StoreError> {
        let folds = Folds::make(memtable, layers, &merges.indexes, upto)?;
        let mut changes = MemtableChanges::new(memtable, &folds, upto);
        let merged = self.engine.merge(&mut changes, upto);
        if merged.is_ok() {
            self.show_base();
        }
        folds.settle(merged.is_ok(), upto);
        Ok(merged?)
    }

    /// Publishes layers with the newest base, and without the memtables it holds.
    fn show_base(&self) {
        let _head = self.head.lock();
        let base = self.engine.snapshot();
        let layers = self.layers.load();
        let left = layers.memtables.iter().enumerate();
        let is_merged = |memtable: &Memtable| {
            memtable.newest() <= base.lsn() || is_planted("mvcc-unmerged-memtable-dropped")
        };
        let left = left.filter(|(idx, memtable)| *idx == 0 || !is_merged(memtable));
        self.layers.store(Arc::new(Layers {
            memtables: left.map(|(_, memtable)| Arc::clone(memtable)).collect(),
            base,
            link: layers.link.clone(),
        }));
    }

    /// One slice of background work. Does each part whether or not the one before failed: space that the base reclaims
    /// may be what a merge lacks.
    pub(crate) fn step(&self) -> Result<Progress, StoreError> {
        let log = self.step_log();
        let merge = self.step_merge();
        let is_more = log? == Progress::More || merge? == Progress::More;
        Ok(if is_more {
            Progress::More
        } else {
            Progress::Idle
        })
    }

    /// Makes `Async` commits durable and lets the log do its part.
    pub(crate) fn step_log(&self) -> Result<Progress, StoreError> {
        self.sync_async()?;
        let log = self.log()?;
        let stepped = log.step().map_err(|error| log_error(&log, error));
        Ok(match stepped? {
            drystone_wal::Progress::More => Progress::More,
            drystone_wal::Progress::Idle => Progress::Idle,
        })
    }

    /// Merges one sealed memtable and lets the base do its part.
    pub(crate) fn step_merge(&self) -> Result<Progress, StoreError> {
        let merges = self.merges.lock();
        let merged = self.merge_oldest(&merges);
        let budget = Budget {
            bytes: self.options.step_bytes,
        };
        let stepped = self.engine.step(budget);
        let is_more = merged? || stepped? == Progress::More;
        Ok(if is_more {
            Progress::More
        } else {
            Progress::Idle
        })
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

    /// Seals the active memtable and merges all that were sealed by then.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let merges = self.merges.lock();
        let upto = self.seal_active();
        while self.has_sealed(upto) {
            self.merge_oldest(&merges)?;
        }
        Ok(())
    }

    /// Whether a sealed memtable with commits up to `upto` waits.
    fn has_sealed(&self, upto: Lsn) -> bool {
        let layers = self.layers.load();
        let oldest = layers.sealed().last();
        oldest.is_some_and(|oldest| oldest.newest() <= upto)
    }

    /// Seals the active memtable unless it is empty; returns the newest commit that is sealed.
    fn seal_active(&self) -> Lsn {
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

/// What the derived indexes make of a memtable.
#[derive(Default)]
struct Folds<'a> {
    folded: Vec<(&'a dyn DerivedIndex, Arc<Writes>)>,
}

impl<'a> Folds<'a> {
    fn make(
        memtable: &Memtable,
        layers: &Layers,
        indexes: &'a [Arc<dyn DerivedIndex>],
        upto: Lsn,
    ) -> Result<Folds<'a>, StoreError> {
        let mut folds = Folds::default();
        for index in indexes {
            let index = index.as_ref();
            let Some(changes) = source_changes(memtable, index, upto) else {
                continue;
            };
            match index.fold(&layers.base, &changes, upto) {
                Ok(folded) => {
                    let folded = Arc::new(folded.into_iter().collect());
                    folds.folded.push((index, folded));
                }
                Err(source) => {
                    index.settled(false, upto);
                    folds.settle(false, upto);
                    let target = index.target();
                    return Err(StoreError::Index { target, source });
                }
            }
        }
        Ok(folds)
    }

    fn settle(&self, merged: bool, upto: Lsn) {
        for (index, _) in &self.folded {
            index.settled(merged, upto);
        }
    }

    fn of(&self, target: KeyspaceId) -> Option<&Arc<Writes>> {
        let mut folded = self.folded.iter();
        let found = folded.find(|(index, _)| index.target() == target)?;
        Some(&found.1)
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
        writes: None,
        tables: vec![Arc::clone(table)],
        lsn: upto,
    };
    Some(Tail::new(&sources).collect())
}

/// A memtable and what was folded from it, as the stream that an engine merges.
struct MemtableChanges {
    dropped: Vec<KeyspaceId>,
    /// Keyspaces that are not through, ascending.
    runs: VecDeque<(KeyspaceId, MemoryMerge)>,
    /// Whether the first run stands on a change that was given.
    is_given: bool,
    /// The value of the change that was given.
    value: Option<Bytes>,
}

impl MemtableChanges {
    fn new(memtable: &Memtable, folds: &Folds<'_>, upto: Lsn) -> MemtableChanges {
        let tables = memtable.tables();
        let (dropped, live): (Vec<_>, Vec<_>) =
            tables.iter().partition(|table| table.is_dropped(upto));
        let targets = folds.folded.iter().map(|(index, _)| index.target());
        let keyspaces = live.iter().map(|table| table.keyspace()).chain(targets);
        let keyspaces: BTreeSet<_> = keyspaces.collect();
        let runs = keyspaces.into_iter();
        MemtableChanges {
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
fn run(memtable: &Memtable, folds: &Folds<'_>, keyspace: KeyspaceId, upto: Lsn) -> MemoryMerge {
    let table = memtable.table(keyspace);
    let sources = MemorySources {
        writes: folds.of(keyspace).map(Arc::clone),
        tables: table.into_iter().map(Arc::clone).collect(),
        lsn: upto,
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
