//! Archiving: every closed segment is handed out before its file may be recycled or removed.
//!
//! # Invariants
//! - A1. While there is an archive, no segment is trimmed, recycled or removed that it has not taken.
//! - A2. Segments are handed out whole, in the order of their numbers, and one at a time: each again until it is taken, and
//!   after a reopen all that are left once more. So an archive must take a segment that it already has.

use std::fmt;
use std::io;
use std::sync::Arc;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::chain::{Broken, Chain};
use crate::error::{WalError, with_sources};
use crate::folder;
use crate::log::Log;
use crate::options::Progress;
use crate::record::Record;
use crate::record::format::{RecordKind, encode_unsealed, seal};
use crate::recover::{Survivors, search};
use crate::segment::format::SegmentHeader;
use crate::segment::{Segment, SegmentId};
use crate::shared::Shared;
use crate::state::State;

/// Where closed segments go: see [`Log::set_archive`]. [`FolderArchive`](crate::FolderArchive) is one; another may send
/// them elsewhere.
pub trait Archive: Send + Sync + fmt::Debug {
    /// Takes a segment. When this returns `Ok`, the log may reuse its file: what the archive needs of it must be as
    /// durable as the archive is meant to be.
    ///
    /// The same segment may come again, after an error as well as after a reopen of the log. It then has the same bytes,
    /// and must be taken. A segment with the number of another one, but other bytes, comes only after a repair, or from
    /// another log: it should be refused.
    ///
    /// It runs in the thread that calls [`Log::step`] or [`Log::step_archive`]; no latch of the log is held, so it may
    /// take its time, and use the log.
    ///
    /// # Errors
    /// Whatever kept it from taking the segment. The log keeps it, counts the failure, reports it from the step, and
    /// hands it out again at the next.
    fn take(&self, segment: &ClosedSegment) -> io::Result<()>;
}

/// A segment that will not change any more. Its records were checked, every one, before it was handed out.
///
/// Its bytes are a segment file of their own, of the format of `docs/format/wal.md`: what was left behind the records from
/// the file's past reads as zeros, and the marker says that its last record is durable. So a folder of consecutive
/// ones, under their names, is a log that can be opened.
#[derive(Debug)]
pub struct ClosedSegment {
    segment: Arc<Segment>,
    last: Lsn,
    /// Where the records end.
    end: u64,
    marker: Vec<u8>,
}

impl ClosedSegment {
    /// Checks every record of a segment that ends before `until`; of one of which that is not known, up to where its chain
    /// breaks, unless what is behind that says that there was more.
    pub(crate) fn check(
        segment: Arc<Segment>,
        until: Option<Lsn>,
    ) -> Result<ClosedSegment, WalError> {
        let mut chain = Chain::new(Arc::clone(&segment));
        while until.is_none_or(|until| chain.next_lsn() < until) {
            match chain.next_link() {
                Ok(_) => {}
                Err(Broken::Malformed(why)) if until.is_none() => {
                    match search(&mut chain, Lsn::ZERO)? {
                        Survivors::ProveDamage => return Err(Broken::from(why).into_error(&chain)),
                        Survivors::None | Survivors::Harmless => break,
                    }
                }
                Err(broken) => return Err(broken.into_error(&chain)),
            }
        }
        let last = Lsn(chain.next_lsn().0.saturating_sub(1));
        let mut marker = Vec::new();
        encode_unsealed(&mut marker, RecordKind::Marker, last, &[]);
        seal(&mut marker, last, segment.header.epoch);
        Ok(ClosedSegment {
            end: chain.offset(),
            last,
            marker,
            segment,
        })
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> SegmentId {
        self.segment.number()
    }

    pub(crate) fn header(&self) -> &SegmentHeader {
        &self.segment.header
    }

    /// The name of its file in the log's folder.
    #[must_use]
    pub fn file_name(&self) -> String {
        folder::segment_name(self.number())
    }

    /// Its first record; where it holds none, the one that the next segment begins with.
    #[must_use]
    pub fn first_lsn(&self) -> Lsn {
        self.segment.first_lsn()
    }

    /// Its last record; one before [`ClosedSegment::first_lsn`] where it holds none.
    #[must_use]
    pub fn last_lsn(&self) -> Lsn {
        self.last
    }

    /// Its length in bytes, a multiple of 4096.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it has a header at least")]
    pub fn len(&self) -> u64 {
        self.segment.capacity()
    }

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// [`WalError::Io`]; also where `buf` reaches beyond the end.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<(), WalError> {
        self.segment.file.read_exact_at(buf, offset)?;
        let trailer = self.segment.records_end();
        part(buf, offset, self.end, self.len()).fill(0);
        overlay(buf, offset, trailer, &self.marker);
        Ok(())
    }

    /// Its records, from the first on. They are checked again as they are read.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, WalError>> + use<> {
        let mut chain = Chain::up_to(Arc::clone(&self.segment), self.end);
        let end = self.end;
        std::iter::from_fn(move || {
            if chain.offset() >= end {
                return None;
            }
            let link = chain.next_link();
            Some(link.map_err(|broken| broken.into_error(&chain)))
        })
        .scan(false, |has_failed, link| {
            if *has_failed {
                return None;
            }
            *has_failed = link.is_err();
            Some(link.map(|link| Record {
                lsn: link.lsn,
                payload: link.payload,
            }))
        })
    }
}

/// The part of `buf`, which was read at `offset`, that lies between two offsets of the file.
fn part(buf: &mut [u8], offset: u64, start: u64, end: u64) -> &mut [u8] {
    let idx = |place: u64| {
        let ahead = place.saturating_sub(offset);
        usize::try_from(ahead).map_or(buf.len(), |ahead| ahead.min(buf.len()))
    };
    let (start, end) = (idx(start), idx(end));
    &mut buf[start..end.max(start)]
}

/// Puts `bytes`, which begin at `place` of the file, into `buf`, which was read at `offset`, as far as they lie in it.
fn overlay(buf: &mut [u8], offset: u64, place: u64, bytes: &[u8]) {
    let end = place + bytes.len() as u64;
    let skipped = offset.saturating_sub(place).min(bytes.len() as u64);
    let part = part(buf, offset, place, end);
    let skipped = usize::try_from(skipped).unwrap_or(bytes.len());
    part.copy_from_slice(&bytes[skipped..][..part.len()]);
}

/// How far an archive is, as [`Log::archive_stats`] shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveStats {
    /// The last segment that was taken.
    pub taken: Option<SegmentId>,
    /// Segments that are closed and were not taken yet.
    pub waiting_segments: u64,
    /// Length of their files, in bytes.
    pub waiting_bytes: u64,
    /// How often the archive failed to take a segment since it was set.
    pub failures: u64,
    /// What it said when it failed last, if it has taken nothing since.
    pub failure: Option<String>,
}

/// The archive of a log, and how far it is.
#[derive(Debug)]
pub(crate) struct Archiving {
    hook: Arc<dyn Archive>,
    /// The last segment that was taken.
    taken: Option<SegmentId>,
    /// Whether a thread is about to hand one out.
    is_busy: bool,
    failures: u64,
    failure: Option<String>,
}

impl Archiving {
    pub(crate) fn needs(&self, number: SegmentId) -> bool {
        self.taken.is_none_or(|taken| number > taken) && !is_planted("wal-archive-passed-over")
    }
}

/// A segment that was not taken yet, and the first record behind it where that is known.
struct Waiting {
    segment: Arc<Segment>,
    until: Option<Lsn>,
}

impl State {
    /// Whether the archive, if there is one, has yet to take this segment.
    pub(crate) fn is_to_archive(&self, number: SegmentId) -> bool {
        let archiving = self.archiving.as_ref();
        archiving.is_some_and(|archiving| archiving.needs(number))
    }

    /// The closed segments that were not taken yet, in order: all that are retired, and all but the last of the others.
    fn waiting(&self) -> impl Iterator<Item = Waiting> {
        let retired = self.retired.values().map(|retired| Waiting {
            segment: Arc::clone(&retired.segment),
            until: retired.until,
        });
        let behind = self.segments.iter().skip(1);
        let closed = self.segments.iter().zip(behind);
        let closed = closed.map(|(segment, next)| Waiting {
            segment: Arc::clone(segment),
            until: Some(next.first_lsn()),
        });
        let all = retired.chain(closed);
        all.filter(|waiting| self.is_to_archive(waiting.segment.number()))
    }

    fn archive_waiting_bytes(&self) -> u64 {
        self.waiting()
            .map(|waiting| waiting.segment.capacity())
            .sum()
    }

    /// Whether there is room for another segment beside those that wait for the archive.
    pub(crate) fn check_backlog(&self, bytes_max: u64) -> Result<(), WalError> {
        if self.archiving.is_none() || bytes_max == u64::MAX {
            return Ok(());
        }
        let waiting_bytes = self.archive_waiting_bytes();
        if waiting_bytes < bytes_max {
            return Ok(());
        }
        Err(WalError::ArchiveBehind {
            waiting_bytes,
            bytes_max,
        })
    }

    /// The next segment to hand out, and to whom; `None` when there is none or somebody is about it.
    fn begin_archiving(&mut self) -> Option<(Arc<dyn Archive>, Waiting)> {
        let is_busy = self.archiving.as_ref()?.is_busy;
        let waiting = self.waiting().next().filter(|_| !is_busy)?;
        let archiving = self.archiving.as_mut()?;
        archiving.is_busy = true;
        Some((Arc::clone(&archiving.hook), waiting))
    }

    fn archive_stats(&self) -> Option<ArchiveStats> {
        let archiving = self.archiving.as_ref()?;
        Some(ArchiveStats {
            taken: archiving.taken,
            waiting_segments: self.waiting().count() as u64,
            waiting_bytes: self.archive_waiting_bytes(),
            failures: archiving.failures,
            failure: archiving.failure.clone(),
        })
    }
}

/// Lets others hand out segments again, also where the archive panics.
struct Handing<'a> {
    shared: &'a Shared,
    hook: Arc<dyn Archive>,
}

impl Handing<'_> {
    fn hand_out(&self, waiting: Waiting) -> Result<(), WalError> {
        let number = waiting.segment.number();
        let taken = ClosedSegment::check(waiting.segment, waiting.until).and_then(|closed| {
            let taken = self.hook.take(&closed);
            taken.map_err(|source| WalError::Archive {
                segment: number,
                source,
            })
        });
        self.note(number, &taken);
        taken
    }

    fn note(&self, number: SegmentId, taken: &Result<(), WalError>) {
        let mut state = self.shared.state.lock();
        let Some(archiving) = state
            .archiving
            .as_mut()
            .filter(|archiving| self.is_of(archiving))
        else {
            return;
        };
        match taken {
            Ok(()) => {
                archiving.taken = Some(number);
                archiving.failure = None;
            }
            Err(error) => {
                archiving.failures += 1;
                archiving.failure = Some(with_sources(error));
            }
        }
    }

    /// Whether `archiving` is still the one that this began with: another may have been set meanwhile.
    fn is_of(&self, archiving: &Archiving) -> bool {
        Arc::ptr_eq(&archiving.hook, &self.hook)
    }
}

impl Drop for Handing<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        if let Some(archiving) = state
            .archiving
            .as_mut()
            .filter(|archiving| self.is_of(archiving))
        {
            archiving.is_busy = false;
        }
    }
}

impl Log {
    /// Hands every closed segment to `archive` before its file may be recycled or removed: [`Log::step`] and
    /// [`Log::step_archive`] do so. A segment is closed when the next one has begun. Those that are there already are
    /// handed out too, so set it after opening and before the first [`Log::trim`] or [`Log::step`]; it is dropped when the
    /// log is closed or dropped. Replaces the archive that was set before, from the first segment that is left on.
    ///
    /// An archive that fails keeps segments from being trimmed: see [`Log::archive_stats`], and
    /// [`LogOptions::archive_bytes_max`](crate::LogOptions::archive_bytes_max) for a bound. So does a segment with a damaged
    /// record: one that an earlier opening left behind a trim is set aside when the log is opened to
    /// [`Recovery::Repair`](crate::Recovery::Repair).
    pub fn set_archive(&self, archive: Arc<dyn Archive>) {
        let archiving = Archiving {
            hook: archive,
            taken: None,
            is_busy: false,
            failures: 0,
            failure: None,
        };
        let before = self.shared().state.lock().archiving.replace(archiving);
        // Not under the latch: it may own a hold or a reader of this log, whose end takes the latch.
        drop(before);
    }

    /// Hands the oldest segment that waits to the archive: the part of [`Log::step`] that may take long, for owners with
    /// a thread for it. Call it again at once while it returns [`Progress::More`], and after a pause where it fails.
    ///
    /// Reads the segment once to check it, and as often as the archive does.
    ///
    /// # Errors
    /// [`WalError::Archive`] with what the archive said; [`WalError::Corrupt`] or [`WalError::Io`] for a segment that
    /// cannot be read. The segment is kept.
    pub fn step_archive(&self) -> Result<Progress, WalError> {
        let shared = self.shared();
        let Some((hook, waiting)) = shared.state.lock().begin_archiving() else {
            return Ok(Progress::Idle);
        };
        Handing { shared, hook }.hand_out(waiting)?;
        Ok(Progress::More)
    }

    /// How far the archive is, if there is one.
    #[must_use]
    pub fn archive_stats(&self) -> Option<ArchiveStats> {
        self.shared().state.lock().archive_stats()
    }
}

#[cfg(test)]
mod tests;
