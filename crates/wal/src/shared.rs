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
use std::time::Duration;

use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use drystone_base::sync::{Condvar, Mutex, MutexGuard};
use drystone_base::{Clock, Lsn};

use crate::error::WalError;
use crate::folder::Folder;
use crate::group::Part;
use crate::house::House;
use crate::options::LogOptions;
use crate::recover::Recovered;
use crate::repair::RepairReport;
use crate::state::{Piece, State};
use crate::wakers;
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
    /// Whether tasks that wait in `state.wakers` are to be woken: see [`Shared::tell_tasks`]. Stored under `state`.
    has_news: AtomicBool,
    /// Held for memory operations only.
    pub(crate) state: Mutex<State>,
    /// Who waits for the groups of even, and of odd number. Two, so that the end of a group wakes no later group.
    turns: [Condvar; 2],
    /// Readers that wait for more to be durable. They lead no group there.
    pub(crate) tails: Condvar,
    /// Held for I/O on files that are no segments yet or no more.
    pub(crate) house: Mutex<House>,
}

impl Shared {
    pub(crate) fn new(
        options: LogOptions,
        clock: Arc<dyn Clock>,
        folder: Folder,
        recovered: Recovered,
    ) -> Shared {
        let last = recovered.last;
        let house = House::new(folder.clone(), recovered.next_spare);
        let repaired = recovered.repaired.clone();
        Shared {
            options,
            clock,
            repaired,
            durable: AtomicU64::new(last.0),
            flushed: AtomicU64::new(last.0),
            has_news: AtomicBool::new(false),
            state: Mutex::new(State::new(folder, recovered)),
            turns: [Condvar::new(), Condvar::new()],
            tails: Condvar::new(),
            house: Mutex::new(house),
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
            Reach::Flushed | Reach::Started => self.flushed(),
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
        if reach == Reach::Durable && lsn > self.durable() {
            state.crowd.enter(lsn);
        }
        while self.reached(reach) < lsn {
            state.check_poison()?;
            match state.writer.take() {
                Some(writer) => {
                    if reach == Reach::Durable {
                        self.gather(&mut state);
                    }
                    self.lead(&mut state, writer, reach)?;
                }
                None => {
                    let turn = state.turn_of(lsn);
                    self.turns[turn].wait(&mut state);
                }
            }
        }
        Ok(())
    }

    /// Writes the group that has gathered.
    pub(crate) fn lead(
        &self,
        state: &mut MutexGuard<'_, State>,
        writer: Writer,
        reach: Reach,
    ) -> Result<(), WalError> {
        let parts = state.begin_group();
        let is_synced = reach == Reach::Durable;
        if is_synced {
            let upto = state.in_flight;
            state.crowd.begin_group(upto);
        }
        let mut took = Duration::ZERO;
        self.work(state, writer, parts, |writer, parts| {
            let started = self.clock.monotonic();
            let written = writer.write_group(parts, reach);
            took = self.clock.monotonic().saturating_sub(started);
            written
        })?;
        if is_synced {
            state.crowd.end_group(took);
        }
        Ok(())
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
        self.finish_group(state, writer, parts, result.is_ok());
        result
    }

    /// Puts the writer back and wakes who waits for what it did, except for tasks: see [`Shared::tell_tasks`].
    fn finish_group(&self, state: &mut State, mut writer: Writer, parts: Vec<Part>, is_ok: bool) {
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
        if has_news && !is_planted("wal-tails-not-woken") {
            self.tails.notify_all();
            self.has_news.store(true, Ordering::Release);
        }
    }

    /// Wakes the tasks that wait for more, if there is more, or if the log failed.
    ///
    /// That is code of theirs, so it comes last in calls that wait for the medium, as nobody who holds a latch would make them.
    /// What is met on the way of an append, or of an early write, is told by the next such call, or by the next step.
    pub(crate) fn tell_tasks(&self) {
        if !self.has_news.load(Ordering::Acquire) {
            return;
        }
        let woken = {
            let mut state = self.state.lock();
            self.has_news.store(false, Ordering::Release);
            state.wakers.take()
        };
        wakers::wake(woken);
    }

    /// As [`Shared::wait_for`], for callers who hold no latch; tells tasks of what is found, also where that is a failure.
    pub(crate) fn wait_and_tell(
        &self,
        state: MutexGuard<'_, State>,
        lsn: Lsn,
        reach: Reach,
    ) -> Result<(), WalError> {
        let waited = self.wait_for(state, lsn, reach);
        self.tell_tasks();
        waited
    }
}

/// Poisons the log when a leader panics in the storage's code: the others must not wait for it for ever.
pub(crate) struct PoisonOnUnwind<'a>(pub(crate) &'a Shared);

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
