//! Staging: a merge whose run waits, durable and unseen, to be adopted or discarded.
//!
//! The manifest names the run's SSTs as those of a stage. Adopting puts them above all others; discarding lets go of them.

use std::sync::Arc;

use drystone_engine::{Budget, Changes, EngineError, Snapshot, StageId, Staging};

use crate::lsm::{Lsm, Work};
use crate::manifest::edit::{Edit, StageEdit};
use crate::merging::Merging;
use crate::snapshot::LsmSnapshot;
use crate::version::Version;

impl Staging for Lsm {
    fn stage(&self, changes: &mut dyn Changes) -> Result<StageId, EngineError> {
        let mut work = self.work();
        let base = Arc::clone(self.newest().version());
        base.check_decided()?;
        work.manifest.check_sound()?;
        let upto = base.lsn;
        let mut merging = Merging::new(
            Arc::clone(&base),
            self.run_writer(0),
            self.options(),
            changes,
            upto,
        );
        merging.fold(changes, Budget { bytes: u64::MAX })?;
        let folded = merging.finish(&base);
        let mut ssts = folded.output.finish()?;
        ssts.iter_mut().for_each(|sst| sst.run = base.next_run);
        let made = StageId(base.made.0 + 1);
        let edit = Edit {
            made,
            next_run: base.next_run + 1,
            stage: Some(StageEdit {
                ssts,
                begin: folded.begun,
                dropped: folded.dropped,
            }),
            ..base.edit()
        };
        self.commit(&mut work, edit)?;
        Ok(made)
    }

    fn staged(&self) -> Option<(StageId, Arc<dyn Snapshot>)> {
        let newest = self.newest();
        let version = newest.version();
        version.stage.as_ref()?;
        // A stage that cannot be applied was refused when the manifest was read, or made.
        let staged = adopted_version(version, self).ok()?;
        Some((version.made, Arc::new(LsmSnapshot::new(staged))))
    }

    fn adopted(&self) -> StageId {
        self.newest().version().adopted
    }

    fn adopt(&self, stage: StageId) -> Result<(), EngineError> {
        let mut work = self.work();
        let version = self.find_stage(stage)?;
        let edit = adoption(&version);
        let dropped = edit.dropped.clone();
        self.drop_keyspaces(&mut work, &dropped, edit)
    }

    fn discard(&self, stage: StageId) -> Result<(), EngineError> {
        let mut work = self.work();
        let version = self.find_stage(stage)?;
        let edit = Edit {
            stage: None,
            ..version.edit()
        };
        self.commit(&mut work, edit)?;
        self.retire_stage(&mut work, &version);
        Ok(())
    }
}

/// The edit that adopts the stage of a version.
fn adoption(version: &Version) -> Edit {
    let stage = version
        .stage
        .as_ref()
        .map(|stage| stage.edit.clone())
        .unwrap_or_default();
    Edit {
        adopted: version.made,
        stage: None,
        add: stage.ssts,
        begin: stage.begin.into_iter().map(|id| (id, None)).collect(),
        dropped: stage.dropped,
        ..version.edit()
    }
}

/// What a version would be with its stage.
fn adopted_version(version: &Version, lsm: &Lsm) -> Result<Version, drystone_base::Malformed> {
    version.apply(&adoption(version), lsm.store())
}

impl Lsm {
    fn find_stage(&self, stage: StageId) -> Result<Arc<Version>, EngineError> {
        let version = Arc::clone(self.newest().version());
        match version.stage {
            Some(_) if version.made == stage => Ok(version),
            _ => Err(EngineError::NoSuchStage { stage }),
        }
    }

    fn retire_stage(&self, work: &mut Work, version: &Version) {
        let staged = version.stage.iter().flat_map(|stage| &stage.ssts);
        work.retired.extend(staged.map(Arc::clone));
    }
}
