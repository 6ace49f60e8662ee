//! An archive of the log, where the log, the archive or both have damage.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use drystone_base::fuzzing::AnyChecksum;
use drystone_base::{Env, Lsn};
use drystone_testkit::SimFileSystem;
use drystone_wal::{FolderArchive, Log, LogOptions, Progress, WalError};

use super::damage::{self, DISK_FOLDER};

const RECORDS: u64 = 24;
/// Steps after which an archive has all that it can have.
const STEPS_MAX: usize = 20;

/// A log that goes on being archived: what the archive then holds, and opens, is a run of what was appended, where
/// checksums count.
///
/// # Panics
/// When it is not.
pub fn archive(data: &[u8]) {
    static SOUND: OnceLock<SimFileSystem> = OnceLock::new();
    let sound = SOUND.get_or_init(half_archived);
    let (mode, damage) = data.split_first().unwrap_or((&0, &[]));
    let any = (mode & 1 == 1).then(AnyChecksum::accept);
    let harmed = damage::harm(sound, damage);
    let env = damage::env(&harmed);
    let floor = Lsn(u64::from(mode >> 1) % (RECORDS + 2));
    drop(go_on(&env, floor));
    drop(read_archive(&env, floor, any.is_none()));
}

/// The folder of the log, and that of the archive.
fn folders() -> [PathBuf; 2] {
    ["log", "archive"].map(|name| Path::new(DISK_FOLDER).join(name))
}

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 12_288,
        ..LogOptions::default()
    }
}

fn open(env: &Env, dir: &Path, floor: Lsn) -> Result<Log, WalError> {
    Log::open(env, dir, options(), floor)
}

fn archiving(env: &Env, floor: Lsn) -> Result<Log, WalError> {
    let [log, archive] = folders();
    let log = open(env, &log, floor)?;
    if let Ok(archive) = FolderArchive::new(env, &archive) {
        log.set_archive(Arc::new(archive));
    }
    Ok(log)
}

/// Appends, archives and trims.
fn go_on(env: &Env, floor: Lsn) -> Result<(), WalError> {
    let log = archiving(env, floor)?;
    if log.appended_lsn() < Lsn::MAX {
        log.sync_to(log.append(b"new")?)?;
    }
    for _ in 0..STEPS_MAX {
        if log.step_archive()? == Progress::Idle {
            break;
        }
    }
    log.trim(floor)?;
    log.step()?;
    log.close()
}

/// Opens the archive as the log that it is.
fn read_archive(env: &Env, floor: Lsn, checksums_count: bool) -> Result<(), WalError> {
    let [_, archive] = folders();
    let log = open(env, &archive, floor)?;
    for record in log.read_from(log.oldest_lsn()) {
        let record = record?;
        let is_right = record.payload == payload(record.lsn.0) || record.payload == "new";
        assert!(is_right || !checksums_count, "{record:?}");
    }
    Ok(())
}

/// A log of some segments, the first of which are in the archive.
fn half_archived() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, DISK_FOLDER);
    let env = disk.env();
    let log = archiving(&env, Lsn::ZERO).expect("a new log");
    for number in 1..=RECORDS {
        let lsn = log.append(&payload(number)).expect("a sound disk");
        log.sync_to(lsn).expect("a sound disk");
        if number == RECORDS / 2 {
            while log.step_archive().expect("a sound disk") == Progress::More {}
        }
    }
    log.close().expect("a sound disk");
    disk.settle();
    disk
}

fn payload(number: u64) -> Vec<u8> {
    let len = [0, 5, 300, 1500, 3000][usize::try_from(number % 5).unwrap_or(0)];
    let bytes = number.to_le_bytes();
    bytes.iter().cycle().take(len).copied().collect()
}
