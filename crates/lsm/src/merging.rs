//! Merging: a merge under way, which writes its changes as a run, and the job that does so in slices.
//!
//! A merge reads nothing: it writes what changes, above what there is. Only where a key lies outside of all SSTs is there
//! nothing below that a tombstone would have to hide, and none is written.
//!
//! # Invariants
//! - J1. Between slices, all that a merge knows is in here, and nobody else knows of its files.
//! - J2. A merge that failed is never gone on with: whoever runs it drops it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use drystone_base::{KeyspaceId, Lsn};
use drystone_compress::Codec;
use drystone_engine::{Budget, Change, Changes, EngineError, MergeJob, Op, Progress, read_whole};

use crate::key;
use crate::limits::LIMITS;
use crate::lsm::Lsm;
use crate::options::LsmOptions;
use crate::sst::run_writer::RunWriter;
use crate::version::Version;

/// A merge under way.
#[derive(Debug)]
pub(crate) struct Merging {
    base: Arc<Version>,
    pub(crate) upto: Lsn,
    output: RunWriter,
    /// As the merge names them, sorted.
    dropped: Vec<KeyspaceId>,
    begun: BTreeSet<KeyspaceId>,
    /// The full key of the last change.
    last: Option<Vec<u8>>,
    key: Vec<u8>,
    codec: Codec,
    taken_bytes: u64,
    is_folded: bool,
}

/// What a merge has made, to be committed.
pub(crate) struct Folded {
    pub(crate) output: RunWriter,
    /// Ascending, each of them there before.
    pub(crate) dropped: Vec<KeyspaceId>,
    pub(crate) begun: Vec<KeyspaceId>,
}

impl Merging {
    pub(crate) fn new(
        base: Arc<Version>,
        output: RunWriter,
        options: &LsmOptions,
        changes: &dyn Changes,
        upto: Lsn,
    ) -> Merging {
        let mut dropped = changes.dropped().to_vec();
        dropped.sort_unstable();
        dropped.dedup();
        // With nothing above it, what is written stays where it is put for long: at the bottom.
        let level = match base.ssts().next() {
            None => crate::level::BOTTOM,
            Some(_) => 0,
        };
        Merging {
            codec: options.codec_of_level(level),
            base,
            upto,
            output,
            dropped,
            begun: BTreeSet::new(),
            last: None,
            key: Vec::new(),
            taken_bytes: 0,
            is_folded: false,
        }
    }

    pub(crate) fn is_folded(&self) -> bool {
        self.is_folded
    }

    /// Takes changes until about `budget` is spent, or there are no more.
    pub(crate) fn fold(
        &mut self,
        changes: &mut dyn Changes,
        budget: Budget,
    ) -> Result<(), EngineError> {
        let end = self.taken_bytes.saturating_add(budget.bytes.max(1));
        while !self.is_folded && self.taken_bytes < end {
            match changes.next_change()? {
                Some(change) => self.take(&change)?,
                None => self.is_folded = true,
            }
        }
        Ok(())
    }

    fn take(&mut self, change: &Change<'_>) -> Result<(), EngineError> {
        match change.op {
            Op::Put(value) => self.take_value(change, Some(value)),
            Op::PutLong(value) => {
                LIMITS.check_long(value.byte_len())?;
                self.take_value(change, Some(&read_whole(&**value)?))
            }
            Op::Delete => self.take_value(change, None),
        }
    }

    fn take_value(&mut self, change: &Change<'_>, value: Option<&[u8]>) -> Result<(), EngineError> {
        LIMITS.check(change.key, value)?;
        key::write_full(change.keyspace, change.key, &mut self.key);
        self.check_order(change.keyspace)?;
        self.taken_bytes += (self.key.len() + value.map_or(0, <[u8]>::len) + 1) as u64;
        let is_known = self.base.has(change.keyspace);
        match value {
            // A keyspace begins with its first entry, not with the delete of a key that never was.
            None if !is_known || !self.base.may_hold(&self.key) => {}
            Some(_) if !is_known && self.base.dropped.contains(&change.keyspace) => {
                return Err(EngineError::Unsorted {
                    keyspace: change.keyspace,
                });
            }
            value => {
                if !is_known {
                    self.begun.insert(change.keyspace);
                }
                let own = self.base.keyspaces.get(&change.keyspace).copied().flatten();
                self.output
                    .add(&self.key, value, own.unwrap_or(self.codec))?;
            }
        }
        let last = self.last.get_or_insert_default();
        std::mem::swap(last, &mut self.key);
        Ok(())
    }

    fn check_order(&self, keyspace: KeyspaceId) -> Result<(), EngineError> {
        let ascends = self.last.as_ref().is_none_or(|last| *last < self.key);
        if ascends && self.dropped.binary_search(&keyspace).is_err() {
            return Ok(());
        }
        Err(EngineError::Unsorted { keyspace })
    }

    /// What is to be committed to `newest`, once everything is folded in. Since the merge began, keyspaces may have been
    /// given codecs, and so may have begun.
    pub(crate) fn finish(self, newest: &Version) -> Folded {
        debug_assert!(self.is_folded);
        let mut dropped = self.dropped;
        dropped.retain(|id| newest.has(*id));
        let is_new = |id: &KeyspaceId| !newest.has(*id);
        Folded {
            dropped,
            begun: self.begun.into_iter().filter(is_new).collect(),
            output: self.output,
        }
    }

    /// Whether nothing was merged or decided since the merge began. It has left out tombstones that hide nothing in its
    /// base: on another one they would be missed.
    pub(crate) fn builds_on(&self, newest: &Version) -> bool {
        let place = |version: &Version| (version.lsn, version.made, version.adopted);
        place(&self.base) == place(newest)
    }
}

/// A merge in slices: as many as its budget makes of the changes, some for compaction where that is behind, and one for the
/// commit.
pub(crate) struct LsmMerge {
    lsm: Arc<Lsm>,
    changes: Box<dyn Changes + Send>,
    /// `None`: it is over.
    merging: Option<Merging>,
}

impl LsmMerge {
    pub(crate) fn new(
        lsm: Arc<Lsm>,
        changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> Result<LsmMerge, EngineError> {
        let merging = lsm.begin_merging(&*changes, Some(upto))?;
        Ok(LsmMerge {
            lsm,
            changes,
            merging: Some(merging),
        })
    }
}

impl MergeJob for LsmMerge {
    fn step(&mut self, budget: Budget) -> Result<Progress, EngineError> {
        let mut merging = self.merging.take().ok_or(EngineError::MergeOver)?;
        let must_wait = self.lsm.keep_up(budget)?;
        if merging.is_folded() && !must_wait {
            self.lsm.commit_merge(merging)?;
            return Ok(Progress::Idle);
        }
        merging.fold(&mut *self.changes, budget)?;
        self.merging = Some(merging);
        Ok(Progress::More)
    }
}

impl fmt::Debug for LsmMerge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LsmMerge")
            .field("merging", &self.merging)
            .finish_non_exhaustive()
    }
}
