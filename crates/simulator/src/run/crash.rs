//! Power cuts, in calls and in the recoveries after them; and processes that are killed.

use drystone::Database;
use drystone_testkit::Cut;

use super::judge::Stop;
use super::{FOLDER, FaultState, PendingCrash, Run};
use crate::failure::FailureKind;
use crate::fault::Crash;

impl Run<'_> {
    /// Power will be cut.
    pub(super) fn await_crash(&mut self, crash: &Crash) {
        if self.pending.is_some() {
            return;
        }
        self.disk
            .cut_power_after(u64::from(crash.after), crash.last.into());
        self.pending = Some(PendingCrash {
            crash: crash.clone(),
            steps_left: crash.within,
        });
    }

    /// Power is cut, and what is left must open.
    pub(super) fn crash(&mut self, crash: &Crash) -> Result<(), Stop> {
        self.notice_lies();
        match Crash::policy(crash.policy) {
            Some(policy) => self.coverage.count(&format!("power cut: {policy:?}")),
            None => self.coverage.count("process: killed within a call"),
        }
        if self.disk.is_off() {
            self.coverage.count("power cut: within a call");
        }
        // Closing must not save what a power cut would not.
        self.disk.cut_power();
        self.open = None;
        self.leave(crash.policy);
        for (depth, (after, policy)) in crash.nested.iter().enumerate() {
            self.crash_recovery(*after, *policy)?;
            self.coverage
                .count(&format!("power cut: in recovery, depth {}", depth + 1));
        }
        if !self.opens_in_time()? {
            return Err(Stop::broken(
                FailureKind::NotLive,
                "does not open after a power cut",
            ));
        }
        self.verify()
    }

    /// The process dies: what was written stays, in the cache too, and what was not synced is not safe before it is opened
    /// again. Nothing happens while power is about to be cut.
    pub(super) fn kill(&mut self) -> Result<(), Stop> {
        if self.pending.is_some() {
            return Ok(());
        }
        self.notice_lies();
        // Closing must not save what the end of a process would not.
        self.disk.cut_power();
        self.open = None;
        self.outlive();
        if !self.opens_in_time()? {
            return Err(Stop::broken(
                FailureKind::NotLive,
                "does not open after its process was killed",
            ));
        }
        self.verify()
    }

    /// Goes on with what is left of the disk.
    fn leave(&mut self, policy: u8) {
        let Some(policy) = Crash::policy(policy) else {
            return self.outlive();
        };
        self.notice_cut(policy);
        let disk = self.disk.crash(policy);
        self.plug_in(disk);
    }

    /// Goes on with the disk as a dead process leaves it. The cache outlives the process, with what it hides and owes.
    fn outlive(&mut self) {
        let disk = self.disk.fork();
        disk.calm(); // as the other faults, a full or slow disk ends with the process
        let FaultState {
            sync_failed,
            owes_error,
            ..
        } = self.faults;
        self.plug_in(disk);
        self.faults.sync_failed = sync_failed;
        self.faults.owes_error = owes_error;
    }

    /// Opens what is left, with power cut once more on the way or right after it.
    fn crash_recovery(&mut self, after: u16, policy: u8) -> Result<(), Stop> {
        self.disk.cut_power_after(u64::from(after), Cut::Midway);
        let opened = Database::open_in(&self.env, FOLDER, self.plan.options.database());
        if let Err(error) = &opened
            && !self.disk.is_off()
            && !self.faults.owes_error
        {
            return match self.is_media_broken() {
                true => Err(Stop::Reported),
                false => Err(Stop::unexpected("open in the middle of recoveries", error)),
            };
        }
        self.disk.cut_power();
        drop(opened);
        self.leave(policy);
        Ok(())
    }
}
