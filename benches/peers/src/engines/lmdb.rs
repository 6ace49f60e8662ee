//! LMDB, through heed.
#![expect(
    unsafe_code,
    reason = "LMDB maps its file into memory, so opening it is unsafe: nobody else may change the file"
)]

use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use heed::types::Bytes;
use heed::{
    CommitOrAbort, CompactionOption, Database, Env, EnvFlags, EnvOpenOptions, PutFlags, RwTxn,
};

use super::About;
use crate::data::Key;
use crate::peer::{Change, Durability, Memory, Order, Peer, Reader, Settings};
use crate::supply::Supply;

pub(super) const ABOUT: About = About {
    packages: &["heed", "lmdb-master-sys"],
    library: || {
        let version = heed::lmdb_version();
        format!(
            "LMDB {}.{}.{},",
            version.major, version.minor, version.patch
        )
    },
    settings: "no cache of its own, the OS's pages are its cache, so no budget binds it but a memory limit on the process; \
        default flags, and `MDB_NOSYNC` where commits wait for nothing; `MDB_NORDAHEAD` where data is larger than memory; \
        `MDB_APPEND` for sorted loads; map of 2 KiB a row, at least 1 GiB; a reader's slot stays with its thread",
};

const MAP_BYTES_MIN: u64 = 1 << 30;
const MAP_BYTES_PER_ROW: u64 = 2048;
const PAGE_BYTES: u64 = 4096;

pub(super) fn open(folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
    let map_bytes = (settings.rows * MAP_BYTES_PER_ROW).max(MAP_BYTES_MIN);
    let mut options = EnvOpenOptions::new();
    options.map_size(usize::try_from(map_bytes.next_multiple_of(PAGE_BYTES))?);
    let mut flags = EnvFlags::empty();
    flags.set(
        EnvFlags::NO_SYNC,
        settings.durability == Durability::Buffered,
    );
    flags.set(EnvFlags::NO_READ_AHEAD, settings.memory == Memory::Scarce);
    // SAFETY: both flags only change when the file is synced and read ahead. No machine crashes while this runs, and if
    // one does, the folder is thrown away.
    unsafe { options.flags(flags) };
    // SAFETY: the folder belongs to this process until it ends; nobody else opens or changes the file.
    let env = unsafe { options.open(folder) }?;
    let created = env.create_databases_and_commit(env.write_txn()?, |opener, transaction| {
        let rows = opener.create_database(transaction, None)?;
        heed::Result::Ok(CommitOrAbort::<_, ()>::Commit(rows))
    })?;
    let rows = created.unwrap_commit();
    let folder = folder.to_owned();
    Ok(Box::new(Lmdb { env, rows, folder }))
}

type Rows = Database<'static, Bytes, Bytes>;

struct Lmdb {
    env: Env,
    rows: Rows,
    folder: PathBuf,
}

impl Lmdb {
    fn apply(
        &self,
        transaction: &mut RwTxn<'_>,
        flags: PutFlags,
        changes: &[Change],
    ) -> Result<()> {
        for Change { key, value } in changes {
            match value {
                Some(value) => self.rows.put_with_flags(transaction, flags, key, value)?,
                None => {
                    self.rows.delete(transaction, key)?;
                }
            }
        }
        Ok(())
    }
}

impl Peer for Lmdb {
    /// One transaction.
    fn bulk(&self, supply: &mut Supply<'_>) -> Result<()> {
        let flags = match supply.order() {
            Order::Sorted => PutFlags::APPEND,
            Order::Random => PutFlags::empty(),
        };
        let mut transaction = self.env.write_txn()?;
        while let Some(changes) = supply.next() {
            self.apply(&mut transaction, flags, changes)?;
        }
        transaction.commit()?;
        Ok(self.env.force_sync()?)
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        let mut transaction = self.env.write_txn()?;
        self.apply(&mut transaction, PutFlags::empty(), changes)?;
        Ok(transaction.commit()?)
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(LmdbReader(self)))
    }

    fn settle(&self) -> Result<()> {
        Ok(self.env.force_sync()?)
    }

    /// A copy without free pages, which takes the file's place.
    fn compact(self: Box<Self>) -> Result<()> {
        let copy = self.folder.join("compacted");
        let copied = self.env.copy_to_path(&copy, CompactionOption::Enabled)?;
        copied.sync_all()?;
        let place = self.folder.join("data.mdb");
        self.close()?;
        fs::rename(&copy, &place).with_context(|| format!("replace {}", place.display()))
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.env.force_sync()?;
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}

struct LmdbReader<'a>(&'a Lmdb);

impl Reader for LmdbReader<'_> {
    /// `read_txn`, `get`, and the end of the transaction. The value is shown where it lies in the map.
    fn get(&mut self, key: &Key, show: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let transaction = self.0.env.read_txn()?;
        let value = self.0.rows.get(&transaction, key)?;
        Ok(value.is_some_and(|value| {
            show(value);
            true
        }))
    }

    fn range(
        &mut self,
        start: &[u8],
        limit: usize,
        show: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<()> {
        let transaction = self.0.env.read_txn()?;
        // LMDB has no empty keys, and refuses to look for one.
        let from = match start {
            [] => Bound::Unbounded,
            start => Bound::Included(start),
        };
        let bounds = (from, Bound::Unbounded);
        for row in self.0.rows.range(&transaction, &bounds)?.take(limit) {
            let (key, value) = row?;
            show(key, value);
        }
        Ok(())
    }
}
