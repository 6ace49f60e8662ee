//! SQLite, through rusqlite, as a table of keys and values.
//!
//! One connection writes, behind a latch: SQLite's own waiting for each other is slower. Each reader has a connection of
//! its own, and the cache budget is divided among all.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension, params};

use super::About;
use crate::data::Key;
use crate::peer::{Change, Durability, Peer, Reader, Settings};
use crate::supply::Supply;

pub(super) const ABOUT: About = About {
    packages: &["rusqlite", "libsqlite3-sys"],
    library: || format!("SQLite {},", rusqlite::version()),
    settings: "`cache_size` is the budget, divided among the connections, of which each reading thread has one and all \
        writers share one; WAL; `synchronous = FULL`, or `OFF` where commits wait for nothing; a WITHOUT ROWID table; \
        prepared statements; `VACUUM` to compact",
};

const GET: &str = "SELECT value FROM rows WHERE key = ?1";
const RANGE: &str = "SELECT key, value FROM rows WHERE key >= ?1 ORDER BY key LIMIT ?2";
const PUT: &str = "INSERT OR REPLACE INTO rows (key, value) VALUES (?1, ?2)";
const REMOVE: &str = "DELETE FROM rows WHERE key = ?1";

pub(super) fn open(folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
    let path = folder.join("sqlite");
    let cache_kib = settings.cache_bytes / 1024 / (settings.threads + 1);
    let writer = connect(&path, settings.durability, cache_kib)?;
    writer.execute_batch(
        "CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    )?;
    Ok(Box::new(Sqlite {
        path,
        cache_kib,
        writer: Mutex::new(writer),
    }))
}

fn connect(path: &Path, durability: Durability, cache_kib: u64) -> Result<Connection> {
    let connection = Connection::open(path).with_context(|| format!("open {}", path.display()))?;
    let synchronous = match durability {
        Durability::Sync => "FULL",
        Durability::Buffered => "OFF",
    };
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -i64::try_from(cache_kib)?)?;
    Ok(connection)
}

struct Sqlite {
    path: PathBuf,
    cache_kib: u64,
    writer: Mutex<Connection>,
}

impl Sqlite {
    fn write(&self, work: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction()?;
        work(&transaction)?;
        Ok(transaction.commit()?)
    }
}

fn apply(connection: &Connection, changes: &[Change]) -> Result<()> {
    let mut put = connection.prepare_cached(PUT)?;
    let mut remove = connection.prepare_cached(REMOVE)?;
    for Change { key, value } in changes {
        match value {
            Some(value) => put.execute(params![key, value])?,
            None => remove.execute(params![key])?,
        };
    }
    Ok(())
}

impl Peer for Sqlite {
    /// One transaction.
    fn bulk(&self, supply: &mut Supply<'_>) -> Result<()> {
        self.write(|connection| {
            while let Some(changes) = supply.next() {
                apply(connection, changes)?;
            }
            Ok(())
        })
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        self.write(|connection| apply(connection, changes))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        let connection = connect(&self.path, Durability::Sync, self.cache_kib)?;
        Ok(Box::new(Rows(connection)))
    }

    /// What lies in the write-ahead log is brought to its place.
    fn settle(&self) -> Result<()> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let done = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, i64>(0)
        })?;
        anyhow::ensure!(done == 0, "the checkpoint met a reader");
        Ok(())
    }

    fn compact(self: Box<Self>) -> Result<()> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.execute_batch("VACUUM")?;
        drop(writer);
        self.close()
    }

    /// The last connection checkpoints, and removes the log.
    fn close(self: Box<Self>) -> Result<()> {
        let writer = self.writer.into_inner();
        let writer = writer.unwrap_or_else(PoisonError::into_inner);
        writer.close().map_err(|(_, error)| error.into())
    }
}

struct Rows(Connection);

impl Reader for Rows {
    /// A prepared SELECT, which is a transaction of its own.
    fn get(&mut self, key: &Key, show: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let mut statement = self.0.prepare_cached(GET)?;
        let found = statement
            .query_row(params![key], |row| {
                show(row.get_ref(0)?.as_blob()?);
                Ok(())
            })
            .optional()?;
        Ok(found.is_some())
    }

    fn range(
        &mut self,
        start: &[u8],
        limit: usize,
        show: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<()> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.0.prepare_cached(RANGE)?;
        let mut rows = statement.query(params![start, limit])?;
        while let Some(row) = rows.next()? {
            show(row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
        }
        Ok(())
    }
}
