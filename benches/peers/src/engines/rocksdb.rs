//! RocksDB.

use std::fs;
use std::path::{Path, PathBuf};

use ::rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, Options, SstFileWriter, WaitForCompactOptions,
    WriteBatch, WriteOptions,
};
use anyhow::Result;

use super::About;
use crate::data::Key;
use crate::peer::{Change, Durability, Order, Peer, Reader, Settings};
use crate::supply::Supply;

pub(super) const ABOUT: About = About {
    packages: &["rocksdb", "librocksdb-sys"],
    library: String::new,
    settings: "an LRU block cache of the budget, index and filter blocks in it (memtables of 64 MiB besides the budget); \
        4 recycled log files; `WriteOptions::sync`, or not where commits wait for nothing; LZ4; Bloom filters of 10 bits; \
        blocks of 16 KiB; 2 background jobs; tables of `SstFileWriter`, ingested, for sorted loads",
};

const RECYCLED_LOGS: usize = 4;
const BACKGROUND_JOBS: i32 = 2;
const BLOOM_BITS: f64 = 10.0;
const BLOCK_BYTES: usize = 16 << 10;

pub(super) fn open(folder: &Path, settings: &Settings) -> Result<Box<dyn Peer>> {
    let options = options(settings)?;
    let path = folder.join("rocksdb");
    let database = DB::open(&options, &path)?;
    let is_sync = settings.durability == Durability::Sync;
    Ok(Box::new(RocksDb {
        database,
        options,
        is_sync,
        ingested: folder.join("ingested.sst"),
    }))
}

/// As the tuning guide of the project recommends for general use, with the log recycled.
fn options(settings: &Settings) -> Result<Options> {
    let mut blocks = BlockBasedOptions::default();
    let cache = Cache::new_lru_cache(usize::try_from(settings.cache_bytes)?);
    blocks.set_block_cache(&cache);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    blocks.set_bloom_filter(BLOOM_BITS, false);
    blocks.set_block_size(BLOCK_BYTES);
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_recycle_log_file_num(RECYCLED_LOGS);
    options.set_max_background_jobs(BACKGROUND_JOBS);
    options.set_bytes_per_sync(1 << 20);
    Ok(options)
}

struct RocksDb {
    database: DB,
    options: Options,
    is_sync: bool,
    /// Where a sorted load's table is written before it is ingested.
    ingested: PathBuf,
}

impl RocksDb {
    fn write(&self, changes: &[Change], is_sync: bool) -> Result<()> {
        let mut batch = WriteBatch::default();
        for Change { key, value } in changes {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(is_sync);
        Ok(self.database.write_opt(batch, &options)?)
    }

    fn ingest(&self, supply: &mut Supply<'_>) -> Result<()> {
        let mut table = SstFileWriter::create(&self.options);
        table.open(&self.ingested)?;
        while let Some(changes) = supply.next() {
            for Change { key, value } in changes {
                match value {
                    Some(value) => table.put(key, value)?,
                    None => table.delete(key)?,
                }
            }
        }
        table.finish()?;
        self.database.ingest_external_file(vec![&self.ingested])?;
        Ok(fs::remove_file(&self.ingested)?)
    }
}

impl Peer for RocksDb {
    /// Sorted rows become a table at once; others go through the log, which is synced once, at the end.
    fn bulk(&self, supply: &mut Supply<'_>) -> Result<()> {
        if supply.order() == Order::Sorted {
            return self.ingest(supply);
        }
        while let Some(changes) = supply.next() {
            self.write(changes, false)?;
        }
        Ok(self.database.flush_wal(true)?)
    }

    fn commit(&self, changes: &[Change]) -> Result<()> {
        self.write(changes, self.is_sync)
    }

    fn reader(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(Rows(&self.database)))
    }

    fn settle(&self) -> Result<()> {
        self.database.flush()?;
        Ok(self
            .database
            .wait_for_compact(&WaitForCompactOptions::default())?)
    }

    fn compact(self: Box<Self>) -> Result<()> {
        self.settle()?;
        self.database.compact_range(None::<&[u8]>, None::<&[u8]>);
        self.close()
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.database.flush_wal(true)?;
        self.database.cancel_all_background_work(true);
        Ok(())
    }
}

struct Rows<'a>(&'a DB);

impl Reader for Rows<'_> {
    /// `get_pinned`: the newest commit at the time of the call, shown where it lies in the block cache.
    fn get(&mut self, key: &Key, show: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let value = self.0.get_pinned(key)?;
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
        let mut rows = self.0.raw_iterator();
        rows.seek(start);
        for _ in 0..limit {
            let Some((key, value)) = rows.item() else {
                break;
            };
            show(key, value);
            rows.next();
        }
        Ok(rows.status()?)
    }
}
