//! What the workloads ask of an engine. Each has one file in `engines`, and nothing else knows it.

use anyhow::Result;

use crate::data::{Key, Value};
use crate::supply::Supply;

/// An open database that holds rows.
pub(crate) trait Peer: Sync {
    /// Makes many changes in the way that suits the engine best. They are on stable media when it returns.
    fn bulk(&self, supply: &mut Supply<'_>) -> Result<()>;

    /// Commits some changes as one transaction, as durable as the settings say. Called by many threads at once.
    fn commit(&self, changes: &[Change]) -> Result<()>;

    /// What one thread reads with. Each call of it reads in a transaction of its own.
    fn reader(&self) -> Result<Box<dyn Reader + '_>>;

    /// Brings what waits in memory to where it will lie, and ends the work that goes on behind the back: reads shall
    /// measure the structure, and the bytes written shall be all of them.
    fn settle(&self) -> Result<()>;

    /// Makes the files as small as the engine can, and closes.
    fn compact(self: Box<Self>) -> Result<()>;

    /// Closes. All commits are on stable media when it returns.
    fn close(self: Box<Self>) -> Result<()>;
}

/// Reads, for one thread.
pub(crate) trait Reader {
    /// Shows the value of `key`; whether there is one.
    fn get(&mut self, key: &Key, show: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// Shows at most `limit` rows, keys and values, in order, from `start` on.
    fn range(
        &mut self,
        start: &[u8],
        limit: usize,
        show: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<()>;
}

/// One change of one row.
pub(crate) struct Change {
    /// The row's key.
    pub(crate) key: Key,
    /// Its new value; `None` removes the row.
    pub(crate) value: Option<Value>,
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Stable media.
    Sync,
    /// Nothing: a crash of the machine may take it back. What is then asked of each engine stands in its file.
    Buffered,
}

/// In which order a bulk load's rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Ascending by key, into an empty database.
    Sorted,
    /// In no order.
    Random,
}

/// How an engine is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// The budget for cached pages or blocks.
    pub(crate) cache_bytes: u64,
    /// What commits wait for.
    pub(crate) durability: Durability,
    /// How many threads will use it at most.
    #[cfg_attr(
        not(feature = "peer-sqlite"),
        expect(dead_code, reason = "SQLite alone divides its budget")
    )]
    pub(crate) threads: u64,
    /// How many rows it will hold, about.
    #[cfg_attr(
        not(feature = "peer-lmdb"),
        expect(dead_code, reason = "LMDB alone wants to know in advance")
    )]
    pub(crate) rows: u64,
    /// How its data relates to memory.
    #[cfg_attr(
        not(feature = "peer-lmdb"),
        expect(dead_code, reason = "LMDB alone is told")
    )]
    pub(crate) memory: Memory,
}

/// How the data relates to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// The cache holds all of it.
    Ample,
    /// It is several times the cache.
    Scarce,
}
