//! Logs that are cut: behind damage, where a person lets it, or at a commit that somebody wants back. What is kept is a
//! prefix of the commits, and that something was given up is said.

use drystone::{Database, Error, Lsn, Options, Recovery};
use drystone_testkit::SimFileSystem;

use super::judge::Stop;
use super::observe::{difference, observe};
use super::probe::Damaged;
use super::{FOLDER, Run};
use crate::failure::FailureKind;
use crate::operation::keyspace_name;
use crate::oracle::{COUNTER, Oracle, State};
use crate::plan::Plan;

/// Before this, an opening goes on with the creation of the database, and commits.
const CREATED: Lsn = Lsn(5);

/// What is written after a repair.
const AFTER: &str = "after";

impl Damaged<'_> {
    /// What a strict opening refused because of the log can be repaired.
    pub(super) fn repair(&self) -> Result<(), Stop> {
        let log = std::path::Path::new(FOLDER).join("log");
        if !self.happened.path.starts_with(log) {
            return Ok(());
        }
        let cut = Cut {
            disk: self.disk,
            plan: self.plan,
            oracle: self.oracle,
        };
        let db = cut.open(Recovery::Repair);
        let db = db.map_err(|error| Stop::unexpected("a repair", &error))?;
        if db.repaired().is_none() {
            return Err(silent("what was refused opens by a repair"));
        }
        cut.check(db).map(drop)
    }
}

impl Run<'_> {
    /// A copy of the disk goes back by some commits. The database itself goes on.
    pub(super) fn go_back(&mut self, by: u8) -> Result<(), Stop> {
        self.notice_lies();
        if self.pending.is_some() || self.faults.may_be_wrong() {
            return Ok(());
        }
        self.sync()?;
        let stats = self.db()?.stats();
        let wanted = Lsn(stats.visible_lsn.0.saturating_sub(u64::from(by)));
        if wanted < CREATED {
            return Ok(());
        }
        let twin = self.disk.fork();
        twin.calm();
        let cut = Cut {
            disk: &twin,
            plan: self.plan,
            oracle: &self.oracle,
        };
        let db = match cut.open(Recovery::EndAt(wanted)) {
            Ok(_) if wanted < stats.merged_lsn => {
                return Err(silent("what is merged was taken back"));
            }
            Ok(db) => db,
            // What a large transaction wrote is merged before the commits in front of it are.
            Err(error) if wanted < stats.visible_lsn && may_refuse(&error) => return Ok(()),
            Err(error) => return Err(Stop::unexpected("going back", &error)),
        };
        let shown = db.stats().visible_lsn;
        if shown != wanted {
            return Err(Stop::wrong(format!(
                "back at {shown}; it was to be {wanted}"
            )));
        }
        if db.repaired().is_some() != (wanted < stats.visible_lsn) {
            return Err(silent("commits were given up"));
        }
        let found = cut.check(db)?;
        if wanted == stats.visible_lsn && found != *self.oracle.newest() {
            return Err(Stop::wrong(difference(self.oracle.newest(), &found)));
        }
        Ok(())
    }
}

/// Whether an error says that it cannot go back as far as that.
fn may_refuse(error: &Error) -> bool {
    error.kind() == drystone::ErrorKind::Invalid
}

fn silent(what: &str) -> Stop {
    let what = format!("{what}, and nothing says so");
    Stop::broken(FailureKind::MissingError, what)
}

/// A disk with a database whose log is to be cut.
struct Cut<'a> {
    disk: &'a SimFileSystem,
    plan: &'a Plan,
    oracle: &'a Oracle,
}

impl Cut<'_> {
    /// Archives nothing: the archive has what is given up.
    fn open(&self, recovery: Recovery) -> Result<Database, Error> {
        let options = Options {
            recovery,
            log_archive: None,
            ..self.plan.options.database()
        };
        Database::open_in(&self.disk.env(), FOLDER, options)
    }

    /// What is left was a state once, is sound, and goes on from there.
    fn check(&self, db: Database) -> Result<State, Stop> {
        let found = observe(&db)?;
        if self.oracle.number_of(&found).is_none() {
            let newest = difference(self.oracle.newest(), &found);
            return Err(Stop::wrong(format!(
                "cut to a state that never was: {newest}"
            )));
        }
        let unexpected = |error: Error| Stop::unexpected("after the log was cut", &error);
        let report = db.verify().map_err(unexpected)?;
        if let Some(finding) = report.findings.first() {
            return Err(Stop::broken(FailureKind::NotSound, finding.report()));
        }
        let counter = keyspace_name(COUNTER);
        let written = db
            .keyspace(&counter)
            .and_then(|space| space.put(AFTER, AFTER));
        written.and_then(|()| db.flush()).map_err(unexpected)?;
        db.close().map_err(unexpected)?;
        let db = self.open(Recovery::Strict).map_err(unexpected)?;
        let undone = match found.spaces.contains_key(&COUNTER) {
            true => db.keyspace(&counter).and_then(|space| space.delete(AFTER)),
            false => db.drop_keyspace(&counter),
        };
        undone.map_err(unexpected)?;
        match observe(&db)? {
            shown if shown == found => Ok(found),
            shown => Err(Stop::wrong(difference(&found, &shown))),
        }
    }
}
