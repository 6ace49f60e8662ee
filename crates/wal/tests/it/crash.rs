//! Power is cut at every operation of a workload, under every policy, and again during recovery.
//!
//! A payload tells its own number and its generation: 0 for the workload, and one more than the newest found for each
//! check that appends after a crash. So a record that was cut and came back shows: its generation is lower than that of
//! a record before it.

use std::path::Path;

use drystone_base::{Env, Lsn};
use drystone_testkit::{
    Checked, CrashPoints, CrashPolicy, CrashReport, Promises, SimFileSystem, Witness,
};
use drystone_wal::{Log, WalError};

use crate::{append_synced, open, options};

/// Begun numbers from here on say that the log was trimmed up to the rest.
const TRIM: u64 = 1 << 40;

/// Long enough for its generation, and the same in all generations, so that a new record ends where the old one did.
fn len_of(lsn: u64, shape: &Shape) -> usize {
    (shape.len_of)(lsn).max(16)
}

fn payload(lsn: u64, generation: u64, len: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(len);
    payload.extend_from_slice(&lsn.to_le_bytes());
    payload.extend_from_slice(&generation.to_le_bytes());
    payload.resize(len, lsn.to_le_bytes()[0]);
    payload
}

/// How a workload uses the log.
#[derive(Clone, Copy)]
struct Shape {
    /// How many records.
    last: u64,
    /// Every how many records it waits.
    group: u64,
    /// Every how many records it flushes, trims, takes a step, closes and reopens, leaves without closing and reopens;
    /// 0 for never.
    flush: u64,
    trim: u64,
    step: u64,
    reopen: u64,
    leave: u64,
    len_of: fn(u64) -> usize,
}

const PLAIN: Shape = Shape {
    last: 60,
    group: 1,
    flush: 0,
    trim: 0,
    step: 0,
    reopen: 0,
    leave: 0,
    len_of: |_| 100,
};

fn is_time(every: u64, lsn: u64) -> bool {
    every != 0 && lsn.is_multiple_of(every)
}

fn work(shape: &Shape, env: &Env, witness: &Witness) {
    let mut log = open(env, 0).unwrap();
    let mut floor = 0;
    for count in 1..=shape.last {
        let lsn = log.appended_lsn().0 + 1;
        witness.begin(lsn);
        let found = log.append(&payload(lsn, 0, len_of(lsn, shape)));
        assert_eq!(found.unwrap(), Lsn(lsn));
        if is_time(shape.flush, count) {
            log.flush().unwrap();
        }
        if is_time(shape.group, count) {
            log.sync_to(Lsn(lsn)).unwrap();
            witness.acknowledge(lsn);
        }
        if is_time(shape.step, count) {
            log.step().unwrap();
            log.step().unwrap();
        }
        if is_time(shape.trim, count) {
            floor = log.durable_lsn().0;
            witness.begin(TRIM + floor);
            log.trim(Lsn(floor)).unwrap();
        }
        if is_time(shape.reopen, count) {
            log.close().unwrap();
            witness.acknowledge(lsn);
            log = open(env, floor).unwrap();
        }
        if is_time(shape.leave, count) {
            drop(log);
            log = open(env, floor).unwrap();
            witness.acknowledge(log.durable_lsn().0);
        }
    }
    let last = log.appended_lsn();
    log.close().unwrap();
    witness.acknowledge(last.0);
}

/// Opens what a crash left, compares it with what was promised, and goes on a little.
fn check(shape: &Shape, env: &Env, promises: &Promises<'_>) -> Checked {
    let trimmed = promises.begun.iter().rev().find(|number| **number > TRIM);
    let floor = trimmed.map_or(0, |number| number - TRIM);
    let begun = promises.begun.iter().rev().find(|number| **number < TRIM);
    let log = open(env, floor)?;
    let found = read(shape, &log, floor)?;
    let last = floor + found.len() as u64;
    assert_eq!(log.appended_lsn(), Lsn(last), "the log knows its end");
    assert!(
        last >= promises.last_acknowledged(),
        "{last} and no more is there"
    );
    check_generations(&found, floor, promises.last_acknowledged());
    let of_workload = found.iter().filter(|generation| **generation == 0).count() as u64;
    assert!(
        floor + of_workload <= begun.copied().unwrap_or(0),
        "a record from nowhere"
    );

    let generation = found.last().map_or(1, |generation| generation + 1);
    append_some(shape, &log, generation)?;
    drop(log);
    let log = open(env, floor)?;
    let expected = found.iter().copied().chain([generation; 3]);
    assert_eq!(read(shape, &log, floor)?, expected.collect::<Vec<_>>());
    Ok(())
}

/// One record by itself, then two in one group.
fn append_some(shape: &Shape, log: &Log, generation: u64) -> Result<(), WalError> {
    let next = |log: &Log| {
        let lsn = log.appended_lsn().0 + 1;
        payload(lsn, generation, len_of(lsn, shape))
    };
    append_synced(log, &next(log))?;
    log.append(&next(log))?;
    append_synced(log, &next(log))?;
    Ok(())
}

/// The generations of all records after `floor`.
fn read(shape: &Shape, log: &Log, floor: u64) -> Result<Vec<u64>, WalError> {
    let mut generations = Vec::new();
    for (record, lsn) in log.read_from(Lsn(floor + 1)).zip(floor + 1..) {
        let record = record?;
        assert_eq!(record.lsn, Lsn(lsn));
        let generation = u64::from_le_bytes(*record.payload[8..].first_chunk().unwrap());
        assert_eq!(record.payload, payload(lsn, generation, len_of(lsn, shape)));
        generations.push(generation);
    }
    Ok(generations)
}

fn check_generations(found: &[u64], floor: u64, acknowledged: u64) {
    assert!(
        found.is_sorted(),
        "a record that was cut is back: {found:?}"
    );
    let promised = found.iter().zip(floor + 1..=acknowledged);
    for (generation, lsn) in promised {
        assert_eq!(*generation, 0, "record {lsn} was acknowledged");
    }
}

fn run(name: &str, shape: Shape) -> CrashReport {
    let report = CrashPoints::new(name).draws(3).run(
        |env, witness| work(&shape, env, witness),
        |env, promises| check(&shape, env, promises),
    );
    println!("{name}: {report}");
    report
}

#[test]
fn single_commits_survive() {
    let report = run("wal: single commits", PLAIN);
    assert!(report.points > 2000, "{report}");
}

#[test]
fn groups_survive_whole_segments_and_their_seams() {
    let shape = Shape {
        last: 200,
        group: 9,
        ..PLAIN
    };
    run("wal: groups", shape);
}

#[test]
fn flushed_records_may_be_lost_but_never_come_back() {
    let shape = Shape {
        last: 120,
        group: 24,
        flush: 3,
        ..PLAIN
    };
    run("wal: flushed", shape);
}

#[test]
fn trimmed_and_recycled_segments_survive() {
    let shape = Shape {
        last: 250,
        group: 5,
        trim: 25,
        step: 10,
        ..PLAIN
    };
    run("wal: recycled", shape);
}

#[test]
fn records_of_all_sizes_survive() {
    let shape = Shape {
        last: 60,
        group: 4,
        trim: 16,
        step: 8,
        len_of: |lsn| [16, 17, 600, 3000, 4100, 20_000][usize::try_from(lsn * 7 % 6).unwrap()],
        ..PLAIN
    };
    run("wal: all sizes", shape);
}

#[test]
fn closing_and_reopening_survives() {
    let shape = Shape {
        last: 80,
        group: 3,
        trim: 30,
        step: 4,
        reopen: 10,
        ..PLAIN
    };
    run("wal: reopened", shape);
}

#[test]
fn a_trimmed_segment_that_is_reused_at_once_survives() {
    let shape = Shape {
        last: 250,
        group: 10,
        trim: 25,
        ..PLAIN
    };
    run("wal: reused", shape);
}

/// As after the end of a process: what was flushed is found, and from then on promised.
#[test]
fn leaving_and_reopening_survives() {
    let shape = Shape {
        last: 150,
        group: 20,
        flush: 3,
        leave: 17,
        ..PLAIN
    };
    run("wal: left", shape);
}

/// The proof that these tests have teeth: a log that acknowledges before it syncs must be caught.
#[test]
fn a_log_that_only_flushes_is_caught() {
    let caught = CrashPoints::new("wal: canary").try_run(
        |env, witness| {
            let log = open(env, 0).unwrap();
            for lsn in 1..=5 {
                witness.begin(lsn);
                log.append(&payload(lsn, 0, 100)).unwrap();
                log.flush().unwrap();
                witness.acknowledge(lsn);
            }
        },
        |env, promises| check(&PLAIN, env, promises),
    );
    assert!(caught.is_err());
}

/// The current folder, and folders that were missing above the log's, have to hold their names, too.
#[test]
fn a_log_in_new_folders_survives_their_creation() {
    for dir in ["log", "new/log", "/new/newer/log"] {
        let disk = SimFileSystem::new(1);
        let open = |disk: &SimFileSystem| {
            Log::open(&disk.env(), Path::new(dir), options(), Lsn::ZERO).unwrap()
        };
        append_synced(&open(&disk), b"laid a stone").unwrap();
        let after = disk.crash(CrashPolicy::LoseAll);
        assert_eq!(open(&after).appended_lsn(), Lsn(1), "{dir}");
    }
}
