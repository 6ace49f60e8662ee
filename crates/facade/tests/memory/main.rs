//! A transaction of many times its budget commits within its memory. A process of its own: it measures the peak.
#![cfg(all(target_os = "linux", feature = "btree"))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what fails here fails the test; the real disk, and what the system says"
)]

use drystone::{BackgroundWork, Database, IsolationLevel, Options};

const MIB: u64 = 1 << 20;
/// What is written, with 1,000 bytes a row.
const ROWS: u64 = 64_000;
/// What buffers for reading and writing, the allocator and the program's own pages may add.
const SLACK: u64 = 16 * MIB;

fn options() -> Options {
    Options {
        cache_bytes: 4 << 20,
        memtable_bytes: MIB,
        transaction_bytes: 2 * MIB,
        background: BackgroundWork::Manual,
        ..Options::default()
    }
}

/// The most memory that this process has had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

fn key(number: u64) -> [u8; 8] {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()
}

#[test]
fn a_transaction_of_32_times_its_budget_takes_little_more_than_that() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_with(folder.path().join("database"), options()).unwrap();
    let rows = database.keyspace("rows").unwrap();
    let before = peak_bytes();
    let mut transaction = database
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    for number in 0..ROWS {
        transaction
            .put(&rows, key(number).to_vec(), vec![7; 1000])
            .unwrap();
    }
    transaction.commit().unwrap();
    let mut load = database.bulk_load().unwrap();
    for number in 0..ROWS {
        load.put(&rows, key(number), [8; 1000]).unwrap();
    }
    load.commit().unwrap();
    let grown = peak_bytes() - before;
    let budget = 4 * MIB + 3 * MIB + 2 * MIB;
    assert!(grown <= budget + SLACK, "{} MiB", grown / MIB);
    assert_eq!(rows.get_range::<&[u8]>(..).count() as u64, ROWS);
    assert!(database.verify().unwrap().is_sound());
}
