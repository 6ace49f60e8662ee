//! Groups: who is woken when one ends, and what the figures say of them.

use std::sync::Arc;
use std::thread;

use drystone_base::{Env, Lsn};
use drystone_wal::{Log, LogOptions};

use crate::probe::Probe;
use crate::{append_synced, bytes_of};

const FOLLOWERS: u64 = 5;

fn open(probe: &Probe, segment_bytes: u64) -> Log {
    let env = Env {
        files: Arc::new(probe.clone()),
        ..Env::memory(3)
    };
    let options = LogOptions {
        segment_bytes,
        ..LogOptions::default()
    };
    Log::open(&env, "log".as_ref(), options, Lsn::ZERO).unwrap()
}

/// Nothing says that a thread sleeps. If one does not yet, the test is easier to pass, and no less right.
fn let_others_fall_asleep() {
    for _ in 0..100 {
        thread::yield_now();
    }
}

/// Everybody waits while a group is written. The next group is theirs; whoever is forgotten hangs.
#[test]
fn the_end_of_a_group_wakes_all_that_were_in_it() {
    let probe = Probe::default();
    let log = open(&probe, 1 << 20);
    for round in 1..=6 {
        append_synced(&log, b"begins the segment, and changes the turn").unwrap();
        let before = log.appended_lsn();
        probe.close_gate();
        thread::scope(|scope| {
            scope.spawn(|| append_synced(&log, b"leads").unwrap());
            probe.wait_for_syncs(1);
            for number in 0..FOLLOWERS {
                let log = &log;
                scope.spawn(move || append_synced(log, &bytes_of(number, 40)).unwrap());
            }
            while log.appended_lsn().0 < before.0 + 1 + FOLLOWERS {
                thread::yield_now();
            }
            let_others_fall_asleep();
            probe.pass_one();
            probe.wait_for_syncs(2);
            let_others_fall_asleep();
            probe.open_gate();
        });
        assert_eq!(log.durable_lsn(), log.appended_lsn(), "round {round}");
    }
}

#[test]
fn figures_are_of_what_was_appended_and_of_the_folder_now() {
    const SEGMENT_BYTES: u64 = 12288;
    let log = open(&Probe::default(), SEGMENT_BYTES);
    for number in 0..3 {
        log.append(&bytes_of(number, 1_000)).unwrap();
    }
    log.sync_to(Lsn(3)).unwrap();
    let one = log.stats();
    assert_eq!((one.appended, one.appended_bytes), (3, 3 * 1_032));
    assert_eq!((one.segments, one.segment_bytes), (1, SEGMENT_BYTES));
    assert_eq!(
        (one.groups, one.group_records_max, one.group_bytes_max),
        (1, 3, 3 * 1_032)
    );
    append_synced(&log, &bytes_of(4, 2_000)).unwrap();
    let two = log.stats();
    assert_eq!((two.segments, two.segment_bytes), (2, 2 * SEGMENT_BYTES));
    assert_eq!((two.groups, two.group_records_max), (2, 3));
    log.trim(Lsn(3)).unwrap();
    assert_eq!((log.stats().segments, log.stats().spares), (1, 1));
}

/// A record after the other, but not a read for each.
#[test]
fn a_log_is_read_in_large_pieces() {
    let probe = Probe::default();
    let log = open(&probe, 1 << 20);
    for number in 0..2_000 {
        log.append(&bytes_of(number, 300)).unwrap();
    }
    log.close().unwrap();
    let before = probe.reads();
    let log = open(&probe, 1 << 20);
    let opening = probe.reads() - before;
    assert!(opening < 20, "{opening} reads to open");
    let before = probe.reads();
    assert_eq!(log.read_from(Lsn(1)).count(), 2_000);
    let reading = probe.reads() - before;
    assert!(reading < 10, "{reading} reads of 2,000 records");
}

#[test]
fn what_is_started_is_written_and_not_durable() {
    let probe = Probe::default();
    let log = open(&probe, 1 << 20);
    append_synced(&log, b"begins the segment").unwrap();
    let lsn = log.append(&bytes_of(1, 5_000)).unwrap();
    log.start_sync().unwrap();
    assert_eq!(probe.started(), 32 + 5_000);
    assert!(log.durable_lsn() < lsn);
    let groups = log.stats().groups;
    log.sync_to(lsn).unwrap();
    assert_eq!(log.durable_lsn(), lsn);
    assert_eq!(log.stats().groups, groups, "nothing was left to write");
}

/// A group in flight is not waited for: what was to be started is left to the sync.
#[test]
fn nothing_is_started_while_another_writes() {
    let probe = Probe::default();
    let log = open(&probe, 1 << 20);
    append_synced(&log, b"begins the segment").unwrap();
    probe.close_gate();
    thread::scope(|scope| {
        scope.spawn(|| append_synced(&log, b"leads").unwrap());
        probe.wait_for_syncs(1);
        let lsn = log.append(&bytes_of(1, 5_000)).unwrap();
        log.start_sync().unwrap();
        assert_eq!(probe.started(), 0);
        probe.open_gate();
        log.sync_to(lsn).unwrap();
        assert_eq!(log.durable_lsn(), lsn);
    });
}

#[test]
fn a_step_writes_what_has_gathered_where_it_is_much() {
    let probe = Probe::default();
    let env = Env {
        files: Arc::new(probe.clone()),
        ..Env::memory(3)
    };
    let options = LogOptions {
        buffer_bytes_max: 64 << 10,
        ..LogOptions::default()
    };
    let log = Log::open(&env, "log".as_ref(), options, Lsn::ZERO).unwrap();
    log.append(&bytes_of(1, 5_000)).unwrap();
    log.step_files().unwrap();
    assert_eq!(probe.started(), 0, "little is left where it is");
    log.append(&bytes_of(2, 5_000)).unwrap();
    log.step_files().unwrap();
    assert_eq!(probe.started(), 2 * 5_032);
    assert_eq!(log.durable_lsn(), Lsn::ZERO);
}
