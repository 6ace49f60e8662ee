//! The log as the facade offers it: archived, repaired, and its figures.

use std::path::{Path, PathBuf};

use drystone::{CreateMode, Database, ErrorKind, Keyspace, Options, Part, Recovery, RepairCause};
use drystone_base::{FileSystem, Lsn};
use drystone_testkit::{Errno, Fault, OpKind, SimFileSystem};
use drystone_wal::{Log, LogOptions};

const FOLDER: &str = "/db";

fn archive() -> PathBuf {
    Path::new("/archive").to_owned()
}

fn open(disk: &SimFileSystem, options: Options) -> drystone::Result<(Database, Keyspace)> {
    let database = Database::open_in(&disk.env(), FOLDER, options)?;
    let stones = database.keyspace("stones")?;
    Ok((database, stones))
}

fn put(stones: &Keyspace, numbers: std::ops::Range<u32>) -> drystone::Result<()> {
    for number in numbers {
        stones.put(number.to_be_bytes().to_vec(), vec![7; 500])?;
    }
    Ok(())
}

fn step_all(database: &Database) {
    while database.step().unwrap() {}
}

/// Every commit is in the archive or in the log, though the log is trimmed as merges go on.
#[test]
fn files_of_the_log_are_archived_before_they_go() {
    let disk = SimFileSystem::new(1);
    let options = Options {
        log_archive: Some(archive().into()),
        ..Options::simulated()
    };
    let (database, stones) = open(&disk, options).unwrap();
    for round in 0..20 {
        put(&stones, round * 20..(round + 1) * 20).unwrap();
        step_all(&database);
    }
    let stats = database.stats();
    let archived = stats.archive.unwrap();
    assert_eq!((archived.waiting_segments, archived.failures), (0, 0));
    assert!(stats.log.segment_bytes > 0 && archived.taken.is_some());
    let log = Log::open(&disk.env(), &archive(), LogOptions::default(), Lsn::ZERO).unwrap();
    let last = log.appended_lsn();
    assert_eq!(
        log.read_from(Lsn(1)).map(Result::unwrap).count() as u64,
        last.0
    );
    assert!(last.0 > 350 && last < stats.visible_lsn, "{last}");
}

#[test]
fn a_broken_archive_is_reported_and_in_the_end_refuses_commits() {
    let disk = SimFileSystem::new(1);
    let options = Options {
        log_archive: Some(archive().into()),
        log_archive_bytes_max: 64 << 10,
        ..Options::simulated()
    };
    let (database, stones) = open(&disk, options).unwrap();
    let broken = Fault::errno(OpKind::Rename, Errno::Eio).under(archive());
    disk.inject(broken.times(u64::MAX));
    let mut failures = 0;
    let refused = (0..1_000).find_map(|number| {
        failures += u64::from(database.step().is_err());
        put(&stones, number..number + 1).err()
    });
    assert_eq!(refused.unwrap().kind(), ErrorKind::Full);
    let stats = database.stats();
    let archived = stats.archive.unwrap();
    assert!(failures > 0 && archived.failures >= failures && archived.failure.is_some());
    assert_eq!(archived.waiting_bytes, 64 << 10);
    disk.calm();
    step_all(&database);
    put(&stones, 0..10).unwrap();
    assert_eq!(database.stats().archive.unwrap().failure, None);
}

#[test]
fn a_damaged_log_opens_with_what_is_before_the_damage_where_that_is_allowed() {
    let disk = SimFileSystem::new(1);
    let options = Options {
        memtable_bytes: 1 << 20,
        ..Options::simulated()
    };
    let (database, stones) = open(&disk, options.clone()).unwrap();
    assert_eq!(database.repaired(), None);
    put(&stones, 0..60).unwrap();
    drop(stones);
    database.close().unwrap();
    disk.settle();
    let segment = Path::new(FOLDER).join("log/00000000000000000002.log");
    disk.garble_sector(&segment, 8192).unwrap();
    let error = open(&disk, options.clone()).unwrap_err();
    assert_eq!(
        (error.kind(), error.part()),
        (ErrorKind::Corrupt, Some(Part::Log))
    );

    let repair = Options {
        recovery: Recovery::Repair,
        create: CreateMode::Never,
        ..options.clone()
    };
    let (database, stones) = open(&disk, repair).unwrap();
    let report = database.repaired().unwrap();
    assert!(matches!(report.cause, RepairCause::Damaged(_)), "{report}");
    assert!(
        report
            .set_aside
            .iter()
            .all(|path| disk.exists(path).unwrap())
    );
    assert!(report.set_aside.len() >= 2 && report.last_lost > report.lsn);
    let kept = (0..60_u32)
        .filter(|number| stones.get(number.to_be_bytes()).unwrap().is_some())
        .count();
    assert!(kept > 10 && kept < 60, "{kept}");
    let is_prefix = |number: &u32| {
        stones.get(number.to_be_bytes()).unwrap().is_some() == ((*number as usize) < kept)
    };
    assert!((0..60).all(|number| is_prefix(&number)));
    assert!(database.verify().unwrap().is_sound());
    put(&stones, 100..140).unwrap();
    drop(stones);
    database.close().unwrap();
    let (database, stones) = open(&disk, options).unwrap();
    assert_eq!(database.repaired(), None);
    assert!(stones.get(139_u32.to_be_bytes()).unwrap().is_some());
}

/// The first commit after a quiet time leaves a note, which is a file. Where there is no room for it, that commit fails.
#[test]
fn a_disk_too_full_for_the_first_commit_after_a_quiet_time_fails_that_one_alone() {
    let disk = SimFileSystem::new(1);
    let (database, stones) = open(&disk, Options::simulated()).unwrap();
    put(&stones, 0..3).unwrap();
    step_all(&database);
    step_all(&database); // quiet: nothing came since the step before
    let note = Path::new(FOLDER).join("log/writing");
    assert!(!disk.exists(&note).unwrap());
    disk.inject(Fault::errno(OpKind::Open, Errno::Enospc).under(&note));
    let refused = put(&stones, 3..4).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert_eq!(stones.get(3_u32.to_be_bytes()).unwrap(), None);
    put(&stones, 3..5).unwrap();
    assert!(stones.get(4_u32.to_be_bytes()).unwrap().is_some());
}

/// A repair of the log mends nothing there.
#[test]
fn damage_to_the_engine_is_said_to_be_the_engine_s() {
    let disk = SimFileSystem::new(1);
    let (database, stones) = open(&disk, Options::simulated()).unwrap();
    drop(stones);
    database.close().unwrap();
    disk.settle();
    let data = Path::new(FOLDER).join("btree/data");
    let len = disk.image(&data).unwrap().len();
    let garbage = vec![0x5A; usize::try_from(len).unwrap()];
    disk.overwrite(&data, 0, &garbage).unwrap();
    for recovery in [Recovery::Strict, Recovery::Repair] {
        let options = Options {
            recovery,
            ..Options::simulated()
        };
        let error = open(&disk, options).unwrap_err();
        assert_eq!(
            (error.kind(), error.part()),
            (ErrorKind::Corrupt, Some(Part::Engine))
        );
    }
}
