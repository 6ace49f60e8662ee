//! redb.

use std::path::Path;

use ::redb::{Database, Durability, ReadableDatabase, Table, TableDefinition};
use anyhow::Result;

use super::About;
use crate::data::Key;
use crate::peer::{self, Change, Peer, Reader, Settings};
use crate::supply::Supply;

pub(super) const ABOUT: About = About {
    packages: &["redb"],
    library: String::new,
    settings: "`Builder::set_cache_size` is the budget; `Durability::Immediate`, or `Durability::None` where commits \
        wait for nothing",
};

type Rows<'a> = Table<'a, &'static [u8], &'static [u8]>;

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

pub(super) fn open(folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
    let database = Database::builder()
        .set_cache_size(usize::try_from(settings.cache_bytes)?)
        .create(folder.join("redb"))?;
    let durability = match settings.durability {
        peer::Durability::Sync => Durability::Immediate,
        peer::Durability::Buffered => Durability::None,
    };
    let redb = Redb {
        database,
        durability,
    };
    // Readers need the table.
    redb.commit(&[])?;
    Ok(Box::new(redb))
}

struct Redb {
    database: Database,
    durability: Durability,
}

impl Redb {
    fn write(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut Rows<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        work(&mut transaction.open_table(ROWS)?)?;
        Ok(transaction.commit()?)
    }
}

fn apply(rows: &mut Rows<'_>, changes: &[Change]) -> Result<()> {
    for Change { key, value } in changes {
        match value {
            Some(value) => drop(rows.insert(key.as_slice(), value.as_slice())?),
            None => drop(rows.remove(key.as_slice())?),
        }
    }
    Ok(())
}

impl Peer for Redb {
    /// One transaction.
    fn bulk(&self, supply: &mut Supply<'_>) -> Result<()> {
        self.write(Durability::Immediate, |rows| {
            while let Some(changes) = supply.next() {
                apply(rows, changes)?;
            }
            Ok(())
        })
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        self.write(self.durability, |rows| apply(rows, changes))
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(RedbReader(&self.database)))
    }

    /// What `Durability::None` left is made durable; nothing else waits.
    fn settle(&self) -> Result<()> {
        self.write(Durability::Immediate, |_| Ok(()))
    }

    fn compact(mut self: Box<Self>) -> Result<()> {
        while self.database.compact()? {}
        Ok(())
    }

    /// Dropping it writes what a reopen needs, and syncs.
    fn close(self: Box<Self>) -> Result<()> {
        self.settle()
    }
}

struct RedbReader<'a>(&'a Database);

impl Reader for RedbReader<'_> {
    /// `begin_read`, `open_table`, `get`.
    fn get(&mut self, key: &Key, show: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let rows = self.0.begin_read()?.open_table(ROWS)?;
        let value = rows.get(key.as_slice())?;
        Ok(value.is_some_and(|value| {
            show(value.value());
            true
        }))
    }

    fn range(
        &mut self,
        start: &[u8],
        limit: usize,
        show: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<()> {
        let rows = self.0.begin_read()?.open_table(ROWS)?;
        for row in rows.range(start..)?.take(limit) {
            let (key, value) = row?;
            show(key.value(), value.value());
        }
        Ok(())
    }
}
