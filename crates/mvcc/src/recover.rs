//! Recovery: fills memtables from the log.
//!
//! Replay seals as commits do, but does not merge: derived indexes are attached only after the store is open, and must
//! see every merge. Memory stays bounded all the same, because the log is never longer than the memtables were, whose
//! merges let it be trimmed.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::commit_record::{self, CommitRecord};
use crate::error::StoreError;
use crate::memtable::Memtable;
use crate::shared::Shared;

impl Shared {
    /// Applies all log records that the base lacks, makes them durable, and shows them.
    pub(crate) fn replay(&self) -> Result<(), StoreError> {
        let log = self.log()?;
        let mut last = self.engine.merged_lsn();
        for record in log.read_from(last.next()) {
            let record = record?;
            check_follows(last, record.lsn)?;
            if is_planted("mvcc-replay-misses-last") && record.lsn == log.appended_lsn() {
                break;
            }
            self.replay_one(record.lsn, &record.payload)?;
            last = record.lsn;
        }
        // A killed process may have left records that the system has and the medium has not.
        log.sync_to(log.appended_lsn())?;
        self.publication.replayed(last);
        Ok(())
    }

    fn replay_one(&self, lsn: Lsn, payload: &Bytes) -> Result<(), StoreError> {
        let commit = commit_record::decode(payload);
        let commit = commit.map_err(|why| StoreError::CorruptRecord { lsn, why })?;
        let mut head = self.head.lock();
        apply(&head.active, commit, lsn);
        if head.active.bytes() >= self.options.memtable_bytes {
            self.seal(&mut head);
        }
        Ok(())
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
        let changes = group.changes.iter().map(|(key, value)| (key, value));
        active.apply(group.keyspace, changes, lsn);
    }
}

#[cfg(test)]
mod tests;
