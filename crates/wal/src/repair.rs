//! Repair: what opening does about damage where a person said that it may.
//!
//! The log is read as recovery reads it, to the first record that cannot be: number *k*, which is, or should be, in segment
//! *N*. What is before it is kept, and the rest set aside:
//!
//! 1. A new file, `N.repaired`, takes the records of *N* before *k*, under a new epoch, and a marker. It may hold none.
//! 2. *N*'s own file is renamed to a name that ends in `.damaged`.
//! 3. The marker of the segment before *N* is lowered to *k* - 1, if it says more.
//! 4. The new file is renamed to *N*.
//! 5. The segments behind *N* are renamed to names that end in `.damaged`, from the lowest on.
//!
//! Segments that nobody needs are read as well, where a trim has left them in front of a gap: one that cannot be read whole is
//! set aside by itself, for no archive could take it, and none behind it.
//!
//! # Invariants
//! - P1. Nothing is changed before all is read, and nothing that was damaged is written to or deleted; only the name of a file
//!   changes. So what a medium does not read today is there for whoever can read it.
//! - P2. A crash on the way leaves a log that a strict open refuses, or that is repaired. Up to step 2 *N* is as it was. Behind
//!   it every open ends what was begun ([`settle`]), for then the records before *k* are in the new file alone. Up to step 5
//!   a segment stands behind *N* without the records between them, or behind a gap. So the repair may be begun again, and
//!   comes to the same *k*.
//! - P3. *N* has a new epoch: what is archived of it is not taken for what it holds from now on, and nothing that was behind
//!   *k* can follow a new record.

pub(crate) mod plan;
mod rewrite;

use std::fmt;
use std::path::PathBuf;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use self::plan::{Cut, Found, Plan};
use self::rewrite::Rewrite;
use crate::error::{Malformed, WalError};
use crate::folder::Folder;
use crate::options::{LogOptions, Recovery};
use crate::recover::{known_durable, open_segment};
use crate::segment::{Segment, SegmentId};
use crate::writer::put_marker;

/// What a repair found, and what it set aside: see [`Recovery::Repair`](crate::Recovery::Repair).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairReport {
    /// The segment in which the log was cut.
    pub segment: SegmentId,
    /// Where in its file, in bytes.
    pub offset: u64,
    /// The first record that was given up. All before it were kept; the next append gets this number.
    pub lsn: Lsn,
    /// The last record of which something was found behind the cut: those up to it were lost. Before `lsn` where nothing
    /// was, which does not mean that there was nothing.
    pub last_lost: Lsn,
    /// Why there.
    pub cause: RepairCause,
    /// Damage in a segment that is older than all that is needed, for which it was set aside: with those before it, or, where
    /// the log does not follow it, with those that are damaged, too. The last of them, where there are several.
    pub older: Option<OlderDamage>,
    /// The files that were set aside, under the names that they have now: in them is what can still be read of the rest.
    pub set_aside: Vec<PathBuf>,
}

/// Damage that cost nothing that is needed: see [`RepairReport::older`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OlderDamage {
    /// The segment that is damaged.
    pub segment: SegmentId,
    /// What is wrong with it.
    pub why: Malformed,
}

impl fmt::Display for OlderDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OlderDamage { segment, why } = self;
        write!(
            f,
            "{segment}, which is not needed any more, was set aside: {why}"
        )
    }
}

/// Why a repair cut the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairCause {
    /// The bytes there are no record, or not the one that belongs there.
    Damaged(Malformed),
    /// A segment, or the beginning of the log, is not there.
    Missing,
    /// [`Recovery::EndAt`](crate::Recovery::EndAt) said so.
    Asked,
    /// It did not: see [`RepairReport::older`].
    NotCut,
}

impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RepairReport {
            segment,
            offset,
            lsn,
            last_lost,
            ..
        } = self;
        match self.cause {
            RepairCause::Damaged(why) => {
                write!(
                    f,
                    "{segment} is damaged at offset {offset}, where {lsn} should be: {why}"
                )?;
            }
            RepairCause::Missing => write!(f, "{segment} is missing, where {lsn} should be")?,
            RepairCause::Asked => write!(f, "{segment} was cut at offset {offset}, before {lsn}")?,
            RepairCause::NotCut => {
                return match &self.older {
                    Some(older) => write!(f, "{older}"),
                    None => f.write_str("nothing was cut"),
                };
            }
        }
        match last_lost >= lsn {
            true => write!(f, "; lost: {lsn} to {last_lost}")?,
            false => write!(f, "; lost: {lsn} and what followed")?,
        }
        match &self.older {
            Some(older) => write!(f, "; {older}"),
            None => Ok(()),
        }
    }
}

/// Repairs the log, if the options say so and it needs that.
pub(crate) fn repair(
    folder: &Folder,
    options: &LogOptions,
    floor: Lsn,
) -> Result<Option<RepairReport>, WalError> {
    let end_at = match options.recovery {
        Recovery::Strict => return Ok(None),
        Recovery::Repair => Lsn::MAX,
        Recovery::EndAt(wanted) if wanted < floor => {
            return Err(WalError::BelowFloor { wanted, floor });
        }
        Recovery::EndAt(wanted) => wanted,
    };
    let listing = folder.list()?;
    let found = Found::open(folder, &listing)?;
    let plan = found.plan(floor, end_at)?;
    let works = Works {
        folder,
        segment_bytes: options.segment_bytes,
        next_spare: listing.next_spare,
        set_aside: Vec::new(),
    };
    works.carry_out(plan)
}

/// Carries a plan out.
struct Works<'a> {
    folder: &'a Folder,
    segment_bytes: u64,
    next_spare: u64,
    set_aside: Vec<PathBuf>,
}

impl Works<'_> {
    fn carry_out(mut self, plan: Plan) -> Result<Option<RepairReport>, WalError> {
        self.rename_aside(&plan.leading)?;
        if let Some(cut) = &plan.cut {
            self.cut(cut)?;
        }
        if is_planted("wal-repair-silent") {
            return Ok(None);
        }
        let Works { set_aside, .. } = self;
        let older = plan.older;
        Ok(match (plan.cut, older) {
            (None, None) => None,
            (None, Some(damage)) => Some(RepairReport {
                segment: damage.segment,
                offset: 0,
                lsn: Lsn::ZERO,
                last_lost: Lsn::ZERO,
                cause: RepairCause::NotCut,
                older,
                set_aside,
            }),
            (Some(cut), _) => Some(RepairReport {
                segment: cut.segment,
                offset: cut.offset,
                lsn: cut.lsn,
                last_lost: cut.last_lost,
                cause: cut.cause,
                older,
                set_aside,
            }),
        })
    }

    fn cut(&mut self, cut: &Cut) -> Result<(), WalError> {
        let spare = self.number_spare();
        let file = self.folder.begin_file(spare)?;
        let rewrite = Rewrite::of(cut, self.folder.draw_epoch(), self.segment_bytes);
        rewrite.write(&file)?;
        self.folder.name_repaired(&file, cut.segment)?;
        if cut.exists {
            self.rename_aside(&[cut.segment])?;
        }
        finish(self.folder, cut.before.as_deref(), cut.lsn, cut.segment)?;
        if is_planted("wal-repair-leaves-behind") {
            return Ok(());
        }
        self.rename_aside(&cut.behind)
    }

    fn rename_aside(&mut self, numbers: &[SegmentId]) -> Result<(), WalError> {
        if numbers.is_empty() {
            return Ok(());
        }
        for &number in numbers {
            self.set_aside.push(self.folder.set_aside(number)?);
        }
        self.folder.sync()
    }

    fn number_spare(&mut self) -> u64 {
        let number = self.next_spare;
        self.next_spare = number.wrapping_add(1);
        number
    }
}

/// Puts what was made of segment `number`, which ends before `lsn`, in its place, which is free.
fn finish(
    folder: &Folder,
    before: Option<&Segment>,
    lsn: Lsn,
    number: SegmentId,
) -> Result<(), WalError> {
    if let Some(before) = before {
        lower_marker(before, lsn)?;
    }
    folder.take_repaired(number)
}

/// Ends what a repair has begun that was cut short, whatever the options say: behind step 2 there is no way back. Of one that
/// did not come that far it removes what it made.
pub(crate) fn settle(folder: &Folder) -> Result<(), WalError> {
    let listing = folder.list()?;
    for &number in &listing.repaired {
        if listing.segments.contains(&number) {
            folder.remove_repaired(number)?;
            folder.sync()?;
            continue;
        }
        let made = sound(open_segment(folder.open_repaired(number)?, number))?;
        let lsn = match made {
            Some(made) => Lsn(known_durable(&made)?.0.saturating_add(1)),
            None => Lsn::MAX, // rotten since: recovery will say so
        };
        let before = SegmentId(number.0.wrapping_sub(1));
        let before = match listing.segments.contains(&before) {
            true => sound(open_segment(folder.open_segment_file(before)?, before))?,
            false => None,
        };
        finish(folder, before.as_ref(), lsn, number)?;
    }
    Ok(())
}

/// A segment, if its header is not damaged.
fn sound(opened: Result<Segment, WalError>) -> Result<Option<Segment>, WalError> {
    match opened {
        Ok(segment) => Ok(Some(segment)),
        Err(WalError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes back what a segment's marker says of records from `lsn` on.
fn lower_marker(segment: &Segment, lsn: Lsn) -> Result<(), WalError> {
    // One that cannot be read says nothing, and is overwritten.
    if known_durable(segment).is_ok_and(|known| known < lsn) {
        return Ok(());
    }
    put_marker(segment, Lsn(lsn.0.saturating_sub(1)))?;
    segment.file.sync()
}
