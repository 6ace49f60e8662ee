//! The database, and what the workload writes to in it.

use std::path::Path;

use drystone::{Database, Keyspace, Options, Result};

const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS entries
     (id BIGINT PRIMARY KEY, mirror BIGINT NOT NULL, text TEXT, place VECTOR(3))",
    "CREATE INDEX IF NOT EXISTS entries_mirror ON entries (mirror)",
    "CREATE INDEX IF NOT EXISTS entries_place ON entries USING hnsw (place) WITH (metric = 'l2')",
];

/// An open database, with all that the workload needs.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) db: Database,
    /// By writer: the number of its last commit, and those that it saw of the others, eight bytes each.
    pub(crate) latest: Keyspace,
    /// By writer and slot.
    pub(crate) slots: Keyspace,
}

impl Parts {
    /// Opens the database in `path` and creates what is missing.
    pub(crate) fn open(path: &Path, options: Options) -> Result<Parts> {
        let db = Database::open_with(path, options)?;
        for statement in SCHEMA {
            db.execute(statement, &[])?;
        }
        Ok(Parts {
            latest: db.keyspace("latest")?,
            slots: db.keyspace("slots")?,
            db,
        })
    }

    /// What the last commit of `writer` wrote of itself and the others; nothing where it has none.
    pub(crate) fn latest_of(&self, writer: u64) -> Result<Vec<u64>> {
        let latest = self.latest.get(writer.to_be_bytes())?.unwrap_or_default();
        let numbers = latest.as_chunks().0.iter();
        Ok(numbers.map(|bytes| u64::from_be_bytes(*bytes)).collect())
    }

    /// How many commits of `writer` are there.
    pub(crate) fn number_of(&self, writer: u64) -> Result<u64> {
        Ok(self.latest_of(writer)?.first().copied().unwrap_or(0))
    }
}
