//! What opening a log does: finish or carry out a repair, find the end, make it durable, and take stock.
//!
//! `end.rs` finds the end, and tells a torn tail from damage by the `survivors.rs` behind it; `mend.rs` makes it durable. A
//! crash on the way changes nothing that decides, so recovery may be repeated any number of times.

mod end;
mod mend;
mod survivors;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use drystone_base::Lsn;

use self::end::{End, find_end};
pub(crate) use self::end::{judge, known_durable};
use self::mend::{mend, remove_unfinished, take_spares};
pub(crate) use self::survivors::{Scan, Survivors, search};
use crate::error::{Malformed, WalError};
use crate::folder::{Folder, Listing};
use crate::group::Tail;
use crate::options::LogOptions;
use crate::repair::{RepairReport, repair, settle};
use crate::segment::format::{SEGMENT_HEADER_BYTES, VERSION};
use crate::segment::{LogFile, Segment, SegmentId, Spare};
use crate::state::Retired;

/// A log that is ready to be appended to. All of it is durable.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) segments: VecDeque<Arc<Segment>>,
    /// Segments in front of a gap. The archive may lack them, of which nothing is known yet.
    pub(crate) retired: BTreeMap<SegmentId, Retired>,
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
    settle(folder)?;
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
    remove_unfinished(folder, &listing)?;
    let in_front = &listing.segments[..listing.segments.len() - run.len()];
    let retired = retire_in_front(folder, in_front)?;
    folder.sync().inspect_err(|_| folder.note_poison())?;
    if listing.is_poisoned {
        folder.remove_poison_note()?;
    }
    if listing.is_being_written || end.is_some() {
        folder.remove_writing_note()?;
    }
    let mut recovered = assemble(segments, end, floor, spares, &listing);
    recovered.retired.extend(retired);
    Ok(recovered)
}

/// Opens the segments that a trim, or a log that ended before its floor, has left in front of a gap. They hold nothing that
/// is needed, but an archive that is set later may not have taken them. One that cannot be opened is set aside: nobody can
/// take it, and it must not be in the way of the others. One that does not read today, or that a newer program has written, is
/// left to a repair, which sets it aside.
fn retire_in_front(
    folder: &Folder,
    numbers: &[SegmentId],
) -> Result<BTreeMap<SegmentId, Retired>, WalError> {
    let mut retired: BTreeMap<SegmentId, Retired> = BTreeMap::new();
    for &number in numbers {
        match open_segment(folder.open_segment_file(number)?, number) {
            Ok(segment) => {
                let before = SegmentId(number.0.wrapping_sub(1));
                if let Some(before) = retired.get_mut(&before) {
                    before.until = Some(segment.first_lsn());
                }
                let (segment, until) = (Arc::new(segment), None);
                retired.insert(number, Retired { segment, until });
            }
            Err(WalError::Corrupt { .. }) => drop(folder.set_aside(number)?),
            Err(error) => return Err(error),
        }
    }
    Ok(retired)
}

/// The last numbers of `numbers` that follow each other without a gap.
pub(crate) fn newest_run(numbers: &[SegmentId]) -> &[SegmentId] {
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

fn assemble(
    segments: VecDeque<Arc<Segment>>,
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
        retired: BTreeMap::new(),
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
        Some(end) => {
            recovered.retired = retire_all(segments, end.last.next());
            recovered.next_segment = next_segment.next();
        }
        None => {}
    }
    recovered
}

/// All segments of a log that ends before `until`.
fn retire_all(segments: VecDeque<Arc<Segment>>, until: Lsn) -> BTreeMap<SegmentId, Retired> {
    let ends: Vec<Lsn> = segments
        .iter()
        .skip(1)
        .map(|next| next.first_lsn())
        .collect();
    let ends = ends.into_iter().chain([until]);
    let retired = segments.into_iter().zip(ends).map(|(segment, until)| {
        let number = segment.number();
        let until = Some(until);
        (number, Retired { segment, until })
    });
    retired.collect()
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
