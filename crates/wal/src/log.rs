//! The log: append, sync, trim; and the hand-over between the threads that use it.
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
//!                                                 v                         and one of the next
//!                                      wait for the turn of its group
//! ```
//!
//! # Latches
//! `house` before `state`; see the fields.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::{Condvar, Mutex, MutexGuard};
use drystone_base::{Env, Lsn};

use crate::error::WalError;
use crate::folder::Folder;
use crate::group::{Group, Part};
use crate::options::{LogOptions, LogStats, Progress};
use crate::reader::Reader;
use crate::record::format::{MAX_PAYLOAD_BYTES, stored_bytes};
use crate::recover::{Recovered, recover};
use crate::segment::format::capacity_for;
use crate::segment::{Segment, Spare};
use crate::writer::{Reach, Writer};

/// A write-ahead log in a folder of its own. All methods may be called from any thread.
///
/// Dropping it without [`Log::close`] loses the records that were neither synced nor flushed, as the end of the
/// process would.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
}

/// What a log and its readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    options: LogOptions,
    /// Everything up to here is durable. Stored (`Release`) under `state` after the sync; loaded (`Acquire`) anywhere.
    durable: AtomicU64,
    /// Everything up to here can be read from the files. As `durable`.
    flushed: AtomicU64,
    /// Held for memory operations only.
    state: Mutex<State>,
    /// Who waits for the groups of even, and of odd number. Two, so that the end of a group wakes no later group.
    turns: [Condvar; 2],
    /// Held for I/O on files that are no segments yet or no more.
    house: Mutex<House>,
}

#[derive(Debug)]
struct State {
    /// The last record there is.
    appended: Lsn,
    /// The oldest record that can be read; one above `appended` when there is none.
    oldest: Lsn,
    group: Group,
    /// Number of the group that fills. The one before it is in flight, or the last one written.
    group_number: u64,
    /// The last record of the group in flight, or written last.
    in_flight: Lsn,
    /// `None` while a leader has it.
    writer: Option<Writer>,
    is_poisoned: bool,
    /// Segments that hold records, ascending, without gaps; the last one is written.
    segments: VecDeque<Arc<Segment>>,
    /// Trimmed away, but perhaps still read.
    retired: Vec<Arc<Segment>>,
    spares: Vec<Spare>,
    /// The last record that is covered by a marker.
    marked: Lsn,
    /// The last record that the last `step` saw.
    seen_by_step: Lsn,
    /// Records written since the log was opened.
    records: u64,
    stats: LogStats,
}

#[derive(Debug)]
struct House {
    folder: Folder,
    /// Number of the next spare.
    next_spare: u64,
}

impl Log {
    /// Opens the log in `dir`, creating or recovering it.
    ///
    /// `floor`: everything up to here is held elsewhere. New records get numbers above both `floor` and the last record
    /// that is found. When this returns, all that is found is durable. Cost: reads the records after `floor`, and
    /// where the log was not closed copies the last segment.
    ///
    /// The caller makes sure that no other process has the log open (a lock file in the folder above, say).
    ///
    /// # Errors
    /// [`WalError::Corrupt`], [`WalError::MissingSegment`], [`WalError::Gap`] when records after `floor` are damaged or
    /// missing that are known to have been durable; nothing was changed then. [`WalError::UnsupportedVersion`];
    /// [`WalError::Io`], after which opening may be tried again.
    pub fn open(env: &Env, dir: &Path, options: LogOptions, floor: Lsn) -> Result<Log, WalError> {
        let options = options.clamped();
        let folder = Folder::open(env, dir)?;
        let recovered = recover(&folder, &options, floor)?;
        let shared = Arc::new(Shared::new(options, folder, recovered));
        Ok(Log { shared })
    }

    /// Whether there is a log in `dir`: one that has had a record. Changes nothing. For owners that know that there must
    /// be one: [`Log::open`] would begin anew where it was lost.
    ///
    /// # Errors
    /// [`WalError::Io`] when the folder cannot be listed.
    pub fn exists(env: &Env, dir: &Path) -> Result<bool, WalError> {
        Folder::has_segments(env, dir)
    }

    /// Appends a record and returns its number, one above the last. It is in memory only: see [`Log::sync_to`] and
    /// [`Log::flush`]. Cost: one copy. When the segment is full and [`Log::step`] has not prepared the next one, this
    /// does; when more than [`LogOptions::buffer_bytes_max`] wait in memory, this flushes them first.
    ///
    /// # Errors
    /// [`WalError::TooLarge`]; [`WalError::Io`] when the next segment could not be prepared (a full disk): the record
    /// was not appended, no number was used, and later appends may succeed. [`WalError::Poisoned`].
    pub fn append(&self, payload: &[u8]) -> Result<Lsn, WalError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(WalError::TooLarge {
                len: payload.len(),
                max: MAX_PAYLOAD_BYTES,
            });
        }
        let stored = stored_bytes(payload.len());
        let capacity = capacity_for(stored as u64, self.shared.options.segment_bytes);
        loop {
            let mut state = self.shared.state.lock();
            state.check_poison()?;
            if state.group.bytes >= self.shared.options.buffer_bytes_max {
                let last = state.appended;
                self.shared.wait_for(state, last, Reach::Flushed)?;
                continue;
            }
            if let Some(lsn) = state.try_append(payload, stored, capacity)? {
                return Ok(lsn);
            }
            drop(state);
            self.shared.prepare(capacity)?;
        }
    }

    /// Blocks until the record `lsn`, and all before it, are on stable media. Callers that wait at the same time share
    /// one write and one sync.
    ///
    /// # Errors
    /// [`WalError::Io`] for the caller whose write or sync failed, [`WalError::Poisoned`] for the others and from then
    /// on: what was not acknowledged may or may not be there after the reopen. [`WalError::NotAppended`].
    pub fn sync_to(&self, lsn: Lsn) -> Result<(), WalError> {
        if lsn <= self.durable_lsn() {
            return Ok(());
        }
        let state = self.shared.state.lock();
        if lsn > state.appended {
            return Err(WalError::NotAppended {
                wanted: lsn,
                appended: state.appended,
            });
        }
        self.shared.wait_for(state, lsn, Reach::Durable)
    }

    /// Hands all appended records to the operating system: they survive the end of the process, not of the machine, and
    /// readers see them.
    ///
    /// # Errors
    /// As [`Log::sync_to`].
    pub fn flush(&self) -> Result<(), WalError> {
        let state = self.shared.state.lock();
        let last = state.appended;
        self.shared.wait_for(state, last, Reach::Flushed)
    }

    /// The last record appended, or before the first one what the log began after.
    #[must_use]
    pub fn appended_lsn(&self) -> Lsn {
        self.shared.state.lock().appended
    }

    /// Everything up to here is on stable media. Takes no latch.
    #[must_use]
    pub fn durable_lsn(&self) -> Lsn {
        self.shared.durable()
    }

    /// Whether it takes records.
    ///
    /// # Errors
    /// [`WalError::Poisoned`].
    pub fn check(&self) -> Result<(), WalError> {
        self.shared.state.lock().check_poison()
    }

    /// The oldest record that can be read; one above [`Log::appended_lsn`] when there is none.
    #[must_use]
    pub fn oldest_lsn(&self) -> Lsn {
        self.shared.oldest()
    }

    /// Iterates the records from `from` on ([`Lsn::ZERO`] as `Lsn(1)`), up to the last one flushed or synced.
    ///
    /// At the end it returns `None`, and goes on when it is asked again after more was flushed. It is independent of
    /// the log's lifetime. The files that it has not passed yet are not recycled while it lives.
    #[must_use]
    pub fn read_from(&self, from: Lsn) -> Reader {
        Reader::new(Arc::clone(&self.shared), from)
    }

    /// Gives up the records up to `upto`: whole segments of them are kept for reuse, or deleted. The segment that is
    /// being written stays, and gets a marker first (one sync) where only they vouched for it. Segments that a [`Reader`] still reads are recycled by a later `trim` or [`Log::step`].
    ///
    /// The next [`Log::open`] must be told a `floor` of at least `upto`.
    ///
    /// # Errors
    /// [`WalError::Io`]; the records are given up all the same, and later calls try the rest again. Only a failed marker
    /// poisons the log.
    pub fn trim(&self, upto: Lsn) -> Result<(), WalError> {
        let is_shorter = self.shared.state.lock().retire_segments(upto);
        if is_shorter {
            self.shared.vouch_for_the_rest()?;
        }
        self.shared.recycle().map(drop)
    }

    /// Does one slice of background work: recycles trimmed segments, prepares the next segment ahead of need, and
    /// writes the idle marker once nothing was appended since the call before. Call it every now and then, say ten
    /// times a second, and again at once while it returns [`Progress::More`].
    ///
    /// # Errors
    /// [`WalError::Io`]; [`WalError::Poisoned`]. Only a failed marker poisons the log. Where the disk is too full to
    /// prepare a segment, the marker is written all the same: it needs no room.
    pub fn step(&self) -> Result<Progress, WalError> {
        let recycled = self.shared.recycle()?;
        if recycled == Progress::More {
            return Ok(recycled);
        }
        let prepared = self.shared.prepare_ahead();
        if !matches!(prepared, Ok(Progress::More)) {
            self.shared.mark_when_quiet()?;
        }
        prepared
    }

    /// Makes everything durable, and everything that is durable known as such: syncs, then writes the marker at once.
    ///
    /// # Errors
    /// As [`Log::sync_to`].
    pub fn settle(&self) -> Result<(), WalError> {
        let state = self.shared.state.lock();
        let last = state.appended;
        self.shared.wait_for(state, last, Reach::Durable)?;
        self.shared.write_marker(self.shared.state.lock())
    }

    /// Closes the log: as [`Log::settle`]. Readers live on.
    ///
    /// # Errors
    /// As [`Log::sync_to`].
    pub fn close(self) -> Result<(), WalError> {
        if is_planted("wal-close-unsettled") {
            return Ok(());
        }
        self.settle()
    }

    /// Figures for people.
    #[must_use]
    pub fn stats(&self) -> LogStats {
        self.shared.state.lock().stats()
    }
}

impl Shared {
    fn new(options: LogOptions, folder: Folder, recovered: Recovered) -> Shared {
        let last = recovered.last;
        let current = recovered.segments.back().cloned();
        let state = State {
            appended: last,
            oldest: recovered.oldest,
            group: Group::new(recovered.tail, recovered.next_segment),
            group_number: 1,
            in_flight: last,
            writer: Some(Writer::new(folder.clone(), current, last)),
            is_poisoned: false,
            segments: recovered.segments,
            retired: recovered.retired,
            spares: recovered.spares,
            marked: recovered.marked,
            seen_by_step: Lsn::ZERO,
            records: 0,
            stats: LogStats::default(),
        };
        Shared {
            options,
            durable: AtomicU64::new(last.0),
            flushed: AtomicU64::new(last.0),
            state: Mutex::new(state),
            turns: [Condvar::new(), Condvar::new()],
            house: Mutex::new(House {
                folder,
                next_spare: recovered.next_spare,
            }),
        }
    }

    fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    /// Everything up to here can be read from the files.
    pub(crate) fn flushed(&self) -> Lsn {
        Lsn(self.flushed.load(Ordering::Acquire))
    }

    /// The oldest record that can be read.
    pub(crate) fn oldest(&self) -> Lsn {
        self.state.lock().oldest
    }

    /// What a reader that wants `from` needs: the segments that hold it and all after it, and up to where they may be
    /// read. `Err` holds the oldest record that is left when `from` is older.
    pub(crate) fn readable(&self, from: Lsn) -> Result<(VecDeque<Arc<Segment>>, Lsn), Lsn> {
        let state = self.state.lock();
        if from < state.oldest {
            return Err(state.oldest);
        }
        let after = state
            .segments
            .partition_point(|segment| segment.first_lsn() <= from);
        let segments = state
            .segments
            .range(after.saturating_sub(1)..)
            .cloned()
            .collect();
        Ok((segments, self.flushed()))
    }

    fn reached(&self, reach: Reach) -> Lsn {
        match reach {
            Reach::Flushed => self.flushed(),
            Reach::Durable => self.durable(),
        }
    }

    /// Returns once `lsn` has got as far as `reach` says, leading groups there where nobody else does.
    fn wait_for(
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
    fn work(
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

    fn finish_group(&self, state: &mut State, mut writer: Writer, parts: Vec<Part>, is_ok: bool) {
        state.segments.extend(writer.begun.drain(..));
        state.count_group(&writer, &parts);
        state.group.recycle(parts);
        let only_sync_failed = writer.flushed >= state.in_flight;
        let goes_on = only_sync_failed && is_planted("wal-poison-ignored");
        state.is_poisoned |= !is_ok && !goes_on;
        // After a failure nobody knows what the files hold behind the durable records: readers stay away from it.
        let flushed = if is_ok {
            writer.flushed
        } else {
            writer.durable
        };
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
    }

    /// Writes the idle marker if nothing was appended since the call before.
    fn mark_when_quiet(&self) -> Result<(), WalError> {
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
    fn write_marker(&self, mut state: MutexGuard<'_, State>) -> Result<(), WalError> {
        state.check_poison()?;
        let last = state.appended;
        if self.durable() < last || state.marked >= last {
            return Ok(());
        }
        self.mark(state, last)
    }

    /// Writes a marker for what is durable before segments go: the one that vouched for it may be in them. Of no effect
    /// while a group is in flight, whose records vouch for it, and on a poisoned log.
    fn vouch_for_the_rest(&self) -> Result<(), WalError> {
        let state = self.state.lock();
        let durable = self.durable();
        if state.is_poisoned || state.marked >= durable || is_planted("wal-trim-unvouched") {
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

    /// Prepares a segment of `capacity` bytes, unless one is there.
    fn prepare(&self, capacity: u64) -> Result<(), WalError> {
        let mut house = self.house.lock();
        if self.state.lock().has_spare(capacity) {
            return Ok(());
        }
        let number = house.number_spare();
        let spare = house.folder.create_spare(number, capacity)?;
        self.state.lock().spares.push(spare);
        Ok(())
    }

    fn prepare_ahead(&self) -> Result<Progress, WalError> {
        let capacity = self.options.segment_bytes;
        let state = self.state.lock();
        if state.is_poisoned || state.has_spare(capacity) || !state.group.is_past_half() {
            return Ok(Progress::Idle);
        }
        drop(state);
        self.prepare(capacity)?;
        Ok(Progress::More)
    }

    /// Makes spares of the retired segments that nobody reads any more, and deletes what is too many.
    fn recycle(&self) -> Result<Progress, WalError> {
        let mut house = self.house.lock();
        let (mut unread, kept) = self.state.lock().take_unread();
        if unread.is_empty() {
            return Ok(Progress::Idle);
        }
        let wanted = self.options.spare_segments_max.saturating_sub(kept);
        let mut spares = Vec::new();
        let retired = self.retire(&mut house, &mut unread, &mut spares, wanted);
        // What is left after an error is tried again by the next call.
        self.state
            .lock()
            .retired
            .extend(unread.into_iter().map(Arc::new));
        house.folder.sync()?;
        self.state.lock().spares.extend(spares);
        retired.map(|()| Progress::More)
    }

    /// Turns segments into spares, until there are as many as `wanted`, and removes the files of the others.
    fn retire(
        &self,
        house: &mut House,
        unread: &mut Vec<Segment>,
        spares: &mut Vec<Spare>,
        wanted: usize,
    ) -> Result<(), WalError> {
        while let Some(segment) = unread.last() {
            let is_standard = segment.capacity() == self.options.segment_bytes;
            if is_standard && spares.len() < wanted {
                let number = house.number_spare();
                spares.push(house.folder.retire(segment, number)?);
            } else {
                house.folder.remove(&segment.file.path)?;
            }
            unread.pop();
        }
        Ok(())
    }
}

impl House {
    fn number_spare(&mut self) -> u64 {
        let number = self.next_spare;
        self.next_spare = number.wrapping_add(1);
        number
    }
}

impl State {
    fn check_poison(&self) -> Result<(), WalError> {
        if self.is_poisoned {
            return Err(WalError::Poisoned);
        }
        Ok(())
    }

    /// Appends if there is room, or a spare of `capacity` bytes to make room with.
    fn try_append(
        &mut self,
        payload: &[u8],
        stored: usize,
        capacity: u64,
    ) -> Result<Option<Lsn>, WalError> {
        if self.appended >= Lsn(u64::MAX - 1) {
            return Err(WalError::Exhausted);
        }
        let lsn = self.appended.next();
        if !self.group.fits(stored) {
            let Some(spare) = self.take_spare(capacity) else {
                return Ok(None);
            };
            self.group.begin_segment(spare, lsn);
        }
        self.group.push(lsn, payload);
        self.appended = lsn;
        self.stats.appended += 1;
        self.stats.appended_bytes += stored as u64;
        Ok(Some(lsn))
    }

    fn has_spare(&self, capacity: u64) -> bool {
        self.spares.iter().any(|spare| spare.capacity == capacity)
    }

    fn take_spare(&mut self, capacity: u64) -> Option<Spare> {
        let idx = self
            .spares
            .iter()
            .position(|spare| spare.capacity == capacity)?;
        Some(self.spares.swap_remove(idx))
    }

    fn begin_group(&mut self) -> Vec<Part> {
        self.group_number += 1;
        self.in_flight = self.appended;
        self.stats.group_bytes_max = self.stats.group_bytes_max.max(self.group.bytes as u64);
        self.group.take()
    }

    /// Which of the two turns a record's group has.
    fn turn_of(&self, lsn: Lsn) -> usize {
        if lsn <= self.in_flight {
            return self.turn_before();
        }
        1 - self.turn_before()
    }

    /// The turn of the group before the one that fills.
    fn turn_before(&self) -> usize {
        usize::from(self.group_number.is_multiple_of(2))
    }

    fn count_group(&mut self, writer: &Writer, parts: &[Part]) {
        let records = writer.records - std::mem::replace(&mut self.records, writer.records);
        self.stats.group_records_max = self.stats.group_records_max.max(records);
        self.stats.groups += u64::from(!parts.is_empty());
        self.stats.syncs = writer.syncs;
    }

    /// Takes the segments whose records are all `upto` or older out of the log. Returns whether there were any.
    fn retire_segments(&mut self, upto: Lsn) -> bool {
        let retired_before = self.retired.len();
        while let Some(second) = self.segments.get(1)
            && (second.first_lsn().0 <= upto.0.saturating_add(1) || is_planted("wal-trim-too-far"))
        {
            self.oldest = second.first_lsn();
            self.retired.extend(self.segments.pop_front());
        }
        self.retired.len() > retired_before
    }

    /// Takes the retired segments that no reader holds; also returns how many spares there are.
    fn take_unread(&mut self) -> (Vec<Segment>, usize) {
        let mut unread = Vec::new();
        let mut read = Vec::new();
        for segment in self.retired.drain(..) {
            match Arc::try_unwrap(segment) {
                Ok(segment) => unread.push(segment),
                Err(segment) => read.push(segment),
            }
        }
        self.retired = read;
        (unread, self.spares.len())
    }

    fn stats(&self) -> LogStats {
        LogStats {
            segments: self.segments.len() as u64,
            segment_bytes: self.segments.iter().map(|segment| segment.capacity()).sum(),
            spares: self.spares.len() as u64,
            ..self.stats
        }
    }
}

/// Poisons the log when a leader panics in the storage's code: the others must not wait for it for ever.
struct PoisonOnUnwind<'a>(&'a Shared);

impl Drop for PoisonOnUnwind<'_> {
    fn drop(&mut self) {
        self.0.state.lock().is_poisoned = true;
        for turn in &self.0.turns {
            turn.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
