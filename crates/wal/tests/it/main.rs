//! Tests of the log from outside.
#![allow(clippy::unwrap_used, reason = "tests")]

mod archive;
mod archive_order;
mod crash;
mod damage;
mod errors;
mod faults;
mod golden;
mod groups;
mod model;
mod probe;
mod repair;
mod repair_aside;
mod tail;
mod threads;
mod user_code;

use std::path::{Path, PathBuf};

use drystone_base::{Env, Lsn};
use drystone_testkit::CRASH_FOLDER;
use drystone_wal::{Log, LogOptions, WalError};

/// The shortest segments there can be, so that tests see many of them.
const SEGMENT_BYTES: u64 = 12288;

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: SEGMENT_BYTES,
        ..LogOptions::default()
    }
}

/// The folder of the log on a simulated disk.
fn dir() -> PathBuf {
    Path::new(CRASH_FOLDER).join("log")
}

fn open(env: &Env, floor: u64) -> Result<Log, WalError> {
    Log::open(env, &dir(), options(), Lsn(floor))
}

fn append_synced(log: &Log, payload: &[u8]) -> Result<Lsn, WalError> {
    let lsn = log.append(payload)?;
    log.sync_to(lsn)?;
    Ok(lsn)
}

/// `len` bytes that follow from a number.
fn bytes_of(number: u64, len: usize) -> Vec<u8> {
    let seed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
    seed.iter().cycle().take(len).copied().collect()
}
