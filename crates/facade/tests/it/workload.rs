//! A seeded history over keyspaces and a table, and the states that it may be in: what the crash and damage tests share.
//!
//! Commit `n` applies batch `n` to the keyspaces, writes `n` under the key `commit` of the keyspace `counter`, and, with
//! SQL, changes a table with an index in the same transaction. So the counter names the state that must be found.

use std::path::Path;

use drystone::{Database, Durability, Env, IsolationLevel, Keyspace, Options};
use drystone_base::{KeyspaceId, Lsn};
use drystone_testkit::{Batch, Draw, Generator, Model, Shape};

/// A history of commits and the model of its states.
pub(crate) struct History {
    pub(crate) model: Model,
    pub(crate) batches: Vec<Batch>,
    seed: u64,
}

const SHAPE: Shape = Shape {
    keyspaces: 2,
    keys: 40,
    changes_max: 6,
    key_bytes_max: 120,
    value_bytes_max: 900,
    delete_percent: 25,
    drop_percent: 0,
};

impl History {
    pub(crate) fn new(seed: u64, commits: u64) -> History {
        let (model, batches) = Generator::new(seed, SHAPE).history(commits, 1);
        History {
            model,
            batches,
            seed,
        }
    }

    /// Opens the database in `folder` and runs all commits. `begin` and `acknowledge` hear of each.
    pub(crate) fn run(
        &self,
        env: &Env,
        folder: &Path,
        mut begin: impl FnMut(u64),
        mut acknowledge: impl FnMut(u64),
    ) -> Database {
        let db = Database::open_in(env, folder, Options::simulated()).unwrap();
        #[cfg(feature = "sql")]
        super::sql::table::create(&db);
        let counter = db.keyspace("counter").unwrap();
        let mut draw = Draw::new(self.seed);
        for (number, batch) in (1u64..).zip(&self.batches) {
            begin(number);
            self.commit(&db, &counter, number, batch);
            acknowledge(number);
            match draw.below(12) {
                0 => db.flush().unwrap(),
                1..5 => drop(db.step().unwrap()),
                _ => {}
            }
        }
        db
    }

    fn commit(&self, db: &Database, counter: &Keyspace, number: u64, batch: &Batch) {
        let keyspaces: Vec<Keyspace> = (1..=SHAPE.keyspaces)
            .map(|id| db.keyspace(&name(KeyspaceId(id))).unwrap())
            .collect();
        let mut tx = db
            .begin_transaction(IsolationLevel::RepeatableRead)
            .unwrap();
        for (id, key, value) in batch.iter() {
            let keyspace = &keyspaces[id.0 as usize - 1];
            match value {
                Some(value) => tx.put(keyspace, key.clone(), value.clone()).unwrap(),
                None => tx.delete(keyspace, key.clone()).unwrap(),
            }
        }
        tx.put(counter, "commit", number.to_be_bytes().to_vec())
            .unwrap();
        #[cfg(feature = "sql")]
        super::sql::table::change(&mut tx, number);
        tx.commit_with(Durability::Sync).unwrap();
    }

    /// Which commit `db` shows; an error when what it shows is no state of the history.
    pub(crate) fn state_of(
        &self,
        db: &Database,
    ) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
        let counter = db.keyspace("counter")?.get("commit")?;
        let number = match counter {
            None => 0,
            Some(bytes) => u64::from_be_bytes(bytes[..].try_into()?),
        };
        for id in (1..=SHAPE.keyspaces).map(KeyspaceId) {
            let found: Vec<_> = db
                .keyspace(&name(id))?
                .get_range::<&[u8]>(..)
                .collect::<Result<_, _>>()?;
            drystone_testkit::compare(&self.model.entries(Lsn(number), id), &found)?;
        }
        #[cfg(feature = "sql")]
        super::sql::table::check(db, number)?;
        Ok(number)
    }
}

fn name(id: KeyspaceId) -> String {
    format!("k{}", id.0)
}
