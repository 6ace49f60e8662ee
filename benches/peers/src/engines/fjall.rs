//! fjall.

use std::path::Path;
use std::thread;
use std::time::Duration;

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use anyhow::Result;

use super::About;
use crate::data::Key;
use crate::peer::{Change, Durability, Order, Peer, Reader, Settings};
use crate::supply::Supply;

pub(super) const ABOUT: About = About {
    packages: &["fjall", "lsm-tree"],
    library: String::new,
    settings: "`cache_size` is the budget, all else default (LZ4, memtables of 64 MiB besides the budget); \
        `PersistMode::SyncAll`, or the default, which hands commits to the OS, where they wait for nothing; \
        `start_ingestion` for sorted loads",
};

const POLL: Duration = Duration::from_millis(5);

pub(super) fn open(folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
    let database = Database::builder(folder)
        .cache_size(settings.cache_bytes)
        .open()?;
    let rows = database.keyspace("rows", KeyspaceCreateOptions::default)?;
    let persist = match settings.durability {
        Durability::Sync => Some(PersistMode::SyncAll),
        Durability::Buffered => None,
    };
    Ok(Box::new(Fjall {
        database,
        rows,
        persist,
    }))
}

struct Fjall {
    database: Database,
    rows: Keyspace,
    persist: Option<PersistMode>,
}

impl Fjall {
    /// The call for one key, which is cheaper than a batch of one.
    fn commit_one(&self, Change { key, value }: &Change) -> Result<()> {
        match value {
            Some(value) => self.rows.insert(key, value)?,
            None => self.rows.remove(key)?,
        }
        match self.persist {
            Some(mode) => Ok(self.database.persist(mode)?),
            None => Ok(()),
        }
    }

    fn commit_batch(&self, changes: &[Change], persist: Option<PersistMode>) -> Result<()> {
        let mut batch = self.database.batch().durability(persist);
        for Change { key, value } in changes {
            match value {
                Some(value) => batch.insert(&self.rows, key, value),
                None => batch.remove(&self.rows, key),
            }
        }
        Ok(batch.commit()?)
    }

    fn ingest(&self, supply: &mut Supply<'_>) -> Result<()> {
        let mut ingestion = self.rows.start_ingestion()?;
        while let Some(changes) = supply.next() {
            for Change { key, value } in changes {
                match value {
                    Some(value) => ingestion.write(key, value)?,
                    None => ingestion.write_tombstone(key)?,
                }
            }
        }
        Ok(ingestion.finish()?)
    }
}

impl Peer for Fjall {
    /// Sorted rows become tables at once; others go through the journal, which is synced once, at the end.
    fn bulk(&self, supply: &mut Supply<'_>) -> Result<()> {
        match supply.order() {
            Order::Sorted => self.ingest(supply)?,
            Order::Random => {
                while let Some(changes) = supply.next() {
                    self.commit_batch(changes, None)?;
                }
            }
        }
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        match changes {
            [change] => self.commit_one(change),
            changes => self.commit_batch(changes, self.persist),
        }
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(Rows(&self.rows)))
    }

    fn settle(&self) -> Result<()> {
        self.rows.rotate_memtable_and_wait()?;
        while self.database.outstanding_flushes() > 0 || self.database.active_compactions() > 0 {
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn compact(self: Box<Self>) -> Result<()> {
        self.settle()?;
        self.rows.major_compact()?;
        self.close()
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}

struct Rows<'a>(&'a Keyspace);

impl Reader for Rows<'_> {
    /// `Keyspace::get`: the newest commit at the time of the call.
    fn get(&mut self, key: &Key, show: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let value = self.0.get(key)?;
        Ok(value.is_some_and(|value| {
            show(&value);
            true
        }))
    }

    fn range(
        &mut self,
        start: &[u8],
        limit: usize,
        show: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<()> {
        for row in self.0.range(start..).take(limit) {
            let (key, value) = row.into_inner()?;
            show(&key, &value);
        }
        Ok(())
    }
}
