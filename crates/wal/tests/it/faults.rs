//! Storage that refuses: full disks, failed writes and syncs, and what is left after them.

use std::io::ErrorKind;

use drystone_base::{Env, Lsn};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, Cut, Effect, Fault, OpKind, SimFileSystem};
use drystone_wal::{Log, LogOptions, Progress, WalError};

use crate::{SEGMENT_BYTES, append_synced, bytes_of, dir, open, options};

const LEN: usize = 500;
/// How many of these records one segment holds.
const PER_SEGMENT: u64 = 4096 / 536;

fn disk() -> SimFileSystem {
    SimFileSystem::with_folder(1, CRASH_FOLDER)
}

fn append_to(log: &Log, last: u64) {
    while log.appended_lsn() < Lsn(last) {
        append_next(log).unwrap();
    }
}

fn append_next(log: &Log) -> Result<Lsn, WalError> {
    append_synced(log, &bytes_of(log.appended_lsn().0 + 1, LEN))
}

/// Checks that the log has exactly the records 1 to `last`.
fn check(log: &Log, last: u64) {
    let mut count = 0;
    for record in log.read_from(Lsn(1)) {
        let record = record.unwrap();
        count += 1;
        assert_eq!(record.lsn, Lsn(count));
        assert_eq!(record.payload, bytes_of(count, LEN));
    }
    assert_eq!(count, last);
}

fn kind_of(error: &WalError) -> ErrorKind {
    match error {
        WalError::Io { source, .. } => source.kind(),
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_full_disk_fails_one_append_and_uses_no_number() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, PER_SEGMENT);
    disk.set_capacity(Some(2 * SEGMENT_BYTES - 1));
    for _ in 0..3 {
        let error = append_next(&log).unwrap_err();
        assert_eq!(kind_of(&error), ErrorKind::StorageFull);
    }
    check(&log, PER_SEGMENT);
    disk.set_capacity(None);
    assert_eq!(append_next(&log).unwrap(), Lsn(PER_SEGMENT + 1));
    check(&log, PER_SEGMENT + 1);
    drop(log);
    check(&open(&disk.env(), 0).unwrap(), PER_SEGMENT + 1);
}

#[test]
fn a_disk_full_at_the_sync_of_a_new_segment_fails_one_append() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, PER_SEGMENT);
    for on in [OpKind::Open, OpKind::Write, OpKind::Sync, OpKind::Rename] {
        disk.inject(Fault::error(on, ErrorKind::StorageFull));
        let error = log.append(&bytes_of(PER_SEGMENT + 1, LEN)).unwrap_err();
        assert_eq!(kind_of(&error), ErrorKind::StorageFull, "{on:?}");
    }
    append_to(&log, 3 * PER_SEGMENT);
    drop(log);
    check(&open(&disk.env(), 0).unwrap(), 3 * PER_SEGMENT);
}

#[test]
fn a_full_disk_can_be_opened_and_appended_to_where_there_is_room() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, PER_SEGMENT + 2);
    drop(log);
    disk.set_capacity(Some(2 * SEGMENT_BYTES));
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, PER_SEGMENT + 4);
    log.close().unwrap();
    check(&open(&disk.env(), 0).unwrap(), PER_SEGMENT + 4);
}

#[test]
fn a_step_that_finds_the_disk_full_harms_nothing() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, PER_SEGMENT - 1);
    disk.set_capacity(Some(SEGMENT_BYTES));
    assert_eq!(kind_of(&log.step().unwrap_err()), ErrorKind::StorageFull);
    append_to(&log, PER_SEGMENT);
    disk.set_capacity(None);
    assert_eq!(log.step().unwrap(), Progress::More);
    assert_eq!(log.stats().spares, 1);
    append_to(&log, PER_SEGMENT + 1);
    check(&log, PER_SEGMENT + 1);
}

/// The marker needs no room: it lies in the segment that is there.
#[test]
fn a_full_disk_does_not_keep_the_marker_from_being_written() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, PER_SEGMENT - 1);
    disk.set_capacity(Some(SEGMENT_BYTES));
    let syncs = log.stats().syncs;
    for _ in 0..3 {
        assert_eq!(kind_of(&log.step().unwrap_err()), ErrorKind::StorageFull);
    }
    assert_eq!(log.stats().syncs, syncs + 1);
}

/// After the fault the log refuses every write, still reads, and recovers by reopening, with all that was acknowledged;
/// then power is cut, and what was acknowledged since is there as well.
fn check_poison(on: OpKind, effect: Effect, nth: u64) {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, PER_SEGMENT - 2);
    disk.inject(Fault::new(on, effect).nth(nth));
    let first = loop {
        let acknowledged = log.durable_lsn().0;
        if let Err(error) = append_next(&log) {
            assert!(matches!(error, WalError::Io { .. }), "{error:?}");
            break acknowledged;
        }
    };
    assert!(matches!(log.append(b"x"), Err(WalError::Poisoned)));
    assert!(matches!(
        log.sync_to(log.appended_lsn()),
        Err(WalError::Poisoned)
    ));
    assert!(matches!(log.step(), Err(WalError::Poisoned)));
    log.sync_to(Lsn(first)).unwrap();
    check(&log, first);
    drop(log);

    let log = open(&disk.env(), 0).unwrap();
    let found = log.durable_lsn().0;
    assert!(found == first || found == first + 1, "{found}");
    check(&log, found);
    append_to(&log, found + 2);
    let last = found + 2;
    for policy in CrashPolicy::ALL {
        check(&open(&disk.crash(policy).env(), 0).unwrap(), last);
    }
    append_to(&log, 3 * PER_SEGMENT);
    check(
        &open(&disk.crash(CrashPolicy::LoseAll).env(), 0).unwrap(),
        3 * PER_SEGMENT,
    );
}

/// The note that makes the next open write everything again is gone once that was done.
#[test]
fn a_recovered_log_keeps_no_note_of_the_failure() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, 3);
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other).nth(1));
    append_next(&log).unwrap_err();
    drop(log);
    let has_note = || {
        let names = disk.env().files.list_dir(&dir()).unwrap();
        names.iter().any(|name| name == "poisoned")
    };
    assert!(has_note());
    drop(open(&disk.env(), 0).unwrap());
    assert!(!has_note());
}

/// What the cache shows after a failed sync may be nowhere else: all of it is written again, however much it is.
#[test]
fn a_large_group_in_doubt_is_written_again_to_its_end() {
    let disk = disk();
    let options = LogOptions {
        segment_bytes: 2 << 20,
        ..options()
    };
    let open = |disk: &SimFileSystem| Log::open(&disk.env(), &dir(), options.clone(), Lsn::ZERO);
    let log = open(&disk).unwrap();
    append_to(&log, 1);
    for number in 2..=4 {
        log.append(&bytes_of(number, 400_000)).unwrap();
    }
    disk.inject(Fault::new(OpKind::Sync, Effect::SyncMarkedClean).nth(1));
    log.sync_to(Lsn(4)).unwrap_err();
    drop(log);
    let found = open(&disk).unwrap().durable_lsn();
    assert_eq!(found, Lsn(4), "the cache shows it all");
    let log = open(&disk.crash(CrashPolicy::LoseAll)).unwrap();
    assert_eq!(log.durable_lsn(), found);
    for (record, number) in log.read_from(Lsn(2)).zip(2..) {
        assert_eq!(record.unwrap().payload, bytes_of(number, 400_000));
    }
}

#[test]
fn a_failed_write_poisons() {
    for nth in 1..3 {
        check_poison(OpKind::Write, Effect::Error(ErrorKind::Other), nth);
        check_poison(OpKind::Write, Effect::Partial(ErrorKind::StorageFull), nth);
    }
}

#[test]
fn a_failed_sync_poisons_whatever_the_file_system_does_with_it() {
    for nth in 1..3 {
        check_poison(OpKind::Sync, Effect::Error(ErrorKind::Other), nth);
        check_poison(OpKind::Sync, Effect::SyncMarkedClean, nth);
        check_poison(OpKind::Sync, Effect::SyncReverted, nth);
    }
}

#[test]
fn a_failed_sync_in_recovery_is_made_good_by_the_next() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, 2);
    log.append(&bytes_of(3, LEN)).unwrap();
    log.flush().unwrap();
    drop(log);
    disk.inject(Fault::new(OpKind::Sync, Effect::SyncMarkedClean).times(2));
    for _ in 0..2 {
        assert_eq!(
            kind_of(&open(&disk.env(), 0).unwrap_err()),
            ErrorKind::Other
        );
    }
    let log = open(&disk.env(), 0).unwrap();
    check(&log, 3);
    append_to(&log, 4);
    check(
        &open(&disk.crash(CrashPolicy::LoseAll).env(), 0).unwrap(),
        4,
    );
}

/// Nobody was left to say that the sync failed.
#[test]
fn a_process_that_is_killed_at_a_failed_sync_leaves_nothing_in_the_cache_alone() {
    for effect in [
        Effect::SyncMarkedClean,
        Effect::SyncFull,
        Effect::SyncPartly,
    ] {
        let disk = disk();
        let log = open(&disk.env(), 0).unwrap();
        append_to(&log, 2);
        log.append(&bytes_of(3, LEN)).unwrap();
        disk.inject(Fault::new(OpKind::Sync, effect));
        disk.cut_power_after(1, Cut::After);
        log.sync_to(Lsn(3)).unwrap_err();
        assert!(disk.is_off());
        drop(log);
        // The cache outlives the process.
        let disk = disk.fork();
        open(&disk.env(), 0).unwrap().close().unwrap();
        let log = open(&disk.crash(CrashPolicy::LoseAll).env(), 0).unwrap();
        check(&log, 3);
    }
}

/// So it is with a recovery.
#[test]
fn a_recovery_that_is_killed_at_a_failed_sync_leaves_nothing_in_the_cache_alone() {
    let killed_at_sync = |operations| {
        let disk = disk();
        let log = open(&disk.env(), 0).unwrap();
        append_to(&log, 2);
        log.close().unwrap();
        let log = open(&disk.env(), 0).unwrap();
        log.append(&bytes_of(3, LEN)).unwrap();
        log.flush().unwrap();
        drop(log);
        disk.inject(Fault::new(OpKind::Sync, Effect::SyncMarkedClean));
        disk.cut_power_after(operations, Cut::After);
        let _killed = open(&disk.env(), 0);
        disk.fork()
    };
    for operations in 0..12 {
        let disk = killed_at_sync(operations);
        open(&disk.env(), 0).unwrap().close().unwrap();
        let log = open(&disk.crash(CrashPolicy::LoseAll).env(), 0).unwrap();
        check(&log, 3);
    }
}

/// Every operation of a workload fails once, in turn. Nothing acknowledged is lost, and a reopened log works.
#[test]
fn any_single_failure_loses_nothing() {
    for on in [
        OpKind::Open,
        OpKind::Read,
        OpKind::Write,
        OpKind::Sync,
        OpKind::SyncDir,
        OpKind::Rename,
        OpKind::Remove,
    ] {
        for nth in 1.. {
            let disk = disk();
            disk.inject(Fault::error(on, ErrorKind::Other).nth(nth));
            let acknowledged = work_with_faults(&disk.env());
            if disk.faults_struck() == 0 {
                break;
            }
            let log = open(&disk.crash(CrashPolicy::LoseAll).env(), 0).unwrap();
            assert!(log.durable_lsn().0 >= acknowledged, "{on:?} {nth}");
            check(&log, log.durable_lsn().0);
        }
    }
}

/// Appends, reopening after each failure; the last number acknowledged.
fn work_with_faults(env: &Env) -> u64 {
    let mut acknowledged = 0;
    for _ in 0..3 {
        let Ok(log) = open(env, 0) else { continue };
        while log.appended_lsn() < Lsn(4 * PER_SEGMENT) {
            let step = log.step();
            match append_next(&log) {
                Ok(lsn) => acknowledged = lsn.0,
                Err(WalError::Poisoned) => break,
                Err(error) => assert!(matches!(error, WalError::Io { .. }), "{error:?}"),
            }
            if step.is_err() {
                break;
            }
        }
    }
    acknowledged
}

#[test]
fn a_read_only_folder_is_refused_and_unharmed() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, 3);
    log.close().unwrap();
    disk.set_read_only(dir());
    assert!(matches!(open(&disk.env(), 0), Err(WalError::Io { .. })));
    disk.set_writable(&dir());
    check(&open(&disk.env(), 0).unwrap(), 3);
}
