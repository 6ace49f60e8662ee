//! Many threads on one log, on the operating system's files.

use std::sync::Barrier;
use std::thread;

use drystone_base::{Env, Lsn};
use drystone_wal::{Log, LogOptions, Record, WalError};

const THREADS: u64 = 8;
const EACH: u64 = 150;

fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::default()
    }
}

fn payload(thread: u64, number: u64) -> Vec<u8> {
    let mut payload = vec![0; 16 + usize::try_from(number * 37 % 900).unwrap()];
    payload[..8].copy_from_slice(&thread.to_le_bytes());
    payload[8..16].copy_from_slice(&number.to_le_bytes());
    payload
}

fn author(record: &Record) -> (u64, u64) {
    let number =
        |offset: usize| u64::from_le_bytes(*record.payload[offset..].first_chunk().unwrap());
    (number(0), number(8))
}

/// Appends and waits; returns the numbers that were acknowledged.
fn work(log: &Log, thread: u64) -> Vec<Lsn> {
    let each = (0..EACH).map(|number| {
        let lsn = log.append(&payload(thread, number)).unwrap();
        log.sync_to(lsn).unwrap();
        assert!(log.durable_lsn() >= lsn);
        lsn
    });
    each.collect()
}

#[test]
fn all_that_was_acknowledged_to_any_thread_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&Env::os(), folder.path(), options(), Lsn::ZERO).unwrap();
    let start = Barrier::new(THREADS.try_into().unwrap());
    let acknowledged: Vec<Vec<Lsn>> = thread::scope(|scope| {
        let run = |thread| {
            let (log, start) = (&log, &start);
            scope.spawn(move || {
                start.wait();
                work(log, thread)
            })
        };
        let workers: Vec<_> = (0..THREADS).map(run).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    let stats = log.stats();
    assert_eq!(stats.appended, THREADS * EACH);
    assert!(
        stats.groups <= stats.appended && stats.group_records_max <= THREADS,
        "{stats:?}"
    );
    drop(log);

    let log = Log::open(&Env::os(), folder.path(), options(), Lsn::ZERO).unwrap();
    let records: Vec<Record> = log.read_from(Lsn(1)).map(Result::unwrap).collect();
    assert_eq!(records.len() as u64, THREADS * EACH);
    for (thread, lsns) in (0..).zip(&acknowledged) {
        for (number, lsn) in (0..).zip(lsns) {
            let record = &records[usize::try_from(lsn.0 - 1).unwrap()];
            assert_eq!((record.lsn, author(record)), (*lsn, (thread, number)));
            assert_eq!(record.payload, payload(thread, number));
        }
    }
}

/// A reader tails the log while it is written, trimmed and stepped: what it sees is whole and in order, and it ends
/// only where it fell behind a trim that it had not reached yet.
#[test]
fn a_reader_may_tail_a_log_that_is_written_and_recycled() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&Env::os(), folder.path(), options(), Lsn::ZERO).unwrap();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|thread| {
                scope.spawn({
                    let log = &log;
                    move || work(log, thread)
                })
            })
            .collect();
        let housekeeper = scope.spawn(|| {
            while log.durable_lsn() < Lsn(2 * EACH) {
                log.trim(Lsn(log.durable_lsn().0.saturating_sub(20)))
                    .unwrap();
                log.step().unwrap();
                thread::yield_now();
            }
        });
        let mut next = Lsn(1);
        while next <= Lsn(2 * EACH) {
            for record in log.read_from(next) {
                match record {
                    Ok(record) => {
                        assert_eq!(record.lsn, next);
                        let (thread, number) = author(&record);
                        assert_eq!(record.payload, payload(thread, number));
                        next = next.next();
                    }
                    Err(WalError::Trimmed { wanted, oldest }) => {
                        assert_eq!(wanted, next);
                        next = oldest;
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
        writers
            .into_iter()
            .for_each(|writer| drop(writer.join().unwrap()));
        housekeeper.join().unwrap();
    });
}

/// Every way of waiting at once, on storage that is never slow, with memory for a few records only. A lost wake-up
/// would hang this.
#[test]
fn no_mix_of_waits_loses_a_wake_up() {
    let options = LogOptions {
        buffer_bytes_max: 3000,
        ..options()
    };
    let log = Log::open(&Env::memory(1), "log".as_ref(), options, Lsn::ZERO).unwrap();
    let work = |thread: u64| {
        for number in 0..4000 {
            let lsn = log.append(&payload(thread, number)).unwrap();
            match (number + thread) % 7 {
                0..3 => log.sync_to(lsn).unwrap(),
                3 => log.flush().unwrap(),
                4 if number % 50 == 0 => log.settle().unwrap(),
                5 => drop(log.step().unwrap()),
                _ => log.trim(Lsn(lsn.0.saturating_sub(100))).unwrap(),
            }
        }
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || work(thread));
        }
    });
    log.settle().unwrap();
    assert_eq!(log.durable_lsn(), Lsn(THREADS * 4000));
}
