//! Operations that fail: E2 when the disk is full, when writes fail, when syncs fail and lie.

use std::io::ErrorKind;

use drystone_base::Lsn;

use super::EngineLaws;
use super::subject::{Subject, chain, check_snapshot, check_verify, merge, ok, open_on, settle};
use crate::model::Batch;
use crate::sim::{CrashPolicy, Cut, Effect, Fault, OpKind, SimFileSystem};

/// A merge tries fewer operations of one kind than this, or the law tries the first so many.
const OPERATIONS_MAX: u64 = 60;

impl EngineLaws {
    /// A merge that does not fit the disk fails and changes nothing; with space freed, it succeeds, at the latest
    /// after a reopen.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn full_disks_refuse_cleanly(&self) {
        let _note = self.note("full disks refuse cleanly");
        let mut subject = self.subject();
        subject.merge_next();
        for spare in [0, 1000, 5000, 20_000, 100_000] {
            let mut batch = subject.generator.batch();
            for idx in 0..40 {
                let value = vec![b'f'; 4000.min(self.value_bytes_max)];
                batch.put(
                    drystone_base::KeyspaceId(900),
                    format!("{spare} {idx}"),
                    value,
                );
            }
            let used: u64 = subject
                .disk
                .files()
                .iter()
                .map(|path| len(&subject, path))
                .sum();
            subject.disk.set_capacity(Some(used + spare));
            let failed = try_merge(&subject, &batch).is_err();
            subject.disk.set_capacity(None);
            finish(&mut subject, &batch, failed);
        }
        check_verify(&*subject.engine, &subject.model);
    }

    /// Whichever write, length change or sync of names fails, the merge fails or is done, and nothing in between; the
    /// engine goes on, at the latest after a reopen.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn failed_writes_leave_before_or_after(&self) {
        let _note = self.note("failed writes leave before or after");
        let mut subject = self.subject();
        let effects = [
            (OpKind::Write, Effect::Error(ErrorKind::Other)),
            (OpKind::Write, Effect::Partial(ErrorKind::StorageFull)),
            (OpKind::SetLen, Effect::Error(ErrorKind::StorageFull)),
            (OpKind::Open, Effect::Error(ErrorKind::Other)),
            (OpKind::Read, Effect::Error(ErrorKind::Other)),
            (OpKind::SyncDir, Effect::Error(ErrorKind::Other)),
            (OpKind::Rename, Effect::Error(ErrorKind::Other)),
        ];
        for (on, effect) in effects {
            strike_each(&mut subject, on, effect);
        }
        check_verify(&*subject.engine, &subject.model);
    }

    /// Whatever fails while an engine is opened, opening fails or succeeds, never panics, and nothing is lost: the next
    /// opening finds every merge. Also where a power cut had left work to do.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn failed_openings_lose_nothing(&self) {
        let _note = self.note("failed openings lose nothing");
        let mut subject = self.subject();
        for round in 0..6 {
            subject.merge_next();
            let last = subject.next_lsn();
            let batch = subject.generator.batch();
            // Leaves a merge half done.
            subject.disk.cut_power_after(round, Cut::Midway);
            let done = try_merge(&subject, &batch).is_ok();
            let left = subject.disk.crash(CrashPolicy::Mixed);
            for (on, effect) in OPENING_FAULTS {
                self.strike_openings(&left, on, effect);
            }
            subject.crash(CrashPolicy::Mixed);
            if subject.engine.merged_lsn() < last {
                assert!(!done, "an acknowledged merge survives");
                ok("merge", try_merge(&subject, &batch));
            }
            subject.model.commit(last, &batch);
            subject.check();
        }
    }

    fn strike_openings(&self, left: &SimFileSystem, on: OpKind, effect: Effect) {
        let expected = state_of(self, &left.crash(CrashPolicy::KeepAll));
        for nth in 1..=OPERATIONS_MAX {
            let disk = left.crash(CrashPolicy::KeepAll);
            disk.inject(Fault::new(on, effect).nth(nth));
            let opened = open_on(self, &disk.env());
            if let Ok(engine) = opened {
                assert_eq!(
                    engine.merged_lsn(),
                    expected,
                    "{effect:?} of {on:?} {nth}: silent loss"
                );
            }
            let struck = disk.faults_struck() > 0;
            let after = disk.crash(CrashPolicy::LoseAll);
            assert_eq!(
                state_of(self, &after),
                expected,
                "{effect:?} of {on:?} {nth}, then opened again"
            );
            if !struck {
                return;
            }
        }
    }

    /// F3: after a failed sync an engine never says `Ok` of what is not on the medium, in each way that file systems
    /// are known to fail. It may refuse everything until it is reopened.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn failed_syncs_are_never_papered_over(&self) {
        let _note = self.note("failed syncs are never papered over");
        let mut subject = self.subject();
        for effect in [
            Effect::Error(ErrorKind::Other),
            Effect::SyncMarkedClean,
            Effect::SyncReverted,
        ] {
            strike_each(&mut subject, OpKind::Sync, effect);
        }
        check_verify(&*subject.engine, &subject.model);
    }
}

/// What may fail in an opening.
const OPENING_FAULTS: [(OpKind, Effect); 8] = [
    (OpKind::Open, Effect::Error(ErrorKind::Other)),
    (OpKind::Read, Effect::Error(ErrorKind::Other)),
    (OpKind::Look, Effect::Error(ErrorKind::Other)),
    (OpKind::Write, Effect::Partial(ErrorKind::StorageFull)),
    (OpKind::SetLen, Effect::Error(ErrorKind::StorageFull)),
    (OpKind::Sync, Effect::Error(ErrorKind::Other)),
    (OpKind::Sync, Effect::SyncMarkedClean),
    (OpKind::SyncDir, Effect::Error(ErrorKind::Other)),
];

/// The state in which an engine opens.
fn state_of(laws: &EngineLaws, disk: &SimFileSystem) -> Lsn {
    ok("open", open_on(laws, &disk.env())).merged_lsn()
}

fn len(subject: &Subject, path: &std::path::Path) -> u64 {
    subject.disk.image(path).map_or(0, |image| image.len())
}

fn try_merge(subject: &Subject, batch: &Batch) -> Result<(), drystone_engine::EngineError> {
    merge(&*subject.engine, batch, subject.next_lsn())
}

/// Lets the first, second, ... operation of a kind fail in a merge of its own, until a merge has fewer.
fn strike_each(subject: &mut Subject, on: OpKind, effect: Effect) {
    for nth in 1..=OPERATIONS_MAX {
        let batch = subject.generator.batch();
        let before = subject.disk.faults_struck();
        subject.disk.inject(Fault::new(on, effect).nth(nth));
        let failed = try_merge(subject, &batch).is_err();
        subject.disk.clear_faults();
        let struck = subject.disk.faults_struck() > before;
        assert!(struck || !failed, "a merge fails without a fault");
        finish(subject, &batch, failed);
        if !struck {
            return;
        }
    }
}

/// After a merge that failed or succeeded: the state is before or after it, also after a power cut; then the batch
/// is merged if it was not.
fn finish(subject: &mut Subject, batch: &Batch, failed: bool) {
    let (before, after) = (subject.model.last(), subject.next_lsn());
    if failed {
        check_snapshot(&*subject.engine.snapshot(), &subject.model, before);
    }
    let retried = failed && try_merge(subject, batch).is_ok();
    subject.crash(CrashPolicy::LoseAll);
    let found = subject.engine.merged_lsn();
    if !failed || retried {
        assert_eq!(
            found, after,
            "an acknowledged merge survives (retried: {retried})"
        );
    }
    if found == before {
        check_snapshot(&*subject.engine.snapshot(), &subject.model, before);
        if let Err(error) = try_merge(subject, batch) {
            panic!("after a reopen, merges succeed: {}", chain(&error));
        }
    }
    subject.model.commit(after, batch);
    settle(&*subject.engine);
    subject.check();
}
