//! The log in memory, without faults.

use std::path::Path;

use std::time::Duration;

use drystone_base::{Clock, Env, Lsn, ManualClock};

use super::*;
use crate::{Hold, HoldStats};

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
    drop(log);
    check_content(&open(&env), &lens);
}

#[test]
fn a_reader_keeps_the_segment_that_it_is_in_from_being_recycled() {
    let env = Env::memory(1);
    let log = open(&env);
    let lens = [1000; 300];
    append_all(&log, &lens);
    log.sync().unwrap();
    let mut reader = log.read_from(Lsn(1));
    assert_eq!(reader.next().unwrap().unwrap().lsn, Lsn(1));
    log.trim(Lsn(300)).unwrap();
    append_all(&log, &lens);
    log.sync().unwrap();
    assert_eq!(log.stats().kept_bytes, SMALL, "its own, and no other");

    let mut next = 2;
    let error = loop {
        match reader.next().unwrap() {
            Ok(record) => assert_eq!(record.payload, payload(next, 1000)),
            Err(error) => break error,
        }
        next += 1;
    };
    assert!(next > 50, "{next}");
    let oldest = log.oldest_lsn();
    assert!(
        matches!(error, WalError::Trimmed { wanted, oldest: left } if wanted == Lsn(next) && left == oldest),
        "{error:?}"
    );
    drop(reader);
    assert_eq!(log.step().unwrap(), Progress::More);
    assert_eq!(log.stats().kept_bytes, 0);
}

#[test]
fn a_reader_that_fell_behind_a_trim_says_so() {
    let log = open(&Env::memory(1));
    append_all(&log, &[1000; 100]);
    log.sync_to(Lsn(50)).unwrap();
    let mut tail = log.read_from(Lsn(101));
    log.trim(Lsn(60)).unwrap();
    let oldest = log.oldest_lsn();
    assert!(oldest > Lsn(1) && oldest <= Lsn(61));
    let error = log.read_from(Lsn::ZERO).next().unwrap().unwrap_err();
    assert!(
        matches!(error, WalError::Trimmed { wanted: Lsn(1), .. }),
        "{error:?}"
    );
    assert_eq!(log.read_from(oldest).next().unwrap().unwrap().lsn, oldest);

    assert!(tail.next().is_none());
    append_all(&log, &[1000; 200]);
    log.sync_to(Lsn(300)).unwrap();
    log.trim(Lsn(300)).unwrap();
    let error = tail.next().unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            WalError::Trimmed {
                wanted: Lsn(101),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(tail.next().is_none());
}

#[test]
fn a_reader_goes_on_when_more_is_durable() {
    let log = open(&Env::memory(1));
    let mut reader = log.read_from(Lsn(1));
    for lsn in 1..200 {
        assert!(reader.next().is_none());
        append_all(&log, &[1000]);
        assert!(reader.next().is_none(), "not flushed");
        log.flush().unwrap();
        assert!(reader.next().is_none(), "not durable");
        log.sync().unwrap();
        assert_eq!(reader.next().unwrap().unwrap().lsn, Lsn(lsn));
        assert_eq!(reader.position(), Lsn(lsn + 1));
    }
}

#[test]
fn steps_prepare_the_next_segment_and_then_write_the_marker() {
    let env = Env::memory(1);
    let log = open(&env);
    append_all(&log, &[20_000]);
    log.sync_to(Lsn(1)).unwrap();
    assert_eq!(
        (log.step().unwrap(), log.stats().spares),
        (Progress::Idle, 0)
    );
    append_all(&log, &[10_000]);
    log.sync_to(Lsn(2)).unwrap();
    assert_eq!(
        (log.step().unwrap(), log.stats().spares),
        (Progress::More, 1)
    );
    let syncs = log.stats().syncs;
    assert_eq!(
        (log.step().unwrap(), log.stats().syncs),
        (Progress::Idle, syncs)
    );
    assert_eq!(
        (log.step().unwrap(), log.stats().syncs),
        (Progress::Idle, syncs + 1),
        "quiet"
    );
    assert_eq!(
        (log.step().unwrap(), log.stats().syncs),
        (Progress::Idle, syncs + 1),
        "marked"
    );
    append_all(&log, &[30_000]);
    assert_eq!(
        (log.stats().spares, log.stats().groups),
        (0, 2),
        "append took the spare, and wrote nothing"
    );
}

#[test]
fn no_marker_is_written_while_records_wait_for_their_sync() {
    let log = open(&Env::memory(1));
    append_all(&log, &[10, 10]);
    log.flush().unwrap();
    for _ in 0..3 {
        log.step().unwrap();
    }
    assert_eq!(log.stats().syncs, 0);
}

#[test]
fn memory_is_bounded_when_nobody_syncs() {
    let options = LogOptions {
        buffer_bytes_max: 10_000,
        ..small()
    };
    let log = Log::open(&Env::memory(1), Path::new("log"), options, Lsn::ZERO).unwrap();
    append_all(&log, &[1000; 100]);
    let stats = log.stats();
    assert!(
        stats.group_bytes_max <= 11_000 && stats.groups >= 9,
        "{stats:?}"
    );
    assert!(log.durable_lsn() < Lsn(100));
}

#[test]
fn arguments_out_of_range_are_refused() {
    let log = open(&Env::memory(1));
    let error = log.append(&vec![0; MAX_PAYLOAD_BYTES + 1]).unwrap_err();
    assert!(matches!(error, WalError::TooLarge { .. }), "{error:?}");
    let error = log.sync_to(Lsn(1)).unwrap_err();
    assert!(
        matches!(error, WalError::NotAppended { wanted: Lsn(1), .. }),
        "{error:?}"
    );
    assert!(log.read_from(Lsn::MAX).next().is_none());
    log.trim(Lsn::MAX).unwrap();
    let full = Log::open(&Env::memory(1), Path::new("log"), small(), Lsn::MAX).unwrap();
    assert!(matches!(full.append(b"x"), Err(WalError::Exhausted)));
    assert!(full.read_from(Lsn::MAX).next().is_none());
    full.close().unwrap();
}

#[test]
fn the_last_number_is_never_given() {
    let last = Lsn(u64::MAX - 1);
    let log = Log::open(&Env::memory(1), Path::new("log"), small(), Lsn(last.0 - 1)).unwrap();
    assert_eq!(log.append(b"x").unwrap(), last);
    assert!(matches!(log.append(b"x"), Err(WalError::Exhausted)));
    log.sync_to(last).unwrap();
}

#[test]
fn a_log_exists_once_it_has_had_a_record() {
    let env = Env::memory(1);
    let dir = Path::new("log");
    assert!(!Log::exists(&env, dir).unwrap(), "there is no folder");
    let log = open(&env);
    assert!(!Log::exists(&env, dir).unwrap(), "nothing was written");
    append_all(&log, &[1]);
    log.close().unwrap();
    assert!(Log::exists(&env, dir).unwrap());
}

#[test]
fn a_segment_may_be_filled_to_its_last_byte() {
    // 31 records of 128 bytes, one of 96 and one of 32 make up the 4 KiB between header and trailer.
    let mut lens = vec![96; 31];
    lens.extend([64, 0]);
    let stored: usize = lens.iter().map(|len| stored_bytes(*len)).sum();
    assert_eq!(stored, 4096);
    let env = Env::memory(1);
    let options = LogOptions {
        segment_bytes: 12 << 10,
        ..LogOptions::default()
    };
    let log = Log::open(&env, Path::new("log"), options, Lsn::ZERO).unwrap();
    append_all(&log, &lens);
    log.sync_to(log.appended_lsn()).unwrap();
    assert_eq!(log.stats().segments, 1);
    append_all(&log, &[0]);
    log.sync_to(log.appended_lsn()).unwrap();
    assert_eq!(log.stats().segments, 2);
    lens.push(0);
    check_content(&log, &lens);
    drop(log);
    check_content(&open(&env), &lens);
}

#[test]
fn the_shortest_segment_has_room_for_a_block_of_records() {
    let options = LogOptions {
        segment_bytes: 1,
        ..LogOptions::default()
    };
    let log = Log::open(&Env::memory(1), Path::new("log"), options, Lsn::ZERO).unwrap();
    append_all(&log, &[4_000]);
    log.sync_to(Lsn(1)).unwrap();
    assert_eq!(log.stats().segment_bytes, 12 << 10);
    assert_eq!(log.step().unwrap(), Progress::More);
    assert_eq!(log.stats().spares, 1);
    append_all(&log, &[4_000]);
    assert_eq!(log.stats().spares, 0, "what was prepared is of use");
}

#[test]
fn a_log_may_be_opened_with_other_options() {
    let env = Env::memory(1);
    let mut last = 0;
    for segment_bytes in [SMALL, 12_288, 0, 1 << 20, SMALL] {
        let options = LogOptions {
            segment_bytes,
            spare_segments_max: 0,
            buffer_bytes_max: 0,
            ..LogOptions::default()
        };
        let log = Log::open(&env, Path::new("log"), options, Lsn::ZERO).unwrap();
        append_all(&log, &[3000; 30]);
        last += 30;
        log.sync_to(Lsn(last)).unwrap();
        log.step().unwrap();
        assert_eq!(read(&log, 1).len() as u64, last);
    }
}

#[test]
fn commits_are_as_durable_as_they_ask() {
    let clock = Arc::new(ManualClock::default());
    let env = Env {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..Env::memory(1)
    };
    let log = open(&env);
    let durable = |log: &Log| log.durable_lsn().0;
    log.commit(b"x", Durability::Sync).unwrap();
    assert_eq!(durable(&log), 1);
    log.commit(b"x", Durability::None).unwrap();
    log.commit(b"x", Durability::Async(Duration::from_millis(30)))
        .unwrap();
    clock.advance(Duration::from_millis(10));
    log.commit(b"x", Durability::Async(Duration::from_millis(50)))
        .unwrap();
    log.commit(b"x", Durability::None).unwrap();
    clock.advance(Duration::from_millis(19));
    log.step().unwrap();
    assert_eq!(durable(&log), 1, "none of them is due");
    clock.advance(Duration::from_millis(1));
    log.step().unwrap();
    assert_eq!(durable(&log), 5, "one group takes all that wait");
    log.commit(b"x", Durability::Async(Duration::ZERO)).unwrap();
    assert_eq!(durable(&log), 5);
    log.step().unwrap();
    assert_eq!(durable(&log), 6);
    log.commit(b"x", Durability::None).unwrap();
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        log.step().unwrap();
    }
    assert_eq!(durable(&log), 6, "nobody asked for it");
    assert_eq!(log.sync().unwrap(), Lsn(7));
    assert_eq!(durable(&log), 7);
    let syncs = log.stats().syncs;
    log.commit(b"x", Durability::Async(Duration::from_secs(1)))
        .unwrap();
    log.commit(b"x", Durability::Sync).unwrap();
    clock.advance(Duration::from_secs(1));
    log.step().unwrap();
    assert_eq!(
        log.stats().syncs,
        syncs + 1,
        "another commit's sync was its own, too"
    );
}

/// A storage that panics must not leave the other threads waiting for the writer.
#[test]
fn a_panic_in_the_storage_poisons_the_log() {
    let log = open(&Env::memory(1));
    append_all(&log, &[10]);
    let lead = std::panic::AssertUnwindSafe(|| {
        let shared = &log.shared;
        let mut state = shared.state.lock();
        let writer = state.writer.take().unwrap();
        shared.work(&mut state, writer, Vec::new(), |_, _| {
            panic!("the storage broke")
        })
    });
    assert!(std::panic::catch_unwind(lead).is_err());
    assert!(matches!(log.sync_to(Lsn(1)), Err(WalError::Poisoned)));
    assert!(matches!(log.append(b"x"), Err(WalError::Poisoned)));
}

/// 64 KiB segments of records of 1,000 bytes, all durable.
fn long_log(records: usize) -> Log {
    let log = open(&Env::memory(1));
    append_all(&log, &vec![1000; records]);
    log.sync().unwrap();
    log
}

fn hold(log: &Log, name: &str, from: u64, segments: u64) -> Hold {
    log.hold(name, Lsn(from), segments * SMALL).unwrap()
}

#[test]
fn a_hold_keeps_what_it_needs_until_it_moves_on() {
    let log = long_log(300);
    let held = hold(&log, "replica", 120, 100);
    log.trim(Lsn(300)).unwrap();
    assert!(log.oldest_lsn() > Lsn(1) && log.oldest_lsn() <= Lsn(120));
    assert_eq!(read(&log, 120).len(), 181);
    assert!(log.stats().kept_bytes >= 2 * SMALL);
    held.advance(Lsn(250)).unwrap();
    assert!(log.oldest_lsn() <= Lsn(120), "the next step finds it");
    log.step().unwrap();
    assert!(log.oldest_lsn() > Lsn(120) && log.oldest_lsn() <= Lsn(250));
    held.advance(Lsn(240)).unwrap();
    assert_eq!((held.needs(), held.is_lost()), (Lsn(240), false));
    let error = held.advance(Lsn(120)).unwrap_err();
    assert!(
        matches!(
            error,
            WalError::Trimmed {
                wanted: Lsn(120),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(held.needs(), Lsn(240));
    drop(held);
    log.step().unwrap();
    assert!(log.oldest_lsn() > Lsn(250));
    assert_eq!((log.stats().kept_bytes, log.holds()), (0, vec![]));
}

#[test]
fn a_hold_that_would_keep_too_much_is_lost_and_can_hold_again() {
    let log = long_log(300);
    let lazy = hold(&log, "lazy", 0, 2);
    let busy = hold(&log, "busy", 200, 100);
    log.trim(Lsn(100)).unwrap();
    assert_eq!(log.oldest_lsn(), Lsn(1), "one segment is not too much");
    log.trim(Lsn(300)).unwrap();
    assert!(lazy.is_lost() && !busy.is_lost());
    assert!(log.oldest_lsn() > Lsn(100) && log.oldest_lsn() <= Lsn(200));
    let of = |name: &str, needs, segments, is_lost| HoldStats {
        name: name.to_owned(),
        needs: Lsn(needs),
        bytes_max: segments * SMALL,
        is_lost,
    };
    assert_eq!(
        log.holds(),
        [of("lazy", 1, 2, true), of("busy", 200, 100, false)]
    );
    let error = log.read_from(lazy.needs()).next().unwrap().unwrap_err();
    let oldest = log.oldest_lsn();
    assert!(
        matches!(error, WalError::Trimmed { wanted: Lsn(1), oldest: left } if left == oldest),
        "{error:?}"
    );
    assert!(log.hold("late", Lsn(1), u64::MAX).is_err());
    lazy.advance(Lsn(270)).unwrap();
    drop(busy);
    log.step().unwrap();
    assert!(!lazy.is_lost() && log.oldest_lsn() <= Lsn(270));
}

#[test]
fn trimmed_segments_stay_readable_as_far_as_the_options_say() {
    let options = LogOptions {
        retain_bytes: 3 * SMALL + 1,
        ..small()
    };
    let env = Env::memory(1);
    let log = Log::open(&env, Path::new("log"), options.clone(), Lsn::ZERO).unwrap();
    append_all(&log, &[1000; 600]);
    log.sync().unwrap();
    log.trim(Lsn(600)).unwrap();
    let stats = log.stats();
    assert_eq!(
        (stats.kept_bytes, stats.segment_bytes),
        (3 * SMALL, 4 * SMALL)
    );
    let oldest = log.oldest_lsn();
    log.close().unwrap();
    let log = Log::open(&env, Path::new("log"), options, Lsn(600)).unwrap();
    assert_eq!(log.oldest_lsn(), oldest, "also after a reopen");
    assert_eq!(read(&log, oldest.0).len() as u64, 601 - oldest.0);
}
