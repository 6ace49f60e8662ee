//! Damaged copies: what a database makes of a disk that rots. Whatever it shows is right, or an error that says so.

use drystone::{Database, Error, ErrorKind};
use drystone_testkit::{FaultAtlas, Happened, Hazard, MayBreak, Outcome, SimFileSystem, Zone};

use super::judge::Stop;
use super::observe::{Unseen, difference, is_reported, observe};
use super::{FOLDER, Run};
use crate::failure::FailureKind;
use crate::fault::Damage;
use crate::oracle::Oracle;
use crate::plan::Plan;

/// Steps without work after which the log has marked what is durable.
const QUIET_STEPS: u32 = 3;
/// Steps within which that must be.
const STEPS_MAX: u32 = 100;

/// What became of a damaged copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// There was nothing to damage.
    None,
    /// Everything was right.
    Unnoticed,
    /// Everything was right, and what was damaged has been mended.
    Mended,
    /// The database said what is damaged.
    Reported,
    /// It showed an older state, and the damage excuses that.
    Lost,
}

/// A damaged copy, and what may have become of it.
pub(super) struct Damaged<'a> {
    pub(super) disk: &'a SimFileSystem,
    pub(super) plan: &'a Plan,
    pub(super) oracle: &'a Oracle,
    pub(super) happened: Happened,
    may_break: MayBreak,
}

/// Damages a copy of a disk, and holds what it shows against what the atlas allows.
fn harm(disk: &SimFileSystem, plan: &Plan, oracle: &Oracle, damage: Damage) -> Result<Harm, Stop> {
    let seed = u64::from(damage.seed);
    let done = disk.harm_drawn(damage.kind.into(), &Zone::under(FOLDER), seed);
    let Some(happened) = done else {
        return Ok(Harm::None);
    };
    let damaged = Damaged {
        disk,
        plan,
        oracle,
        may_break: FaultAtlas::of_database(FOLDER).of_happened(std::slice::from_ref(&happened)),
        happened,
    };
    damaged.inspect().map_err(|stop| damaged.at(stop))
}

impl Run<'_> {
    /// Waits for the idle marker, which vouches for the log's last write, so that nothing may be missing without a word
    /// after it; whether it came.
    fn vouch(&mut self) -> Result<bool, Stop> {
        self.sync()?;
        let mut quiet = 0;
        for _ in 0..STEPS_MAX {
            match self.db()?.step() {
                Ok(true) => quiet = 0,
                Ok(false) => quiet += 1,
                Err(error) => return self.write_failed("step", &error).map(|_| false),
            }
            if quiet == QUIET_STEPS {
                break;
            }
        }
        Ok(self.oracle.floor() == self.oracle.newest_number())
    }

    /// Damages a copy of the disk, as it is now, and opens it.
    pub(super) fn probe(&mut self, damage: Damage) -> Result<(), Stop> {
        if !self.vouch()? || self.is_media_broken() || self.disk.is_off() {
            return Ok(());
        }
        let copy = self.disk.fork();
        copy.calm();
        let harm = harm(&copy, self.plan, &self.oracle, damage)?;
        let name = format!("damage: {:?}, {harm:?}", damage.kind);
        self.coverage.count(&name);
        if harm != Harm::None {
            self.count_hazard(drystone_testkit::Harm::from(damage.kind).hazard());
        }
        Ok(())
    }
}

impl Damaged<'_> {
    /// Opens a damaged disk, reads everything, and checks it.
    fn inspect(&self) -> Result<Harm, Stop> {
        let db = match Database::open_in(&self.disk.env(), FOLDER, self.plan.options.database()) {
            Ok(db) => db,
            Err(error) => return self.reported(&error),
        };
        let found = match observe(&db) {
            Ok(found) => found,
            Err(Unseen::Error(error)) => return self.reported(&error),
            Err(nonsense) => return Err(nonsense.into()),
        };
        let newest = self.oracle.newest_number();
        if *self.oracle.newest() == found {
            return self.mended(&db);
        }
        Err(match self.oracle.number_of(&found) {
            Some(_) if self.excuses_loss() => return Ok(Harm::Lost),
            Some(number) => Stop::broken(
                FailureKind::LostCommit,
                format!("an older state, in silence: {number} of {newest}"),
            ),
            None => Stop::wrong(difference(self.oracle.newest(), &found)),
        })
    }

    /// The idle marker vouches for all of the log, from a block of its own. So only what puts back both, the last record
    /// and the marker, excuses a loss.
    fn excuses_loss(&self) -> bool {
        self.may_break.allows(Outcome::Lost) && self.happened.hazard == Hazard::RollBack
    }

    /// What must be mended is as whole as before.
    fn mended(&self, db: &Database) -> Result<Harm, Stop> {
        if !self.may_break.must_mend() || self.happened.hazard == Hazard::BadSector {
            return Ok(Harm::Unnoticed);
        }
        let report = db.verify();
        let report = report.map_err(|error| Stop::unexpected("verify", &error))?;
        match report.findings.first() {
            None => Ok(Harm::Mended),
            Some(finding) => Err(Stop::unexpected("verify found, unmended", finding)),
        }
    }

    /// Damage must be said as such, and a sector that cannot be read as a failed read; where nothing may be noticed,
    /// neither.
    fn reported(&self, error: &Error) -> Result<Harm, Stop> {
        let is_unread = self.happened.hazard == Hazard::BadSector && error.kind() == ErrorKind::Io;
        if self.may_break.allows(Outcome::Detected) && (is_reported(error) || is_unread) {
            self.repair()?;
            return Ok(Harm::Reported);
        }
        Err(Stop::unexpected("on a damaged disk", error))
    }

    fn at(&self, stop: Stop) -> Stop {
        match stop {
            Stop::Broken { kind, what } => Stop::Broken {
                kind,
                what: format!(
                    "{what} (after damage: {}, bytes {:?}; {})",
                    self.happened, self.happened.bytes, self.may_break
                ),
            },
            Stop::Reported => Stop::Reported,
        }
    }
}
