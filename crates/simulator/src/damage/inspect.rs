//! A look at a damaged disk: what must be so.
//!
//! - No row, key or definition is wrong, whichever index it is read by.
//! - Every commit that was acknowledged as durable is there, or damage is reported. One exception: a write of the log that
//!   nothing vouches for yet may look as if a power cut had torn it (`docs/format/wal.md`, "What is left"). What was
//!   durable before that write is there.
//! - Damage is reported only where the atlas allows it: harm to one of two copies must be mended.
//! - A database that opened can be used: what was right stays right while it merges and is opened again.

use std::fmt;

use drystone::{Database, Error};
use drystone_testkit::Outcome;

use super::strike::Strike;
use crate::oracle::{State, Table};
use crate::run::{FOLDER, Stop, Unseen, is_reported, observe, rows_of};
use crate::statement::Query;

/// What became of damage, from the least to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// Nobody needs what was damaged.
    None,
    /// Everything was right, and the damage is gone.
    Mended,
    /// The database said that there is damage.
    Reported,
    /// The end of the log is missing, for which nothing vouched yet.
    Unvouched,
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Harm::None => "harmless",
            Harm::Mended => "mended",
            Harm::Reported => "reported",
            Harm::Unvouched => "the last write of the log is gone",
        })
    }
}

/// How much is done with a database that opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// All of it is read and checked.
    Reading,
    /// It is written to, merged and opened again as well.
    InUse,
}

/// A keyspace that plans do not use.
const ANOTHER: u8 = 200;
/// How much is written into it: some pages.
const ENTRIES: u8 = 40;
const ENTRY_BYTES: usize = 300;
/// Steps within which all must be merged.
const STEPS_MAX: u32 = 100;

impl Strike<'_> {
    /// Opens the disk, reads everything, and checks it.
    pub(super) fn inspect(&self, depth: Depth) -> Result<Harm, Stop> {
        let before = self.mark.byte(&self.disk);
        let (db, found) = match self.open() {
            Ok(opened) => opened,
            Err(unseen) => return self.unseen(unseen),
        };
        if let Err(stop) = self.recorded.identify(self.at, &found) {
            return self.tolerate(&found, stop);
        }
        match self.use_it(db, &found, depth) {
            Ok(()) if self.mark.byte(&self.disk) != before => Ok(Harm::Mended),
            Ok(()) => Ok(Harm::None),
            Err(unseen) => self.unseen(unseen),
        }
    }

    fn open(&self) -> Result<(Database, State), Unseen> {
        let options = self.plan.options.database();
        let db = Database::open_in(&self.disk.env(), FOLDER, options)?;
        let found = observe(&db)?;
        Ok((db, found))
    }

    /// It is not in a state that was promised. Only the log's last write excuses that.
    fn tolerate(&self, found: &State, stop: Stop) -> Result<Harm, Stop> {
        let Some(tolerated) = self.tolerated else {
            return Err(stop);
        };
        let newest = *self.recorded.promised(self.at).end();
        self.recorded.identify_among(&(tolerated..=newest), found)?;
        Ok(Harm::Unvouched)
    }

    /// An error must be a report of damage, where that may be.
    fn unseen(&self, unseen: Unseen) -> Result<Harm, Stop> {
        match unseen {
            Unseen::Error(error) if self.may_report(&error) => Ok(Harm::Reported),
            unseen => Err(unseen.into()),
        }
    }

    fn may_report(&self, error: &Error) -> bool {
        is_reported(error) && self.may_break.allows(Outcome::Detected)
    }

    /// Checks a database that shows `found`, which is right, and goes on with it.
    fn use_it(&self, db: Database, found: &State, depth: Depth) -> Result<(), Unseen> {
        verify(&db)?;
        if depth == Depth::Reading {
            return Ok(());
        }
        by_index(&db, found)?;
        fill(&db)?;
        verify(&db)?;
        db.close()?;
        let (db, mut after) = self.open()?;
        after.spaces.remove(&ANOTHER);
        if after != *found {
            return Err(Unseen::Nonsense(
                "after some use it shows something else".to_owned(),
            ));
        }
        by_index(&db, found)
    }
}

fn verify(db: &Database) -> Result<(), Unseen> {
    match db.verify()?.findings.into_iter().next() {
        None => Ok(()),
        Some(finding) => Err(finding.into()),
    }
}

/// Reads the rows of all tables as queries do that have indexes to go by.
fn by_index(db: &Database, found: &State) -> Result<(), Unseen> {
    for (number, table) in &found.tables {
        same(db, table, &Query::A(*number, i16::MIN, i16::MAX))?;
        for label in 0..4 {
            same(db, table, &Query::B(*number, label))?;
        }
    }
    Ok(())
}

fn same(db: &Database, table: &Table, query: &Query) -> Result<(), Unseen> {
    let (rows, expected) = (rows_of(db, query)?, table.find(query));
    match rows == expected {
        true => Ok(()),
        false => Err(Unseen::Nonsense(format!(
            "{query:?} gives {rows:?} instead of {expected:?}"
        ))),
    }
}

/// Writes something more, and merges it.
fn fill(db: &Database) -> Result<(), Unseen> {
    let keyspace = db.keyspace(&crate::operation::keyspace_name(ANOTHER))?;
    for number in 0..ENTRIES {
        keyspace.put(vec![number], vec![number; ENTRY_BYTES])?;
    }
    db.flush()?;
    for _ in 0..STEPS_MAX {
        if !db.step()? {
            break;
        }
    }
    Ok(())
}
