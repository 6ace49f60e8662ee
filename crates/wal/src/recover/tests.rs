//! What opening says to every way in which a log can end, or be damaged. Files are changed by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, File, Lsn, OpenMode};

use super::*;
use crate::Log;
use crate::record::format::{
    HEADER_BYTES, Header, RecordKind, check, encode_unsealed, seal, stored_bytes,
};
use crate::segment::format::RECORDS_START;

const PAYLOAD_BYTES: usize = 100;
const STORED_BYTES: u64 = stored_bytes(PAYLOAD_BYTES) as u64;
const SEGMENT_BYTES: u64 = 12288;
/// How many of these records one segment holds.
const PER_SEGMENT: u64 = (SEGMENT_BYTES - 2 * 4096) / STORED_BYTES;

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: SEGMENT_BYTES,
        ..LogOptions::default()
    }
}

/// A log in memory whose records are all as long: record *n* of a segment starts where one can say.
struct Rig {
    env: Env,
}

impl Rig {
    /// Appends up to `last`, one group each, and leaves without closing.
    fn new(last: u64) -> Rig {
        let rig = Rig {
            env: Env::memory(5),
        };
        let log = rig.open(0).unwrap();
        rig.append(&log, last);
        rig
    }

    fn open(&self, floor: u64) -> Result<Log, WalError> {
        Log::open(&self.env, Path::new("log"), options(), Lsn(floor))
    }

    fn append(&self, log: &Log, last: u64) {
        while log.appended_lsn() < Lsn(last) {
            let lsn = log.append(&payload(log.appended_lsn().0 + 1)).unwrap();
            log.sync_to(lsn).unwrap();
        }
    }

    fn path(number: u64) -> PathBuf {
        Path::new("log").join(format!("{number:020}.log"))
    }

    fn file(&self, number: u64) -> Arc<dyn File> {
        self.env
            .files
            .open(&Rig::path(number), OpenMode::ReadWrite)
            .unwrap()
    }

    fn epoch(&self, number: u64) -> u64 {
        let mut block = [0; SEGMENT_HEADER_BYTES];
        self.file(number).read_exact_at(&mut block, 0).unwrap();
        crate::segment::format::decode(&block).unwrap().epoch
    }

    /// Turns a bit of record `idx` of a segment over.
    fn damage(&self, number: u64, idx: u64) {
        let offset = place(idx) + 40;
        let mut byte = [0];
        self.file(number).read_exact_at(&mut byte, offset).unwrap();
        self.file(number)
            .write_all_at(&[byte[0] ^ 4], offset)
            .unwrap();
    }

    /// Writes a valid record where record `idx` of a segment is, or would be.
    fn plant(&self, number: u64, idx: u64, lsn: u64, durable: u64, payload: &[u8]) {
        let mut bytes = Vec::new();
        encode_unsealed(&mut bytes, RecordKind::Data, Lsn(lsn), payload);
        seal(&mut bytes, Lsn(durable), self.epoch(number));
        self.file(number).write_all_at(&bytes, place(idx)).unwrap();
    }

    /// Opens, and checks that the log is sound and ends with `last`.
    fn check_ends(&self, last: u64) -> Log {
        let log = self.open(0).unwrap();
        assert_eq!(
            (log.appended_lsn(), log.durable_lsn()),
            (Lsn(last), Lsn(last))
        );
        check_records(&log, 1, last);
        log
    }

    fn check_corrupt(&self, number: u64, idx: u64, lsn: u64) {
        match self.open(0).unwrap_err() {
            WalError::Corrupt {
                segment,
                offset,
                lsn: found,
                ..
            } => assert_eq!(
                (segment, offset, found),
                (SegmentId(number), place(idx), Lsn(lsn))
            ),
            error => panic!("{error:?}"),
        }
    }
}

fn payload(lsn: u64) -> Vec<u8> {
    let seed = lsn.to_le_bytes();
    seed.iter().cycle().take(PAYLOAD_BYTES).copied().collect()
}

fn place(idx: u64) -> u64 {
    RECORDS_START + idx * STORED_BYTES
}

fn check_records(log: &Log, from: u64, last: u64) {
    let found: Vec<_> = log.read_from(Lsn(from)).map(Result::unwrap).collect();
    let lsns: Vec<_> = found.iter().map(|record| record.lsn.0).collect();
    assert_eq!(lsns, (from..=last).collect::<Vec<_>>());
    for record in found {
        assert_eq!(record.payload, Bytes::from(payload(record.lsn.0)));
    }
}

#[test]
fn an_empty_folder_is_an_empty_log() {
    let rig = Rig::new(0);
    let log = rig.check_ends(0);
    assert_eq!(log.oldest_lsn(), Lsn(1));
    assert_eq!(log.read_from(Lsn(1)).count(), 0);
}

#[test]
fn an_unclosed_log_keeps_every_record() {
    for last in [1, 2, PER_SEGMENT, PER_SEGMENT + 1, 3 * PER_SEGMENT] {
        Rig::new(last).check_ends(last);
    }
}

#[test]
fn a_broken_last_record_is_a_torn_tail() {
    let rig = Rig::new(3);
    rig.damage(1, 2);
    let log = rig.check_ends(2);
    rig.append(&log, 5);
    drop(log);
    rig.check_ends(5);
}

#[test]
fn a_broken_last_record_of_a_closed_log_is_corruption() {
    let rig = Rig::new(3);
    rig.open(0).unwrap().close().unwrap();
    rig.damage(1, 2);
    rig.check_corrupt(1, 2, 3);
}

#[test]
fn the_idle_marker_covers_the_last_group() {
    let rig = Rig::new(0);
    let log = rig.open(0).unwrap();
    rig.append(&log, 3);
    while log.step().unwrap() == crate::Progress::More {}
    log.step().unwrap();
    drop(log);
    rig.damage(1, 2);
    rig.check_corrupt(1, 2, 3);
}

#[test]
fn damage_that_a_later_record_knows_to_be_durable_is_corruption() {
    let rig = Rig::new(5);
    rig.damage(1, 1);
    rig.check_corrupt(1, 1, 2);
}

#[test]
fn damage_before_a_later_segment_is_corruption() {
    let rig = Rig::new(PER_SEGMENT + 1);
    rig.damage(1, PER_SEGMENT - 1);
    rig.check_corrupt(1, PER_SEGMENT - 1, PER_SEGMENT);
}

#[test]
fn a_damaged_marker_costs_nothing() {
    let rig = Rig::new(3);
    rig.open(0).unwrap().close().unwrap();
    let marker = SEGMENT_BYTES - 4096;
    rig.file(1).write_all_at(&[9], marker + 8).unwrap();
    rig.check_ends(3);
}

/// The last record and all around it is rotten; the marker is a block away.
#[test]
fn a_lost_sector_at_the_end_of_a_closed_log_is_corruption() {
    let rig = Rig::new(7);
    rig.open(0).unwrap().close().unwrap();
    let sector = place(6) / 512 * 512;
    rig.file(1).write_all_at(&[0; 512], sector).unwrap();
    let broken = (sector - RECORDS_START) / STORED_BYTES;
    rig.check_corrupt(1, broken, broken + 1);
}

/// A marker of the segment's past vouches for nothing, nor does one of another kind of record.
#[test]
fn only_a_marker_of_this_epoch_vouches() {
    let rig = Rig::new(3);
    let plant = |kind, epoch| {
        let mut bytes = Vec::new();
        encode_unsealed(&mut bytes, kind, Lsn(9), &[]);
        seal(&mut bytes, Lsn(8), epoch);
        rig.file(1)
            .write_all_at(&bytes, SEGMENT_BYTES - 4096)
            .unwrap();
    };
    plant(RecordKind::Marker, rig.epoch(1) + 1);
    rig.check_ends(3);
    plant(RecordKind::Data, rig.epoch(1));
    rig.check_ends(3);
    plant(RecordKind::Marker, rig.epoch(1));
    rig.check_corrupt(1, 3, 4);
}

/// Three records were one group. The first was lost; the others survive and are valid. After the cut, a new record
/// takes the place of the lost one: the survivors follow it without a seam.
#[test]
fn what_was_cut_never_comes_back() {
    let rig = Rig::new(2);
    rig.plant(1, 3, 4, 2, &payload(4));
    rig.plant(1, 4, 5, 2, &payload(5));
    let log = rig.check_ends(2);
    rig.append(&log, 3);
    drop(log);
    rig.check_ends(3);
}

#[test]
fn recovery_that_is_cut_short_is_repeated() {
    let rig = Rig::new(2);
    for idx in 3..10 {
        rig.plant(1, idx, idx + 1, 2, &payload(idx + 1));
    }
    // A part of the zeros arrived, the records around it are still there.
    rig.file(1).write_all_at(&[0; 300], place(4)).unwrap();
    let log = rig.check_ends(2);
    rig.append(&log, 6);
    drop(log);
    rig.check_ends(6);
}

/// What a payload holds is no record of the log, not even if it is a copy of one.
#[test]
fn records_inside_payloads_prove_nothing() {
    let rig = Rig::new(3);
    let mut inner = vec![0; 64 + stored_bytes(8)];
    let mut copy = Vec::new();
    encode_unsealed(&mut copy, RecordKind::Data, Lsn(2), &[1; 8]);
    seal(&mut copy, Lsn(1), rig.epoch(1));
    inner[64..].copy_from_slice(&copy);
    let log = rig.open(0).unwrap();
    let lsn = log.append(&inner).unwrap();
    log.sync_to(lsn).unwrap();
    drop(log);
    rig.file(1).write_all_at(&[9], place(3)).unwrap();
    rig.check_ends(3);
}

/// Payloads may look like headers of long records to come, at every offset. That costs time, within bounds.
#[test]
fn payloads_that_look_like_headers_do_not_make_the_search_endless() {
    let env = Env::memory(3);
    let dir = Path::new("log");
    let log = Log::open(&env, dir, LogOptions::default(), Lsn::ZERO).unwrap();
    let mut lookalike = Vec::new();
    encode_unsealed(&mut lookalike, RecordKind::Data, Lsn(2), &[]);
    lookalike[6] = 0x3F;
    log.append(&lookalike.repeat(200_000)).unwrap();
    log.flush().unwrap();
    drop(log);
    let file = env.files.open(&Rig::path(1), OpenMode::ReadWrite).unwrap();
    file.write_all_at(&[9], RECORDS_START).unwrap();
    let error = Log::open(&env, dir, LogOptions::default(), Lsn::ZERO).unwrap_err();
    assert!(
        matches!(error, WalError::Corrupt { lsn: Lsn(1), .. }),
        "{error:?}"
    );
}

#[test]
fn a_missing_segment_is_found() {
    let rig = Rig::new(3 * PER_SEGMENT);
    rig.env.files.remove_file(&Rig::path(2)).unwrap();
    let error = rig.open(0).unwrap_err();
    assert!(
        matches!(
            error,
            WalError::MissingSegment {
                segment: SegmentId(2)
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_missing_last_segment_is_found_by_the_one_before() {
    let rig = Rig::new(PER_SEGMENT + 3);
    rig.env.files.remove_file(&Rig::path(2)).unwrap();
    rig.check_corrupt(1, PER_SEGMENT, PER_SEGMENT + 1);
    let rig = Rig::new(3 * PER_SEGMENT + 1);
    for number in [4, 3] {
        rig.env.files.remove_file(&Rig::path(number)).unwrap();
        rig.check_corrupt(number - 1, PER_SEGMENT, (number - 1) * PER_SEGMENT + 1);
    }
}

#[test]
fn nothing_is_missing_where_nothing_behind_was_durable() {
    let rig = Rig::new(PER_SEGMENT);
    let log = rig.open(0).unwrap();
    log.append(&payload(PER_SEGMENT + 1)).unwrap();
    log.flush().unwrap();
    drop(log);
    rig.env.files.remove_file(&Rig::path(2)).unwrap();
    rig.check_ends(PER_SEGMENT);
}

/// All that the lost segment held is held elsewhere, as far as anybody can tell.
#[test]
fn a_missing_last_segment_below_the_floor_harms_nothing() {
    let rig = Rig::new(PER_SEGMENT + 1);
    rig.env.files.remove_file(&Rig::path(2)).unwrap();
    let log = rig.open(PER_SEGMENT + 1).unwrap();
    rig.append(&log, PER_SEGMENT + 2);
    check_records(&log, PER_SEGMENT + 2, PER_SEGMENT + 2);
}

#[test]
fn a_missing_first_segment_is_a_gap_unless_it_is_below_the_floor() {
    let rig = Rig::new(2 * PER_SEGMENT);
    rig.env.files.remove_file(&Rig::path(1)).unwrap();
    let error = rig.open(PER_SEGMENT - 1).unwrap_err();
    let oldest = Lsn(PER_SEGMENT + 1);
    assert!(
        matches!(error, WalError::Gap { oldest: found, .. } if found == oldest),
        "{error:?}"
    );
    let log = rig.open(PER_SEGMENT).unwrap();
    assert_eq!(log.oldest_lsn(), oldest);
    check_records(&log, oldest.0, 2 * PER_SEGMENT);
}

#[test]
fn a_hole_below_the_floor_is_what_a_cut_trim_leaves() {
    let rig = Rig::new(4 * PER_SEGMENT);
    rig.env.files.remove_file(&Rig::path(2)).unwrap();
    let log = rig.open(2 * PER_SEGMENT).unwrap();
    check_records(&log, 2 * PER_SEGMENT + 1, 4 * PER_SEGMENT);
    log.step().unwrap();
    assert!(!rig.env.files.exists(&Rig::path(1)).unwrap());
}

#[test]
fn a_floor_above_the_log_is_where_it_goes_on() {
    let rig = Rig::new(3);
    let log = rig.open(10).unwrap();
    assert_eq!((log.appended_lsn(), log.oldest_lsn()), (Lsn(10), Lsn(11)));
    rig.append(&log, 12);
    check_records(&log, 11, 12);
    drop(log);
    let log = rig.open(10).unwrap();
    assert_eq!(log.oldest_lsn(), Lsn(11), "older ones cannot be read");
    check_records(&log, 11, 12);
    drop(log);
    assert!(rig.open(2).is_err(), "records 4 to 10 are missing");
    rig.open(10).unwrap().step().unwrap();
    assert!(!rig.env.files.exists(&Rig::path(1)).unwrap());
}

#[test]
fn a_recycled_segment_shows_nothing_of_its_past() {
    let rig = Rig::new(3 * PER_SEGMENT);
    let log = rig.open(0).unwrap();
    log.trim(Lsn(2 * PER_SEGMENT)).unwrap();
    rig.append(&log, 3 * PER_SEGMENT + 2);
    assert_eq!(log.stats().spares, 1, "one of two was used");
    drop(log);
    let file = rig.file(4);
    let mut old = [0; 32];
    file.read_exact_at(&mut old, place(2)).unwrap();
    assert_eq!(old[24], 1, "an old record lies where the next one goes");
    let log = rig.open(2 * PER_SEGMENT).unwrap();
    check_records(&log, 2 * PER_SEGMENT + 1, 3 * PER_SEGMENT + 2);
}

/// Even if a random epoch came twice, the numbers would tell.
#[test]
fn old_records_under_the_same_epoch_do_not_chain_either() {
    let rig = Rig::new(PER_SEGMENT + 2);
    rig.plant(2, 2, 2, 1, &payload(2));
    rig.check_ends(PER_SEGMENT + 2);
}

/// Writes a segment's header anew, with another first record.
fn begin_with(rig: &Rig, number: u64, first_lsn: u64) {
    let mut block = [0; SEGMENT_HEADER_BYTES];
    rig.file(number).read_exact_at(&mut block, 0).unwrap();
    let mut header = crate::segment::format::decode(&block).unwrap();
    header.first_lsn = Lsn(first_lsn);
    let block = crate::segment::format::encode(&header);
    rig.file(number).write_all_at(&block, 0).unwrap();
}

#[test]
fn a_segment_that_begins_before_the_one_before_it_is_corruption() {
    let rig = Rig::new(2 * PER_SEGMENT + 1);
    begin_with(&rig, 3, PER_SEGMENT);
    match rig.open(0).unwrap_err() {
        WalError::Corrupt {
            segment: SegmentId(3),
            offset: 0,
            why: Malformed::Sequence { expected, found },
            ..
        } => assert_eq!((expected, found), (Lsn(PER_SEGMENT + 1), Lsn(PER_SEGMENT))),
        error => panic!("{error:?}"),
    }
}

/// Power went when a segment was begun. The next record does not fit it, so the next segment begins with the same number.
#[test]
fn a_segment_may_stay_empty() {
    let rig = Rig::new(PER_SEGMENT + 1);
    let zeros = vec![0; usize::try_from(STORED_BYTES).unwrap()];
    rig.file(2).write_all_at(&zeros, place(0)).unwrap();
    // What vouches for the record is written after it.
    let marker = [0; HEADER_BYTES];
    rig.file(1)
        .write_all_at(&marker, SEGMENT_BYTES - 4096)
        .unwrap();
    let log = rig.check_ends(PER_SEGMENT);
    let large = vec![1; 20_000];
    log.append(&large).unwrap();
    log.sync_to(Lsn(PER_SEGMENT + 1)).unwrap();
    drop(log);
    let log = rig.open(0).unwrap();
    assert_eq!(log.appended_lsn(), Lsn(PER_SEGMENT + 1));
    let last = log.read_from(Lsn(PER_SEGMENT + 1)).next();
    assert_eq!(last.unwrap().unwrap().payload, large);
}

#[test]
fn headers_are_checked_against_their_files() {
    let check = |harm: fn(&Rig), expected: fn(&WalError) -> bool| {
        let rig = Rig::new(PER_SEGMENT + 1);
        harm(&rig);
        let error = rig.open(0).unwrap_err();
        assert!(expected(&error), "{error:?}");
    };
    let corrupt = |error: &WalError| matches!(error, WalError::Corrupt { .. });
    check(|rig| rig.file(2).write_all_at(b"x", 0).unwrap(), corrupt);
    check(|rig| rig.file(1).write_all_at(b"x", 4000).unwrap(), corrupt);
    check(|rig| rig.file(2).set_len(100).unwrap(), corrupt);
    check(|rig| rig.file(2).set_len(0).unwrap(), corrupt);
    check(
        |rig| rig.file(2).set_len(SEGMENT_BYTES - 1).unwrap(),
        corrupt,
    );
    check(
        |rig| rig.env.files.rename(&Rig::path(2), &Rig::path(3)).unwrap(),
        |error| {
            matches!(
                error,
                WalError::Corrupt {
                    why: Malformed::Number { .. },
                    ..
                }
            )
        },
    );
    check(
        |rig| rig.file(2).write_all_at(&[9], 8).unwrap(),
        |error| matches!(error, WalError::UnsupportedVersion { found: 9, .. }),
    );
}

#[test]
fn half_made_and_needless_files_are_removed_and_strange_ones_left_alone() {
    let rig = Rig::new(1);
    let names = [
        "00000000000000000009.new",
        "00000000000000000008.spare",
        "notes.txt",
        "7.log",
    ];
    for name in names {
        let path = Path::new("log").join(name);
        rig.env.files.open(&path, OpenMode::CreateNew).unwrap();
    }
    rig.check_ends(1);
    let left = rig.env.files.list_dir(Path::new("log")).unwrap();
    assert_eq!(left, ["00000000000000000001.log", "7.log", "notes.txt"]);
}

#[test]
fn as_many_spares_are_kept_as_were_asked_for() {
    let rig = Rig::new(1);
    // What was not closed would be copied into one of them.
    rig.open(0).unwrap().close().unwrap();
    let zeros = vec![0; usize::try_from(SEGMENT_BYTES).unwrap()];
    for number in 10..15 {
        let path = Path::new("log").join(format!("{number:020}.spare"));
        let file = rig.env.files.open(&path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&zeros, 0).unwrap();
    }
    let log = rig.open(0).unwrap();
    let spares = options().spare_segments_max;
    assert_eq!(log.stats().spares, spares as u64);
    let names = rig.env.files.list_dir(Path::new("log")).unwrap();
    let left = names.iter().filter(|name| name.ends_with(".spare"));
    assert_eq!(left.count(), spares);
}

/// The search for what proves damage goes up to the trailer.
#[test]
fn a_record_at_the_very_end_of_a_segment_proves_damage() {
    let rig = Rig::new(5);
    rig.damage(1, 4);
    let mut bytes = Vec::new();
    encode_unsealed(&mut bytes, RecordKind::Data, Lsn(6), b"");
    seal(&mut bytes, Lsn(5), rig.epoch(1));
    let offset = SEGMENT_BYTES - 4096 - bytes.len() as u64;
    rig.file(1).write_all_at(&bytes, offset).unwrap();
    rig.check_corrupt(1, 4, 5);
    let error = rig.open(0).unwrap_err().to_string();
    let place = place(4);
    assert_eq!(
        error,
        format!("segment 1 is damaged at offset {place}, where LSN 5 should be")
    );
}

#[test]
fn the_planted_records_of_these_tests_are_valid() {
    let rig = Rig::new(1);
    rig.plant(1, 1, 2, 1, &payload(2));
    rig.check_ends(2);
    let header = Header {
        kind: RecordKind::Data,
        len: 0,
        lsn: Lsn(1),
        durable_lsn: Lsn(0),
    };
    assert!(check(&header, &[0; HEADER_BYTES], 0).is_err());
}

/// The medium wrote `len` bytes to another place than where they belong.
fn misdirect(file: &dyn File, from: u64, to: u64, len: u64) {
    let mut bytes = vec![0; usize::try_from(len).unwrap()];
    file.read_exact_at(&mut bytes, from).unwrap();
    file.write_all_at(&bytes, to).unwrap();
    bytes.fill(0);
    file.write_all_at(&bytes, from).unwrap();
}

#[test]
fn a_marker_that_was_written_over_a_record_still_vouches_for_it() {
    for last in [1, 3] {
        let rig = Rig::new(last);
        rig.open(0).unwrap().close().unwrap();
        let len = HEADER_BYTES as u64;
        misdirect(&*rig.file(1), SEGMENT_BYTES - 4096, place(0), len);
        rig.check_corrupt(1, 0, 1);
    }
}

#[test]
fn a_record_that_was_written_over_the_one_before_still_vouches_for_it() {
    let rig = Rig::new(3);
    misdirect(&*rig.file(1), place(2), place(1), STORED_BYTES);
    rig.check_corrupt(1, 1, 2);
}

#[test]
fn the_marker_of_the_segment_before_vouches_for_the_first_records_of_the_last_one() {
    let rig = Rig::new(PER_SEGMENT + 1);
    let len = usize::try_from(STORED_BYTES).unwrap();
    rig.file(2).write_all_at(&vec![0; len], place(0)).unwrap();
    rig.check_corrupt(2, 0, PER_SEGMENT + 1);
}
