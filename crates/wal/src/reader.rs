//! Reading the log from any record on, also while it is written: record by record, waiting for more, or as a task.
//!
//! # Invariants
//! - R1. A reader sees only what is durable: no crash takes back what it has returned.
//! - R2. It reads bytes only that will not change any more: up to the end of the durable records.
//! - R3. It keeps one segment's file from being recycled at most, so that a reader that is forgotten costs no more.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::chain::Chain;
use crate::error::WalError;
use crate::record::Record;
use crate::shared::Shared;
use crate::tail::More;
use crate::wakers::WakerId;

/// Reads the records of a log in the order of their numbers: see [`Log::read_from`](crate::Log::read_from).
///
/// - As an [`Iterator`]: `None` says that all that is durable has been read; later calls go on after it.
/// - [`Reader::next_within`] waits for the next record.
/// - [`Reader::poll_next`] is for async code.
///
/// It sees only what is durable: records that were appended, or [flushed](crate::Log::flush), come once a sync is behind
/// them. So what it has returned is there after any crash, and may be passed on.
///
/// It goes on reading a segment that is trimmed away under it, and finds [`WalError::Trimmed`] behind it, which names the
/// oldest record that is left. To keep what it has not read yet, take a [`Hold`](crate::Hold). After damage or a failed
/// read it returns nothing more; read again from [`Reader::position`], or from what is left.
///
/// It is independent of the log's lifetime, and reads files in the thread that calls it. Memory: a chunk of 256 KiB, or
/// one longer record.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// The record to return next.
    next: Lsn,
    /// Where it is, unless it has to look for that first.
    place: Option<Place>,
    has_failed: bool,
    waker: Option<WakerId>,
}

/// A place in a segment.
#[derive(Debug)]
struct Place {
    chain: Chain,
    /// The first record behind what may be read of the segment.
    until: Lsn,
}

/// What came of a wait for the next record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tailed {
    /// The next record.
    Record(Record),
    /// None became durable in time. Ask again.
    TimedOut,
    /// None will come: the log was closed, or dropped, and all that it made durable has been read.
    Ended,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, from: Lsn) -> Reader {
        let mut reader = Reader {
            shared,
            next: from.max(Lsn(1)),
            place: None,
            has_failed: false,
            waker: None,
        };
        // So that the first segment is not recycled meanwhile. If it is gone already, the first read says so.
        let _found = reader.find_place();
        reader
    }

    /// Number of the record that comes next.
    #[must_use]
    pub fn position(&self) -> Lsn {
        self.next
    }

    /// The next record; waits for it for `time` at most, by the clock of the log's environment
    /// ([`Duration::MAX`]: as long as it takes).
    ///
    /// # Errors
    /// [`WalError::Trimmed`]; [`WalError::Corrupt`] and [`WalError::Io`], after which it only ends;
    /// [`WalError::Poisoned`] when all that is durable has been read, and the log failed before more was.
    pub fn next_within(&mut self, time: Duration) -> Result<Tailed, WalError> {
        if self.has_failed {
            return Ok(Tailed::Ended);
        }
        loop {
            if let Some(record) = self.try_next()? {
                return Ok(Tailed::Record(record));
            }
            match self.shared.wait_for_more(self.next, time)? {
                More::Durable => {}
                More::NotYet => return Ok(Tailed::TimedOut),
                More::Never => return Ok(Tailed::Ended),
            }
        }
    }

    /// The next record, or `Pending` where none is durable yet: then the task is woken when one is, by the thread that
    /// made it durable. `None` says that the log was closed, or dropped, and all that it made durable has been read.
    ///
    /// ```
    /// # use drystone_base::{Env, Lsn};
    /// # use drystone_wal::{Log, LogOptions, Record, Reader, WalError};
    /// /// Any executor may drive this.
    /// async fn next(reader: &mut Reader) -> Option<Result<Record, WalError>> {
    ///     std::future::poll_fn(|context| reader.poll_next(context)).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Reader::next_within`].
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Record, WalError>>> {
        if self.has_failed {
            return Poll::Ready(None);
        }
        loop {
            if let Some(next) = self.try_next().transpose() {
                return Poll::Ready(Some(next));
            }
            let more = self
                .shared
                .park_for_more(self.next, &mut self.waker, context);
            match more {
                Ok(More::Durable) => {}
                Ok(More::NotYet) => return Poll::Pending,
                Ok(More::Never) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    fn try_next(&mut self) -> Result<Option<Record>, WalError> {
        let next = self.read_next();
        self.has_failed |= next.is_err();
        next
    }

    fn read_next(&mut self) -> Result<Option<Record>, WalError> {
        loop {
            let is_within = |place: &Place| self.next < place.until;
            if !self.place.as_ref().is_some_and(is_within) && !self.find_place()? {
                return Ok(None);
            }
            let Some(Place { chain, .. }) = &mut self.place else {
                return Ok(None);
            };
            let link = chain.next_link();
            let link = link.map_err(|broken| broken.into_error(chain))?;
            let is_before = match is_planted("wal-reader-skips-one") {
                true => link.lsn <= self.next,
                false => link.lsn < self.next,
            };
            if !is_before {
                self.next = link.lsn.next();
                return Ok(Some(Record {
                    lsn: link.lsn,
                    payload: link.payload,
                }));
            }
        }
    }

    /// Goes to the segment that holds the next record, or further in the one where it is; `false` where that record is not
    /// durable yet.
    fn find_place(&mut self) -> Result<bool, WalError> {
        let Some(piece) = self.shared.piece_of(self.next)? else {
            return Ok(false);
        };
        let here = self.place.take().map(|place| place.chain);
        let here = here.filter(|chain| Arc::ptr_eq(chain.segment(), &piece.segment));
        let mut chain = here.unwrap_or_else(|| Chain::up_to(piece.segment, piece.end));
        chain.extend(piece.end);
        self.place = Some(Place {
            chain,
            until: piece.until,
        });
        Ok(true)
    }
}

impl Iterator for Reader {
    type Item = Result<Record, WalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        self.try_next().transpose()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(id) = self.waker {
            let waker = self.shared.state.lock().wakers.leave(id);
            drop(waker); // not under the latch
        }
    }
}
