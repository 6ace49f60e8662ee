//! No error is passed over, nothing is lost behind one, and a full disk fails one commit and no more.

use std::error::Error;
use std::io::ErrorKind;

use drystone_base::{FileSystem, Lsn};
use drystone_testkit::{CRASH_FOLDER, Fault, OpKind, SimFileSystem};
use drystone_wal::{Durability, Log, LogOptions, Progress, WalError};

use crate::{append_synced, bytes_of, dir, open, options};

const LEN: usize = 500;
const PER_SEGMENT: u64 = 4096 / 536;

fn disk() -> SimFileSystem {
    SimFileSystem::with_folder(1, CRASH_FOLDER)
}

fn append_to(log: &Log, last: u64) {
    while log.appended_lsn() < Lsn(last) {
        append_synced(log, &bytes_of(log.appended_lsn().0 + 1, LEN)).unwrap();
    }
}

fn has(disk: &SimFileSystem, end: &str) -> usize {
    let names = disk.list_dir(&dir()).unwrap();
    names.iter().filter(|name| name.ends_with(end)).count()
}

/// The note that says that segments are being written is a file: a full disk may have no room for it.
#[test]
fn a_disk_too_full_for_the_note_fails_the_commit_and_no_more() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, 2);
    for _ in 0..3 {
        log.step().unwrap();
    }
    assert_eq!(has(&disk, "writing"), 0, "it is quiet");
    let full = Fault::error(OpKind::Open, ErrorKind::StorageFull);
    disk.inject(full.under(dir().join("writing")).times(3));
    for durability in [Durability::Sync, Durability::None, Durability::Sync] {
        let error = log.commit(b"three", durability).unwrap_err();
        let is_full = matches!(&error, WalError::Io { source, .. } if source.kind() == ErrorKind::StorageFull);
        assert!(is_full, "{error:?}");
        log.check().unwrap();
        assert_eq!(log.appended_lsn(), Lsn(2), "no number was used");
    }
    log.sync().unwrap();
    assert_eq!(log.commit(b"three", Durability::Sync).unwrap(), Lsn(3));
    assert_eq!(has(&disk, "writing"), 1);
    drop(log);
    assert_eq!(open(&disk.env(), 0).unwrap().appended_lsn(), Lsn(3));
}

/// What got another name is of use once the folder could be synced, and not before.
#[test]
fn spares_are_not_lost_where_the_folder_cannot_be_synced() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, 3 * PER_SEGMENT + 1);
    disk.inject(Fault::error(OpKind::SyncDir, ErrorKind::Other).times(2));
    log.trim(Lsn(3 * PER_SEGMENT)).unwrap_err();
    assert_eq!(log.stats().spares, 0, "their names are not durable");
    log.step_files().unwrap_err();
    assert_eq!(log.stats().spares, 0);
    assert_eq!(log.step_files().unwrap(), Progress::More);
    assert_eq!(log.stats().spares, 2);
    assert_eq!(has(&disk, ".spare"), 2, "none beside them");
    log.check().unwrap();
}

/// What failed first says what to do; what failed besides is told.
#[test]
fn of_two_errors_none_is_passed_over() {
    let disk = disk();
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, 3 * PER_SEGMENT + 1);
    disk.inject(Fault::error(OpKind::Rename, ErrorKind::PermissionDenied));
    disk.inject(Fault::error(OpKind::SyncDir, ErrorKind::Other));
    let error = log.trim(Lsn(3 * PER_SEGMENT)).unwrap_err();
    assert!(matches!(error, WalError::Both { .. }), "{error:?}");
    let first = matches!(error.first(), WalError::Io { op: "rename", .. });
    assert!(first, "{error:?}");
    assert!(error.to_string().contains("sync of"), "{error}");
    let source = error.source().unwrap().to_string();
    assert!(source.starts_with("rename of"), "{source}");
    while log.step().unwrap() == Progress::More {}
    assert_eq!(log.stats().kept_bytes, 0);
}

/// One part of a step is not kept from its work by another one that fails, and both are told.
#[test]
fn a_step_does_all_its_parts_and_tells_all_their_errors() {
    let disk = disk();
    let options = LogOptions {
        spare_segments_max: 0,
        ..options()
    };
    let log = Log::open(&disk.env(), &dir(), options, Lsn::ZERO).unwrap();
    append_to(&log, 2 * PER_SEGMENT + PER_SEGMENT - 1);
    log.step_files().unwrap();
    let first = dir().join(format!("{:020}.log", 1));
    let fault = Fault::error(OpKind::Remove, ErrorKind::Other);
    disk.inject(fault.under(first).times(2));
    log.trim(Lsn(2 * PER_SEGMENT)).unwrap_err();
    append_to(&log, 3 * PER_SEGMENT + PER_SEGMENT - 1);
    let full = Fault::error(OpKind::Open, ErrorKind::StorageFull);
    disk.inject(full.or(OpKind::Write).under(dir()));
    let error = log.step_files().unwrap_err();
    assert!(matches!(error, WalError::Both { .. }), "{error:?}");
    assert!(matches!(error.first(), WalError::Io { op: "remove", .. }));
    while log.step().unwrap() == Progress::More {}
    assert_eq!((log.stats().kept_bytes, log.stats().spares), (0, 1));
}
