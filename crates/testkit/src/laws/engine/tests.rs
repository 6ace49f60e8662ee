//! The laws hold for the model engine, and each planted bug is found: the canaries.
//!
//! A canary wraps the model engine, or the files under it, and breaks one rule.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use bytes::Bytes;
use drystone_base::{File, FileSystem, KeyspaceId, LockError, LockGuard, Lsn, OpenMode, checksum};
use drystone_engine::{
    Budget, Change, Changes, Cursor, EngineStats, MergeJob, Progress, Snapshot, VerifyReport,
};

use super::*;
use crate::model_engine::ModelEngine;

fn sound() -> EngineLaws {
    EngineLaws::new(ModelEngine::open)
}

#[test]
fn the_model_engine_keeps_every_law() {
    sound().check_all();
}

#[test]
fn crash_points_are_many() {
    let report = sound().merges_survive_power_cuts();
    assert!(report.points > 1000, "{report}");
}

/// The planted bugs of [`Canary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    LosesLastChange,
    MergesInTwo,
    IgnoresDrops,
    PrevStays,
    SeekSkipsEqual,
    SeekBackSkipsEqual,
    SnapshotsMove,
    CountsOneTooMany,
    ForgetsEmptyKey,
    ForgetsInBulk,
    StepsReturn,
    ShowsSlices,
    GoesOnAfterTheEnd,
}

#[derive(Debug)]
struct Canary {
    inner: Arc<ModelEngine>,
    bug: Bug,
}

fn with(bug: Bug) -> EngineLaws {
    EngineLaws::new(move |env, dir| {
        let inner = Arc::new(ModelEngine::open(env, dir)?);
        Ok(Canary { inner, bug })
    })
}

/// Changes, of which the bug leaves some out.
struct Bent<'a> {
    kept: Vec<(KeyspaceId, Vec<u8>, Option<Vec<u8>>)>,
    dropped: &'a [KeyspaceId],
    next: usize,
}

impl Bent<'_> {
    fn read(changes: &mut dyn Changes) -> Result<Bent<'static>, EngineError> {
        let mut kept = Vec::new();
        while let Some(change) = changes.next_change()? {
            let value = match change.op {
                drystone_engine::Op::Put(value) => Some(value.to_vec()),
                drystone_engine::Op::PutLong(value) => {
                    Some(drystone_engine::read_whole(&**value)?.to_vec())
                }
                drystone_engine::Op::Delete => None,
            };
            kept.push((change.keyspace, change.key.to_vec(), value));
        }
        Ok(Bent {
            kept,
            dropped: &[],
            next: 0,
        })
    }
}

impl Changes for Bent<'_> {
    fn dropped(&self) -> &[KeyspaceId] {
        self.dropped
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        let change = self.kept.get(self.next);
        self.next += 1;
        Ok(change.map(|(keyspace, key, value)| Change {
            keyspace: *keyspace,
            key,
            op: match value {
                Some(value) => drystone_engine::Op::Put(value),
                None => drystone_engine::Op::Delete,
            },
        }))
    }
}

impl Engine for Canary {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(BentSnapshot {
            engine: Arc::clone(&self.inner),
            inner: self.inner.snapshot(),
            bug: self.bug,
        })
    }

    fn merge(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError> {
        let dropped = changes.dropped().to_vec();
        let mut bent = Bent::read(changes)?;
        bent.dropped = if self.bug == Bug::IgnoresDrops {
            &[]
        } else {
            &dropped
        };
        match self.bug {
            Bug::LosesLastChange => drop(bent.kept.pop()),
            Bug::ForgetsEmptyKey => bent.kept.retain(|(_, key, _)| !key.is_empty()),
            Bug::ForgetsInBulk => bent.kept.truncate(2999),
            Bug::MergesInTwo if bent.kept.len() > 1 => {
                let rest = bent.kept.split_off(bent.kept.len() / 2);
                self.inner.merge(&mut bent, Lsn(upto.0 - 1))?;
                // Lets readers see it.
                (0..200).for_each(|_| std::thread::yield_now());
                bent = Bent {
                    kept: rest,
                    dropped: &[],
                    next: 0,
                };
            }
            _ => {}
        }
        self.inner.merge(&mut bent, upto)
    }

    fn begin_merge(
        self: Arc<Self>,
        changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> Result<Box<dyn MergeJob>, EngineError> {
        match self.bug {
            Bug::ShowsSlices | Bug::GoesOnAfterTheEnd => Ok(Box::new(BentJob {
                engine: self,
                changes,
                upto,
                slices: 0,
            })),
            _ => Arc::clone(&self.inner).begin_merge(changes, upto),
        }
    }

    fn merged_lsn(&self) -> Lsn {
        self.inner.merged_lsn()
    }

    fn step(&self, budget: Budget) -> Result<Progress, EngineError> {
        match self.bug {
            Bug::StepsReturn => Ok(Progress::More),
            _ => self.inner.step(budget),
        }
    }

    fn verify(&self) -> Result<VerifyReport, EngineError> {
        self.inner.verify()
    }

    fn stats(&self) -> EngineStats {
        self.inner.stats()
    }
}

/// Merges in its first slice, or says that it goes on for ever.
struct BentJob {
    engine: Arc<Canary>,
    changes: Box<dyn Changes + Send>,
    upto: Lsn,
    slices: u32,
}

impl std::fmt::Debug for BentJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BentJob").finish_non_exhaustive()
    }
}

impl MergeJob for BentJob {
    fn step(&mut self, _budget: Budget) -> Result<Progress, EngineError> {
        self.slices += 1;
        if self.slices == 1 {
            self.engine.inner.merge(&mut *self.changes, self.upto)?;
        }
        Ok(match (self.engine.bug, self.slices) {
            (Bug::ShowsSlices, 1) => Progress::More,
            _ => Progress::Idle,
        })
    }
}

#[derive(Debug)]
struct BentSnapshot {
    engine: Arc<ModelEngine>,
    inner: Arc<dyn Snapshot>,
    bug: Bug,
}

impl BentSnapshot {
    fn inner(&self) -> Arc<dyn Snapshot> {
        match self.bug {
            Bug::SnapshotsMove => self.engine.snapshot(),
            _ => Arc::clone(&self.inner),
        }
    }
}

impl Snapshot for BentSnapshot {
    fn lsn(&self) -> Lsn {
        self.inner.lsn()
    }

    fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.inner().get(keyspace, key)
    }

    fn cursor(&self, keyspace: KeyspaceId) -> Result<Box<dyn Cursor>, EngineError> {
        Ok(Box::new(BentCursor {
            inner: self.inner().cursor(keyspace)?,
            on: false,
            bug: self.bug,
        }))
    }

    fn count(&self, keyspace: KeyspaceId) -> Result<u64, EngineError> {
        let more = u64::from(self.bug == Bug::CountsOneTooMany);
        Ok(self.inner().count(keyspace)? + more)
    }

    fn keyspaces(&self) -> Result<Vec<KeyspaceId>, EngineError> {
        self.inner().keyspaces()
    }
}

struct BentCursor {
    inner: Box<dyn Cursor>,
    on: bool,
    bug: Bug,
}

impl Cursor for BentCursor {
    fn first(&mut self) -> Result<bool, EngineError> {
        self.inner.first()
    }

    fn last(&mut self) -> Result<bool, EngineError> {
        self.on = self.inner.last()?;
        Ok(self.on)
    }

    fn seek(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let on = self.inner.seek(key)?;
        if self.bug == Bug::SeekSkipsEqual && on && self.inner.key() == key {
            return self.inner.next();
        }
        Ok(on)
    }

    fn seek_back(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let on = self.inner.seek_back(key)?;
        if self.bug == Bug::SeekBackSkipsEqual && on && self.inner.key() == key {
            return self.inner.prev();
        }
        Ok(on)
    }

    fn next(&mut self) -> Result<bool, EngineError> {
        self.inner.next()
    }

    fn prev(&mut self) -> Result<bool, EngineError> {
        // Right in a scan from the last entry, wrong after a seek.
        if self.bug == Bug::PrevStays && !self.on {
            return Ok(false);
        }
        self.inner.prev()
    }

    fn key(&self) -> &[u8] {
        self.inner.key()
    }

    fn value(&self) -> Result<Bytes, EngineError> {
        self.inner.value()
    }
}

/// Runs one law and expects it to be broken.
fn breaks(what: &str, laws: &EngineLaws, law: impl Fn(&EngineLaws)) {
    let outcome = catch_unwind(AssertUnwindSafe(|| law(laws)));
    assert!(outcome.is_err(), "the law let it pass: {what}");
}

fn check_bug(bug: Bug, law: impl Fn(&EngineLaws)) {
    breaks(&format!("{bug:?}"), &with(bug), law);
}

#[test]
fn bugs_of_merges_are_found() {
    check_bug(Bug::LosesLastChange, EngineLaws::entries_come_in_order);
    check_bug(Bug::IgnoresDrops, EngineLaws::drops_take_everything);
    check_bug(Bug::ForgetsEmptyKey, EngineLaws::extremes_are_kept);
    check_bug(Bug::ForgetsInBulk, EngineLaws::bulk_changes_are_kept);
    check_bug(Bug::StepsReturn, EngineLaws::entries_come_in_order);
    check_bug(Bug::MergesInTwo, |laws| {
        laws.merges_survive_power_cuts();
    });
    check_bug(Bug::MergesInTwo, EngineLaws::readers_run_beside_merges);
    check_bug(Bug::ShowsSlices, EngineLaws::merges_go_on_in_slices);
    check_bug(
        Bug::GoesOnAfterTheEnd,
        EngineLaws::jobs_that_are_over_stay_so,
    );
}

#[test]
fn bugs_of_reading_are_found() {
    check_bug(Bug::PrevStays, EngineLaws::cursors_find_every_place);
    check_bug(Bug::SeekSkipsEqual, EngineLaws::cursors_find_every_place);
    check_bug(
        Bug::SeekBackSkipsEqual,
        EngineLaws::cursors_find_every_place,
    );
    check_bug(Bug::SnapshotsMove, EngineLaws::snapshots_never_change);
    check_bug(Bug::CountsOneTooMany, EngineLaws::entries_come_in_order);
}

/// The bugs of [`BentFiles`]: what an engine does that leaves out a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Omission {
    FileSyncs,
    FolderSyncs,
    SyncErrors,
    Checksums,
}

/// Files on which an engine leaves something out.
#[derive(Debug)]
struct BentFiles {
    inner: Arc<dyn FileSystem>,
    omits: Omission,
}

#[derive(Debug)]
struct BentFile {
    inner: Arc<dyn File>,
    omits: Omission,
}

fn without(omits: Omission) -> EngineLaws {
    EngineLaws::new(move |env, dir| {
        let inner = Arc::clone(&env.files);
        let mut env = env.clone();
        env.files = Arc::new(BentFiles { inner, omits });
        ModelEngine::open(&env, dir)
    })
}

impl FileSystem for BentFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let inner = self.inner.open(path, mode)?;
        let omits = self.omits;
        Ok(Arc::new(BentFile { inner, omits }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list_dir(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        match self.omits {
            Omission::FolderSyncs => Ok(()),
            _ => self.inner.sync_dir(path),
        }
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        self.inner.try_lock(path, holder)
    }
}

impl File for BentFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.inner.read_at(buf, offset)?;
        if self.omits == Omission::Checksums && offset == 0 && read > 16 {
            let crc = checksum::crc64(&buf[8..read]);
            buf[..8].copy_from_slice(&crc.to_le_bytes());
        }
        Ok(read)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        if self.omits != Omission::Checksums {
            return self.inner.write_all_at(buf, offset);
        }
        // In pieces, so that the disk can lose one of them.
        for (piece, at) in buf.chunks(64).zip((offset..).step_by(64)) {
            self.inner.write_all_at(piece, at)?;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        match self.omits {
            Omission::FileSyncs => Ok(()),
            Omission::SyncErrors => self.inner.sync().or(Ok(())),
            _ => self.inner.sync(),
        }
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }
}

#[test]
fn omissions_are_found() {
    let crashes = |laws: &EngineLaws| {
        laws.merges_survive_power_cuts();
    };
    breaks("no file syncs", &without(Omission::FileSyncs), crashes);
    breaks("no folder syncs", &without(Omission::FolderSyncs), crashes);
    let law = EngineLaws::failed_syncs_are_never_papered_over;
    breaks("swallowed sync errors", &without(Omission::SyncErrors), law);
    let law = EngineLaws::damage_is_never_believed;
    breaks("no checksums", &without(Omission::Checksums), law);
    let law = EngineLaws::lying_disks_are_never_believed;
    breaks("no checksums", &without(Omission::Checksums), law);
}

/// An engine that opens as new when a read fails.
#[test]
fn a_failed_read_taken_for_a_new_engine_is_found() {
    let laws = EngineLaws::new(|env, dir| match ModelEngine::open(env, dir) {
        Err(EngineError::Io { op: "read", .. }) => ModelEngine::open(env, &dir.join("new")),
        opened => opened,
    });
    breaks(
        "a new engine",
        &laws,
        EngineLaws::failed_openings_lose_nothing,
    );
}

/// An engine that opens as new when it finds damage: the silent step back.
#[test]
fn a_silent_step_back_is_found() {
    let laws = EngineLaws::new(|env, dir| match ModelEngine::open(env, dir) {
        Err(EngineError::Corrupt { .. }) => ModelEngine::open(env, &PathBuf::from("/db/other")),
        opened => opened,
    });
    breaks("a step back", &laws, EngineLaws::damage_is_never_believed);
}
