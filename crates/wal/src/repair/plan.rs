//! What a repair is to do: reads the log as recovery does, and changes nothing.

mod older;

use std::sync::Arc;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::chain::{Broken, Chain};
use crate::error::{Malformed, WalError};
use crate::folder::{Folder, Listing};
use crate::record::format::RecordKind;
use crate::recover::{Scan, Survivors, judge, newest_run, open_segment, search};
use crate::repair::{OlderDamage, RepairCause};
use crate::segment::format::RECORDS_START;
use crate::segment::{Segment, SegmentId};

/// The segments of a folder, ascending.
pub(crate) struct Found {
    /// How many of them are in front of the last gap: what a trim, or a log that ended before its floor, has left.
    leftovers: usize,
    segments: Vec<(SegmentId, Result<Arc<Segment>, Malformed>)>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Segments in front of all that is needed: one that is damaged as `older` says with those before it, or, in front of a
    /// gap, those that nobody can take.
    pub(crate) leading: Vec<SegmentId>,
    pub(crate) older: Option<OlderDamage>,
    pub(crate) cut: Option<Cut>,
}

/// Where the log is cut.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) segment: SegmentId,
    /// Whether it has a file.
    pub(crate) exists: bool,
    /// The records to keep of it, if its header can be read.
    pub(crate) kept: Option<Arc<Segment>>,
    pub(crate) offset: u64,
    pub(crate) lsn: Lsn,
    pub(crate) cause: RepairCause,
    /// The segment in front of it.
    pub(crate) before: Option<Arc<Segment>>,
    /// The segments behind it.
    pub(crate) behind: Vec<SegmentId>,
    pub(crate) last_lost: Lsn,
}

impl Found {
    pub(crate) fn open(folder: &Folder, listing: &Listing) -> Result<Found, WalError> {
        let leftovers = listing.segments.len() - newest_run(&listing.segments).len();
        let numbers = listing.segments.iter().enumerate();
        let segments = numbers.map(|(idx, &number)| {
            let opened = folder
                .open_segment_file(number)
                .and_then(|file| open_segment(file, number));
            let segment = match opened {
                Ok(segment) => Ok(Arc::new(segment)),
                Err(WalError::Corrupt { why, .. }) => Err(why),
                // Most likely nobody needs it. Where somebody does, `plan` refuses.
                Err(WalError::UnsupportedVersion { found, .. }) if idx < leftovers => {
                    Err(Malformed::Version { found })
                }
                Err(error) => Err(unreadable(error)?),
            };
            Ok((number, segment))
        });
        Ok(Found {
            leftovers,
            segments: segments.collect::<Result<_, WalError>>()?,
        })
    }

    /// Reads everything after `floor`, and says what stands in the way of it, or of an end at `end_at`.
    pub(crate) fn plan(&self, floor: Lsn, end_at: Lsn) -> Result<Plan, WalError> {
        let Some((number, first)) = self.segments.first() else {
            return Ok(Plan::default());
        };
        let start = self.start(floor);
        if start.is_none_or(|start| start < self.leftovers) {
            self.check_versions()?;
        }
        let Some(start) = start else {
            let cause = first
                .as_ref()
                .err()
                .map_or(RepairCause::Missing, |why| RepairCause::Damaged(*why));
            let cut = self.cut_before(0, *number, Lsn(floor.0.saturating_add(1)), cause, None);
            return Ok(Plan {
                cut: Some(cut),
                ..Plan::default()
            });
        };
        let cut = self.first_break(start, floor, end_at)?;
        let (leading, older) = self.leading(start)?;
        Ok(Plan {
            leading,
            older,
            cut,
        })
    }

    /// The newest segment that begins with what is needed, or before it.
    fn start(&self, floor: Lsn) -> Option<usize> {
        let needed = floor.0.saturating_add(1);
        self.segments.iter().rposition(|(_, segment)| {
            segment
                .as_ref()
                .is_ok_and(|segment| segment.first_lsn().0 <= needed)
        })
    }

    fn sound(&self, idx: usize) -> Option<&Arc<Segment>> {
        self.segments.get(idx)?.1.as_ref().ok()
    }

    /// Reads from segment `start` on to where the log is to be cut.
    fn first_break(&self, start: usize, floor: Lsn, end_at: Lsn) -> Result<Option<Cut>, WalError> {
        for idx in start.. {
            let Some(segment) = self.sound(idx) else {
                break;
            };
            let before = self.neighbour_before(idx);
            let next = self.segments.get(idx + 1);
            let follower = self.follower(idx);
            let mut chain = Chain::new(Arc::clone(segment));
            let stop = read(&mut chain, follower.map(|next| next.first_lsn()), end_at)?;
            let cause = match (stop, next) {
                (Stop::Until, _) => continue,
                (Stop::EndAt, _) => RepairCause::Asked,
                (Stop::Broken(why), None) => {
                    match judge(&mut chain, before.map(|before| &**before), floor, why) {
                        Ok(_) => return Ok(None),
                        Err(error) => damage(error)?,
                    }
                }
                (Stop::Broken(why), Some(_)) => match search(&mut chain, floor) {
                    Ok(survivors) if follower.is_none() && survivors != Survivors::ProveDamage => {
                        return Ok(Some(self.cut_behind(idx, chain.next_lsn())));
                    }
                    Ok(_) => RepairCause::Damaged(why),
                    Err(error) => damage(error)?,
                },
            };
            return Ok(Some(self.cut_within(idx, &chain, cause, before)));
        }
        Ok(None)
    }

    /// The segment that follows `idx` as it should, if one does.
    fn follower(&self, idx: usize) -> Option<&Arc<Segment>> {
        let (segment, next) = (self.sound(idx)?, self.sound(idx + 1)?);
        let follows = segment.number().next() == next.number();
        (follows && out_of_order(segment, next).is_none()).then_some(next)
    }

    /// The segment right in front of `idx`, if it is there and sound.
    fn neighbour_before(&self, idx: usize) -> Option<&Arc<Segment>> {
        let before = self.sound(idx.checked_sub(1)?)?;
        (before.number().next() == self.segments[idx].0).then_some(before)
    }

    /// A cut where `chain`, of segment `idx`, stands.
    fn cut_within(
        &self,
        idx: usize,
        chain: &Chain,
        cause: RepairCause,
        before: Option<&Arc<Segment>>,
    ) -> Cut {
        let segment = chain.segment();
        let behind = &self.segments[idx + 1..];
        Cut {
            segment: segment.number(),
            exists: true,
            kept: Some(Arc::clone(segment)),
            offset: chain.offset(),
            lsn: chain.next_lsn(),
            cause,
            before: before.cloned(),
            behind: behind.iter().map(|(number, _)| *number).collect(),
            last_lost: last_in(segment, chain.offset()).max(self.last_of(idx + 1)),
        }
    }

    /// A cut behind the whole of segment `idx`: the one that should follow it with `lsn` is missing, or cannot be read.
    fn cut_behind(&self, idx: usize, lsn: Lsn) -> Cut {
        let (number, segment) = &self.segments[idx];
        let before = segment.as_ref().ok();
        let wanted = number.next();
        let cause = match self.segments.get(idx + 1) {
            Some((number, next)) if *number == wanted => match next {
                Err(why) => RepairCause::Damaged(*why),
                Ok(next) => RepairCause::Damaged(Malformed::Sequence {
                    expected: lsn,
                    found: next.first_lsn(),
                }),
            },
            _ => RepairCause::Missing,
        };
        self.cut_before(idx + 1, wanted, lsn, cause, before)
    }

    /// A cut that gives up segment `number`, if it is there, which is then the one at `idx`; and all behind it.
    fn cut_before(
        &self,
        idx: usize,
        number: SegmentId,
        lsn: Lsn,
        cause: RepairCause,
        before: Option<&Arc<Segment>>,
    ) -> Cut {
        let exists = self
            .segments
            .get(idx)
            .is_some_and(|(found, _)| *found == number);
        let behind = &self.segments[idx + usize::from(exists)..];
        Cut {
            segment: number,
            exists,
            kept: None,
            offset: 0,
            lsn,
            cause,
            before: before.cloned(),
            behind: behind.iter().map(|(number, _)| *number).collect(),
            last_lost: self.last_of(idx),
        }
    }

    /// The last record that can be read in the segments from `idx` on.
    fn last_of(&self, idx: usize) -> Lsn {
        let segments = self.segments[idx..]
            .iter()
            .filter_map(|(_, segment)| segment.as_ref().ok());
        let last = segments
            .map(|segment| last_in(segment, RECORDS_START))
            .max();
        last.unwrap_or(Lsn::ZERO)
    }
}

/// How two neighbours stand in the wrong order, if they do.
fn out_of_order(segment: &Segment, next: &Segment) -> Option<Malformed> {
    (segment.first_lsn() > next.first_lsn()).then_some(Malformed::Sequence {
        expected: segment.first_lsn(),
        found: next.first_lsn(),
    })
}

/// What an error says of the place that was read.
fn damage(error: WalError) -> Result<RepairCause, WalError> {
    match error {
        WalError::Corrupt { why, .. } => Ok(RepairCause::Damaged(why)),
        error => unreadable(error).map(RepairCause::Damaged),
    }
}

/// What a failed read says of the place that it failed at. Any other failure is no damage.
fn unreadable(error: WalError) -> Result<Malformed, WalError> {
    match error {
        WalError::Io {
            op: "read", source, ..
        } => Ok(Malformed::Unreadable {
            kind: source.kind(),
        }),
        error => Err(error),
    }
}

/// Why reading a segment stopped.
enum Stop {
    /// Everything up to the next segment was read.
    Until,
    /// The next record is there, and not to be kept.
    EndAt,
    /// There is no next record.
    Broken(Malformed),
}

/// Reads the records before `until`, or to where there are no more; and not beyond `end_at`.
fn read(chain: &mut Chain, until: Option<Lsn>, end_at: Lsn) -> Result<Stop, WalError> {
    loop {
        let next_lsn = chain.next_lsn();
        if until.is_some_and(|until| next_lsn >= until) {
            return Ok(Stop::Until);
        }
        let is_over = match is_planted("wal-end-one-too-many") {
            true => next_lsn > end_at.next(),
            false => next_lsn > end_at,
        };
        let here = is_over.then(|| chain.clone());
        match (next_link(chain)?, here) {
            (Ok(()), None) => {}
            (Ok(()), Some(here)) => {
                *chain = here;
                return Ok(Stop::EndAt);
            }
            (Err(why), _) => return Ok(Stop::Broken(why)),
        }
    }
}

/// The next record. One that can be read by itself is read, also where what is behind it cannot.
fn next_link(chain: &mut Chain) -> Result<Result<(), Malformed>, WalError> {
    let mut link = chain.next_link();
    if matches!(link, Err(Broken::Unread(_))) {
        chain.read_no_further();
        link = chain.next_link();
    }
    match link {
        Ok(_) => Ok(Ok(())),
        Err(Broken::Malformed(why)) => Ok(Err(why)),
        Err(Broken::Unread(error)) => unreadable(error).map(Err),
    }
}

/// The highest number of a valid record from `offset` on; what cannot be read does not count.
fn last_in(segment: &Arc<Segment>, offset: u64) -> Lsn {
    let mut last = Lsn::ZERO;
    let mut chain = Chain::new(Arc::clone(segment));
    let mut scan = Scan::new(Arc::clone(segment), offset);
    let mut budget = segment.capacity();
    while let Ok(Some((offset, header))) = scan.next_header() {
        if header.kind != RecordKind::Data || header.lsn <= last {
            continue;
        }
        if chain.record_at(offset).is_ok() {
            last = header.lsn;
            scan.offset = offset + header.stored_bytes() as u64;
            continue;
        }
        // Payloads made to look like headers must not make this quadratic.
        let Some(left) = budget.checked_sub(header.stored_bytes() as u64 / 64) else {
            return last;
        };
        budget = left;
    }
    last
}
