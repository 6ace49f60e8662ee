//! What a repair sets aside: the files themselves, whatever is wrong with them, and whenever it is cut short.

use std::path::{Path, PathBuf};

use drystone_base::{Env, FileSystem, Lsn, OpenMode};
use drystone_testkit::{CRASH_FOLDER, CrashPoints, CrashPolicy, SimFileSystem};
use drystone_wal::{Log, LogOptions, OlderDamage, Recovery, SegmentId, WalError};

use crate::{SEGMENT_BYTES, append_synced, bytes_of, dir, open, options};

const LEN: usize = 500;
const PER_SEGMENT: u64 = 4096 / 536;
const LAST: u64 = 5 * PER_SEGMENT + 1;

fn disk() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let log = open(&disk.env(), 0).unwrap();
    for lsn in 1..=LAST {
        append_synced(&log, &bytes_of(lsn, LEN)).unwrap();
    }
    drop(log);
    disk.settle();
    disk
}

fn path(segment: u64) -> PathBuf {
    dir().join(format!("{segment:020}.log"))
}

fn repair(env: &Env, floor: u64) -> Result<Log, WalError> {
    let options = LogOptions {
        recovery: Recovery::Repair,
        ..options()
    };
    Log::open(env, &dir(), options, Lsn(floor))
}

/// Each sector of a file, as far as it reads.
fn sectors(files: &dyn FileSystem, path: &Path) -> Vec<Option<[u8; 512]>> {
    let file = files.open(path, OpenMode::Read).unwrap();
    let read = |offset| {
        let mut sector = [0; 512];
        file.read_exact_at(&mut sector, offset).ok()?;
        Some(sector)
    };
    (0..SEGMENT_BYTES).step_by(512).map(read).collect()
}

/// A copy would hold something else for what the medium does not read, today or through this cable.
#[test]
fn a_file_that_does_not_read_is_set_aside_itself() {
    let disk = disk();
    let unread = 4096 + 1024;
    disk.break_sector(&path(2), unread..unread + 512).unwrap();
    let before = sectors(&disk, &path(2));
    assert_eq!(before.iter().filter(|sector| sector.is_none()).count(), 1);
    let log = repair(&disk.env(), 0).unwrap();
    let report = log.repaired().unwrap();
    assert_eq!(report.segment, SegmentId(2));
    assert!(sectors(&disk, &report.set_aside[0]) == before);
    assert_eq!(log.appended_lsn(), Lsn(report.lsn.0 - 1));
}

/// A cut does not hide why older segments were set aside.
#[test]
fn older_damage_is_told_beside_a_cut() {
    let disk = disk();
    disk.garble_sector(&path(1), 0).unwrap();
    disk.garble_sector(&path(4), 4096 + 512).unwrap();
    let floor = 2 * PER_SEGMENT + 3;
    let log = repair(&disk.env(), floor).unwrap();
    let report = log.repaired().unwrap();
    assert_eq!(report.segment, SegmentId(4));
    let older = report.older.unwrap();
    assert!(matches!(
        older,
        OlderDamage {
            segment: SegmentId(1),
            ..
        }
    ));
    assert!(report.to_string().ends_with(&older.to_string()), "{report}");
    assert!(report.to_string().contains("segment 4"), "{report}");
    assert_eq!(report.set_aside.len(), 4, "1, 4, 5 and 6");
}

/// Whenever power is cut, each file that there was is still there as it was, under its name or as one that was set aside,
/// unless it is whole and kept.
#[test]
fn a_repair_that_is_cut_short_loses_no_file() {
    let disk = disk();
    disk.garble_sector(&path(3), 4096 + 1024).unwrap();
    disk.settle();
    let before: Vec<_> = (3..=6)
        .map(|segment| sectors(&disk, &path(segment)))
        .collect();
    let report = CrashPoints::new("wal: what a repair sets aside")
        .draws(2)
        .starting_from(&disk)
        .nested(1, 2)
        .run(
            |env, _| drop(repair(env, 0).unwrap()),
            |env, _| {
                drop(repair(env, 0)?);
                let names = env.files.list_dir(&dir())?;
                let aside = names.iter().filter(|name| name.ends_with(".damaged"));
                let found: Vec<_> = aside
                    .map(|name| sectors(&*env.files, &dir().join(name)))
                    .collect();
                for (file, segment) in before.iter().zip(3..) {
                    assert!(found.contains(file), "segment {segment}: {names:?}");
                }
                assert!(!names.iter().any(|name| name.ends_with(".repaired")));
                Ok(())
            },
        );
    assert!(report.points > 50, "{report}");
}

/// A repair that came as far as to take the damaged file away is ended by any opening: the records before the damage are in
/// the new file alone.
#[test]
fn every_opening_ends_a_repair_that_was_begun() {
    let disk = disk();
    disk.garble_sector(&path(6), 4096).unwrap();
    drop(repair(&disk.env(), 0).unwrap());
    disk.settle();
    // As it was in between.
    let between = path(6).with_extension("repaired");
    disk.rename(&path(6), &between).unwrap();
    assert!(Log::exists(&disk.env(), &dir()).unwrap());
    let after = disk.crash(CrashPolicy::KeepAll);
    let log = open(&after.env(), 0).unwrap();
    assert_eq!(log.appended_lsn(), Lsn(LAST - 1));
    assert!(!after.exists(&between).unwrap());
}

/// What a repair made, and did not come to use, is never used later.
#[test]
fn what_an_earlier_repair_left_is_removed() {
    let disk = disk();
    let left = path(5).with_extension("repaired");
    let file = disk.open(&left, OpenMode::CreateNew).unwrap();
    file.write_all_at(b"not whole", 0).unwrap();
    let log = open(&disk.env(), 0).unwrap();
    assert_eq!(log.appended_lsn(), Lsn(LAST));
    assert!(!disk.exists(&left).unwrap());
}
