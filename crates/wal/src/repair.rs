//! Repair: what opening does about damage where a person said that it may.
//!
//! The log is read as recovery reads it, to the first record that cannot be: number *k*, which is, or should be, in segment
//! *N*. What is before it is kept, and the rest set aside:
//!
//! 1. A copy of *N*'s file gets a name that ends in `.damaged`.
//! 2. A new file takes the records of *N* before *k*, under a new epoch, and a marker. It may hold none.
//! 3. The marker of the segment before *N* is lowered to *k* - 1, if it says more.
//! 4. The new file replaces *N*.
//! 5. The segments behind *N* are renamed to names that end in `.damaged`, from the lowest on.
//!
//! # Invariants
//! - P1. Nothing is changed before all is read, and nothing that was damaged is deleted; only the name of a file changes.
//! - P2. A crash on the way leaves a log that a strict open refuses, or that is repaired. Up to step 4 *N* is as it was; then a
//!   segment stands behind *N* without the records between them, or behind a gap. The marker is lowered only after the copy.
//!   So the repair may be begun again, and comes to the same *k*.
//! - P3. *N* has a new epoch: what is archived of it is not taken for what it holds from now on, and nothing that was behind
//!   *k* can follow a new record.

pub(crate) mod plan;
mod rewrite;

use std::fmt;
use std::path::PathBuf;

use drystone_base::Lsn;

use self::plan::{Cut, Found, Plan};
use self::rewrite::Rewrite;
use crate::error::{Malformed, WalError};
use crate::folder::Folder;
use crate::options::{LogOptions, Recovery};
use crate::recover::known_durable;
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
    /// The files that were set aside, under the names that they have now: in them is what can still be read of the rest.
    pub set_aside: Vec<PathBuf>,
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
    /// It did not: the damage is in a segment that is older than all that is needed.
    NotCut(Malformed),
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
            RepairCause::NotCut(why) => {
                return write!(
                    f,
                    "{segment}, which is not needed any more, was set aside: {why}"
                );
            }
        }
        match last_lost >= lsn {
            true => write!(f, "; lost: {lsn} to {last_lost}"),
            false => write!(f, "; lost: {lsn} and what followed"),
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
        let set_aside = self.set_aside;
        let cut = plan.cut.map(|cut| RepairReport {
            segment: cut.segment,
            offset: cut.offset,
            lsn: cut.lsn,
            last_lost: cut.last_lost,
            cause: cut.cause,
            set_aside: set_aside.clone(),
        });
        Ok(cut.or_else(|| {
            let (segment, why) = plan.leading_why?;
            Some(RepairReport {
                segment,
                offset: 0,
                lsn: Lsn::ZERO,
                last_lost: Lsn::ZERO,
                cause: RepairCause::NotCut(why),
                set_aside,
            })
        }))
    }

    fn cut(&mut self, cut: &Cut) -> Result<(), WalError> {
        if cut.exists {
            let spare = self.number_spare();
            self.set_aside
                .push(self.folder.copy_aside(cut.segment, spare)?);
        }
        let spare = self.number_spare();
        let file = self.folder.begin_file(spare)?;
        let rewrite = Rewrite::of(cut, self.folder.draw_epoch(), self.segment_bytes);
        rewrite.write(&file)?;
        if let Some(before) = &cut.before {
            lower_marker(before, cut.lsn)?;
        }
        self.folder.finish_segment(&file, cut.segment)?;
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

/// Takes back what a segment's marker says of records from `lsn` on.
fn lower_marker(segment: &Segment, lsn: Lsn) -> Result<(), WalError> {
    // One that cannot be read says nothing, and is overwritten.
    if known_durable(segment).is_ok_and(|known| known < lsn) {
        return Ok(());
    }
    put_marker(segment, Lsn(lsn.0.saturating_sub(1)))?;
    segment.file.sync()
}
