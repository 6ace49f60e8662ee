//! Which segments the archive gets, and when, though openings and failures come between; and what it takes for a copy.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use drystone_base::sync::Mutex;
use drystone_base::{Env, FileSystem, Lsn, OpenMode};
use drystone_testkit::{CRASH_FOLDER, Fault, OpKind, SimFileSystem};
use drystone_wal::{
    Archive, ClosedSegment, FolderArchive, Log, LogOptions, Progress, Recovery, RepairCause,
    SegmentId, WalError,
};

use crate::{append_synced, bytes_of, dir, open, options};

const LEN: usize = 500;
const PER_SEGMENT: u64 = 4096 / 536;

/// Notes what it is given, once it is allowed to.
#[derive(Debug, Default)]
struct Shelf {
    is_closed: AtomicBool,
    records: Mutex<Vec<u64>>,
}

impl Archive for Shelf {
    fn take(&self, segment: &ClosedSegment) -> io::Result<()> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(io::Error::other("closed"));
        }
        for record in segment.records() {
            let record = record.map_err(io::Error::other)?;
            self.records.lock().push(record.lsn.0);
        }
        Ok(())
    }
}

fn append_to(log: &Log, last: u64) {
    while log.appended_lsn() < Lsn(last) {
        append_synced(log, &bytes_of(log.appended_lsn().0 + 1, LEN)).unwrap();
    }
}

fn disk() -> SimFileSystem {
    SimFileSystem::with_folder(1, CRASH_FOLDER)
}

/// A log that ends before its floor is retired as a whole; and so it is after any number of openings, until the archive has
/// it.
#[test]
fn what_was_retired_waits_for_the_archive_over_openings() {
    let disk = disk();
    let last = 2 * PER_SEGMENT + 3;
    append_to(&open(&disk.env(), 0).unwrap(), last);
    let floor = last + 10;
    let shelf = Arc::new(Shelf::default());
    shelf.is_closed.store(true, Ordering::Relaxed);
    for count in 1..=3 {
        let log = open(&disk.env(), floor).unwrap();
        log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
        append_to(&log, floor + count);
        log.step().unwrap_err();
        log.trim(Lsn(floor)).unwrap();
        assert!(log.archive_stats().unwrap().waiting_segments >= 3);
    }
    shelf.is_closed.store(false, Ordering::Relaxed);
    let log = open(&disk.env(), floor).unwrap();
    log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
    while log.step().unwrap() == Progress::More {}
    assert!(shelf.records.lock().iter().copied().eq(1..=last));
    let names = disk.list_dir(&dir()).unwrap();
    let first = format!("{:020}.log", 1);
    assert!(!names.contains(&first), "and then it goes: {names:?}");
}

/// One whose header does not decode can be taken by nobody. It is no part of the log, so it is not in its way.
#[test]
fn a_retired_segment_that_is_damaged_is_set_aside() {
    let disk = disk();
    let last = 2 * PER_SEGMENT + 3;
    append_to(&open(&disk.env(), 0).unwrap(), last);
    let floor = last + 10;
    append_to(&open(&disk.env(), floor).unwrap(), floor + 1);
    disk.settle();
    let damaged = dir().join(format!("{:020}.log", 2));
    disk.garble_sector(&damaged, 0).unwrap();
    let shelf = Arc::new(Shelf::default());
    let log = open(&disk.env(), floor).unwrap();
    log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
    while log.step().unwrap() == Progress::More {}
    let left = (1..=PER_SEGMENT).chain(2 * PER_SEGMENT + 1..=last);
    assert!(shelf.records.lock().iter().copied().eq(left));
    assert!(disk.exists(&damaged.with_extension("damaged")).unwrap());
}

/// Damages a file; and whether a strict open refuses the log for it.
type Damage = (fn(&SimFileSystem, &Path), bool);

/// What can be wrong with the file of segment 2. A medium may read again, and a newer program may be at hand, so for those a strict open
/// refuses.
const DAMAGES: [Damage; 4] = [
    (|disk, path| disk.break_sector(path, 0..512).unwrap(), true),
    (
        |disk, path| {
            let file = disk.open(path, OpenMode::ReadWrite).unwrap();
            file.write_all_at(&99_u32.to_le_bytes(), 8).unwrap(); // the version
        },
        true,
    ),
    (
        |disk, path| disk.garble_sector(path, 4096 + 1024).unwrap(),
        false,
    ),
    (
        |disk, path| disk.break_sector(path, 4096 + 1024..4096 + 1536).unwrap(),
        false,
    ),
];

/// A log that ended before its floor, of which the first three segments wait for the archive, and the second is damaged.
fn with_damage(damage: fn(&SimFileSystem, &Path)) -> (SimFileSystem, u64) {
    let disk = disk();
    let last = 2 * PER_SEGMENT + 3;
    append_to(&open(&disk.env(), 0).unwrap(), last);
    let floor = last + 10;
    append_to(&open(&disk.env(), floor).unwrap(), floor + 1);
    disk.settle();
    damage(&disk, &dir().join(format!("{:020}.log", 2)));
    disk.settle();
    (disk, floor)
}

fn repair(disk: &SimFileSystem, floor: u64) -> Result<Log, WalError> {
    let options = LogOptions {
        recovery: Recovery::Repair,
        ..options()
    };
    Log::open(&disk.env(), &dir(), options, Lsn(floor))
}

/// What nobody needs and nobody can take keeps neither the log closed nor the archive waiting, once a person says so.
#[test]
fn a_repair_sets_aside_what_the_archive_can_never_take() {
    for (damage, is_refused) in DAMAGES {
        let (disk, floor) = with_damage(damage);
        match open(&disk.env(), floor) {
            Err(_) => assert!(is_refused),
            Ok(log) => {
                assert!(!is_refused);
                log.set_archive(Arc::new(Shelf::default()));
                let stuck = (0..10).find_map(|_| log.step_archive().err());
                assert!(stuck.is_some(), "and then at each step");
            }
        }
        let shelf = Arc::new(Shelf::default());
        let log = repair(&disk, floor).unwrap();
        let report = log.repaired().unwrap();
        assert_eq!(report.cause, RepairCause::NotCut, "{report}");
        assert_eq!(report.older.unwrap().segment, SegmentId(2), "{report}");
        assert_eq!(report.set_aside.len(), 1, "{report}");
        assert!(disk.exists(&report.set_aside[0]).unwrap());
        assert_eq!(log.appended_lsn(), Lsn(floor + 1));
        log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
        while log.step().unwrap() == Progress::More {}
        let left = (1..=PER_SEGMENT).chain(2 * PER_SEGMENT + 1..=floor - 10);
        assert!(shelf.records.lock().iter().copied().eq(left));
        drop(log);
        assert_eq!(repair(&disk, floor).unwrap().repaired(), None);
    }
}

/// A newer program's segment is no damage: where its records are needed, no repair gives them up.
#[test]
fn a_repair_refuses_a_newer_segment_that_is_needed() {
    let (disk, floor) = with_damage(DAMAGES[1].0);
    let names = disk.list_dir(&dir()).unwrap();
    for needed in [0, PER_SEGMENT + 1, floor - 20] {
        let refused = repair(&disk, needed);
        assert!(
            matches!(
                refused,
                Err(WalError::UnsupportedVersion {
                    segment: SegmentId(2),
                    found: 99,
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    assert_eq!(disk.list_dir(&dir()).unwrap(), names);
}

/// Whatever of a recycling fails, the archive that is set next gets what is left, in order.
#[test]
fn what_is_left_of_a_failed_recycling_is_archived_in_order() {
    let mut failures = 0;
    for on in [OpKind::Rename, OpKind::Remove, OpKind::SyncDir] {
        for nth in 1..=4 {
            let disk = disk();
            let log = open(&disk.env(), 0).unwrap();
            append_to(&log, 6 * PER_SEGMENT);
            let reader = log.read_from(Lsn(PER_SEGMENT + 1)); // keeps the second one
            disk.inject(Fault::error(on, io::ErrorKind::Other).nth(nth));
            failures += u32::from(log.trim(Lsn(5 * PER_SEGMENT)).is_err());
            disk.clear_faults();
            let shelf = Arc::new(Shelf::default());
            log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
            drop(reader);
            append_to(&log, 7 * PER_SEGMENT);
            while log.step().unwrap() == Progress::More {}
            let records = shelf.records.lock();
            assert!(records.is_sorted(), "{on:?} {nth}: {records:?}");
            assert!(records.contains(&(PER_SEGMENT + 1)), "{on:?} {nth}");
            let behind = 5 * PER_SEGMENT + 1..=6 * PER_SEGMENT;
            assert!(behind.into_iter().all(|lsn| records.contains(&lsn)));
        }
    }
    assert!(failures >= 4, "{failures}");
}

fn archive_dir() -> PathBuf {
    Path::new(CRASH_FOLDER).join("archive")
}

fn folder_archive(env: &Env) -> Arc<dyn Archive> {
    Arc::new(FolderArchive::new(env, &archive_dir()).unwrap())
}

fn archive_all(env: &Env) -> Result<(), WalError> {
    let log = open(env, 0)?;
    log.set_archive(folder_archive(env));
    while log.step_archive()? == Progress::More {}
    Ok(())
}

/// Nothing is taken for a copy that lacks a record: it is set aside, and copied again.
#[test]
fn a_copy_that_rotted_in_the_archive_is_made_again() {
    let last = 3 * PER_SEGMENT;
    let harms: [fn(&SimFileSystem, &Path); 4] = [
        |disk, copy| disk.garble_sector(copy, 4096 + 1024).unwrap(),
        |disk, copy| disk.zero_sector(copy, 4096 + 3 * 1024).unwrap(),
        |disk, copy| disk.garble_sector(copy, 0).unwrap(),
        |disk, copy| disk.truncate(copy, 8192).unwrap(),
    ];
    for harm in harms {
        let disk = disk();
        append_to(&open(&disk.env(), 0).unwrap(), last);
        archive_all(&disk.env()).unwrap();
        disk.settle();
        let copy = archive_dir().join(format!("{:020}.log", 1));
        let whole = disk.image(&copy).unwrap();
        harm(&disk, &copy);
        let damaged = disk.image(&copy).unwrap();
        archive_all(&disk.env()).unwrap();
        disk.settle();
        assert_eq!(disk.image(&copy).unwrap().first_difference(&whole), None);
        let aside = archive_dir().join(format!("{:020}.log.damaged", 1));
        let kept = disk.image(&aside).unwrap();
        assert_eq!(kept.first_difference(&damaged), None);
        let archived = Log::open(&disk.env(), &archive_dir(), crate::options(), Lsn::ZERO);
        assert_eq!(archived.unwrap().appended_lsn(), Lsn(2 * PER_SEGMENT));
    }
}

/// What is there and whole is not written again.
#[test]
fn a_sound_copy_is_left_alone() {
    let disk = disk();
    append_to(&open(&disk.env(), 0).unwrap(), 3 * PER_SEGMENT);
    archive_all(&disk.env()).unwrap();
    let fault = Fault::error(OpKind::Write, io::ErrorKind::Other).under(archive_dir());
    disk.inject(fault.for_ever());
    archive_all(&disk.env()).unwrap();
    assert_eq!(disk.faults_struck(), 0);
}
