//! Damage to a copy of the log: it is reported, or does no harm; and what was reported can be repaired.

use drystone::Lsn;
use drystone_testkit::{Happened, Hazard, SimFileSystem, Zone};
use drystone_wal::{Log, Progress, WalError};

use super::opening::{folder, open, records_from, repair};
use super::{LogRun, in_full};
use crate::failure::FailureKind;
use crate::fault::Damage;
use crate::run::Stop;

/// Steps without work after which the log has marked what is durable.
const QUIET_STEPS: u32 = 3;
/// Steps within which that must be.
const STEPS_MAX: u32 = 100;

impl LogRun<'_> {
    /// L5.
    pub(super) fn probe(&mut self, damage: Damage) -> Result<(), Stop> {
        if self.pending.is_some() || self.may_fail || !self.is_open()? {
            return Ok(());
        }
        self.vouch()?;
        if self.open.is_none() || self.durable < self.newest() {
            return Ok(());
        }
        let copy = self.disk.fork();
        copy.calm();
        let zone = Zone::under(folder());
        let Some(happened) = copy.harm_drawn(damage.kind.into(), &zone, u64::from(damage.seed))
        else {
            return Ok(());
        };
        let looked = self.look(&copy, &happened);
        looked.map_err(|stop| match stop {
            Stop::Broken { kind, what } => {
                let what = format!(
                    "{what} (after damage: {happened}, bytes {:?})",
                    happened.bytes
                );
                Stop::Broken { kind, what }
            }
            stop => stop,
        })
    }

    /// Waits for the marker that vouches for the log's last write.
    fn vouch(&mut self) -> Result<(), Stop> {
        let synced = self.log()?.sync().map(drop);
        self.done("sync", synced, |run| run.durable = run.newest())?;
        let mut quiet = 0;
        for _ in 0..STEPS_MAX {
            let Some(open) = &self.open else {
                return Ok(());
            };
            match open.log.step() {
                Ok(Progress::More) => quiet = 0,
                Ok(Progress::Idle) => quiet += 1,
                Err(error) => return self.failed("step", &error),
            }
            if quiet == QUIET_STEPS {
                break;
            }
        }
        Ok(())
    }

    fn look(&mut self, copy: &SimFileSystem, happened: &Happened) -> Result<(), Stop> {
        match open(copy, self.options(), self.trimmed) {
            Ok(log) => self.check_whole(&log, happened),
            Err(error) => {
                self.coverage.count("log: damage was reported");
                self.check_repair(copy, happened, &error)
            }
        }
    }

    /// It opened: nothing is missing, or reading says what is.
    fn check_whole(&mut self, log: &Log, happened: &Happened) -> Result<(), Stop> {
        self.coverage.count("log: damage did no harm");
        let found = log.appended_lsn().0;
        if found == self.newest() || happened.hazard == Hazard::RollBack {
            return self.check_kept(log).map(drop);
        }
        Err(Stop::broken(
            FailureKind::LostCommit,
            format!("{} records became {found} in silence", self.newest()),
        ))
    }

    fn check_repair(
        &mut self,
        copy: &SimFileSystem,
        happened: &Happened,
        refused: &WalError,
    ) -> Result<(), Stop> {
        let log = match repair(copy, self.options(), self.trimmed) {
            Ok(log) => log,
            Err(WalError::UnsupportedVersion { .. }) => return Ok(()),
            Err(WalError::Io { .. }) if happened.hazard == Hazard::BadSector => return Ok(()),
            Err(error) => {
                return Err(Stop::broken(
                    FailureKind::UnexpectedError,
                    format!("a repair of {}: {}", in_full(refused), in_full(&error)),
                ));
            }
        };
        self.coverage.count("log: repaired");
        if log.repaired().is_none() {
            return Err(Stop::broken(
                FailureKind::MissingError,
                format!("nothing says that this was repaired: {}", in_full(refused)),
            ));
        }
        let kept = self.check_kept(&log)?;
        drop(log);
        let again = open(copy, self.options(), self.trimmed);
        let again = again.map_err(|error| {
            let what = format!("after a repair: {}", in_full(&error));
            Stop::broken(FailureKind::UnexpectedError, what)
        })?;
        match self.check_kept(&again)? {
            found if found == kept => Ok(()),
            found => Err(Stop::broken(
                FailureKind::LostCommit,
                format!("a repair kept {kept} records, and {found} are left"),
            )),
        }
    }

    /// A prefix of the records; the number of the last. What is not needed may be damaged.
    fn check_kept(&self, log: &Log) -> Result<u64, Stop> {
        let kept = log.appended_lsn().0;
        let first = log.oldest_lsn().max(Lsn(self.trimmed + 1));
        if kept > self.newest() || first.0 > self.trimmed + 1 {
            return Err(Stop::wrong(format!(
                "records {first} to {kept} of {}; those after {} are needed",
                self.newest(),
                self.trimmed
            )));
        }
        let read = records_from(log, first);
        let read = read.map_err(|error| Stop::wrong(format!("reading: {}", in_full(&error))))?;
        if read.len() as u64 != (kept + 1).saturating_sub(first.0) {
            let what = format!("{} records of {first} to {kept}", read.len());
            return Err(Stop::broken(FailureKind::LostCommit, what));
        }
        let numbered = read.iter().zip(first.0..);
        for (record, number) in numbered {
            self.check_record(record, number)?;
        }
        Ok(kept)
    }
}
