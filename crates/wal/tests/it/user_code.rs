//! What belongs to the user, archives and wakers, is neither called nor dropped where the log would wait for itself.
#![expect(
    clippy::disallowed_methods,
    reason = "a test that hangs is ended by a thread that looks on"
)]

use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use drystone_base::{Env, Lsn};
use drystone_wal::{Archive, ClosedSegment, Hold, Log, Reader, WalError};

use crate::{append_synced, open};

/// Runs `work`, and fails where it waits for itself.
fn ends(work: impl FnOnce() + Send + 'static) {
    let (say, hear) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        say.send(()).unwrap();
    });
    let ended = hear.recv_timeout(Duration::from_secs(60));
    assert_ne!(
        ended,
        Err(mpsc::RecvTimeoutError::Timeout),
        "it waits for itself"
    );
    worker.join().unwrap();
}

/// Copies from a reader of its own, and holds what it has not copied.
#[derive(Debug)]
struct Replica {
    _hold: Hold,
    _reader: Reader,
}

impl Archive for Replica {
    fn take(&self, _: &ClosedSegment) -> io::Result<()> {
        Ok(())
    }
}

/// A reader that waits, so that the log has a waker of it.
fn waiting_reader(log: &Log) -> Reader {
    let mut reader = log.read_from(log.durable_lsn().next());
    let mut context = Context::from_waker(Waker::noop());
    assert!(reader.poll_next(&mut context).is_pending());
    reader
}

fn replica(log: &Log) -> Arc<dyn Archive> {
    Arc::new(Replica {
        _hold: log.hold("replica", Lsn(1), u64::MAX).unwrap(),
        _reader: waiting_reader(log),
    })
}

#[test]
fn an_archive_that_owns_a_hold_and_a_reader_can_be_replaced() {
    ends(|| {
        let log = open(&Env::memory(1), 0).unwrap();
        append_synced(&log, b"one").unwrap();
        for _ in 0..3 {
            log.set_archive(replica(&log));
            assert_eq!(log.holds().len(), 1);
        }
        drop(log);
    });
}

#[test]
fn a_log_that_ends_lets_go_of_its_archive() {
    ends(|| {
        let log = open(&Env::memory(1), 0).unwrap();
        append_synced(&log, b"one").unwrap();
        let archive = replica(&log);
        let left = Arc::downgrade(&archive);
        log.set_archive(archive);
        log.close().unwrap();
        assert!(left.upgrade().is_none());
    });
}

/// A task that asks the log how it is, whenever it is cloned, woken or dropped.
struct Curious(Weak<Log>);

impl Curious {
    fn ask(&self) {
        if let Some(log) = self.0.upgrade() {
            log.check().unwrap();
        }
    }
}

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        self.ask();
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.ask();
    }
}

#[test]
fn a_waker_may_use_the_log_when_it_is_woken_replaced_or_dropped() {
    ends(|| {
        let log = Arc::new(open(&Env::memory(1), 0).unwrap());
        let mut reader = log.read_from(Lsn(1));
        let mut poll = || -> Poll<Option<Result<_, WalError>>> {
            let waker = Waker::from(Arc::new(Curious(Arc::downgrade(&log))));
            reader.poll_next(&mut Context::from_waker(&waker))
        };
        assert!(poll().is_pending());
        assert!(poll().is_pending(), "the first one is replaced");
        append_synced(&log, b"one").unwrap();
        assert!(matches!(poll(), Poll::Ready(Some(Ok(_)))));
        assert!(poll().is_pending());
        drop(reader); // with a waker in the log
    });
}
