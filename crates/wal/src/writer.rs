//! The writer: whoever holds it, and nobody else, writes and syncs segments.
//!
//! It is handed from leader to leader (see `shared.rs`) and works without any latch. Whoever takes it has seen to it that
//! the folder has the note that segments are being written (`house.rs`).
//!
//! # Invariants
//! - V1. A group is written after the group before it was written, and a segment is begun after the one before it was
//!   synced. So what a crash leaves is: whole segments, then one segment whose tail may be torn anywhere behind
//!   `durable`.
//! - V2. Every record says what was durable when it was written, and so does the marker in the segment's trailer. One of
//!   them that says a damaged record was durable proves that this is no torn tail; and one that says so of a record behind
//!   its segment, that a segment, or its first records, are missing there.

use std::sync::Arc;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::error::WalError;
use crate::folder::Folder;
use crate::group::{Begin, Part};
use crate::record::format::{RecordKind, encode_unsealed, seal};
use crate::segment::Segment;
use crate::segment::format::RECORDS_START;

/// How far a group has to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the operating system: survives the end of the process, not of the machine.
    Flushed,
    /// As [`Reach::Flushed`], and on its way from there.
    Started,
    /// To stable media.
    Durable,
}

/// The right to write, and where the log stands on the file's side.
#[derive(Debug)]
pub(crate) struct Writer {
    folder: Folder,
    /// The segment that is being written.
    current: Option<Arc<Segment>>,
    /// The segment before `current`, until it says that there is more behind it: see [`Writer::vouch`].
    before: Option<Arc<Segment>>,
    /// Whether `current` was written since its last sync.
    is_dirty: bool,
    /// Whether a write or sync failed: what the files hold is in doubt then, and nothing more is written or synced.
    has_failed: bool,
    /// Everything up to here is synced.
    pub(crate) durable: Lsn,
    /// Everything up to here is with the operating system.
    pub(crate) flushed: Lsn,
    /// Where what was written to `current` ends.
    end: u64,
    /// Where what is durable in it ends.
    pub(crate) durable_end: u64,
    /// Segments begun since they were last asked for.
    pub(crate) begun: Vec<Arc<Segment>>,
    /// Records written, ever.
    pub(crate) records: u64,
    /// Syncs of segments, ever.
    pub(crate) syncs: u64,
}

impl Writer {
    /// A writer for a log that ends in `current` with record `last`, all of which is durable, before offset `end`.
    pub(crate) fn new(
        folder: Folder,
        current: Option<Arc<Segment>>,
        last: Lsn,
        end: u64,
    ) -> Writer {
        Writer {
            folder,
            current,
            before: None,
            is_dirty: false,
            has_failed: false,
            durable: last,
            flushed: last,
            end,
            durable_end: end,
            begun: Vec::new(),
            records: 0,
            syncs: 0,
        }
    }

    /// Writes a group: one write, and for [`Reach::Durable`] one sync; one more of each for a segment begun within.
    ///
    /// After an error the writer refuses all further work; a note for the next open is in the folder.
    pub(crate) fn write_group(&mut self, parts: &mut [Part], reach: Reach) -> Result<(), WalError> {
        self.check()?;
        let written = self.try_write_group(parts, reach);
        written.inspect_err(|_| self.fail())
    }

    fn check(&self) -> Result<(), WalError> {
        match self.has_failed {
            true => Err(WalError::Poisoned),
            false => Ok(()),
        }
    }

    fn fail(&mut self) {
        self.has_failed = !is_planted("wal-poison-ignored");
        self.folder.note_poison();
    }

    fn try_write_group(&mut self, parts: &mut [Part], reach: Reach) -> Result<(), WalError> {
        for part in parts.iter_mut() {
            if let Some(begin) = part.begin.take() {
                self.begin_segment(begin)?;
            }
            self.write_part(part)?;
        }
        match reach {
            Reach::Flushed => Ok(()),
            Reach::Started => {
                self.start_sync(parts.last().map_or(self.end, |part| part.offset));
                Ok(())
            }
            Reach::Durable => self.sync(),
        }
    }

    /// Writes into the trailer that everything so far is durable, which is so then, and syncs it.
    ///
    /// After an error as [`Writer::write_group`].
    pub(crate) fn write_marker(&mut self) -> Result<(), WalError> {
        self.check()?;
        let Some(segment) = &self.current else {
            return Ok(());
        };
        let segment = Arc::clone(segment);
        let written = self.sync().and_then(|()| {
            self.is_dirty = true;
            put_marker(&segment, self.durable)
        });
        let synced = written.and_then(|()| self.sync());
        synced.inspect_err(|_| self.fail())
    }

    fn begin_segment(&mut self, begin: Begin) -> Result<(), WalError> {
        if !is_planted("wal-segment-begun-early") {
            self.sync()?;
        }
        let segment = self
            .folder
            .activate(begin.spare, begin.number, begin.first_lsn)?;
        let segment = Arc::new(segment);
        self.begun.push(Arc::clone(&segment));
        self.before = self.current.replace(segment);
        self.end = RECORDS_START;
        self.durable_end = RECORDS_START;
        Ok(())
    }

    fn write_part(&mut self, part: &mut Part) -> Result<(), WalError> {
        let segment = self
            .current
            .as_ref()
            .expect("the first part of a log begins a segment");
        self.records += part.seal(self.durable, segment.header.epoch);
        self.is_dirty = true;
        segment.file.write_all_at(&part.bytes, part.offset)?;
        self.end = part.offset + part.bytes.len() as u64;
        self.flushed = part.last;
        Ok(())
    }

    /// Lets what was written to the current segment from `start` on be on its way to the medium.
    fn start_sync(&self, start: u64) {
        if let Some(segment) = &self.current {
            let len = self.end.saturating_sub(start);
            segment.file.file.start_sync(start, len);
        }
    }

    fn sync(&mut self) -> Result<(), WalError> {
        if let (true, Some(segment)) = (self.is_dirty, &self.current) {
            if !is_planted("wal-sync-skipped") {
                segment.file.sync()?;
            }
            self.syncs += 1;
            self.is_dirty = false;
        }
        self.durable = self.flushed;
        self.durable_end = self.end;
        self.vouch()
    }

    /// Says in the segment before the current one that a record behind it is durable: if the current one is gone one day,
    /// that shows. It is not synced, for nothing else rests on it; the system writes it in its own time.
    fn vouch(&mut self) -> Result<(), WalError> {
        let first = self.current.as_ref().map(|segment| segment.first_lsn());
        if first.is_none_or(|first| self.durable < first) {
            return Ok(());
        }
        match self.before.take() {
            Some(before) => put_marker(&before, self.durable),
            None => Ok(()),
        }
    }
}

/// Writes into the trailer of a segment that everything up to `durable` is.
pub(crate) fn put_marker(segment: &Segment, durable: Lsn) -> Result<(), WalError> {
    let durable = if is_planted("wal-marker-overstated") {
        durable.next()
    } else {
        durable
    };
    let mut marker = Vec::new();
    encode_unsealed(&mut marker, RecordKind::Marker, durable, &[]);
    seal(&mut marker, durable, segment.header.epoch);
    segment.file.write_all_at(&marker, segment.records_end())
}
