//! The log: group commit, a failed sync, readers that follow it, trimming beside readers, holds and an archive, closing.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drystone_base::sync::Mutex;
use drystone_base::{Env, Lsn};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, Fault, OpKind, SimFileSystem};
use drystone_wal::{Archive, ClosedSegment, Log, Tailed, WalError};
use shuttle::thread;

use crate::runner::check;
use crate::support::{log_options, open_log};

/// The records of a log, as their writers numbered them.
fn records(env: &Env) -> Vec<Vec<u8>> {
    let dir = Path::new(CRASH_FOLDER).join("log");
    let log = Log::open(env, &dir, log_options(), Lsn::ZERO).unwrap();
    log.read_from(Lsn(1))
        .map(|record| record.unwrap().payload.to_vec())
        .collect()
}

/// Appends `count` records and waits for each.
fn commit(log: &Log, writer: u8, count: u8) -> Result<Vec<(Lsn, Vec<u8>)>, WalError> {
    let mut done = Vec::new();
    for number in 0..count {
        let payload = vec![writer, number];
        let lsn = log.append(&payload)?;
        log.sync_to(lsn)?;
        assert!(
            log.durable_lsn() >= lsn,
            "acknowledged before it was durable"
        );
        done.push((lsn, payload));
    }
    Ok(done)
}

/// Three writers at once, power cut behind the last acknowledgement: everything acknowledged is there.
#[test]
fn log_group_commit() {
    check("log_group_commit", || {
        let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
        let log = Arc::new(open_log(&disk.env()));
        let spawn = |writer| {
            let log = Arc::clone(&log);
            thread::spawn(move || commit(&log, writer, 2).unwrap())
        };
        let writers = [spawn(1), spawn(2), spawn(3)];
        let mut done = Vec::new();
        for writer in writers {
            done.extend(writer.join().unwrap());
        }
        let stats = log.stats();
        assert!(stats.syncs <= stats.appended, "a group has one sync");
        drop(log);
        let found = records(&disk.crash(CrashPolicy::LoseAll).env());
        assert_eq!(found.len(), 6);
        for (lsn, payload) in done {
            assert_eq!(found[usize::try_from(lsn.0).unwrap() - 1], payload);
        }
    });
}

/// Records that are on their way before anybody waits for them, beside groups that are waited for: all that was acknowledged
/// is there after a power cut, and nobody waits for ever.
#[test]
fn log_early_writes() {
    check("log_early_writes", || {
        let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
        let log = Arc::new(open_log(&disk.env()));
        let early = {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                let payload = vec![1, 0];
                let lsn = log.append(&payload).unwrap();
                log.start_sync().unwrap();
                log.sync_to(lsn).unwrap();
                assert!(
                    log.durable_lsn() >= lsn,
                    "acknowledged before it was durable"
                );
                vec![(lsn, payload)]
            })
        };
        let writers = [2, 3].map(|writer| {
            let log = Arc::clone(&log);
            thread::spawn(move || commit(&log, writer, 1).unwrap())
        });
        let mut done = early.join().unwrap();
        for writer in writers {
            done.extend(writer.join().unwrap());
        }
        drop(log);
        let found = records(&disk.crash(CrashPolicy::LoseAll).env());
        assert_eq!(found.len(), 3);
        for (lsn, payload) in done {
            assert_eq!(found[usize::try_from(lsn.0).unwrap() - 1], payload);
        }
    });
}

/// A group's sync fails: whoever was acknowledged is found after a crash, and nobody is acknowledged afterwards.
#[test]
fn log_failed_sync() {
    check("log_failed_sync", || {
        let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
        let log = Arc::new(open_log(&disk.env()));
        commit(&log, 0, 1).unwrap(); // so that there is a segment, and only groups are synced
        disk.inject(
            Fault::error(OpKind::Sync, ErrorKind::Other)
                .under(CRASH_FOLDER)
                .nth(2),
        );
        let spawn = |writer| {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                let mut done = Vec::new();
                for number in 0..3 {
                    match commit(&log, writer * 10 + number, 1) {
                        Ok(one) => done.extend(one),
                        Err(WalError::Io { .. } | WalError::Poisoned) => {
                            assert!(commit(&log, writer, 1).is_err(), "a poisoned log goes on");
                            break;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                done
            })
        };
        let writers = [spawn(1), spawn(2), spawn(3)];
        let mut done = Vec::new();
        for writer in writers {
            done.extend(writer.join().unwrap());
        }
        assert!(done.len() < 9 || disk.faults_struck() == 0);
        drop(log);
        let found = records(&disk.crash(CrashPolicy::LoseAll).env());
        for (lsn, payload) in done {
            let idx = usize::try_from(lsn.0).unwrap() - 1;
            assert_eq!(found.get(idx), Some(&payload), "acknowledged and lost");
        }
    });
}

/// A reader follows while one thread appends and another trims: it sees every record, or hears that it was trimmed.
#[test]
fn log_trim_beside_reader() {
    check("log_trim_beside_reader", || {
        const RECORDS: u64 = 6;
        let log = Arc::new(open_log(&Env::memory(1)));
        let writer = {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for number in 1..=RECORDS {
                    // Three of these fill a segment.
                    let lsn = log.append(&[u8::try_from(number).unwrap(); 2_500]).unwrap();
                    log.sync_to(lsn).unwrap();
                }
            })
        };
        let trimmer = {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for _ in 0..3 {
                    log.trim(log.durable_lsn()).unwrap();
                    log.step().unwrap();
                }
            })
        };
        let mut next = 1;
        let mut reader = log.read_from(Lsn(1));
        for _ in 0..2 * RECORDS {
            match reader.next() {
                Some(Ok(record)) => {
                    assert_eq!(record.lsn, Lsn(next));
                    assert!(record.payload.iter().all(|&byte| u64::from(byte) == next));
                    next += 1;
                }
                Some(Err(WalError::Trimmed { wanted, oldest })) => {
                    assert!(wanted == Lsn(next) && oldest > wanted);
                    break;
                }
                Some(Err(other)) => panic!("{other}"),
                None => thread::yield_now(),
            }
        }
        writer.join().unwrap();
        trimmer.join().unwrap();
        assert_eq!(log.durable_lsn(), Lsn(RECORDS));
    });
}

/// Background steps and a settling beside two writers: no marker stands where a record belongs.
#[test]
fn log_marker_beside_writers() {
    check("log_marker_beside_writers", || {
        let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
        let log = Arc::new(open_log(&disk.env()));
        let spawn = |writer| {
            let log = Arc::clone(&log);
            thread::spawn(move || commit(&log, writer, 2).unwrap())
        };
        let writers = [spawn(1), spawn(2)];
        let keeper = {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for _ in 0..4 {
                    log.step().unwrap();
                }
                log.settle().unwrap();
            })
        };
        for writer in writers {
            writer.join().unwrap();
        }
        keeper.join().unwrap();
        drop(log);
        assert_eq!(records(&disk.crash(CrashPolicy::LoseAll).env()).len(), 4);
    });
}

/// Readers wait, without end, for what two writers commit: each gets every record, and then hears of the end.
#[test]
fn log_tail() {
    check("log_tail", || {
        const RECORDS: u64 = 4;
        let log = Arc::new(open_log(&Env::memory(1)));
        let follow = || {
            let mut reader = log.read_from(Lsn(1));
            thread::spawn(move || {
                for lsn in 1..=RECORDS {
                    match reader.next_within(Duration::MAX).unwrap() {
                        Tailed::Record(record) => assert_eq!(record.lsn, Lsn(lsn)),
                        other => panic!("{other:?} instead of {lsn}"),
                    }
                }
                reader
            })
        };
        let readers = [follow(), follow()];
        let writers = [1, 2].map(|writer| {
            let log = Arc::clone(&log);
            thread::spawn(move || commit(&log, writer, 2).unwrap())
        });
        // The log stays open until they have all: nobody but the writers may wake them.
        let readers = readers.map(|reader| reader.join().unwrap());
        for writer in writers {
            writer.join().unwrap();
        }
        let ends = readers.map(|mut reader| {
            thread::spawn(move || {
                assert_eq!(reader.next_within(Duration::MAX).unwrap(), Tailed::Ended);
            })
        });
        drop(log);
        for end in ends {
            end.join().unwrap();
        }
    });
}

/// Records of which a segment holds one.
fn commit_long(log: &Log, records: u64) {
    for number in 1..=records {
        let lsn = log.append(&[u8::try_from(number).unwrap(); 2_500]).unwrap();
        log.sync_to(lsn).unwrap();
    }
}

/// Trims as far as it may, time and again.
fn trim_all(log: &Log) {
    for _ in 0..3 {
        log.trim(log.durable_lsn()).unwrap();
        log.step_files().unwrap();
    }
}

/// A hold moves on behind a reader, while one thread appends and another trims: the reader misses nothing.
#[test]
fn log_hold_beside_trim() {
    check("log_hold_beside_trim", || {
        const RECORDS: u64 = 5;
        let log = Arc::new(open_log(&Env::memory(1)));
        let hold = log.hold("reader", Lsn(1), u64::MAX).unwrap();
        let run = |work: fn(&Log)| {
            let log = Arc::clone(&log);
            thread::spawn(move || work(&log))
        };
        let threads = [run(|log| commit_long(log, RECORDS)), run(trim_all)];
        let mut next = 1;
        for _ in 0..RECORDS {
            thread::yield_now();
            for record in log.read_from(hold.needs()) {
                assert_eq!(record.unwrap().lsn, Lsn(next));
                next += 1;
            }
            hold.advance(Lsn(next)).unwrap();
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(!hold.is_lost());
        assert_eq!(
            log.read_from(hold.needs()).count() as u64,
            RECORDS + 1 - next
        );
    });
}

/// Every closed segment comes to the archive, once, also when two threads drive it and a third trims.
#[test]
fn log_archive_beside_trim() {
    #[derive(Debug, Default)]
    struct Numbers(Mutex<Vec<u64>>);
    impl Archive for Numbers {
        fn take(&self, segment: &ClosedSegment) -> std::io::Result<()> {
            self.0.lock().push(segment.number().0);
            Ok(())
        }
    }
    check("log_archive_beside_trim", || {
        let log = Arc::new(open_log(&Env::memory(1)));
        let archive = Arc::new(Numbers::default());
        log.set_archive(Arc::clone(&archive) as Arc<dyn Archive>);
        let run = |work: fn(&Log)| {
            let log = Arc::clone(&log);
            thread::spawn(move || work(&log))
        };
        let archive_some = |log: &Log| {
            for _ in 0..3 {
                log.step_archive().unwrap();
            }
        };
        let threads = [
            run(|log| commit_long(log, 5)),
            run(trim_all),
            run(archive_some),
            run(archive_some),
        ];
        for thread in threads {
            thread.join().unwrap();
        }
        let taken = archive.0.lock();
        assert!(
            taken.iter().copied().eq(1..=taken.len() as u64),
            "{taken:?}"
        );
        let oldest = log.oldest_lsn();
        assert!(
            oldest.0 <= taken.len() as u64 + 1,
            "trimmed to {oldest}, archived {taken:?}"
        );
    });
}
