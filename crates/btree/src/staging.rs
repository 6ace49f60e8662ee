//! Staging: a merge whose result waits, durable and unseen, to be adopted or discarded.
//!
//! The stage is a commit of the pager like any other: its superblock names the newest state's directory and the staged
//! one, and its file has the pages of both. Two lists say which pages only one of them has, so deciding frees the right
//! ones without reading a tree, also after a crash.

use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_engine::{Budget, Changes, EngineError, Snapshot, StageId, Staging};
use drystone_storage_pager::{Fork, PageRef, Root, Writer};

use crate::btree::BTree;
use crate::directory;
use crate::error::from_pager;
use crate::merging::Merging;
use crate::payload::{Staged, Stages};
use crate::snapshot::{BTreeSnapshot, State};

impl Staging for BTree {
    fn stage(&self, changes: &mut dyn Changes) -> Result<StageId, EngineError> {
        let merging = self.merging();
        let staged = self.stage_latched(changes);
        drop(merging);
        staged
    }

    fn staged(&self) -> Option<(StageId, Arc<dyn Snapshot>)> {
        let staged = self.staged_state()?;
        Some((staged.state().stages().made, staged))
    }

    fn adopted(&self) -> StageId {
        self.newest().state().stages().adopted
    }

    fn adopt(&self, stage: StageId) -> Result<(), EngineError> {
        self.decide(stage, Decision::Adopt)
    }

    fn discard(&self, stage: StageId) -> Result<(), EngineError> {
        self.decide(stage, Decision::Discard)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Adopt,
    Discard,
}

impl BTree {
    /// Stages, as the one who holds `merging`.
    fn stage_latched(&self, changes: &mut dyn Changes) -> Result<StageId, EngineError> {
        let writer = self.begin_writer()?;
        let newest = self.newest();
        let old = newest.state();
        old.check_decided()?;
        let lsn = old.root().lsn;
        let codec = self.codec();
        let mut merging = Merging::new(Arc::clone(&newest), writer.into(), codec, changes, lsn)?;
        merging.fold(changes, Budget { bytes: u64::MAX })?;
        let mut folded = merging.finish();
        let directory =
            directory::merge_directory(&mut folded.tower, old.directory(), &folded.fates)?;
        let has_pieces = old.has_pieces() || folded.tower.has_pieces();
        let mut writer = folded.tower.into_writer();
        let fork = writer.fork().map_err(from_pager)?;
        let stages = Stages {
            made: StageId(old.stages().made.0 + 1),
            staged: Some(Staged { directory, fork }),
            ..old.stages()
        };
        let payload = self.payload(old.directory(), stages, has_pieces);
        let mut publish = |root: &Arc<Root>| {
            let keyspaces = old.keyspaces().with_fates(&folded.fates, self.budget());
            let staged = State::new(Arc::clone(root), old.shared_pages(), directory, keyspaces);
            let staged = staged.with_stages(stages).with_pieces(has_pieces);
            self.set_staged(Some(Arc::new(BTreeSnapshot::new(staged))));
            let newest = old.with_root(Arc::clone(root)).with_stages(stages);
            self.publish(newest.with_pieces(has_pieces));
        };
        let committed = writer.commit_with(&payload.encode(), lsn, &mut publish);
        committed.map_err(from_pager)?;
        Ok(stages.made)
    }

    fn decide(&self, stage: StageId, decision: Decision) -> Result<(), EngineError> {
        let merging = self.merging();
        let decided = self.decide_latched(stage, decision);
        drop(merging);
        decided
    }

    fn decide_latched(&self, stage: StageId, decision: Decision) -> Result<(), EngineError> {
        let writer = self.begin_writer()?;
        let newest = self.newest();
        let Some((staged, fork)) = self.find_stage(stage, newest.state()) else {
            return Err(EngineError::NoSuchStage { stage });
        };
        let stages = newest.state().stages();
        let (next, stages, goes, other) = match decision {
            Decision::Adopt => {
                let adopted = stages.made;
                (
                    staged.state(),
                    Stages { adopted, ..stages },
                    fork.replaced,
                    fork.added,
                )
            }
            Decision::Discard => (newest.state(), stages, fork.added, fork.replaced),
        };
        let stages = Stages {
            staged: None,
            ..stages
        };
        self.commit_decided(writer, next, stages, [goes, other])
    }

    /// The staged state of this number, and what tells its pages from the newest state's.
    fn find_stage(&self, stage: StageId, newest: &State) -> Option<(Arc<BTreeSnapshot>, Fork)> {
        let stages = newest.stages();
        let staged = stages.staged.filter(|_| stages.made == stage)?;
        Some((self.staged_state()?, staged.fork))
    }

    /// Makes `next` the only state, durably: the pages in the first list go, and both lists.
    fn commit_decided(
        &self,
        mut writer: Writer,
        next: &State,
        stages: Stages,
        lists: [PageRef; 2],
    ) -> Result<(), EngineError> {
        if is_planted("btree-adopted-in-memory-only")
            && next.directory() != self.newest().state().directory()
        {
            self.show_decided(next, stages, &self.pages().pager().root());
            return Ok(());
        }
        let [goes, other] = lists;
        writer.free_listed(&goes).map_err(from_pager)?;
        writer.free(&other).map_err(from_pager)?;
        let payload = self.payload(next.directory(), stages, next.has_pieces());
        let mut publish = |root: &Arc<Root>| self.show_decided(next, stages, root);
        let committed = writer.commit_with(&payload.encode(), next.root().lsn, &mut publish);
        committed.map_err(from_pager)
    }

    fn show_decided(&self, next: &State, stages: Stages, root: &Arc<Root>) {
        self.publish(next.with_root(Arc::clone(root)).with_stages(stages));
        self.set_staged(None);
    }
}

#[cfg(test)]
mod tests;
