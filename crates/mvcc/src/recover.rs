//! Recovery: fills memtables from the log.
//!
//! Replay seals as commits do, but does not merge: derived indexes are attached only after the store is open, and must
//! see every merge. Memory stays bounded all the same, because the log is never longer than the memtables were, whose
//! merges let it be trimmed.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;
use drystone_engine::{Snapshot, StageId, Staging};

use crate::commit_record::{self, CommitRecord, LogRecord};
use crate::error::StoreError;
use crate::known_keyspaces::KnownKeyspaces;
use crate::layers::Layers;
use crate::memtable::Memtable;
use crate::shared::Shared;
use crate::staged_commit::Fate;

impl Shared {
    /// Applies all log records that the base lacks, makes them durable, and shows them.
    pub(crate) fn replay(&self) -> Result<(), StoreError> {
        let log = self.log()?;
        let mut last = self.engine.merged_lsn();
        let mut adopts = None;
        for record in log.read_from(last.next()) {
            let record = record?;
            check_follows(last, record.lsn)?;
            if is_planted("mvcc-replay-misses-last") && record.lsn == log.appended_lsn() {
                break;
            }
            if let Some(stage) = self.replay_one(record.lsn, &record.payload)? {
                self.check_stage(stage, record.lsn)?;
                adopts = Some((stage, record.lsn));
            }
            last = record.lsn;
        }
        // A killed process may have left records that the system has and the medium has not.
        log.sync_to(log.appended_lsn())?;
        self.decide_stage(adopts);
        self.publication.replayed(last);
        Ok(())
    }

    /// Whether the engine has a stage that the record at `lsn` adopts.
    fn check_stage(&self, stage: StageId, lsn: Lsn) -> Result<(), StoreError> {
        let has = |staging: &dyn Staging| {
            let staged = staging.staged();
            staging.adopted() >= stage || staged.is_some_and(|(found, _)| found == stage)
        };
        match self.engine.staging().is_some_and(has) {
            true => Ok(()),
            false => Err(StoreError::StageMissing { lsn, stage }),
        }
    }

    /// Does with the stage that a crash has left what the log says: `adopts` is the newest adoption in it, and its LSN. A
    /// full disk keeps nobody from reading: what fails now is done before the next merge.
    fn decide_stage(&self, adopts: Option<(StageId, Lsn)>) {
        let Some((stage, staged)) = self.engine.staging().and_then(Staging::staged) else {
            return self.show_replayed(adopts, None);
        };
        let is_adopted = adopts.is_some_and(|(adopted, _)| adopted == stage);
        let (fate, base) = match is_adopted {
            true => (Fate::Adopt(stage), Some(staged)),
            false => (Fate::Discard(stage), None),
        };
        self.show_replayed(adopts, base);
        let mut merges = self.merges.lock();
        merges.stage = Some(fate);
        let _later = self.settle_stage(&mut merges);
    }

    /// Shows the base as the adoptions in the log left it: another one, if one is not durable there.
    fn show_replayed(&self, adopts: Option<(StageId, Lsn)>, base: Option<Arc<dyn Snapshot>>) {
        let _head = self.head.lock();
        let layers = self.layers.load_full();
        let adopted_at = adopts.map_or(Lsn::ZERO, |(_, lsn)| lsn);
        self.layers.store(Arc::new(Layers {
            memtables: layers.memtables.clone(),
            base: base.unwrap_or_else(|| Arc::clone(&layers.base)),
            floor: layers.floor.max(adopted_at),
            link: layers.link.clone(),
            known: KnownKeyspaces::default(),
        }));
    }

    /// Applies a record; where it adopts a stage, says which.
    fn replay_one(&self, lsn: Lsn, payload: &Bytes) -> Result<Option<StageId>, StoreError> {
        let record = commit_record::decode(payload);
        let commit = match record.map_err(|why| StoreError::CorruptRecord { lsn, why })? {
            LogRecord::Commit(commit) => commit,
            LogRecord::Adopts(stage) => return Ok(Some(stage)),
        };
        let mut head = self.head.lock();
        apply(&head.active, commit, lsn);
        if head.active.bytes() >= self.options.memtable_bytes {
            self.seal(&mut head);
        }
        Ok(None)
    }
}

/// Records follow each other, and the first follows the base.
pub(crate) fn check_follows(last: Lsn, found: Lsn) -> Result<(), StoreError> {
    let expected = last.next();
    if found == expected {
        return Ok(());
    }
    Err(StoreError::LogGap { expected, found })
}

fn apply(active: &Arc<Memtable>, commit: CommitRecord, lsn: Lsn) {
    for keyspace in commit.dropped {
        active.drop_keyspace(keyspace, lsn);
    }
    for group in commit.groups {
        let changes = group.changes.iter();
        let changes = changes.map(|(key, value)| (key, value.as_ref()));
        active.apply(group.keyspace, changes, lsn);
    }
}

#[cfg(test)]
mod tests;
