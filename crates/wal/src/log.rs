//! The log: append, commit, sync, read, trim. How its threads work together is in `shared.rs`.

use std::path::Path;
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::{Env, Lsn};

use crate::error::{WalError, both};
use crate::folder::Folder;
use crate::options::{Durability, LogOptions, LogStats, Progress};
use crate::reader::Reader;
use crate::record::format::{MAX_PAYLOAD_BYTES, stored_bytes};
use crate::recover::recover;
use crate::repair::RepairReport;
use crate::segment::format::capacity_for;
use crate::shared::Shared;
use crate::writer::Reach;

/// A write-ahead log in a folder of its own. All methods may be called from any thread.
///
/// Dropping it without [`Log::close`] loses the records that were neither synced nor flushed, as the end of the
/// process would.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
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
    /// missing that are known to have been durable; nothing was changed then. Restore them from a backup, or give them up
    /// by [`Recovery::Repair`](crate::Recovery::Repair). [`WalError::UnsupportedVersion`]; [`WalError::Io`], after which
    /// opening may be tried again.
    pub fn open(env: &Env, dir: &Path, options: LogOptions, floor: Lsn) -> Result<Log, WalError> {
        let options = options.clamped();
        let folder = Folder::open(env, dir)?;
        let recovered = recover(&folder, &options, floor)?;
        let clock = Arc::clone(&env.clock);
        let shared = Arc::new(Shared::new(options, clock, folder, recovered));
        Ok(Log { shared })
    }

    /// What [`Log::open`] set aside, and so lost, where [`LogOptions::recovery`] let it. `None` where nothing was damaged.
    #[must_use]
    pub fn repaired(&self) -> Option<&RepairReport> {
        self.shared.repaired.as_ref()
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
    /// [`Log::flush`]. Cost: one copy. The first one after a quiet time leaves a note for the next open, an empty file. When
    /// the segment is full and [`Log::step`] has not prepared the next one, this does; when more than
    /// [`LogOptions::buffer_bytes_max`] wait in memory, this flushes them first.
    ///
    /// # Errors
    /// [`WalError::TooLarge`]; [`WalError::Io`] when the note or the next segment could not be made (a full disk):
    /// the record was not appended, no number was used, and later appends may succeed; so it is with
    /// [`WalError::ArchiveBehind`].
    /// [`WalError::Poisoned`].
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
            if !state.is_noted {
                drop(state);
                self.shared.note_writing()?;
                continue;
            }
            let options = &self.shared.options;
            if let Some(lsn) = state.try_append(payload, stored, capacity, options)? {
                return Ok(lsn);
            }
            drop(state);
            self.shared.prepare(capacity)?;
        }
    }

    /// Appends a record and gives it the durability asked for: see [`Durability`]. Returns its number.
    ///
    /// # Errors
    /// As [`Log::append`], when nothing was appended; as [`Log::sync_to`], when it was, and may or may not be there after
    /// the reopen.
    pub fn commit(&self, payload: &[u8], durability: Durability) -> Result<Lsn, WalError> {
        let lsn = self.append(payload)?;
        match durability {
            Durability::Sync => self.sync_to(lsn)?,
            Durability::Async(within) => {
                let at = self.shared.clock.monotonic().saturating_add(within);
                self.shared.state.lock().ask_for(lsn, at);
            }
            Durability::None => {}
        }
        Ok(lsn)
    }

    /// A barrier: blocks until everything appended so far is on stable media, however it was committed. Returns the last
    /// record of it.
    ///
    /// # Errors
    /// As [`Log::sync_to`].
    pub fn sync(&self) -> Result<Lsn, WalError> {
        let state = self.shared.state.lock();
        let last = state.appended;
        self.shared.wait_and_tell(state, last, Reach::Durable)?;
        Ok(last)
    }

    /// Blocks until the record `lsn`, and all before it, are on stable media. Callers that wait at the same time share
    /// one write and one sync.
    ///
    /// # Errors
    /// [`WalError::Io`] for the caller whose write or sync failed, [`WalError::Poisoned`] for the others and from then
    /// on: what was not acknowledged may or may not be there after the reopen. [`WalError::NotAppended`].
    pub fn sync_to(&self, lsn: Lsn) -> Result<(), WalError> {
        if lsn <= self.durable_lsn() {
            self.shared.tell_tasks();
            return Ok(());
        }
        let state = self.shared.state.lock();
        if lsn > state.appended {
            return Err(WalError::NotAppended {
                wanted: lsn,
                appended: state.appended,
            });
        }
        self.shared.wait_and_tell(state, lsn, Reach::Durable)
    }

    /// Hands all appended records to the operating system: they survive the end of the process, not of the machine.
    ///
    /// # Errors
    /// As [`Log::sync_to`].
    pub fn flush(&self) -> Result<(), WalError> {
        let state = self.shared.state.lock();
        let last = state.appended;
        self.shared.wait_and_tell(state, last, Reach::Flushed)
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
        self.shared.state.lock().oldest
    }

    /// Reads the records from `from` on ([`Lsn::ZERO`] as `Lsn(1)`), as far as they are durable, and then those that become
    /// so: see [`Reader`]. The log may be written meanwhile.
    #[must_use]
    pub fn read_from(&self, from: Lsn) -> Reader {
        Reader::new(Arc::clone(&self.shared), from)
    }

    /// Gives up the records up to `upto`: whole segments of them are kept for reuse, or deleted. The segment that is being
    /// written stays, and gets a marker first (one sync) where only they vouched for it. So does what a
    /// [`Hold`](crate::Hold), the archive or [`LogOptions::retain_bytes`] keeps, until a later `trim` or [`Log::step`] finds
    /// that it is needed no more. A segment that a [`Reader`] is in is read to its end, and recycled after that.
    ///
    /// The next [`Log::open`] must be told a `floor` of at least `upto`. The other end of a log is cut only when it is
    /// opened: see [`Recovery`](crate::Recovery).
    ///
    /// # Errors
    /// [`WalError::Io`]; the records are given up all the same, and later calls try the rest again. Only a failed marker
    /// poisons the log.
    pub fn trim(&self, upto: Lsn) -> Result<(), WalError> {
        {
            let mut state = self.shared.state.lock();
            state.trimmed = state.trimmed.max(upto);
        }
        let recycled = self.shared.recycle();
        self.shared.tell_tasks();
        recycled.map(drop)
    }

    /// Does one slice of background work: [`Log::step_archive`] and [`Log::step_files`]. Call it every now and then, say
    /// ten times a second, and at least as often as [`Durability::Async`] asks for; and again at once while it returns
    /// [`Progress::More`].
    ///
    /// # Errors
    /// As both of them, of which neither is kept from its work by the other; [`WalError::Both`] where both fail.
    pub fn step(&self) -> Result<Progress, WalError> {
        let stepped = both(self.step_files(), self.step_archive())?;
        Ok(match stepped {
            (Progress::Idle, Progress::Idle) => Progress::Idle,
            _ => Progress::More,
        })
    }

    /// The part of [`Log::step`] that does not wait for the archive: writes what has gathered where that is much, makes commits
    /// durable whose interval is over, recycles trimmed segments, prepares the next segment ahead of need, writes the idle
    /// marker once nothing was appended since the call before, and removes spare segments where nothing is for long.
    ///
    /// # Errors
    /// [`WalError::Io`]; [`WalError::Poisoned`]; [`WalError::Both`]. A failed sync or marker poisons the log; nothing else
    /// does. Where the disk is too full to prepare a segment, the marker is written all the same: it needs no room.
    pub fn step_files(&self) -> Result<Progress, WalError> {
        let stepped = self.try_step_files();
        self.shared.tell_tasks();
        stepped
    }

    fn try_step_files(&self) -> Result<Progress, WalError> {
        let shared = &self.shared;
        let cleared = both(shared.step_writes(), shared.recycle());
        if matches!(cleared, Ok(((), Progress::More))) {
            return Ok(Progress::More);
        }
        let prepared = shared.prepare_ahead();
        if matches!((&cleared, &prepared), (Ok(_), Ok(Progress::More))) {
            return Ok(Progress::More);
        }
        let prepared = both(prepared, shared.mark_when_quiet());
        let (_, (progress, ())) = both(cleared, prepared)?;
        match progress {
            Progress::More => Ok(progress),
            Progress::Idle => shared.shed_when_quiet(),
        }
    }

    /// Makes everything durable, and everything that is durable known as such: syncs, then writes the marker at once.
    ///
    /// # Errors
    /// As [`Log::sync_to`].
    pub fn settle(&self) -> Result<(), WalError> {
        let state = self.shared.state.lock();
        let last = state.appended;
        self.shared.wait_and_tell(state, last, Reach::Durable)?;
        let marked = self.shared.write_marker();
        self.shared.tell_tasks();
        marked
    }

    /// Closes the log: as [`Log::settle`]. Readers live on, and find their end behind the last record.
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

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// Readers that wait for more need not wait any longer.
impl Drop for Log {
    fn drop(&mut self) {
        self.shared.end_tails();
    }
}

#[cfg(test)]
mod tests;
