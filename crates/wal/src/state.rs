//! What the latch of a log guards: which segments there are, what gathers to be written, and who waits for what.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::archive::Archiving;
use crate::error::WalError;
use crate::folder::Folder;
use crate::gather::Crowd;
use crate::group::{Group, Part};
use crate::hold::Holds;
use crate::options::{LogOptions, LogStats};
use crate::recover::Recovered;
use crate::segment::format::RECORDS_START;
use crate::segment::{Segment, SegmentId, Spare};
use crate::shed::LastSeen;
use crate::wakers::Wakers;
use crate::writer::Writer;

#[derive(Debug)]
pub(crate) struct State {
    /// The last record there is.
    pub(crate) appended: Lsn,
    /// The oldest record that can be read; one above `appended` when there is none.
    pub(crate) oldest: Lsn,
    pub(crate) group: Group,
    /// Number of the group that fills. The one before it is in flight, or the last one written.
    pub(crate) group_number: u64,
    /// The last record of the group in flight, or written last.
    pub(crate) in_flight: Lsn,
    pub(crate) crowd: Crowd,
    /// `None` while a leader has it.
    pub(crate) writer: Option<Writer>,
    pub(crate) is_poisoned: bool,
    /// The log was closed or dropped: nothing more comes.
    pub(crate) is_closed: bool,
    /// Segments that hold records, ascending, without gaps; the last one is written.
    pub(crate) segments: VecDeque<Arc<Segment>>,
    /// Where the durable records of the last segment end.
    pub(crate) durable_end: u64,
    /// Trimmed away, but perhaps still read, or not archived.
    pub(crate) retired: BTreeMap<SegmentId, Retired>,
    /// The retired segment that may not be recycled before a marker says what it says.
    voucher: Option<Voucher>,
    /// Everything up to here may be trimmed, as far as the log's owner is concerned.
    pub(crate) trimmed: Lsn,
    pub(crate) holds: Holds,
    pub(crate) archiving: Option<Archiving>,
    pub(crate) spares: Vec<Spare>,
    /// The last record that is covered by a marker, which is durable.
    pub(crate) marked: Lsn,
    /// Whether the folder has the note that says that segments are being written. No record is appended, and no marker
    /// written, without it.
    pub(crate) is_noted: bool,
    /// The last record that the last `step` saw.
    pub(crate) seen_by_step: Lsn,
    pub(crate) last_seen: LastSeen,
    pub(crate) due: Option<Due>,
    pub(crate) wakers: Wakers,
    /// Records written since the log was opened.
    pub(crate) records: u64,
    pub(crate) stats: LogStats,
}

/// A segment of which no record is needed any more.
#[derive(Debug)]
pub(crate) struct Retired {
    pub(crate) segment: Arc<Segment>,
    /// The first record behind it. `None` where that is not known: in front of what an earlier trim took.
    pub(crate) until: Option<Lsn>,
}

/// Says of the last segment of the log that its first records are durable, as the marker of the segment before it. With
/// that one gone, and the last one lost or overwritten, nothing would be left that knows of them.
#[derive(Clone, Copy, Debug)]
struct Voucher {
    number: SegmentId,
    /// What is durable, and the first record of the last segment at least.
    durable: Lsn,
}

/// What `Async` commits ask of `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// The last of them.
    pub(crate) upto: Lsn,
    /// When the first of them is to be durable, on the monotonic clock.
    pub(crate) at: Duration,
}

/// A part of the log that can be read: a segment, as far as it is durable.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) segment: Arc<Segment>,
    /// The first record behind the piece.
    pub(crate) until: Lsn,
    /// Where in the segment's file the piece ends, in bytes.
    pub(crate) end: u64,
}

impl State {
    /// The state of a log that was just opened.
    pub(crate) fn new(folder: Folder, recovered: Recovered) -> State {
        let Recovered { last, .. } = recovered;
        let current = recovered.segments.back().cloned();
        let durable_end = recovered.tail.map_or(RECORDS_START, |tail| tail.offset);
        State {
            appended: last,
            oldest: recovered.oldest,
            group: Group::new(recovered.tail, recovered.next_segment),
            group_number: 1,
            in_flight: last,
            crowd: Crowd::default(),
            writer: Some(Writer::new(folder, current, last, durable_end)),
            is_poisoned: false,
            is_closed: false,
            segments: recovered.segments,
            durable_end,
            retired: recovered.retired,
            voucher: None,
            trimmed: Lsn::ZERO,
            holds: Holds::default(),
            archiving: None,
            spares: recovered.spares,
            marked: recovered.marked,
            is_noted: false,
            seen_by_step: Lsn::ZERO,
            last_seen: LastSeen::default(),
            due: None,
            wakers: Wakers::default(),
            records: 0,
            stats: LogStats::default(),
        }
    }

    pub(crate) fn check_poison(&self) -> Result<(), WalError> {
        if self.is_poisoned {
            return Err(WalError::Poisoned);
        }
        Ok(())
    }

    /// Appends if there is room, or a spare of `capacity` bytes to make room with.
    pub(crate) fn try_append(
        &mut self,
        payload: &[u8],
        stored: usize,
        capacity: u64,
        options: &LogOptions,
    ) -> Result<Option<Lsn>, WalError> {
        if self.appended >= Lsn(u64::MAX - 1) {
            return Err(WalError::Exhausted);
        }
        let lsn = self.appended.next();
        if !self.group.fits(stored) {
            self.check_backlog(options.archive_bytes_max)?;
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

    pub(crate) fn has_spare(&self, capacity: u64) -> bool {
        self.spares.iter().any(|spare| spare.capacity == capacity)
    }

    fn take_spare(&mut self, capacity: u64) -> Option<Spare> {
        let idx = self
            .spares
            .iter()
            .position(|spare| spare.capacity == capacity)?;
        Some(self.spares.swap_remove(idx))
    }

    pub(crate) fn begin_group(&mut self) -> Vec<Part> {
        self.group_number += 1;
        self.in_flight = self.appended;
        self.stats.group_bytes_max = self.stats.group_bytes_max.max(self.group.bytes as u64);
        self.group.take()
    }

    /// Which of the two turns a record's group has.
    pub(crate) fn turn_of(&self, lsn: Lsn) -> usize {
        if lsn <= self.in_flight {
            return self.turn_before();
        }
        1 - self.turn_before()
    }

    /// The turn of the group before the one that fills.
    pub(crate) fn turn_before(&self) -> usize {
        usize::from(self.group_number.is_multiple_of(2))
    }

    pub(crate) fn count_group(&mut self, writer: &Writer, parts: &[Part]) {
        let records = writer.records - std::mem::replace(&mut self.records, writer.records);
        self.stats.group_records_max = self.stats.group_records_max.max(records);
        self.stats.groups += u64::from(!parts.is_empty());
        self.stats.syncs = writer.syncs;
    }

    /// The piece that holds the record `next`; `None` where that is not durable yet. `Err` holds the oldest record that is
    /// left when `next` is older.
    pub(crate) fn piece_of(&self, next: Lsn, durable: Lsn) -> Result<Option<Piece>, Lsn> {
        if next < self.oldest {
            return Err(self.oldest);
        }
        let after = self
            .segments
            .partition_point(|segment| segment.first_lsn() <= next);
        let Some(segment) = after.checked_sub(1).and_then(|idx| self.segments.get(idx)) else {
            return Ok(None);
        };
        if next > durable {
            return Ok(None);
        }
        let (until, end) = match self.segments.get(after) {
            Some(behind) => (behind.first_lsn(), segment.records_end()),
            None => (durable.next(), self.durable_end),
        };
        let segment = Arc::clone(segment);
        Ok(Some(Piece {
            segment,
            until,
            end,
        }))
    }

    /// Takes the segments out of the log of which nobody needs a record: their owner said so, and no hold, no archive and
    /// no option keeps them. See `hold.rs` and `archive.rs`. `durable`: everything up to there is.
    pub(crate) fn retire_segments(&mut self, retain_bytes: u64, durable: Lsn) {
        let mut kept_bytes = self.trimmable_bytes();
        while let Some(until) = self.front_ends_before() {
            let front = &self.segments[0];
            let (number, bytes) = (front.number(), front.capacity());
            let is_kept = kept_bytes <= retain_bytes
                || self.is_to_archive(number)
                || (self.holds.keep(self.oldest, until, kept_bytes)
                    && !is_planted("wal-hold-ignored"));
            if is_kept {
                break;
            }
            kept_bytes -= bytes;
            self.oldest = until;
            let retired = self.segments.pop_front().map(|segment| Retired {
                segment,
                until: Some(until),
            });
            self.retired
                .extend(retired.map(|retired| (number, retired)));
            let durable = durable.max(until);
            self.voucher = (self.segments.len() == 1).then_some(Voucher { number, durable });
        }
    }

    /// Up to where a marker is to say that all is durable, so that a retired segment need not. `None`: no marker is missing.
    ///
    /// None is either where another segment has begun behind the last one: its being there says more than a marker could.
    pub(crate) fn missing_marker(&self) -> Option<Lsn> {
        let Voucher { number, durable } = self.voucher?;
        let last = self.segments.back()?;
        (last.number() == number.next() && self.marked < durable).then_some(durable)
    }

    /// Whether a retired segment still has to vouch for the last one.
    fn still_vouches(&self, number: SegmentId) -> bool {
        let is_voucher = self.voucher.is_some_and(|voucher| voucher.number == number);
        is_voucher && self.missing_marker().is_some()
    }

    /// The record behind the oldest segment, if the owner of the log needs none of that segment's.
    fn front_ends_before(&self) -> Option<Lsn> {
        self.segments
            .get(1)
            .map(|second| second.first_lsn())
            .filter(|until| self.is_trimmed(*until))
    }

    fn is_trimmed(&self, until: Lsn) -> bool {
        until.0 <= self.trimmed.0.saturating_add(1) || is_planted("wal-trim-too-far")
    }

    /// Length of the segments that the log's owner needs no more and that are not retired, in bytes.
    fn trimmable_bytes(&self) -> u64 {
        let behind = self.segments.iter().skip(1);
        let trimmable = self.segments.iter().zip(behind);
        trimmable
            .take_while(|(_, behind)| self.is_trimmed(behind.first_lsn()))
            .map(|(segment, _)| segment.capacity())
            .sum()
    }

    /// Takes the retired segments that no reader holds, and no archive or missing marker keeps, in order.
    pub(crate) fn take_unread(&mut self) -> VecDeque<(Segment, Option<Lsn>)> {
        let mut unread = VecDeque::new();
        for (number, retired) in std::mem::take(&mut self.retired) {
            let Retired { segment, until } = retired;
            if self.is_to_archive(number) || self.still_vouches(number) {
                self.retired.insert(number, Retired { segment, until });
                continue;
            }
            match Arc::try_unwrap(segment) {
                Ok(segment) => unread.push_back((segment, until)),
                Err(segment) => drop(self.retired.insert(number, Retired { segment, until })),
            }
        }
        unread
    }

    /// Takes back what [`State::take_unread`] gave and was not recycled.
    pub(crate) fn put_back(&mut self, unread: VecDeque<(Segment, Option<Lsn>)>) {
        let retired = unread.into_iter().map(|(segment, until)| {
            let number = segment.number();
            let segment = Arc::new(segment);
            (number, Retired { segment, until })
        });
        self.retired.extend(retired);
    }

    /// Asks `step` to make the log durable up to `upto` by `at`.
    pub(crate) fn ask_for(&mut self, upto: Lsn, at: Duration) {
        let before = self.due;
        self.due = Some(Due {
            upto: before.map_or(upto, |due| due.upto.max(upto)),
            at: before.map_or(at, |due| due.at.min(at)),
        });
    }

    pub(crate) fn stats(&self) -> LogStats {
        let bytes = |segments: &mut dyn Iterator<Item = &Arc<Segment>>| {
            segments.map(|segment| segment.capacity()).sum()
        };
        LogStats {
            segments: self.segments.len() as u64,
            segment_bytes: bytes(&mut self.segments.iter()),
            kept_bytes: self.trimmable_bytes()
                + bytes(&mut self.retired.values().map(|retired| &retired.segment)),
            spares: self.spares.len() as u64,
            ..self.stats
        }
    }
}
