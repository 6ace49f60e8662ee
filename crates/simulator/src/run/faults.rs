//! Faults, and their end.

use std::path::Path;

use drystone_testkit::{FaultPlan, mix};

use super::judge::Stop;
use super::{FOLDER, Run};
use crate::failure::FailureKind;
use crate::fault::{FaultKind, FaultSpec};

/// The first openings may meet an error that a file owes.
const OPENINGS_MAX: usize = 3;

impl Run<'_> {
    /// From now on something goes wrong.
    pub(super) fn inject(&mut self, spec: &FaultSpec) {
        let kind = spec.kind;
        self.faults.is_declared |= !kind.is_harmless();
        self.faults.only_space &= kind.lacks_space_alone() || kind.is_harmless();
        self.faults.sync_failed |= kind.fails_syncs();
        self.faults.owes_error |= kind == FaultKind::SyncLate;
        self.faults.is_capped |= matches!(kind, FaultKind::Full(_) | FaultKind::FullLate(_));
        self.faults.is_late |= matches!(kind, FaultKind::FullLate(_));
        let mishap = spec.mishap(Path::new(FOLDER), self.plan.options.engine.folder());
        let seed = mix(self.plan.seed, &[self.step as u64]);
        self.disk.follow(&FaultPlan::of(seed, vec![mishap]));
    }

    /// Takes the faults away. Where only space was lacking, the database must go on; otherwise it is opened again.
    pub(super) fn mend(&mut self) -> Result<(), Stop> {
        self.notice_lies();
        let went_wrong = self.faults.is_late || self.faults.struck > self.faults.struck_at_open;
        self.disk.calm();
        self.faults.is_late = false;
        self.faults.is_capped = false;
        self.faults.is_declared = false;
        let struck = self.faults.struck;
        self.faults.struck_at_step = struck;
        if self.pending.is_some() {
            return Ok(());
        }
        if self.open.is_some() && (!went_wrong || self.faults.only_space) {
            self.faults.struck_at_open = struck;
            return Ok(());
        }
        self.open = None;
        self.faults.struck_at_open = struck;
        match self.opens_in_time()? {
            true => Ok(()),
            false => Err(Stop::broken(
                FailureKind::NotLive,
                "does not open although the disk works again",
            )),
        }
    }

    /// Opens the database; again only where a file owes an error, which is a reason for the first openings to fail.
    pub(super) fn opens_in_time(&mut self) -> Result<bool, Stop> {
        for _ in 0..OPENINGS_MAX {
            if self.open_again()? {
                return Ok(true);
            }
            if !self.faults.owes_error {
                break;
            }
        }
        Ok(false)
    }
}
