//! Readers that follow a log while it is written: they wait, or are woken, and see only what is durable.

use std::io::ErrorKind;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use drystone_base::{Env, Lsn};
use drystone_testkit::{CRASH_FOLDER, CrashPoints, Fault, OpKind, SimFileSystem};
use drystone_wal::{Durability, Log, LogOptions, Reader, Record, Tailed, WalError};

use crate::{append_synced, bytes_of, open, options};

/// As long as it takes: a test that waits for nothing hangs, and fails by that.
const FOR_EVER: Duration = Duration::MAX;

/// Counts how often it was woken.
#[derive(Debug, Default)]
struct Bell(AtomicU64);

impl Bell {
    fn rung(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll(reader: &mut Reader, bell: &Arc<Bell>) -> Poll<Option<Result<Record, WalError>>> {
    let waker = Waker::from(Arc::clone(bell));
    reader.poll_next(&mut Context::from_waker(&waker))
}

/// The number of the record that is ready.
fn ready(polled: Poll<Option<Result<Record, WalError>>>) -> u64 {
    match polled {
        Poll::Ready(Some(Ok(record))) => record.lsn.0,
        other => panic!("{other:?}"),
    }
}

fn tailed(reader: &mut Reader, time: Duration) -> Option<u64> {
    match reader.next_within(time).unwrap() {
        Tailed::Record(record) => Some(record.lsn.0),
        Tailed::TimedOut => None,
        Tailed::Ended => panic!("it ended"),
    }
}

#[test]
fn a_waiting_reader_gets_each_record_when_it_is_durable_and_then_the_end() {
    const RECORDS: u64 = 300;
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&Env::os(), folder.path(), options(), Lsn::ZERO).unwrap();
    let mut readers: Vec<Reader> = (0..3).map(|_| log.read_from(Lsn(1))).collect();
    thread::scope(|scope| {
        for reader in &mut readers {
            scope.spawn(move || {
                for lsn in 1..=RECORDS {
                    let Tailed::Record(record) = reader.next_within(FOR_EVER).unwrap() else {
                        panic!("{lsn} is missing");
                    };
                    assert_eq!(record.lsn, Lsn(lsn));
                    assert_eq!(record.payload, bytes_of(lsn, 200));
                }
                assert_eq!(reader.next_within(FOR_EVER).unwrap(), Tailed::Ended);
                assert_eq!(reader.next_within(FOR_EVER).unwrap(), Tailed::Ended);
            });
        }
        scope.spawn(move || {
            for lsn in 1..=RECORDS {
                let durability = match lsn % 3 {
                    0 => Durability::Sync,
                    _ => Durability::None,
                };
                log.commit(&bytes_of(lsn, 200), durability).unwrap();
            }
            log.close().unwrap();
        });
    });
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    let env = Env::memory(1);
    let log = open(&env, 0).unwrap();
    let mut reader = log.read_from(Lsn(1));
    for time in [Duration::ZERO, Duration::from_millis(1)] {
        assert_eq!(tailed(&mut reader, time), None);
        log.append(b"not durable").unwrap();
        log.flush().unwrap();
        assert_eq!(tailed(&mut reader, time), None);
    }
    log.sync().unwrap();
    assert_eq!(tailed(&mut reader, Duration::ZERO), Some(1));
    assert_eq!(tailed(&mut reader, FOR_EVER), Some(2));
    assert_eq!(reader.position(), Lsn(3));
}

#[test]
fn a_task_is_woken_once_more_is_durable() {
    let log = open(&Env::memory(1), 0).unwrap();
    let bell = Arc::new(Bell::default());
    let mut reader = log.read_from(Lsn(1));
    assert!(poll(&mut reader, &bell).is_pending());
    assert!(poll(&mut reader, &bell).is_pending(), "one waker a reader");
    log.append(b"one").unwrap();
    log.flush().unwrap();
    assert_eq!(bell.rung(), 0, "flushed is not durable");
    log.append(b"two").unwrap();
    log.sync().unwrap();
    assert_eq!(bell.rung(), 1);
    assert_eq!(ready(poll(&mut reader, &bell)), 1);
    assert_eq!(ready(poll(&mut reader, &bell)), 2);
    append_synced(&log, b"three").unwrap();
    assert_eq!(bell.rung(), 1, "nobody waited");
    assert_eq!(ready(poll(&mut reader, &bell)), 3);
    assert!(poll(&mut reader, &bell).is_pending());
    let other = Arc::new(Bell::default());
    assert!(poll(&mut reader, &other).is_pending());
    append_synced(&log, b"four").unwrap();
    assert_eq!((bell.rung(), other.rung()), (1, 1), "the last waker counts");
    assert_eq!(ready(poll(&mut reader, &bell)), 4);
    assert!(poll(&mut reader, &bell).is_pending());
    drop(log);
    assert_eq!(bell.rung(), 2);
    assert!(matches!(poll(&mut reader, &bell), Poll::Ready(None)));
    assert!(matches!(poll(&mut reader, &bell), Poll::Ready(None)));
}

#[test]
fn a_reader_that_is_gone_is_not_woken() {
    let log = open(&Env::memory(1), 0).unwrap();
    let [gone, here] = [Arc::new(Bell::default()), Arc::new(Bell::default())];
    let mut readers = [log.read_from(Lsn(1)), log.read_from(Lsn(1))];
    assert!(poll(&mut readers[0], &gone).is_pending());
    assert!(poll(&mut readers[1], &here).is_pending());
    let [first, _second] = readers;
    drop(first);
    append_synced(&log, b"x").unwrap();
    assert_eq!((gone.rung(), here.rung()), (0, 1));
}

/// A waker may do what it likes, use the log, too: no latch is held.
#[test]
fn a_waker_may_use_the_log() {
    #[derive(Debug)]
    struct Appends(Log);
    impl Wake for Appends {
        fn wake(self: Arc<Self>) {
            self.0.append(b"from the waker").unwrap();
        }
    }
    let log = Arc::new(Appends(open(&Env::memory(1), 0).unwrap()));
    let waker = Waker::from(Arc::clone(&log));
    let mut reader = log.0.read_from(Lsn(1));
    assert!(
        reader
            .poll_next(&mut Context::from_waker(&waker))
            .is_pending()
    );
    append_synced(&log.0, b"one").unwrap();
    assert_eq!(log.0.appended_lsn(), Lsn(2));
}

/// A whole executor: parks its thread until it is woken.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn async_code_follows_the_log_from_another_thread() {
    const RECORDS: u64 = 200;
    let log = open(&Env::memory(1), 0).unwrap();
    let mut reader = log.read_from(Lsn(1));
    thread::scope(|scope| {
        let follow = async move {
            let mut count = 0;
            while let Some(record) = std::future::poll_fn(|cx| reader.poll_next(cx)).await {
                count += 1;
                assert_eq!(record.unwrap().lsn, Lsn(count));
            }
            count
        };
        let followed = scope.spawn(|| block_on(follow));
        for lsn in 1..=RECORDS {
            append_synced(&log, &bytes_of(lsn, 100)).unwrap();
        }
        drop(log);
        assert_eq!(followed.join().unwrap(), RECORDS);
    });
}

#[test]
fn readers_hear_that_the_log_failed() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let log = open(&disk.env(), 0).unwrap();
    append_synced(&log, b"one").unwrap();
    let bell = Arc::new(Bell::default());
    let [mut waits, mut polls] = [log.read_from(Lsn(1)), log.read_from(Lsn(2))];
    assert!(poll(&mut polls, &bell).is_pending());
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other));
    append_synced(&log, b"two").unwrap_err();
    assert_eq!(bell.rung(), 1);
    assert!(matches!(
        poll(&mut polls, &bell),
        Poll::Ready(Some(Err(WalError::Poisoned)))
    ));
    assert_eq!(
        tailed(&mut waits, FOR_EVER),
        Some(1),
        "what was durable is there"
    );
    assert!(matches!(
        waits.next_within(FOR_EVER),
        Err(WalError::Poisoned)
    ));
    drop(log);
    assert!(waits.next().is_none());
}

/// A log of which a record of the first segment became durable on the way of an early write, and the bell of a task that waits
/// for that.
fn begun_early(disk: &SimFileSystem) -> (Log, Reader, Arc<Bell>) {
    let log = open(&disk.env(), 0).unwrap();
    let bell = Arc::new(Bell::default());
    let mut reader = log.read_from(Lsn(1));
    assert!(poll(&mut reader, &bell).is_pending());
    for lsn in 1..=10 {
        log.append(&bytes_of(lsn, 500)).unwrap();
    }
    log.start_sync().unwrap(); // the second segment begins in it
    (log, reader, bell)
}

/// Whoever calls may hold a latch that a waker takes: tasks are woken by calls that no latch is held at.
#[test]
fn an_early_write_wakes_no_task_and_what_comes_next_does() {
    type Next = fn(&Log);
    let nexts: [Next; 5] = [
        |log| log.sync_to(Lsn(1)).unwrap(), // which is durable already
        |log| assert!(log.step_files().is_ok()),
        |log| log.flush().unwrap(),
        |log| assert!(log.sync().unwrap() > Lsn(1)),
        |log| log.trim(Lsn(0)).unwrap(),
    ];
    for next in nexts {
        let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
        let (log, mut reader, bell) = begun_early(&disk);
        assert!(log.durable_lsn() >= Lsn(1));
        log.start_sync().unwrap();
        assert_eq!(bell.rung(), 0);
        next(&log);
        assert_eq!(bell.rung(), 1);
        assert_eq!(ready(poll(&mut reader, &bell)), 1);
    }
}

/// Also an append may write, where much has gathered.
#[test]
fn an_append_wakes_no_task() {
    let options = LogOptions {
        buffer_bytes_max: 1,
        ..options()
    };
    let log = Log::open(&Env::memory(1), Path::new("log"), options, Lsn::ZERO).unwrap();
    let bell = Arc::new(Bell::default());
    let mut reader = log.read_from(Lsn(1));
    assert!(poll(&mut reader, &bell).is_pending());
    while log.durable_lsn() < Lsn(1) {
        log.append(&bytes_of(1, 500)).unwrap();
    }
    assert_eq!(bell.rung(), 0);
    log.step_files().unwrap();
    assert_eq!(bell.rung(), 1);
}

#[test]
fn tasks_hear_of_an_early_write_that_failed() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let log = open(&disk.env(), 0).unwrap();
    append_synced(&log, b"one").unwrap();
    let bell = Arc::new(Bell::default());
    let mut reader = log.read_from(Lsn(2));
    assert!(poll(&mut reader, &bell).is_pending());
    log.append(b"two").unwrap();
    disk.inject(Fault::error(OpKind::Write, ErrorKind::Other));
    log.start_sync().unwrap_err();
    assert_eq!(bell.rung(), 0);
    log.step_files().unwrap_err();
    assert_eq!(bell.rung(), 1);
    assert!(matches!(
        poll(&mut reader, &bell),
        Poll::Ready(Some(Err(WalError::Poisoned)))
    ));
}

#[test]
fn a_reader_that_fell_behind_hears_what_is_left() {
    let log = open(&Env::memory(1), 0).unwrap();
    let bell = Arc::new(Bell::default());
    let [mut waits, mut polls] = [log.read_from(Lsn(1)), log.read_from(Lsn(1))];
    for lsn in 1..=40 {
        append_synced(&log, &bytes_of(lsn, 500)).unwrap();
    }
    log.trim(Lsn(30)).unwrap();
    let left = log.oldest_lsn();
    assert!(left > Lsn(1) && left <= Lsn(31));
    let is_clear = |error: WalError| matches!(error, WalError::Trimmed { wanted: Lsn(1), oldest } if oldest == left);
    assert!(is_clear(waits.next_within(FOR_EVER).unwrap_err()));
    assert_eq!(waits.next_within(FOR_EVER).unwrap(), Tailed::Ended);
    match poll(&mut polls, &bell) {
        Poll::Ready(Some(Err(error))) => assert!(is_clear(error)),
        other => panic!("{other:?}"),
    }
}

/// What a reader has returned is passed on, to a replica say: no crash may take it back.
#[test]
fn nothing_that_a_reader_returned_is_lost_in_a_crash() {
    let report = CrashPoints::new("wal: tailed records survive")
        .draws(2)
        .run(
            |env, witness| {
                let log = open(env, 0).unwrap();
                let mut reader = log.read_from(Lsn(1));
                for count in 1..=40 {
                    witness.begin(count);
                    log.append(&bytes_of(count, 150)).unwrap();
                    match count % 4 {
                        0 => drop(log.sync().unwrap()),
                        1 => log.flush().unwrap(),
                        _ => {}
                    }
                    for record in reader.by_ref() {
                        witness.acknowledge(record.unwrap().lsn.0);
                    }
                    log.step().unwrap();
                }
            },
            |env, promises| {
                let log = open(env, 0)?;
                assert!(log.appended_lsn().0 >= promises.last_acknowledged());
                Ok(())
            },
        );
    assert!(report.points > 500, "{report}");
}

/// A record of which a part is in one read, and the rest in the next.
#[test]
fn a_tail_reads_on_where_it_stands() {
    let env = Env::memory(1);
    let log = Log::open(&env, Path::new("log"), LogOptions::default(), Lsn::ZERO).unwrap();
    let mut reader = log.read_from(Lsn(1));
    for lsn in 1..=400 {
        append_synced(&log, &bytes_of(lsn, 3000)).unwrap();
        if lsn % 7 == 0 {
            for record in reader.by_ref() {
                let record = record.unwrap();
                assert_eq!(record.payload, bytes_of(record.lsn.0, 3000));
            }
            assert_eq!(reader.position(), Lsn(lsn + 1));
        }
    }
}
