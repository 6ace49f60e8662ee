//! Drystone, through its public interface, as it is by default and with pages compressed by LZ4.

use std::path::Path;

use ::drystone::{Codec, Database, Durability, Keyspace, Options, WriteBatch};
use anyhow::{Context, Result};

use super::About;
use crate::data::Key;
use crate::peer::{self, Change, Order, Peer, Reader, Settings};
use crate::supply::Supply;

pub(super) const ABOUT: About = About {
    packages: &["drystone"],
    library: String::new,
    settings: "`Options::cache_bytes` is the budget, all else default (memtables of 64 MiB, no compression); \
        `Durability::Sync`, or `Durability::None` where commits wait for nothing",
};

pub(super) const ABOUT_LZ4: About = About {
    settings: "as drystone, with `Codec::Lz4` and, as recommended beside it, pages of 32 KiB",
    ..ABOUT
};

pub(super) fn open(folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
    open_with(folder, settings, Options::default())
}

pub(super) fn open_lz4(folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
    let options = Options {
        compression: Codec::Lz4,
        page_bytes: 32 << 10,
        ..Options::default()
    };
    open_with(folder, settings, options)
}

fn open_with(folder: &Path, settings: &Settings, options: Options) -> Result<Box<dyn Peer>> {
    let options = Options {
        cache_bytes: usize::try_from(settings.cache_bytes)?,
        durability: match settings.durability {
            peer::Durability::Sync => Durability::Sync,
            peer::Durability::Buffered => Durability::None,
        },
        ..options
    };
    let database = Database::open_with(folder.join("database"), options)?;
    let rows = database.keyspace("rows")?;
    Ok(Box::new(Drystone { database, rows }))
}

struct Drystone {
    database: Database,
    rows: Keyspace,
}

impl Drystone {
    fn load_sorted(&self, supply: &mut Supply<'_>) -> Result<()> {
        let rows = std::iter::from_fn(|| {
            let Change { key, value } = supply.next_change()?;
            let value = value.context("a sorted load removes nothing");
            Some(value.map(|value| (*key, value)))
        });
        self.database.try_load_sorted(&self.rows, rows)?;
        Ok(())
    }

    fn batch(&self, changes: &[Change]) -> WriteBatch {
        let mut batch = WriteBatch::with_capacity(changes.len());
        for Change { key, value } in changes {
            match value {
                Some(value) => batch.put_copy(&self.rows, key, value),
                None => batch.delete(&self.rows, key.to_vec()),
            }
        }
        batch
    }
}

impl Peer for Drystone {
    /// One bulk load, which sorts by itself; of sorted rows, one that need not.
    fn bulk(&self, supply: &mut Supply<'_>) -> Result<()> {
        if supply.order() == Order::Sorted {
            return self.load_sorted(supply);
        }
        let mut load = self.database.bulk_load()?;
        while let Some(changes) = supply.next() {
            for Change { key, value } in changes {
                match value {
                    Some(value) => load.put(&self.rows, key, value)?,
                    None => load.delete(&self.rows, key)?,
                }
            }
        }
        load.commit()?;
        Ok(())
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        Ok(self.database.write(self.batch(changes))?)
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(Rows(&self.rows)))
    }

    fn settle(&self) -> Result<()> {
        Ok(self.database.flush()?)
    }

    fn compact(self: Box<Self>) -> Result<()> {
        self.database.compact()?;
        self.close()
    }

    fn close(self: Box<Self>) -> Result<()> {
        let Drystone { database, rows } = *self;
        drop(rows);
        Ok(database.close()?)
    }
}

struct Rows<'a>(&'a Keyspace);

impl Reader for Rows<'_> {
    /// `Keyspace::get_with`: the newest commit at the time of the call. The value is shown where it lies.
    fn get(&mut self, key: &Key, show: &mut dyn FnMut(&[u8])) -> Result<bool> {
        Ok(self.0.get_with(key, show)?.is_some())
    }

    fn range(
        &mut self,
        start: &[u8],
        limit: usize,
        show: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<()> {
        let mut rows = self.0.get_range(start..);
        for _ in 0..limit {
            let Some(row) = rows.next_ref() else {
                break;
            };
            let (key, value) = row?;
            show(key, value);
        }
        Ok(())
    }
}
