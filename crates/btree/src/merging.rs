//! Merging: a merge of all keyspaces under way, and the job that runs it in slices.
//!
//! ```text
//!  begin ---> dropped keyspaces, one after the other ---> changed keyspaces, one after the other ---> folded ---> commit
//!             (Release)                                    (Walk)                                     directory, syncs
//! ```
//!
//! # Invariants
//! - J1. Between slices, all that a merge knows is in here; the pager's writer among it, so no other merge can begin.
//! - J2. A merge that failed is never gone on with: whoever runs it drops it.

use std::fmt;
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Budget, Changes, EngineError, MergeJob, Progress};
use drystone_storage_pager::{Codec, Writer};

use crate::btree::BTree;
use crate::directory::Fate;
use crate::merge::Walk;
use crate::merge::feed::{Feed, Hand, Written};
use crate::merge::tower::Tower;
use crate::release::Release;
use crate::snapshot::BTreeSnapshot;
use crate::tree::Tree;

/// A merge under way.
#[derive(Debug)]
pub(crate) struct Merging {
    old: Arc<BTreeSnapshot>,
    upto: Lsn,
    /// Of keyspaces that begin.
    codec: Codec,
    hand: Hand,
    tower: Tower,
    phase: Phase,
    fates: Vec<(KeyspaceId, Fate)>,
}

#[derive(Debug)]
enum Phase {
    /// The dropped keyspace at this position is next.
    Drop(usize),
    /// The dropped keyspace at this position goes.
    Release(usize, Release),
    /// The keyspace of the change at hand is next.
    Change,
    /// Changes are folded into this one.
    Walk(Walk),
    /// Everything is folded in.
    Folded,
}

/// The writer of a merge to be, and values that it has written already.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) writer: Writer,
    pub(crate) written: Written,
}

/// What a merge has made, to be committed.
pub(crate) struct Folded {
    pub(crate) old: Arc<BTreeSnapshot>,
    pub(crate) upto: Lsn,
    pub(crate) tower: Tower,
    /// Ascending by keyspace.
    pub(crate) fates: Vec<(KeyspaceId, Fate)>,
}

impl From<Writer> for Prepared {
    fn from(writer: Writer) -> Prepared {
        Prepared {
            writer,
            written: Written::new(),
        }
    }
}

impl Merging {
    /// Takes the first change. Keyspaces that begin are compressed with `codec`.
    pub(crate) fn new(
        old: Arc<BTreeSnapshot>,
        Prepared { writer, written }: Prepared,
        codec: Codec,
        changes: &mut dyn Changes,
        upto: Lsn,
    ) -> Result<Merging, EngineError> {
        let tower = Tower::new(old.state().shared_pages(), writer);
        Ok(Merging {
            hand: Hand::new(changes, written)?,
            old,
            upto,
            codec,
            tower,
            phase: Phase::Drop(0),
            fates: Vec::new(),
        })
    }

    /// The state that it makes.
    pub(crate) fn upto(&self) -> Lsn {
        self.upto
    }

    /// Whether nothing is left to do but to commit.
    pub(crate) fn is_folded(&self) -> bool {
        matches!(self.phase, Phase::Folded)
    }

    /// Folds until about `budget` is spent, or everything is folded in.
    pub(crate) fn fold(
        &mut self,
        changes: &mut dyn Changes,
        budget: Budget,
    ) -> Result<(), EngineError> {
        if is_planted("btree-slice-skips-change") && matches!(self.phase, Phase::Walk(_)) {
            Feed::new(changes, &mut self.hand).advance()?;
        }
        let end = self.spent_bytes().saturating_add(budget.bytes.max(1));
        while !self.is_folded() && self.spent_bytes() < end {
            let phase = std::mem::replace(&mut self.phase, Phase::Folded);
            self.phase = self.next_phase(phase, changes)?;
        }
        if budget.bytes < u64::MAX {
            self.tower.sync_ahead()?;
        }
        Ok(())
    }

    fn spent_bytes(&self) -> u64 {
        self.tower.spent_bytes() + self.hand.taken_bytes()
    }

    fn next_phase(
        &mut self,
        phase: Phase,
        changes: &mut dyn Changes,
    ) -> Result<Phase, EngineError> {
        Ok(match phase {
            Phase::Drop(idx) => self.next_dropped(idx),
            Phase::Release(idx, mut release) => match release.step(&mut self.tower)? {
                true => Phase::Drop(idx + 1),
                false => Phase::Release(idx, release),
            },
            Phase::Change => self.next_changed(),
            Phase::Walk(mut walk) => {
                let mut feed = Feed::new(changes, &mut self.hand);
                match walk.step(&mut self.tower, &mut feed)? {
                    Some(tree) => self.changed(&walk, tree),
                    None => Phase::Walk(walk),
                }
            }
            Phase::Folded => Phase::Folded,
        })
    }

    fn next_dropped(&mut self, idx: usize) -> Phase {
        let Some(&id) = self.hand.dropped().get(idx) else {
            return Phase::Change;
        };
        match self.old.state().keyspace(id) {
            Some(keyspace) if !is_planted("btree-drop-ignored") => {
                self.fates.push((id, Fate::Dropped));
                Phase::Release(idx, Release::new(keyspace.root()))
            }
            _ => Phase::Drop(idx + 1),
        }
    }

    fn next_changed(&self) -> Phase {
        let Some(id) = self.hand.keyspace() else {
            return Phase::Folded;
        };
        let known = self.old.state().keyspace(id);
        let new = Tree {
            codec: self.codec,
            root: None,
        };
        Phase::Walk(Walk::new(id, known.map_or(new, |keyspace| keyspace.tree())))
    }

    fn changed(&mut self, walk: &Walk, tree: Tree) -> Phase {
        // A keyspace begins with its first entry, not with the delete of a key that never was.
        if tree != walk.old() {
            self.fates.push((walk.keyspace(), Fate::Tree(tree)));
        }
        Phase::Change
    }

    /// What is to be committed, once everything is folded in.
    pub(crate) fn finish(mut self) -> Folded {
        debug_assert!(self.is_folded());
        self.fates.sort_unstable_by_key(|(id, _)| *id);
        Folded {
            old: self.old,
            upto: self.upto,
            tower: self.tower,
            fates: self.fates,
        }
    }
}

/// A merge in slices: as many as its budget makes of the folding, and one for the commit.
pub(crate) struct BTreeMerge {
    tree: Arc<BTree>,
    changes: Box<dyn Changes + Send>,
    /// `None`: it is over.
    merging: Option<Merging>,
}

impl BTreeMerge {
    pub(crate) fn new(
        tree: Arc<BTree>,
        mut changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> Result<BTreeMerge, EngineError> {
        let merging = tree.begin_merging(&mut *changes, Some(upto), None)?;
        Ok(BTreeMerge {
            tree,
            changes,
            merging: Some(merging),
        })
    }
}

impl MergeJob for BTreeMerge {
    fn step(&mut self, budget: Budget) -> Result<Progress, EngineError> {
        let mut merging = self.merging.take().ok_or(EngineError::MergeOver)?;
        if merging.is_folded() {
            self.tree.commit_merge(merging)?;
            return Ok(Progress::Idle);
        }
        let folded = merging.fold(&mut *self.changes, budget);
        if folded.is_ok() || is_planted("btree-failed-merge-continued") {
            self.merging = Some(merging);
        }
        folded.map(|()| Progress::More)
    }
}

impl fmt::Debug for BTreeMerge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BTreeMerge")
            .field("merging", &self.merging)
            .finish_non_exhaustive()
    }
}
