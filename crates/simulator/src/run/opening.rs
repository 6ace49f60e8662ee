//! Opening: what may be found, and how a run goes on from there.

use drystone::Database;

use super::judge::{Fate, Stop};
use super::observe::{Unseen, difference, observe};
use super::{FOLDER, Handle, Held, Open, Run};
use crate::failure::FailureKind;
use crate::operation::{Durable, keyspace_name};
use crate::oracle::{COUNTER, ModelTransaction, Space, State};

impl Run<'_> {
    /// Opens the database, and holds what it shows against what may be; whether it could be opened.
    pub(super) fn open_again(&mut self) -> Result<bool, Stop> {
        self.open = None;
        self.notice_lies();
        let struck = self.faults.struck;
        self.coverage.count("open: tried");
        let opened = Database::open_in(&self.env, FOLDER, self.plan.options.database());
        let db = match opened {
            Ok(db) => db,
            Err(error) => {
                self.faults.struck_at_open = self.faults.struck_at_open.min(struck);
                return self.write_failed("open", &error).map(|_: Fate| false);
            }
        };
        self.faults.struck_at_open = struck;
        self.faults.only_space = !self.faults.is_declared;
        let found = match observe(&db) {
            Ok(found) => found,
            Err(Unseen::Error(error)) => {
                self.read_failed("reading everything", &error)?;
                return Ok(false);
            }
            Err(nonsense) => return Err(nonsense.into()),
        };
        self.identify(&found)?;
        self.check_archive(&db, &found)?;
        self.adopt(db)?;
        Ok(true)
    }

    /// Finds out which state the database is in.
    fn identify(&mut self, found: &State) -> Result<(), Stop> {
        self.notice_lies();
        let lowest = self.lowest();
        let mut candidates = self.oracle.candidates(lowest);
        let number = candidates.find(|(_, state)| *state == found);
        if let Some((number, _)) = number {
            drop(candidates);
            self.note(number as u64);
            if number != self.oracle.newest_number() {
                self.coverage.count("open: an older or a newer state");
            }
            self.oracle.found(number);
            self.faults.found();
            return Ok(());
        }
        drop(candidates);
        let newest = self.oracle.newest_number();
        Err(match self.oracle.number_of(found) {
            Some(number) => Stop::broken(
                FailureKind::LostCommit,
                format!("opened in state {number}; expected one of {lowest}..={newest}"),
            ),
            None => Stop::wrong(format!(
                "opened in a state that never was; expected one of {lowest}..={newest}; beside the newest: {}",
                difference(self.oracle.newest(), found)
            )),
        })
    }

    /// Takes handles, and makes the counter where it is missing.
    fn adopt(&mut self, db: Database) -> Result<(), Stop> {
        self.open = Some(Open {
            held: Held::default(),
            db,
        });
        let spaces: Vec<(u8, u64)> = self.oracle.newest().spaces.iter().map(lives).collect();
        for (space, life) in spaces {
            match self.db()?.keyspace(&keyspace_name(space)) {
                Ok(keyspace) => self.hold(space, Handle { keyspace, life }),
                Err(error) => self.read_failed("keyspace", &error)?,
            }
        }
        if !self.oracle.newest().spaces.contains_key(&COUNTER) {
            self.create_keyspace(COUNTER)?;
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, space: u8, handle: Handle) {
        if let Some(open) = &mut self.open {
            open.held.handles.insert(space, handle);
        }
    }

    /// Creates a keyspace, which is there when this returns unless the disk fails.
    pub(super) fn create_keyspace(&mut self, space: u8) -> Result<(), Stop> {
        let known = self
            .oracle
            .newest()
            .spaces
            .get(&space)
            .map(|space| space.life);
        let mut model = ModelTransaction::begin(&self.oracle);
        let life = known.unwrap_or_else(|| {
            let life = self.oracle.lives.next();
            let made = Space {
                life,
                ..Space::default()
            };
            model.state.spaces.insert(space, made);
            model.footprint.changes_catalog = true;
            life
        });
        let made = self.db()?.keyspace(&keyspace_name(space));
        match made {
            Ok(keyspace) => {
                self.committed(&model, self.plan.options.durability);
                self.hold(space, Handle { keyspace, life });
            }
            Err(error) => self.commit_failed("keyspace", &error, &model)?,
        }
        Ok(())
    }

    /// A commit went through.
    pub(super) fn committed(&mut self, model: &ModelTransaction, durable: Durable) {
        self.oracle.commit(model, durable);
        // A commit stands whatever becomes of the merge that it paid for or, with a new vector index, began. Where that met
        // a log that failed, the next write says so, and a reopen is due.
        if self.is_struck_now() {
            self.faults.only_space = false;
        }
    }

    /// A commit failed: whether it may, and what may be found after a reopen.
    pub(super) fn commit_failed(
        &mut self,
        call: &str,
        error: &drystone::Error,
        model: &ModelTransaction,
    ) -> Result<(), Stop> {
        if self.write_failed(call, error)? == Fate::Unknown {
            self.oracle.may_have_committed(model);
        }
        Ok(())
    }

    /// Closes and opens again.
    pub(super) fn reopen(&mut self) -> Result<(), Stop> {
        self.close()?;
        self.open_again().map(drop)
    }

    pub(super) fn close(&mut self) -> Result<(), Stop> {
        if let Some(open) = self.open.take() {
            drop(open.held);
            match open.db.close() {
                Ok(()) => self.oracle.closed(),
                Err(error) => drop(self.write_failed("close", &error)?),
            }
        }
        Ok(())
    }
}

fn lives((number, space): (&u8, &Space)) -> (u8, u64) {
    (*number, space.life)
}
