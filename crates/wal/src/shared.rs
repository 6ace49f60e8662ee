//! What a log and its readers share, and the hand-over of the writer between the threads that wait.
//!
//! Appending copies a record into the group that fills. Whoever waits for durability and finds the writer free becomes
//! the leader: it takes the group, writes and syncs it without any latch, and wakes those that were in it. Meanwhile
//! the next group fills, and one of its waiters leads next. There is no thread for it, and a lone caller is always
//! leader of its own group.
//!
//! ```text
//!   append         filling group            wait_for: writer is here         finish_group
//!  --------> [ parts, part.bytes ] ---------> lead: take both ------------> put the writer back,
//!                                                 | writer is away          wake the group in flight,
//!                                                 v                         one of the next, and readers
//!                                      wait for the turn of its group
//! ```
//!
//! # Latches
//! `house` before `state`; see the fields.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::{Condvar, Mutex, MutexGuard};
use drystone_base::{Clock, Lsn};

use crate::error::WalError;
use crate::folder::Folder;
use crate::group::{Group, Part};
use crate::hold::Holds;
use crate::house::House;
use crate::options::{LogOptions, LogStats};
use crate::recover::Recovered;
use crate::repair::RepairReport;
use crate::segment::format::RECORDS_START;
use crate::state::{Piece, State};
use crate::wakers::{self, WakerId, Wakers};
use crate::writer::{Reach, Writer};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: LogOptions,
    pub(crate) clock: Arc<dyn Clock>,
    /// What opening set aside, where it was allowed to.
    pub(crate) repaired: Option<RepairReport>,
    /// Everything up to here is durable. Stored (`Release`) under `state` after the sync; loaded (`Acquire`) anywhere.
    durable: AtomicU64,
    /// Everything up to here is with the operating system. As `durable`.
    flushed: AtomicU64,
    /// Held for memory operations only.
    pub(crate) state: Mutex<State>,
    /// Who waits for the groups of even, and of odd number. Two, so that the end of a group wakes no later group.
    turns: [Condvar; 2],
    /// Readers that wait for more to be durable. They lead no group there.
    tails: Condvar,
    /// Held for I/O on files that are no segments yet or no more.
    pub(crate) house: Mutex<House>,
}

/// What there is for a reader that has read all it could.
#[derive(Debug)]
pub(crate) enum More {
    /// More to read.
    Durable,
    /// Nothing now.
    NotYet,
    /// Nothing ever: the log was closed.
    Never,
}

impl Shared {
    pub(crate) fn new(
        options: LogOptions,
        clock: Arc<dyn Clock>,
        folder: Folder,
        recovered: Recovered,
    ) -> Shared {
        let last = recovered.last;
        let current = recovered.segments.back().cloned();
        let durable_end = recovered.tail.map_or(RECORDS_START, |tail| tail.offset);
        let state = State {
            appended: last,
            oldest: recovered.oldest,
            group: Group::new(recovered.tail, recovered.next_segment),
            group_number: 1,
            in_flight: last,
            writer: Some(Writer::new(folder.clone(), current, last, durable_end)),
            is_poisoned: false,
            is_closed: false,
            segments: recovered.segments,
            durable_end,
            retired: recovered.retired,
            trimmed: Lsn::ZERO,
            holds: Holds::default(),
            archiving: None,
            spares: recovered.spares,
            marked: recovered.marked,
            seen_by_step: Lsn::ZERO,
            due: None,
            wakers: Wakers::default(),
            records: 0,
            stats: LogStats::default(),
        };
        Shared {
            options,
            clock,
            repaired: recovered.repaired,
            durable: AtomicU64::new(last.0),
            flushed: AtomicU64::new(last.0),
            state: Mutex::new(state),
            turns: [Condvar::new(), Condvar::new()],
            tails: Condvar::new(),
            house: Mutex::new(House::new(folder, recovered.next_spare)),
        }
    }

    pub(crate) fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    /// Everything up to here is with the operating system.
    fn flushed(&self) -> Lsn {
        Lsn(self.flushed.load(Ordering::Acquire))
    }

    /// As [`State::piece_of`].
    pub(crate) fn piece_of(&self, next: Lsn) -> Result<Option<Piece>, WalError> {
        let state = self.state.lock();
        let piece = state.piece_of(next, self.durable());
        piece.map_err(|oldest| WalError::Trimmed {
            wanted: next,
            oldest,
        })
    }

    fn reached(&self, reach: Reach) -> Lsn {
        match reach {
            Reach::Flushed => self.flushed(),
            Reach::Durable => self.durable(),
        }
    }

    /// Returns once `lsn` has got as far as `reach` says, leading groups there where nobody else does.
    pub(crate) fn wait_for(
        &self,
        mut state: MutexGuard<'_, State>,
        lsn: Lsn,
        reach: Reach,
    ) -> Result<(), WalError> {
        while self.reached(reach) < lsn {
            state.check_poison()?;
            match state.writer.take() {
                Some(writer) => self.lead(&mut state, writer, reach)?,
                None => {
                    let turn = state.turn_of(lsn);
                    self.turns[turn].wait(&mut state);
                }
            }
        }
        Ok(())
    }

    /// Writes the group that has gathered.
    fn lead(
        &self,
        state: &mut MutexGuard<'_, State>,
        writer: Writer,
        reach: Reach,
    ) -> Result<(), WalError> {
        let parts = state.begin_group();
        self.work(state, writer, parts, |writer, parts| {
            writer.write_group(parts, reach)
        })
    }

    /// Works with the writer while the latch is free, and puts it back.
    pub(crate) fn work(
        &self,
        state: &mut MutexGuard<'_, State>,
        mut writer: Writer,
        mut parts: Vec<Part>,
        work: impl FnOnce(&mut Writer, &mut [Part]) -> Result<(), WalError>,
    ) -> Result<(), WalError> {
        let result = MutexGuard::unlocked(state, || {
            let unwinding = PoisonOnUnwind(self);
            let result = work(&mut writer, &mut parts);
            std::mem::forget(unwinding);
            result
        });
        let woken = self.finish_group(state, writer, parts, result.is_ok());
        if !woken.is_empty() {
            MutexGuard::unlocked(state, || wakers::wake(woken));
        }
        result
    }

    /// Puts the writer back and wakes who waits for what it did; returns the tasks that are to be woken, too.
    fn finish_group(
        &self,
        state: &mut State,
        mut writer: Writer,
        parts: Vec<Part>,
        is_ok: bool,
    ) -> Vec<(WakerId, Waker)> {
        state.segments.extend(writer.begun.drain(..));
        state.durable_end = writer.durable_end;
        state.count_group(&writer, &parts);
        state.group.recycle(parts);
        let only_sync_failed = writer.flushed >= state.in_flight;
        let goes_on = only_sync_failed && is_planted("wal-poison-ignored");
        state.is_poisoned |= !is_ok && !goes_on;
        // After a failure nobody knows what the files hold behind the durable records.
        let flushed = if is_ok {
            writer.flushed
        } else {
            writer.durable
        };
        let is_more_durable = writer.durable > self.durable();
        self.durable.store(writer.durable.0, Ordering::Release);
        self.flushed.store(flushed.0, Ordering::Release);
        state.writer = Some(writer);
        let written = state.turn_before();
        self.turns[written].notify_all();
        if is_ok {
            self.turns[1 - written].notify_one();
        } else {
            self.turns[1 - written].notify_all();
        }
        let has_news = is_more_durable || !is_ok;
        if !has_news || is_planted("wal-tails-not-woken") {
            return Vec::new();
        }
        self.tails.notify_all();
        state.wakers.take()
    }

    /// What there is for a reader that wants `next`.
    ///
    /// # Errors
    /// [`WalError::Poisoned`] when that will not become durable.
    fn more(&self, state: &State, next: Lsn) -> Result<More, WalError> {
        if self.durable() >= next {
            return Ok(More::Durable);
        }
        state.check_poison()?;
        Ok(match state.is_closed {
            true => More::Never,
            false => More::NotYet,
        })
    }

    /// Waits until `next` is durable, for `time` at most. The end is that of the environment's clock; where that stands
    /// still, the wait takes as long on the real one.
    pub(crate) fn wait_for_more(&self, next: Lsn, time: Duration) -> Result<More, WalError> {
        let is_bounded = time < Duration::MAX;
        let deadline = is_bounded.then(|| self.clock.monotonic().saturating_add(time));
        let mut state = self.state.lock();
        loop {
            let more = self.more(&state, next)?;
            if !matches!(more, More::NotYet) {
                return Ok(more);
            }
            let Some(deadline) = deadline else {
                self.tails.wait(&mut state);
                continue;
            };
            let left = deadline.saturating_sub(self.clock.monotonic());
            if left.is_zero() || self.tails.wait_for(&mut state, left).timed_out() {
                return self.more(&state, next);
            }
        }
    }

    /// As [`Shared::wait_for_more`], without the wait: where there is nothing now, the task is woken when there is.
    pub(crate) fn park_for_more(
        &self,
        next: Lsn,
        id: &mut Option<WakerId>,
        context: &Context<'_>,
    ) -> Result<More, WalError> {
        let waker: &Waker = context.waker();
        let mut state = self.state.lock();
        let more = self.more(&state, next)?;
        if matches!(more, More::NotYet) {
            state.wakers.park(id, waker);
        }
        Ok(more)
    }

    /// Tells readers that nothing more will come.
    pub(crate) fn end_tails(&self) {
        let woken = {
            let mut state = self.state.lock();
            state.is_closed = true;
            state.wakers.take()
        };
        self.tails.notify_all();
        wakers::wake(woken);
    }

    /// Makes `Async` commits durable whose time has come.
    pub(crate) fn sync_due(&self) -> Result<(), WalError> {
        let mut state = self.state.lock();
        let Some(due) = state.due else { return Ok(()) };
        let is_durable = due.upto <= self.durable();
        if !is_durable && self.clock.monotonic() < due.at {
            return Ok(());
        }
        state.due = None;
        self.wait_for(state, due.upto, Reach::Durable)
    }

    /// Writes the idle marker if nothing was appended since the call before.
    pub(crate) fn mark_when_quiet(&self) -> Result<(), WalError> {
        let mut state = self.state.lock();
        state.check_poison()?;
        let appended = state.appended;
        let was_quiet = std::mem::replace(&mut state.seen_by_step, appended) == appended;
        if was_quiet {
            self.write_marker(state)?;
        }
        Ok(())
    }

    /// Writes a marker if everything is durable and no marker says so yet.
    pub(crate) fn write_marker(&self, state: MutexGuard<'_, State>) -> Result<(), WalError> {
        state.check_poison()?;
        let last = state.appended;
        if self.durable() < last || state.marked >= last {
            return Ok(());
        }
        self.mark(state, last)
    }

    /// Writes a marker for what is durable before segments go: the one that vouched for it may be in them. Of no effect
    /// while a group is in flight, whose records vouch for it, and on a poisoned log.
    pub(crate) fn vouch_for_the_rest(&self) -> Result<(), WalError> {
        let state = self.state.lock();
        let durable = self.durable();
        if state.is_poisoned || state.marked >= durable {
            return Ok(());
        }
        self.mark(state, durable)
    }

    fn mark(&self, mut state: MutexGuard<'_, State>, upto: Lsn) -> Result<(), WalError> {
        let Some(writer) = state.writer.take() else {
            return Ok(());
        };
        state.marked = upto;
        self.work(&mut state, writer, Vec::new(), |writer, _| {
            writer.write_marker()
        })
    }
}

/// Poisons the log when a leader panics in the storage's code: the others must not wait for it for ever.
struct PoisonOnUnwind<'a>(&'a Shared);

impl Drop for PoisonOnUnwind<'_> {
    fn drop(&mut self) {
        let woken = {
            let mut state = self.0.state.lock();
            state.is_poisoned = true;
            state.wakers.take()
        };
        for turn in &self.0.turns {
            turn.notify_all();
        }
        self.0.tails.notify_all();
        wakers::wake(woken);
    }
}
