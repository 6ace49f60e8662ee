//! Archiving: no segment goes before the archive has it, whatever fails and whenever power is cut.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use drystone_base::sync::Mutex;
use drystone_base::{Env, Lsn};
use drystone_testkit::{CRASH_FOLDER, CrashPoints, CrashPolicy, Fault, OpKind, SimFileSystem};
use drystone_wal::{
    Archive, ArchiveStats, ClosedSegment, FolderArchive, Log, LogOptions, Progress, SegmentId,
    WalError,
};

use crate::{SEGMENT_BYTES, append_synced, bytes_of, dir, open, options};

const LEN: usize = 500;

fn archive_dir() -> PathBuf {
    Path::new(CRASH_FOLDER).join("archive")
}

fn append_to(log: &Log, last: u64) {
    while log.appended_lsn() < Lsn(last) {
        append_synced(log, &bytes_of(log.appended_lsn().0 + 1, LEN)).unwrap();
    }
}

/// Keeps what it was given, unless it is told to fail.
#[derive(Debug, Default)]
struct Shelf {
    taken: Mutex<Vec<SegmentId>>,
    records: Mutex<Vec<Lsn>>,
    is_broken: AtomicBool,
}

impl Archive for Shelf {
    fn take(&self, segment: &ClosedSegment) -> io::Result<()> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(io::Error::other("the shelf is broken"));
        }
        self.taken.lock().push(segment.number());
        for record in segment.records() {
            self.records
                .lock()
                .push(record.map_err(io::Error::other)?.lsn);
        }
        Ok(())
    }
}

#[test]
fn every_closed_segment_is_handed_out_in_order_before_it_goes() {
    let log = open(&Env::memory(1), 0).unwrap();
    assert_eq!(log.archive_stats(), None);
    append_to(&log, 20);
    let shelf = Arc::new(Shelf::default());
    log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
    log.trim(Lsn(20)).unwrap();
    assert_eq!(log.oldest_lsn(), Lsn(1), "A1: nothing went");
    let waiting = log.archive_stats().unwrap();
    assert_eq!((waiting.waiting_segments, waiting.taken), (2, None));
    assert_eq!(waiting.waiting_bytes, 2 * SEGMENT_BYTES);
    while log.step().unwrap() == Progress::More {}
    assert_eq!(*shelf.taken.lock(), [SegmentId(1), SegmentId(2)]);
    assert!(log.oldest_lsn() > Lsn(1), "and then it went");
    append_to(&log, 60);
    while log.step_archive().unwrap() == Progress::More {}
    let taken = shelf.taken.lock();
    assert!(taken.is_sorted() && taken.len() >= 6, "{taken:?}");
    let last = shelf.records.lock().len() as u64;
    assert!(shelf.records.lock().iter().copied().eq((1..=last).map(Lsn)));
    let stats = ArchiveStats {
        taken: taken.last().copied(),
        ..ArchiveStats::default()
    };
    assert_eq!(log.archive_stats(), Some(stats));
}

#[test]
fn an_archive_that_fails_keeps_segments_and_is_reported() {
    let log = open(&Env::memory(1), 0).unwrap();
    let shelf = Arc::new(Shelf::default());
    log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
    shelf.is_broken.store(true, Ordering::Relaxed);
    append_to(&log, 20);
    log.trim(Lsn(20)).unwrap();
    for failures in 1..=3 {
        let error = log.step().unwrap_err();
        let is_clear = matches!(
            error,
            WalError::Archive {
                segment: SegmentId(1),
                ..
            }
        );
        assert!(is_clear, "{error:?}");
        let stats = log.archive_stats().unwrap();
        assert_eq!((stats.failures, stats.waiting_segments), (failures, 2));
        let said = "the archive did not take segment 1: the shelf is broken";
        assert_eq!(stats.failure.as_deref(), Some(said));
    }
    assert!(log.stats().kept_bytes >= 2 * SEGMENT_BYTES);
    append_to(&log, 25);
    let syncs = log.stats().syncs;
    for _ in 0..4 {
        log.step().unwrap_err();
    }
    assert!(
        log.stats().syncs > syncs,
        "all else goes on: the marker was written"
    );
    shelf.is_broken.store(false, Ordering::Relaxed);
    while log.step().unwrap() == Progress::More {}
    assert_eq!(log.archive_stats().unwrap().failure, None);
    assert!(log.oldest_lsn() > Lsn(1));
}

#[test]
fn what_waits_for_the_archive_is_bounded_and_refuses_appends_until_it_is_taken() {
    let options = LogOptions {
        archive_bytes_max: 3 * SEGMENT_BYTES,
        ..options()
    };
    let env = Env::memory(1);
    let log = Log::open(&env, &dir(), options, Lsn::ZERO).unwrap();
    let shelf = Arc::new(Shelf::default());
    log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
    let refused = loop {
        let lsn = log.appended_lsn().0 + 1;
        if let Err(error) = append_synced(&log, &bytes_of(lsn, LEN)) {
            break error;
        }
        assert!(lsn < 100);
    };
    let is_clear = matches!(
        refused,
        WalError::ArchiveBehind { waiting_bytes, bytes_max }
            if waiting_bytes == bytes_max && bytes_max == 3 * SEGMENT_BYTES
    );
    assert!(is_clear, "{refused:?}");
    assert_eq!(log.stats().segments, 4);
    let last = log.appended_lsn().0;
    log.check().unwrap();
    assert_eq!(log.step_archive().unwrap(), Progress::More);
    append_to(&log, last + 1);
    assert_eq!(log.read_from(Lsn(1)).count() as u64, last + 1);
}

#[test]
fn a_damaged_segment_is_not_handed_out() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let log = open(&disk.env(), 0).unwrap();
    append_to(&log, 20);
    disk.settle();
    disk.garble_sector(&dir().join("00000000000000000001.log"), 4608)
        .unwrap();
    let shelf = Arc::new(Shelf::default());
    log.set_archive(Arc::clone(&shelf) as Arc<dyn Archive>);
    let error = log.step_archive().unwrap_err();
    assert!(matches!(error, WalError::Corrupt { .. }), "{error:?}");
    assert!(shelf.taken.lock().is_empty());
    assert_eq!(log.archive_stats().unwrap().failures, 1);
}

/// An archive that panics harms nobody but who drives it.
#[test]
fn a_panic_of_the_archive_leaves_the_segment_for_the_next_step() {
    #[derive(Debug)]
    struct Panics;
    impl Archive for Panics {
        fn take(&self, _: &ClosedSegment) -> io::Result<()> {
            panic!("the archive broke")
        }
    }
    let log = open(&Env::memory(1), 0).unwrap();
    append_to(&log, 20);
    log.set_archive(Arc::new(Panics));
    for _ in 0..2 {
        let step = std::panic::AssertUnwindSafe(|| log.step_archive());
        assert!(
            std::panic::catch_unwind(step).is_err(),
            "it is handed out again"
        );
    }
    append_to(&log, 21);
    assert_eq!(log.archive_stats().unwrap().waiting_segments, 2);
}

fn folder_archive(env: &Env) -> Arc<dyn Archive> {
    Arc::new(FolderArchive::new(env, &archive_dir()).unwrap())
}

/// Opens the archive as a log, and checks that it holds the records from 1 on, without a gap. Returns the last.
fn check_archive(env: &Env) -> Result<u64, WalError> {
    let log = Log::open(env, &archive_dir(), options(), Lsn::ZERO)?;
    let mut last = 0;
    for record in log.read_from(Lsn(1)) {
        let record = record?;
        last += 1;
        assert_eq!(record.lsn, Lsn(last));
        assert_eq!(record.payload, bytes_of(last, LEN));
    }
    assert_eq!(log.appended_lsn(), Lsn(last));
    Ok(last)
}

#[test]
fn a_folder_of_segments_is_a_log() {
    let env = Env::memory(1);
    let log = open(&env, 0).unwrap();
    log.set_archive(folder_archive(&env));
    append_to(&log, 100);
    while log.step().unwrap() == Progress::More {}
    log.close().unwrap();
    let archived = check_archive(&env).unwrap();
    assert!((90..=100).contains(&archived), "{archived}");
}

/// Recycled segments come to the archive without what their files held before.
#[test]
fn an_archive_of_recycled_segments_holds_each_record_once() {
    let env = Env::memory(1);
    let mut floor = 0;
    for last in [50, 51, 120, 300] {
        let log = open(&env, floor).unwrap();
        log.set_archive(folder_archive(&env));
        while log.appended_lsn() < Lsn(last) {
            append_to(&log, log.appended_lsn().0 + 1);
            log.trim(log.durable_lsn()).unwrap();
            log.step().unwrap();
        }
        floor = log.durable_lsn().0;
        log.close().unwrap();
    }
    assert!(check_archive(&env).unwrap() > 290);
}

#[test]
fn another_segment_of_the_same_number_is_refused() {
    let env = Env::memory(1);
    let log = open(&env, 0).unwrap();
    append_to(&log, 20);
    log.set_archive(folder_archive(&env));
    while log.step_archive().unwrap() == Progress::More {}
    let other = Log::open(&env, Path::new("other"), options(), Lsn::ZERO).unwrap();
    append_to(&other, 20);
    other.set_archive(folder_archive(&env));
    match other.step_archive().unwrap_err() {
        WalError::Archive { source, .. } => assert_eq!(source.kind(), io::ErrorKind::AlreadyExists),
        error => panic!("{error:?}"),
    }
    assert_eq!(other.archive_stats().unwrap().waiting_segments, 2);
}

/// Every operation of the archive fails once, in turn: the log takes no harm, and the archive gets there in the end.
#[test]
fn any_failure_of_the_archive_is_made_up_for() {
    for on in [
        OpKind::Open,
        OpKind::Write,
        OpKind::Sync,
        OpKind::SyncDir,
        OpKind::Rename,
    ] {
        for nth in 1.. {
            let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
            let env = disk.env();
            let log = open(&env, 0).unwrap();
            log.set_archive(folder_archive(&env));
            append_to(&log, 20);
            disk.inject(
                Fault::error(on, io::ErrorKind::Other)
                    .under(archive_dir())
                    .nth(nth),
            );
            let failed = (0..10).filter(|_| log.step_archive().is_err()).count() as u64;
            assert_eq!(
                (failed, log.archive_stats().unwrap().failures),
                (failed, failed)
            );
            assert_eq!(log.archive_stats().unwrap().waiting_segments, 0);
            log.trim(Lsn(20)).unwrap();
            append_to(&log, 22);
            drop(log);
            if disk.faults_struck() == 0 {
                break;
            }
            let after = disk.crash(CrashPolicy::LoseAll);
            assert!(check_archive(&after.env()).unwrap() >= 14, "{on:?} {nth}");
        }
    }
}

/// Whatever a crash leaves, archive and log together hold every record that was acknowledged: what was trimmed is in the
/// archive.
#[test]
fn power_cuts_lose_no_record_between_log_and_archive() {
    let report = CrashPoints::new("wal: archived").draws(2).run(
        |env, witness| {
            let log = open(env, 0).unwrap();
            log.set_archive(folder_archive(env));
            for count in 1..=80 {
                witness.begin(count);
                append_synced(&log, &bytes_of(count, LEN)).unwrap();
                witness.acknowledge(count);
                log.step().unwrap();
                if count % 5 == 0 {
                    log.trim(log.durable_lsn()).unwrap();
                }
            }
        },
        |env, promises| {
            let acknowledged = promises.last_acknowledged();
            // Everything may have been trimmed: the floor is what was acknowledged.
            let log = open(env, acknowledged)?;
            assert!(log.appended_lsn().0 >= acknowledged);
            env.files.create_dir_all(&archive_dir()).unwrap();
            let archived = check_archive(env)?;
            assert!(
                log.oldest_lsn() <= Lsn(archived + 1),
                "records {archived} to {} are nowhere",
                log.oldest_lsn()
            );
            // It goes on, and takes again what it has.
            log.set_archive(folder_archive(env));
            append_synced(&log, &bytes_of(log.appended_lsn().0 + 1, LEN))?;
            while log.step_archive()? == Progress::More {}
            Ok(())
        },
    );
    println!("archived: {report}");
    assert!(report.points > 2000, "{report}");
}
