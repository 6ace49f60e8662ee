//! The log in memory, without faults.

use std::path::Path;

use drystone_base::{Env, Lsn};

use super::*;

const SMALL: u64 = 64 << 10;

fn small() -> LogOptions {
    LogOptions {
        segment_bytes: SMALL,
        ..LogOptions::default()
    }
}

fn open(env: &Env) -> Log {
    Log::open(env, Path::new("log"), small(), Lsn::ZERO).unwrap()
}

fn payload(lsn: u64, len: usize) -> Vec<u8> {
    let seed = lsn.to_le_bytes();
    seed.iter().cycle().take(len).copied().collect()
}

fn append_all(log: &Log, lens: &[usize]) {
    for len in lens {
        let lsn = log.appended_lsn().next();
        assert_eq!(log.append(&payload(lsn.0, *len)).unwrap(), lsn);
    }
}

/// The payloads from `from` on, their numbers checked to be consecutive.
fn read(log: &Log, from: u64) -> Vec<Vec<u8>> {
    let mut expected = Lsn(from);
    let mut payloads = Vec::new();
    for record in log.read_from(Lsn(from)) {
        let record = record.unwrap();
        assert_eq!(record.lsn, expected);
        expected = expected.next();
        payloads.push(record.payload.to_vec());
    }
    payloads
}

fn check_content(log: &Log, lens: &[usize]) {
    let expected: Vec<_> = lens
        .iter()
        .zip(1..)
        .map(|(len, lsn)| payload(lsn, *len))
        .collect();
    assert_eq!(read(log, 1), expected);
}

#[test]
fn records_are_there_after_sync_close_and_reopen() {
    let env = Env::memory(1);
    let lens = [0, 1, 7, 8, 9, 4000, 60_000, 5];
    let log = open(&env);
    append_all(&log, &lens);
    log.sync_to(Lsn(8)).unwrap();
    assert_eq!(log.durable_lsn(), Lsn(8));
    check_content(&log, &lens);
    log.close().unwrap();
    let log = open(&env);
    assert_eq!((log.appended_lsn(), log.durable_lsn()), (Lsn(8), Lsn(8)));
    check_content(&log, &lens);
}

#[test]
fn a_record_longer_than_a_segment_gets_its_own() {
    let env = Env::memory(1);
    let lens = [10, 300_000, 10, 1_000_000, 1_000_000, 3];
    let log = open(&env);
    append_all(&log, &lens);
    log.flush().unwrap();
    check_content(&log, &lens);
    drop(log);
    check_content(&open(&env), &lens);
}
