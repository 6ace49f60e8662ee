//! Two of what there must be one of: processes that open one database, and copies of a running machine's disk.

use drystone::{Database, ErrorKind};

use super::judge::Stop;
use super::observe::observe;
use super::{FOLDER, Run};
use crate::failure::FailureKind;
use crate::operation::keyspace_name;
use crate::oracle::COUNTER;

/// What a twin writes, and no task does.
const TWIN: &str = "twin";

impl Run<'_> {
    /// A second opening of a database that is open is refused, and disturbs nothing.
    pub(super) fn open_twice(&mut self) -> Result<(), Stop> {
        let second = Database::open_in(&self.env, FOLDER, self.plan.options.database());
        match second {
            Ok(_) => Err(Stop::broken(
                FailureKind::MissingError,
                "a database was opened twice at the same time",
            )),
            Err(error) if error.kind() == ErrorKind::InUse => Ok(()),
            // It makes the file of the lock where there is none, so it may also be told that there is no room for it.
            Err(error) if error.kind() == ErrorKind::Full && self.is_struck_now() => Ok(()),
            Err(error) => self.read_failed("a second opening", &error),
        }
    }

    /// The disk is copied while the database is open, as when a running machine is. The copy opens as after the death of its
    /// process, takes writes, and neither sees anything of the other from there on: what follows in the plan says so of
    /// the first.
    pub(super) fn part_ways(&mut self) -> Result<(), Stop> {
        self.notice_lies();
        if self.pending.is_some() || self.faults.may_be_wrong() {
            return Ok(());
        }
        let twin = self.disk.fork();
        twin.calm();
        let options = self.plan.options.database();
        let open = || Database::open_in(&twin.env(), FOLDER, options.clone());
        let db = open().map_err(unexpected)?;
        let found = observe(&db)?;
        let lowest = self.oracle.floor();
        if !self
            .oracle
            .candidates(lowest)
            .any(|(_, state)| *state == found)
        {
            return Err(Stop::wrong("a copy of the disk shows another state"));
        }
        write(&db).map_err(unexpected)?;
        db.close().map_err(unexpected)?;
        let db = open().map_err(unexpected)?;
        if !has_written(&db).map_err(unexpected)? {
            return Err(Stop::broken(
                FailureKind::LostCommit,
                "a copy of the disk lost what it was given",
            ));
        }
        Ok(())
    }
}

fn unexpected(error: drystone::Error) -> Stop {
    Stop::unexpected("on a copy of the disk", &error)
}

fn write(db: &Database) -> drystone::Result<()> {
    let keyspace = db.keyspace(&keyspace_name(COUNTER))?;
    keyspace.put(TWIN, TWIN)?;
    db.flush()
}

fn has_written(db: &Database) -> drystone::Result<bool> {
    let keyspace = db.keyspace(&keyspace_name(COUNTER))?;
    Ok(keyspace.get(TWIN)?.is_some())
}
