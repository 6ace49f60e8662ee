//! Repair: what is before the damage is kept, the rest is set aside, and a crash on the way changes neither.

use std::path::{Path, PathBuf};

use drystone_base::checksum::crc32c_seeded;
use drystone_base::{Env, FileSystem, Lsn, OpenMode};
use drystone_testkit::{CRASH_FOLDER, CrashPoints, CrashPolicy, SimFileSystem};
use drystone_wal::{
    Log, LogOptions, Malformed, Recovery, RepairCause, RepairReport, SegmentId, WalError,
};

use crate::{SEGMENT_BYTES, append_synced, bytes_of, dir, open, options};

const LEN: usize = 500;
/// How many of these records one segment holds.
const PER_SEGMENT: u64 = 4096 / 536;
/// Five full segments, and a record in the sixth.
const LAST: u64 = 5 * PER_SEGMENT + 1;

fn open_with(env: &Env, floor: u64, recovery: Recovery) -> Result<Log, WalError> {
    let options = LogOptions {
        recovery,
        ..options()
    };
    Log::open(env, &dir(), options, Lsn(floor))
}

fn repair(env: &Env, floor: u64) -> Log {
    open_with(env, floor, Recovery::Repair).unwrap()
}

fn append_to(log: &Log, last: u64) {
    while log.appended_lsn() < Lsn(last) {
        append_synced(log, &bytes_of(log.appended_lsn().0 + 1, LEN)).unwrap();
    }
}

/// A log that was not closed.
fn disk() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    append_to(&open(&disk.env(), 0).unwrap(), LAST);
    disk.settle();
    disk
}

fn path(segment: u64) -> PathBuf {
    dir().join(format!("{segment:020}.log"))
}

/// Damages a record by the sector that it begins in.
fn damage(disk: &SimFileSystem, lsn: u64) {
    let offset = 4096 + (lsn - 1) % PER_SEGMENT * 536;
    disk.garble_sector(&path(1 + (lsn - 1) / PER_SEGMENT), offset / 512 * 512)
        .unwrap();
}

/// What is left of a sound log that ends with `last`.
fn check(log: &Log, last: u64) {
    let oldest = log.oldest_lsn().0;
    let mut next = oldest;
    for record in log.read_from(Lsn(oldest)) {
        let record = record.unwrap();
        assert_eq!(record.lsn, Lsn(next));
        assert_eq!(record.payload, bytes_of(next, LEN));
        next += 1;
    }
    assert_eq!((next - 1, log.appended_lsn()), (last, Lsn(last)));
}

fn names(disk: &SimFileSystem, end: &str) -> Vec<String> {
    let names = disk.list_dir(&dir()).unwrap();
    names
        .into_iter()
        .filter(|name| name.ends_with(end))
        .collect()
}

/// Repairs, checks what is left and that it can be written on, and returns the report.
fn check_repaired(disk: &SimFileSystem, floor: u64, last: u64) -> RepairReport {
    let log = repair(&disk.env(), floor);
    let report = log.repaired().expect("something was wrong").clone();
    check(&log, last);
    append_to(&log, last + 2 * PER_SEGMENT);
    drop(log);
    let after = disk.crash(CrashPolicy::LoseAll);
    check(&open(&after.env(), floor).unwrap(), last + 2 * PER_SEGMENT);
    let log = repair(&after.env(), floor);
    assert_eq!(log.repaired(), None, "once is enough");
    report
}

#[test]
fn a_sound_log_is_left_alone() {
    for floor in [0, 3, LAST, LAST + 10] {
        let disk = disk();
        let log = repair(&disk.env(), floor);
        assert_eq!(log.repaired(), None);
        if floor <= LAST {
            check(&log, LAST);
        }
        assert!(names(&disk, ".damaged").is_empty());
    }
    let empty = SimFileSystem::with_folder(1, CRASH_FOLDER);
    assert_eq!(repair(&empty.env(), 0).repaired(), None);
}

/// A torn tail was never acknowledged: to cut it is no repair.
#[test]
fn a_torn_tail_is_cut_without_a_word() {
    let disk = disk();
    damage(&disk, LAST);
    let log = repair(&disk.env(), 0);
    // The marker of the segment before knows of it: that is damage. One record later nothing does.
    assert!(log.repaired().is_some());
    append_to(&log, LAST + 1);
    drop(log);
    disk.settle();
    let bare = disk.crash(CrashPolicy::KeepAll);
    let last = 4096 + LAST % PER_SEGMENT * 536;
    bare.garble_sector(&path(6), last.next_multiple_of(512))
        .unwrap();
    let log = repair(&bare.env(), 0);
    assert_eq!((log.repaired(), log.appended_lsn()), (None, Lsn(LAST)));
}

#[test]
fn what_is_before_the_damage_is_kept_and_the_rest_set_aside() {
    for lsn in 1..LAST {
        let disk = disk();
        damage(&disk, lsn);
        // A sector may hold the end of the record before.
        let Err(WalError::Corrupt {
            segment,
            offset,
            lsn: first,
            why,
        }) = open(&disk.env(), 0)
        else {
            panic!("{lsn}");
        };
        assert!(first.0 == lsn || first.0 + 1 == lsn);
        let files = names(&disk, ".log");
        let report = check_repaired(&disk, 0, first.0 - 1);
        assert_eq!(
            (report.segment, report.offset, report.lsn),
            (segment, offset, first)
        );
        assert_eq!(report.cause, RepairCause::Damaged(why));
        assert_eq!(report.last_lost, Lsn(LAST));
        let from = files
            .iter()
            .position(|name| path(segment.0).ends_with(name))
            .unwrap();
        let aside: Vec<String> = files[from..]
            .iter()
            .map(|name| name.replace(".log", ".damaged"))
            .collect();
        assert_eq!(names(&disk, ".damaged"), aside);
        assert!(
            report
                .set_aside
                .iter()
                .all(|path| disk.exists(path).unwrap())
        );
        assert_eq!(report.set_aside.len(), aside.len());
    }
}

/// What was set aside is what was there, to the last byte.
#[test]
fn nothing_is_lost_of_what_is_set_aside() {
    let disk = disk();
    damage(&disk, 10);
    let whole = |path: &Path| {
        let file = disk.open(path, OpenMode::Read).unwrap();
        let mut bytes = vec![0; usize::try_from(SEGMENT_BYTES).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    };
    let before: Vec<_> = (2..=6).map(|segment| whole(&path(segment))).collect();
    let log = repair(&disk.env(), 0);
    let report = log.repaired().unwrap();
    let after: Vec<_> = report.set_aside.iter().map(|path| whole(path)).collect();
    assert!(before == after);
}

#[test]
fn a_second_repair_leaves_the_first_one_s_files_alone() {
    let disk = disk();
    damage(&disk, 10);
    check_repaired(&disk, 0, 8);
    disk.settle();
    damage(&disk, 10);
    let log = repair(&disk.env(), 0);
    check(&log, 8);
    assert_eq!(
        names(&disk, ".damaged")
            .iter()
            .filter(|name| name.starts_with("00000000000000000002"))
            .count(),
        2
    );
}

#[test]
fn a_damaged_header_costs_its_segment_and_those_behind_it() {
    for segment in 1..=6 {
        let disk = disk();
        disk.garble_sector(&path(segment), 0).unwrap();
        let last = (segment - 1) * PER_SEGMENT;
        let report = check_repaired(&disk, 0, last);
        assert_eq!(
            (report.segment, report.lsn),
            (SegmentId(segment), Lsn(last + 1))
        );
        assert!(matches!(report.cause, RepairCause::Damaged(_)), "{report}");
        assert_eq!(report.set_aside.len() as u64, 7 - segment);
    }
}

/// Makes a segment's header say that its first record is this one, under a right checksum.
fn begin_with(disk: &SimFileSystem, segment: u64, lsn: u64) {
    let mut header = [0; 4096];
    disk.image(&path(segment)).unwrap().read_at(&mut header, 0);
    header[32..40].copy_from_slice(&lsn.to_le_bytes());
    let crc = crc32c_seeded(1, &header[16..]);
    header[12..16].copy_from_slice(&crc.to_le_bytes());
    disk.overwrite(&path(segment), 0, &header).unwrap();
}

/// No record has the number 0. A segment that would begin with it has no place for the first one.
#[test]
fn a_segment_that_begins_with_no_record_is_given_up() {
    for segment in 1..=6 {
        let disk = disk();
        begin_with(&disk, segment, 0);
        let refused = open(&disk.crash(CrashPolicy::KeepAll).env(), 0).unwrap_err();
        let WalError::Corrupt {
            segment: found,
            offset: 0,
            why,
            ..
        } = refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!((found, why), (SegmentId(segment), Malformed::FirstLsn));
        let last = (segment - 1) * PER_SEGMENT;
        let report = check_repaired(&disk, 0, last);
        assert_eq!(report.cause, RepairCause::Damaged(Malformed::FirstLsn));
        assert_eq!(
            (report.segment, report.lsn),
            (SegmentId(segment), Lsn(last + 1))
        );
    }
}

#[test]
fn a_missing_segment_costs_those_behind_it() {
    for segment in 1..=5 {
        let disk = disk();
        disk.remove_file(&path(segment)).unwrap();
        let last = (segment - 1) * PER_SEGMENT;
        let report = check_repaired(&disk, 0, last);
        // Without the first one, the log begins too late.
        let found = if segment == 1 { 2 } else { segment };
        assert_eq!(
            (report.segment, report.lsn),
            (SegmentId(found), Lsn(last + 1))
        );
        assert_eq!(report.cause, RepairCause::Missing);
        assert_eq!(report.set_aside.len() as u64, 6 - segment);
        assert_eq!(report.last_lost, Lsn(LAST));
    }
}

/// What nobody needs any more stands in the way of nothing.
#[test]
fn damage_before_what_is_needed_costs_nothing() {
    let disk = disk();
    disk.garble_sector(&path(1), 0).unwrap();
    let floor = 2 * PER_SEGMENT + 3;
    assert!(open(&disk.env(), floor).is_err());
    let log = repair(&disk.env(), floor);
    let report = log.repaired().unwrap();
    assert!(matches!(report.cause, RepairCause::NotCut), "{report}");
    assert_eq!(report.set_aside.len(), 1);
    assert_eq!(log.oldest_lsn(), Lsn(PER_SEGMENT + 1));
    check(&log, LAST);
    drop(log);
    check(&open(&disk.env(), floor).unwrap(), LAST);
}

/// A sector that the medium does not read any more.
#[test]
fn unreadable_sectors_are_damage_to_the_records_in_them() {
    for lsn in 1..LAST {
        let disk = disk();
        let offset = 4096 + (lsn - 1) % PER_SEGMENT * 536;
        let offset = offset / 512 * 512;
        let segment = 1 + (lsn - 1) / PER_SEGMENT;
        disk.break_sector(&path(segment), offset..offset + 512)
            .unwrap();
        assert!(open(&disk.env(), 0).is_err());
        let log = repair(&disk.env(), 0);
        let report = log.repaired().unwrap();
        assert!(report.lsn.0 == lsn || report.lsn.0 + 1 == lsn, "{report}");
        check(&log, report.lsn.0 - 1);
    }
}

#[test]
fn a_log_can_be_ended_at_any_record() {
    for end in 0..LAST {
        let disk = disk();
        let log = open_with(&disk.env(), 0, Recovery::EndAt(Lsn(end))).unwrap();
        let report = log.repaired().unwrap().clone();
        assert_eq!(
            (report.cause, report.lsn, report.last_lost),
            (RepairCause::Asked, Lsn(end + 1), Lsn(LAST))
        );
        check(&log, end);
        append_to(&log, end + 3);
        drop(log);
        let after = disk.crash(CrashPolicy::LoseAll);
        check(&open(&after.env(), 0).unwrap(), end + 3);
    }
    for end in [LAST, LAST + 7] {
        let disk = disk();
        let log = open_with(&disk.env(), 0, Recovery::EndAt(Lsn(end))).unwrap();
        assert_eq!((log.repaired(), log.appended_lsn()), (None, Lsn(LAST)));
    }
    let error = open_with(&disk().env(), 9, Recovery::EndAt(Lsn(8))).unwrap_err();
    assert!(
        matches!(
            error,
            WalError::BelowFloor {
                wanted: Lsn(8),
                floor: Lsn(9)
            }
        ),
        "{error:?}"
    );
}

/// Records that the log once had, and that were given up, never follow a new one: under the same numbers, with the same
/// lengths.
#[test]
fn what_was_given_up_does_not_come_back() {
    for end in [3, PER_SEGMENT, PER_SEGMENT + 2] {
        let disk = disk();
        let log = open_with(&disk.env(), 0, Recovery::EndAt(Lsn(end))).unwrap();
        let new = |lsn: u64| bytes_of(lsn + 1000, LEN);
        for lsn in end + 1..=end + 2 {
            append_synced(&log, &new(lsn)).unwrap();
            let after = disk.crash(CrashPolicy::LoseAll);
            let log = open(&after.env(), 0).unwrap();
            assert_eq!(log.appended_lsn(), Lsn(lsn));
            let last = log.read_from(Lsn(lsn)).next().unwrap().unwrap();
            assert_eq!(last.payload, new(lsn));
        }
    }
}

type Harm = fn(&SimFileSystem);

/// Power is cut at every operation of a repair, and of the repair after that. What a strict open then says is that the log
/// is damaged, or it finds what the repair keeps; and a repair finds just that.
#[test]
fn a_repair_that_is_cut_short_is_repeated() {
    let cuts: [(u64, Harm); 5] = [
        (8, |disk| damage(disk, 10)),
        (0, |disk| damage(disk, 1)),
        (LAST - 1, |disk| damage(disk, LAST)),
        (2 * PER_SEGMENT, |disk| {
            disk.garble_sector(&path(3), 0).unwrap()
        }),
        (3 * PER_SEGMENT, |disk| disk.remove_file(&path(4)).unwrap()),
    ];
    for (kept, harm) in cuts {
        let disk = disk();
        harm(&disk);
        disk.settle();
        let report = CrashPoints::new("wal: repaired")
            .draws(2)
            .starting_from(&disk)
            .nested(1, 2)
            .run(
                |env, _| drop(repair(env, 0)),
                |env, _| {
                    match open(env, 0) {
                        Ok(log) => check(&log, kept),
                        Err(
                            WalError::Corrupt { .. }
                            | WalError::MissingSegment { .. }
                            | WalError::Gap { .. },
                        ) => {}
                        Err(error) => return Err(error.into()),
                    }
                    let log = open_with(env, 0, Recovery::Repair)?;
                    check(&log, kept);
                    drop(log);
                    check(&open(env, 0)?, kept);
                    let names = env.files.list_dir(&dir())?;
                    let last_aside = format!("{:020}.damaged", 6);
                    assert!(
                        names.contains(&last_aside),
                        "what is given up is set aside: {names:?}"
                    );
                    Ok(())
                },
            );
        println!("{kept}: {report}");
        assert!(report.points > 50, "{report}");
    }
}

/// What a repair that was cut short has made, with a marker of the highest number there is, under a right checksum.
#[test]
fn a_marker_beyond_all_numbers_is_damage() {
    let disk = disk();
    let made = dir().join(format!("{:020}.repaired", 6));
    disk.rename(&path(6), &made).unwrap();
    let image = disk.image(&made).unwrap();
    let mut epoch = [0; 8];
    image.read_at(&mut epoch, 24);
    let mut marker = [0; 32];
    marker[8..24].fill(0xFF);
    marker[24] = 2;
    let crc = crc32c_seeded(u64::from_le_bytes(epoch), &marker[4..]);
    marker[..4].copy_from_slice(&crc.to_le_bytes());
    disk.overwrite(&made, SEGMENT_BYTES - 4096, &marker)
        .unwrap();
    let refused = open(&disk.crash(CrashPolicy::KeepAll).env(), 0).unwrap_err();
    let WalError::Corrupt { segment, lsn, .. } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((segment, lsn), (SegmentId(6), Lsn(LAST + 1)));
    let report = check_repaired(&disk, 0, LAST);
    assert_eq!(report.lsn, Lsn(LAST + 1));
}

/// Any damage at all: what a repair leaves can be opened, written on, and opened again; it holds a prefix.
#[test]
fn every_damaged_sector_can_be_repaired() {
    let sound = disk();
    let mut repaired = 0;
    for file in sound.files() {
        for offset in (0..SEGMENT_BYTES).step_by(512) {
            for harm in 0..4 {
                let disk = sound.crash(CrashPolicy::KeepAll);
                match harm {
                    0 => disk.garble_sector(&file, offset).unwrap(),
                    1 => disk.zero_sector(&file, offset).unwrap(),
                    2 => disk.truncate(&file, offset).unwrap(),
                    _ => {
                        let image = disk.image(&file).unwrap();
                        let mut sector = [0; 512];
                        image.read_at(&mut sector, (offset + 1024) % SEGMENT_BYTES);
                        disk.overwrite(&file, offset, &sector).unwrap();
                    }
                }
                let is_refused = open(&disk.crash(CrashPolicy::KeepAll).env(), 0).is_err();
                let log = repair(&disk.env(), 0);
                assert!(log.repaired().is_some() || !is_refused);
                repaired += u64::from(log.repaired().is_some());
                let last = log.appended_lsn().0;
                check(&log, last);
                append_to(&log, last + 3);
                drop(log);
                check(&open(&disk.env(), 0).unwrap(), last + 3);
            }
        }
    }
    assert!(repaired > 100, "{repaired}");
}
