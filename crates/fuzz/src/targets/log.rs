//! The log: its formats, and opening damaged segments.

use std::path::Path;
use std::sync::OnceLock;

use drystone_base::fuzzing::AnyChecksum;
use drystone_base::{Env, Lsn};
use drystone_testkit::SimFileSystem;
use drystone_wal::{Log, LogOptions, Record, Recovery, WalError};

use super::damage::{self, DISK_FOLDER};

const SEGMENT_BYTES: u64 = 12_288;
const RECORDS: u64 = 12;

/// A record of the log.
pub fn record(data: &[u8]) {
    drystone_wal::fuzzing::check_record(data);
}

/// The header of a segment.
pub fn segment_header(data: &[u8]) {
    drystone_wal::fuzzing::check_segment_header(data);
}

/// The name of a file.
pub fn file_name(data: &[u8]) {
    drystone_wal::fuzzing::check_file_name(&String::from_utf8_lossy(data));
}

/// The payload of a commit.
pub fn commit_record(data: &[u8]) {
    drystone_mvcc::fuzzing::check_commit_record(data);
}

/// An entry of the catalog of keyspaces.
pub fn keyspace_entry(data: &[u8]) {
    drystone_mvcc::fuzzing::check_keyspace_entry(data);
}

/// A block of a file that a transaction spilled.
pub fn run_block(data: &[u8]) {
    drystone_mvcc::fuzzing::check_run_block(data);
}

/// Segments with damage, or any bytes in their place: what opens holds a prefix of what was appended, where checksums
/// count, and can be appended to.
///
/// # Panics
/// When it does not.
pub fn open(data: &[u8]) {
    static SOUND: OnceLock<SimFileSystem> = OnceLock::new();
    let sound = SOUND.get_or_init(sound_log);
    let (mode, damage) = data.split_first().unwrap_or((&0, &[]));
    let any = (mode & 1 == 1).then(AnyChecksum::accept);
    let harmed = damage::harm(sound, damage);
    let floor = Lsn(u64::from(mode >> 1) % (RECORDS + 2));
    let Ok(records) = read_and_append(&damage::env(&harmed), floor, Lsn::ZERO) else {
        return;
    };
    if any.is_none() {
        records.iter().for_each(check_payload);
    }
}

/// As [`open`], by a repair: whatever is damaged, it leaves a log that a strict open takes, with a prefix of what was
/// appended, and that can be written on.
///
/// # Panics
/// When it does not.
pub fn repair(data: &[u8]) {
    static SOUND: OnceLock<SimFileSystem> = OnceLock::new();
    let sound = SOUND.get_or_init(sound_log);
    let (mode, damage) = data.split_first().unwrap_or((&0, &[]));
    let any = (mode & 1 == 1).then(AnyChecksum::accept);
    let harmed = damage::harm(sound, damage);
    let floor = Lsn(u64::from(mode >> 1) % (RECORDS + 2));
    let env = damage::env(&harmed);
    let log = match open_log_with(&env, floor, Recovery::Repair) {
        Ok(log) => log,
        Err(error) => return assert!(may_stay(&error), "{error:?}"),
    };
    drop(log);
    // Nobody looks at what is not needed: it may be damaged still.
    match read_and_append(&env, floor, floor) {
        Ok(records) if any.is_none() => records.iter().for_each(check_payload),
        Ok(_) | Err(WalError::Exhausted) => {}
        Err(error) => panic!("{error:?} after a repair"),
    }
}

/// Whether a repair may meet this: it is not damage, or not of the log.
fn may_stay(error: &WalError) -> bool {
    matches!(
        error,
        WalError::Io { .. } | WalError::UnsupportedVersion { .. }
    )
}

fn check_payload(record: &Record) {
    let is_new = record.payload == "new";
    assert!(
        is_new || record.payload == payload(record.lsn.0),
        "{record:?}"
    );
}

/// Two full segments and a third, closed.
fn sound_log() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, DISK_FOLDER);
    let log = open_log(&disk.env(), Lsn::ZERO).expect("a new log");
    for number in 1..=RECORDS {
        let lsn = log.append(&payload(number)).expect("a sound disk");
        log.sync_to(lsn).expect("a sound disk");
    }
    log.close().expect("a sound disk");
    disk.settle();
    disk
}

fn payload(number: u64) -> Vec<u8> {
    let len = [0, 5, 300, 1500, 3000][usize::try_from(number % 5).unwrap_or(0)];
    number
        .to_le_bytes()
        .iter()
        .cycle()
        .take(len)
        .copied()
        .collect()
}

fn open_log(env: &Env, floor: Lsn) -> Result<Log, WalError> {
    open_log_with(env, floor, Recovery::Strict)
}

fn open_log_with(env: &Env, floor: Lsn, recovery: Recovery) -> Result<Log, WalError> {
    let options = LogOptions {
        segment_bytes: SEGMENT_BYTES,
        recovery,
        ..LogOptions::default()
    };
    Log::open(env, Path::new(DISK_FOLDER), options, floor)
}

/// Reads the records after `after`, as far as there are any, and writes on.
fn read_and_append(env: &Env, floor: Lsn, after: Lsn) -> Result<Vec<Record>, WalError> {
    let log = open_log(env, floor)?;
    let first = |log: &Log| log.oldest_lsn().max(after.next());
    let records: Vec<Record> = log.read_from(first(&log)).collect::<Result<_, _>>()?;
    if log.appended_lsn() < Lsn::MAX {
        let lsn = log.append(b"new")?;
        log.sync_to(lsn)?;
        log.trim(floor)?;
        log.step()?;
    }
    log.close()?;
    let log = open_log(env, floor)?;
    for record in log.read_from(first(&log)) {
        record?;
    }
    Ok(records)
}
