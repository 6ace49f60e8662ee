//! The marker that replaces another one is there before that one goes.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use drystone_base::{FileSystem, Lsn};
use drystone_testkit::{Fault, OpKind, SimFileSystem};

use crate::writer::Reach;
use crate::{Log, LogOptions, Progress, WalError};

const FOLDER: &str = "/log";
const PER_SEGMENT: u64 = 7;

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 12 << 10,
        ..LogOptions::default()
    }
}

fn path(segment: u64) -> PathBuf {
    Path::new(FOLDER).join(format!("{segment:020}.log"))
}

/// Two segments; of the last one, the first records are known to be durable by the marker of the one before alone.
fn log(disk: &SimFileSystem) -> Log {
    let log = Log::open(&disk.env(), Path::new(FOLDER), options(), Lsn::ZERO).unwrap();
    for _ in 0..=PER_SEGMENT {
        let lsn = log.append(&[7; 500]).unwrap();
        log.sync_to(lsn).unwrap();
    }
    assert_eq!(log.stats().segments, 2);
    log
}

fn step_all(log: &Log) {
    while log.step().unwrap() == Progress::More {}
}

#[test]
fn a_segment_whose_marker_is_needed_stays_while_another_cannot_be_written() {
    let disk = SimFileSystem::with_folder(1, "/");
    let log = log(&disk);
    // As while a group is in flight.
    let writer = log.shared().state.lock().writer.take();
    log.trim(Lsn(PER_SEGMENT)).unwrap();
    assert!(disk.exists(&path(1)).unwrap());
    log.shared().recycle().unwrap();
    assert!(disk.exists(&path(1)).unwrap(), "whoever else recycles");
    log.shared().state.lock().writer = writer;
    step_all(&log);
    assert!(
        !disk.exists(&path(1)).unwrap(),
        "the marker was tried again"
    );
    assert_eq!(log.shared().state.lock().marked, Lsn(PER_SEGMENT + 1));
}

#[test]
fn a_marker_that_fails_keeps_the_one_that_there_is() {
    let disk = SimFileSystem::with_folder(1, "/");
    let log = log(&disk);
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other));
    log.trim(Lsn(PER_SEGMENT)).unwrap_err();
    assert!(matches!(log.check(), Err(WalError::Poisoned)));
    for _ in 0..3 {
        log.trim(Lsn(PER_SEGMENT)).unwrap();
    }
    assert!(disk.exists(&path(1)).unwrap());
    drop(log);
    let log = Log::open(&disk.env(), Path::new(FOLDER), options(), Lsn(PER_SEGMENT)).unwrap();
    assert_eq!(log.appended_lsn(), Lsn(PER_SEGMENT + 1));
}

/// Where a group fails between a step's look at the log and its marker, the writer is back, and what it wrote is in doubt: a
/// sync that succeeds then says nothing of what the failed one was about.
#[test]
fn no_marker_is_written_by_whoever_looked_before_a_group_failed() {
    let disk = SimFileSystem::with_folder(1, "/");
    let log = log(&disk);
    let durable = log.durable_lsn();
    let marked = log.shared().state.lock().marked;
    let failing = log.append(&[7; 500]).unwrap();
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other));
    log.sync_to(failing).unwrap_err();
    let found = log.shared().mark(durable);
    assert!(matches!(found, Err(WalError::Poisoned)), "{found:?}");
    assert_eq!(log.durable_lsn(), durable, "the commit that failed");
    assert_eq!(log.shared().state.lock().marked, marked);
    assert!(log.sync_to(failing).is_err());
}

/// Whoever takes it, and whatever the log says by then.
#[test]
fn a_writer_that_failed_refuses_all_work() {
    let disk = SimFileSystem::with_folder(1, "/");
    let log = log(&disk);
    let failing = log.append(&[7; 500]).unwrap();
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other));
    log.sync_to(failing).unwrap_err();
    let mut writer = log.shared().state.lock().writer.take().unwrap();
    let durable = writer.durable;
    assert!(matches!(writer.write_marker(), Err(WalError::Poisoned)));
    let synced = writer.write_group(&mut [], Reach::Durable);
    assert!(matches!(synced, Err(WalError::Poisoned)));
    assert_eq!(writer.durable, durable);
}

/// A sync a trim would be dear: where a later segment has begun, its being there is proof enough.
#[test]
fn a_trim_that_leaves_more_than_one_segment_writes_no_marker() {
    let disk = SimFileSystem::with_folder(1, "/");
    let log = log(&disk);
    while log.stats().segments < 4 {
        let lsn = log.append(&[7; 500]).unwrap();
        log.sync_to(lsn).unwrap();
    }
    let syncs = log.stats().syncs;
    log.trim(Lsn(PER_SEGMENT)).unwrap();
    assert_eq!((log.stats().segments, log.stats().syncs), (3, syncs));
    log.trim(Lsn(3 * PER_SEGMENT)).unwrap();
    assert_eq!((log.stats().segments, log.stats().syncs), (1, syncs + 1));
    assert!(!disk.exists(&path(3)).unwrap());
}
