//! What opening a log does: find its end, tell a torn tail from damage, and make the end durable.
//!
//! Only the last segment can end in a torn tail (rules D2 of `folder.rs` and V1 of `writer.rs`). There the chain of
//! records breaks at some offset, where record *k* should be:
//!
//! - a valid record there or behind it, or the marker, says that *k* was durable: the place was whole once, or *k* was in
//!   a segment behind this one that is gone. [`WalError::Corrupt`]. That record, or the marker, may be what damaged the
//!   place, when the medium wrote it there instead of where it belongs.
//! - nothing says so: *k* was never acknowledged, or only by the last group before a crash. The log ends before it.
//!
//! # What may be left behind the end
//! Records of the same torn group can survive behind the break, valid by checksum, numbered above *k*. If new records
//! were written over the break and happened to end where such a one starts, it would chain and come back. So where
//! there are any, everything from the end of the log to the end of the segment is overwritten with zeros, and synced,
//! before anything is appended. A crash on the way changes nothing that decides: *k* stays unreadable, and the
//! survivors never say that it was durable. So recovery may be repeated any number of times.
//!
//! # What may be in the cache only
//! A killed process leaves records that nobody synced: the last segment and the folder are synced again. After a failed
//! sync that is not enough, for the cache may hold pages, marked clean, that never reached the medium. And whoever saw
//! the failure may have been killed before it could say so. So there is a note in the folder from before the first write
//! until a marker covers the last one, and during a recovery; where one is found, the whole last segment is copied,
//! records and zeros, as read. Only where the disk is too full for the copy, and nobody said that something failed, is
//! it synced where it is.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::chain::{Broken, Chain};
use crate::error::{Malformed, WalError};
use crate::folder::{Folder, Listing};
use crate::group::Tail;
use crate::options::LogOptions;
use crate::record::format::{self, ALIGN_BYTES, HEADER_BYTES, Header, RecordKind};
use crate::repair::{RepairReport, repair};
use crate::segment::format::{SEGMENT_HEADER_BYTES, VERSION};
use crate::segment::{LogFile, Segment, SegmentId, Spare, chunk_len};

/// How often the rest of a segment may be read over for records, before a search that finds nothing gives up. Payloads
/// made to look like headers could otherwise make it quadratic.
const SEARCH_ROUNDS_MAX: u64 = 64;

/// A log that is ready to be appended to. All of it is durable.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) segments: VecDeque<Arc<Segment>>,
    pub(crate) retired: Vec<Arc<Segment>>,
    pub(crate) spares: Vec<Spare>,
    /// The last record, or the floor when that is higher.
    pub(crate) last: Lsn,
    /// The last record that is covered by a marker; `last` when it needs none.
    pub(crate) marked: Lsn,
    /// The oldest record that can be read.
    pub(crate) oldest: Lsn,
    pub(crate) tail: Option<Tail>,
    pub(crate) next_segment: SegmentId,
    pub(crate) next_spare: u64,
    /// What was set aside, where that was allowed.
    pub(crate) repaired: Option<RepairReport>,
}

/// Recovers the log in `folder`, whose user holds everything up to `floor` elsewhere; repairs it first, where the options
/// say so.
pub(crate) fn recover(
    folder: &Folder,
    options: &LogOptions,
    floor: Lsn,
) -> Result<Recovered, WalError> {
    let repaired = repair(folder, options, floor)?;
    let recovered = recover_sound(folder, options, floor)?;
    Ok(Recovered {
        repaired,
        ..recovered
    })
}

fn recover_sound(folder: &Folder, options: &LogOptions, floor: Lsn) -> Result<Recovered, WalError> {
    let mut listing = folder.list()?;
    let run = newest_run(&listing.segments).to_vec();
    let mut segments = open_segments(folder, &run)?;
    check_start(&segments, &listing, floor)?;
    let mut end = find_end(&segments, floor)?;
    let mut spares = take_spares(folder, options, &listing)?;
    if let Some(end) = &mut end {
        let in_doubt = listing.is_poisoned || listing.is_being_written;
        folder.note_writing()?;
        mend(folder, &mut listing, &mut spares, end, in_doubt)
            .inspect_err(|_| folder.note_poison())?;
        segments.pop_back();
        segments.push_back(Arc::clone(&end.segment));
    }
    remove_leftovers(folder, &listing, &run)?;
    folder.sync().inspect_err(|_| folder.note_poison())?;
    if listing.is_poisoned {
        folder.remove_poison_note()?;
    }
    if listing.is_being_written || end.is_some() {
        folder.remove_writing_note()?;
    }
    Ok(assemble(segments, end, floor, spares, &listing))
}

/// The last numbers of `numbers` that follow each other without a gap.
fn newest_run(numbers: &[SegmentId]) -> &[SegmentId] {
    let gap = numbers
        .array_windows()
        .rposition(|[one, two]| one.next() != *two);
    &numbers[gap.map_or(0, |idx| idx + 1)..]
}

fn open_segments(
    folder: &Folder,
    numbers: &[SegmentId],
) -> Result<VecDeque<Arc<Segment>>, WalError> {
    let mut segments: VecDeque<Arc<Segment>> = VecDeque::with_capacity(numbers.len());
    for &number in numbers {
        let segment = open_segment(folder.open_segment_file(number)?, number)?;
        if let Some(before) = segments
            .back()
            .filter(|before| before.first_lsn() > segment.first_lsn())
        {
            let why = Malformed::Sequence {
                expected: before.first_lsn(),
                found: segment.first_lsn(),
            };
            return Err(corrupt(number, 0, segment.first_lsn(), why));
        }
        segments.push_back(Arc::new(segment));
    }
    Ok(segments)
}

/// Reads and checks the header of a segment's file.
pub(crate) fn open_segment(file: LogFile, number: SegmentId) -> Result<Segment, WalError> {
    let bad = |why| match why {
        Malformed::Version { found } => WalError::UnsupportedVersion {
            segment: number,
            found,
            supported: VERSION,
        },
        why => corrupt(number, 0, Lsn::ZERO, why),
    };
    let found = file.len()?;
    let mut block = [0; SEGMENT_HEADER_BYTES];
    if found < block.len() as u64 {
        let expected = block.len() as u64;
        return Err(bad(Malformed::Capacity { expected, found }));
    }
    file.read_exact_at(&mut block, 0)?;
    let header = crate::segment::format::decode(&block).map_err(bad)?;
    if header.number != number {
        return Err(bad(Malformed::Number {
            found: header.number,
        }));
    }
    if header.capacity != found {
        let expected = header.capacity;
        return Err(bad(Malformed::Capacity { expected, found }));
    }
    Ok(Segment { header, file })
}

/// Checks that no record after `floor` is missing in front of the log.
fn check_start(
    segments: &VecDeque<Arc<Segment>>,
    listing: &Listing,
    floor: Lsn,
) -> Result<(), WalError> {
    let Some(first) = segments.front() else {
        return Ok(());
    };
    let oldest = first.first_lsn();
    if oldest.0 <= floor.0.saturating_add(1) {
        return Ok(());
    }
    if listing.segments.len() > segments.len() {
        let segment = SegmentId(first.number().0 - 1);
        return Err(WalError::MissingSegment { segment });
    }
    Err(WalError::Gap { floor, oldest })
}

/// Where the log ends.
#[derive(Debug)]
pub(crate) struct End {
    segment: Arc<Segment>,
    /// The last record; before the first one of the last segment when that holds none.
    pub(crate) last: Lsn,
    /// Where the next record goes.
    offset: u64,
    /// Everything up to here is known to be durable, whatever becomes of the last record.
    known: Lsn,
    /// Whether valid records are behind the end.
    has_survivors: bool,
}

/// Reads everything after `floor`.
fn find_end(segments: &VecDeque<Arc<Segment>>, floor: Lsn) -> Result<Option<End>, WalError> {
    let needed = floor.0.saturating_add(1);
    let after = segments.partition_point(|segment| segment.first_lsn().0 <= needed);
    let before_last = segments.len().checked_sub(2).map(|idx| &*segments[idx]);
    let mut segments = segments.range(after.saturating_sub(1)..).peekable();
    while let Some(segment) = segments.next() {
        let chain = Chain::new(Arc::clone(segment));
        match segments.peek() {
            Some(next) => check_inner(chain, next.first_lsn())?,
            None => return find_tail(chain, before_last, floor).map(Some),
        }
    }
    Ok(None)
}

/// Checks that a segment holds every record before `until`, with which the next one begins.
fn check_inner(mut chain: Chain, until: Lsn) -> Result<(), WalError> {
    while chain.next_lsn() < until {
        let link = chain.next_link();
        link.map_err(|broken| broken.into_error(&chain))?;
    }
    Ok(())
}

/// Reads the last segment to where its chain breaks, and says what the break is. A marker that vouches for nothing after
/// `floor` does not matter: so it may be where all segments are given up, the last one first.
///
/// The marker of the segment before it vouches for its first records: see `vouch` in `writer.rs`.
fn find_tail(mut chain: Chain, before: Option<&Segment>, floor: Lsn) -> Result<End, WalError> {
    let why = loop {
        match chain.next_link() {
            Ok(_) => {}
            Err(Broken::Malformed(why)) => break why,
            Err(unread) => return Err(unread.into_error(&chain)),
        }
    };
    judge(&mut chain, before, floor, why)
}

/// Says what a break of the last segment's chain is, where `chain` stands.
pub(crate) fn judge(
    chain: &mut Chain,
    before: Option<&Segment>,
    floor: Lsn,
    why: Malformed,
) -> Result<End, WalError> {
    let segment = Arc::clone(chain.segment());
    let (offset, next_lsn) = (chain.offset(), chain.next_lsn());
    let known = known_durable(&segment)?;
    let survivors = search(chain, floor)?;
    let vouched = before.map_or(Ok(known), known_durable)?.max(known);
    let is_vouched_for = vouched >= next_lsn && vouched > floor;
    let is_proved = survivors == Survivors::ProveDamage || is_vouched_for;
    if is_proved && !is_planted("wal-damage-cut") {
        return Err(corrupt(segment.number(), offset, next_lsn, why));
    }
    Ok(End {
        last: Lsn(next_lsn.0.saturating_sub(1)),
        offset,
        known,
        has_survivors: survivors == Survivors::Harmless,
        segment,
    })
}

/// What a segment says is durable without regard to its records: everything before it, and what its marker says.
pub(crate) fn known_durable(segment: &Segment) -> Result<Lsn, WalError> {
    let mut bytes = [0; HEADER_BYTES];
    segment
        .file
        .read_exact_at(&mut bytes, segment.records_end())?;
    let before = Lsn(segment.first_lsn().0.saturating_sub(1));
    let marker = format::decode(&bytes, bytes.len() as u64)
        .ok()
        .filter(|header| {
            header.kind == RecordKind::Marker
                && format::check(header, &bytes, segment.header.epoch).is_ok()
        });
    Ok(marker.map_or(before, |marker| before.max(marker.lsn)))
}

/// What valid records lie behind a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivors {
    None,
    /// Some, but none that says that what is broken was durable.
    Harmless,
    /// One that does. Or the search was given up: then it is not proved, but nothing may be cut either.
    ProveDamage,
}

/// Looks from the place on where `chain` breaks for valid records of the same segment.
pub(crate) fn search(chain: &mut Chain, floor: Lsn) -> Result<Survivors, WalError> {
    let (start, next_lsn) = (chain.offset(), chain.next_lsn());
    let mut budget = chain.segment().capacity().saturating_mul(SEARCH_ROUNDS_MAX);
    let mut survivors = Survivors::None;
    let mut scan = Scan::new(Arc::clone(chain.segment()), start);
    while let Some((offset, header)) = scan.next_header()? {
        let proves_damage = vouches_for(&header, next_lsn, floor);
        if !proves_damage && !may_follow(&header, offset - start, next_lsn) {
            continue;
        }
        match chain.record_at(offset) {
            Ok(_) if proves_damage => return Ok(Survivors::ProveDamage),
            Ok(_) => survivors = Survivors::Harmless,
            Err(Broken::Malformed(_)) => {}
            Err(unread) => return Err(unread.into_error(chain)),
        }
        let Some(left) = budget.checked_sub(header.stored_bytes() as u64) else {
            return Ok(Survivors::ProveDamage);
        };
        budget = left;
    }
    Ok(survivors)
}

/// Whether a header says that `next_lsn` was durable, wherever it stands: a misdirected write may have left it there.
fn vouches_for(header: &Header, next_lsn: Lsn, floor: Lsn) -> bool {
    match header.kind {
        RecordKind::Data => header.durable_lsn >= next_lsn,
        RecordKind::Marker => header.lsn >= next_lsn && header.lsn > floor,
    }
}

/// Whether a record `distance` bytes behind the place of `next_lsn` can have this header.
fn may_follow(header: &Header, distance: u64, next_lsn: Lsn) -> bool {
    let records_between_max = distance / HEADER_BYTES as u64;
    match header.lsn.0.checked_sub(next_lsn.0) {
        Some(ahead) => ahead <= records_between_max,
        None => false,
    }
}

/// Everything in a segment that has the form of a header, at every offset where a record may start.
#[derive(Debug)]
pub(crate) struct Scan {
    segment: Arc<Segment>,
    pub(crate) offset: u64,
    chunk: Vec<u8>,
    chunk_offset: u64,
}

impl Scan {
    pub(crate) fn new(segment: Arc<Segment>, offset: u64) -> Scan {
        Scan {
            segment,
            offset,
            chunk: Vec::new(),
            chunk_offset: offset,
        }
    }

    /// The next header-like place; its checksum is unchecked.
    pub(crate) fn next_header(&mut self) -> Result<Option<(u64, Header)>, WalError> {
        loop {
            let start = usize::try_from(self.offset - self.chunk_offset).unwrap_or(usize::MAX);
            let Some(bytes) = self.chunk.get(start..).and_then(<[u8]>::first_chunk) else {
                if !self.read_chunk()? {
                    return Ok(None);
                }
                continue;
            };
            let offset = self.offset;
            self.offset += ALIGN_BYTES as u64;
            if let Ok(header) = format::decode(bytes, self.segment.records_end() - offset) {
                return Ok(Some((offset, header)));
            }
        }
    }

    /// Reads on from the current offset; `false` when no header fits there any more.
    fn read_chunk(&mut self) -> Result<bool, WalError> {
        let left = self.segment.records_end().saturating_sub(self.offset);
        if left < HEADER_BYTES as u64 {
            return Ok(false);
        }
        let len = chunk_len(left);
        self.chunk.resize(len, 0);
        self.chunk_offset = self.offset;
        self.segment
            .file
            .read_exact_at(&mut self.chunk, self.offset)?;
        Ok(true)
    }
}

/// Makes the log up to its end durable, and what is valid behind it zero.
fn mend(
    folder: &Folder,
    listing: &mut Listing,
    spares: &mut Vec<Spare>,
    end: &mut End,
    in_doubt: bool,
) -> Result<(), WalError> {
    if in_doubt {
        match spare_for_copy(folder, listing, spares, end.segment.capacity()) {
            Ok(spare) => {
                end.segment = Arc::new(folder.replace(&end.segment, end.offset, spare)?);
                return Ok(());
            }
            Err(error) if listing.is_poisoned || !is_full(&error) => return Err(error),
            // It is not known that anything failed: a full disk must not keep a log closed for what is that unlikely.
            Err(_) => {}
        }
    }
    if end.has_survivors && !is_planted("wal-torn-tail-kept") {
        end.segment
            .file
            .write_zeros(end.offset..end.segment.records_end())?;
    }
    end.segment.file.sync()
}

fn is_full(error: &WalError) -> bool {
    matches!(error, WalError::Io { source, .. } if source.kind() == ErrorKind::StorageFull)
}

/// A spare file of this length; a new one where there is none, so that a full disk is in the way only then.
fn spare_for_copy(
    folder: &Folder,
    listing: &mut Listing,
    spares: &mut Vec<Spare>,
    capacity: u64,
) -> Result<Spare, WalError> {
    if let Some(fits) = spares.pop_if(|spare| spare.capacity == capacity) {
        return Ok(fits);
    }
    let number = listing.next_spare;
    listing.next_spare = number.saturating_add(1);
    folder.create_spare(number, capacity)
}

/// Opens the spare files that fit, as many as are to be kept, and removes the others.
fn take_spares(
    folder: &Folder,
    options: &LogOptions,
    listing: &Listing,
) -> Result<Vec<Spare>, WalError> {
    let mut spares = Vec::new();
    for path in &listing.spares {
        let spare = folder.open_spare(path)?;
        let fits = spare.capacity == options.segment_bytes;
        if fits && spares.len() < options.spare_segments_max {
            spares.push(spare);
        } else {
            folder.remove(path)?;
        }
    }
    Ok(spares)
}

/// Removes half-made files, and segments in front of the log that a trim was about to remove.
fn remove_leftovers(folder: &Folder, listing: &Listing, run: &[SegmentId]) -> Result<(), WalError> {
    for path in &listing.unfinished {
        folder.remove(path)?;
    }
    let trimmed = &listing.segments[..listing.segments.len() - run.len()];
    for &number in trimmed {
        folder.remove_segment(number)?;
    }
    Ok(())
}

fn assemble(
    mut segments: VecDeque<Arc<Segment>>,
    end: Option<End>,
    floor: Lsn,
    spares: Vec<Spare>,
    listing: &Listing,
) -> Recovered {
    let next_segment = listing
        .segments
        .last()
        .map_or(SegmentId(1), |last| last.next());
    let mut recovered = Recovered {
        segments: VecDeque::new(),
        retired: Vec::new(),
        spares,
        last: floor,
        marked: floor,
        oldest: Lsn(floor.0.saturating_add(1)),
        tail: None,
        next_segment,
        next_spare: listing.next_spare,
        repaired: None,
    };
    match end {
        Some(end) if end.last >= floor => {
            recovered.last = end.last;
            recovered.marked = end.known;
            recovered.oldest = segments
                .front()
                .map_or(recovered.oldest, |first| first.first_lsn());
            recovered.tail = Some(Tail {
                offset: end.offset,
                capacity: end.segment.capacity(),
            });
            recovered.segments = segments;
        }
        // The log ends before its floor: its records are all held elsewhere, and the next one follows the floor. The
        // numbers of the segments say so by a gap, or a crash would leave these in front of a hole.
        Some(_) => {
            recovered.retired = segments.drain(..).collect();
            recovered.next_segment = next_segment.next();
        }
        None => {}
    }
    recovered
}

fn corrupt(segment: SegmentId, offset: u64, lsn: Lsn, why: Malformed) -> WalError {
    WalError::Corrupt {
        segment,
        offset,
        lsn,
        why,
    }
}

#[cfg(test)]
mod tests;
