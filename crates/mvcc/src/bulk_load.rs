//! Bulk load: many entries in any order, sorted outside of memory, that become one commit.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use drystone_base::{KeyspaceId, Lsn};

use crate::catalog;
use crate::error::StoreError;
use crate::options::Durability;
use crate::shared::Shared;
use crate::spill::{Layer, Layers, Lookups, RunWriter, SortBuffer, SpillFolder};

/// Many entries that become one commit. Made by [`Store::bulk_load`](crate::Store::bulk_load).
///
/// Entries may come in any order; of several with one key the last counts. They are sorted in memory, and spilled where
/// they outgrow it; with the commit they go straight into the base, past log and memtable, into full pages where nothing
/// was before. Nobody sees any before; dropping the load leaves no trace.
///
/// It reads nothing, so it gives way to nobody: where another commit changes one of its keys meanwhile, the load counts
/// as the later one. Where the engine cannot merge in two steps, or the store was opened without a folder to spill to,
/// it is one transaction within
/// [`StoreOptions::transaction_bytes_max`](crate::StoreOptions::transaction_bytes_max). While it commits, memtables are
/// not merged: others commit as long as those have room, and wait then.
pub struct BulkLoad {
    store: Arc<Shared>,
    memory_bytes_max: u64,
    /// What came and is in no run.
    buffers: BTreeMap<KeyspaceId, SortBuffer>,
    buffered_bytes: u64,
    /// Runs, oldest first.
    parts: Vec<Layer>,
}

/// A load of less than this part of a memtable is a transaction like others: a few syncs cost more than its bytes.
const SMALL_SHARE: u64 = 8;

/// How often a small load is tried again when another changes its keys meanwhile.
const SMALL_ATTEMPTS: usize = 1000;

impl BulkLoad {
    pub(crate) fn new(store: Arc<Shared>, memory_bytes_max: u64) -> BulkLoad {
        BulkLoad {
            store,
            memory_bytes_max,
            buffers: BTreeMap::new(),
            buffered_bytes: 0,
            parts: Vec::new(),
        }
    }

    /// Gives `key` a value.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKeyspaceId`], [`StoreError::CatalogIsReadOnly`], [`StoreError::NotSpillable`], a key or value
    /// beyond the engine's limits; [`StoreError::TooLarge`] where the load must fit into memory. The load is as before.
    /// [`StoreError::Spill`], after which it is to be dropped.
    pub fn put(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StoreError> {
        self.push(keyspace, key, Some(value))
    }

    /// Removes `key`. No error when it is not there.
    ///
    /// # Errors
    /// As [`BulkLoad::put`].
    pub fn delete(&mut self, keyspace: KeyspaceId, key: &[u8]) -> Result<(), StoreError> {
        self.push(keyspace, key, None)
    }

    fn push(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        self.store.engine.limits().check(key, value)?;
        if !self.buffers.contains_key(&keyspace) {
            self.check_writable(keyspace)?;
            self.buffers.insert(keyspace, SortBuffer::new(keyspace));
        }
        let len = (key.len() + value.map_or(0, <[u8]>::len)) as u64;
        if self.buffered_bytes + len > self.memory_bytes_max && self.buffered_bytes > 0 {
            self.make_room(len)?;
        }
        if let Some(buffer) = self.buffers.get_mut(&keyspace) {
            self.buffered_bytes += buffer.push(key, value);
        }
        Ok(())
    }

    fn check_writable(&self, keyspace: KeyspaceId) -> Result<(), StoreError> {
        if keyspace == KeyspaceId::CATALOG {
            return Err(StoreError::CatalogIsReadOnly);
        }
        if self.store.is_derived(keyspace) {
            let max = self.memory_bytes_max;
            return Err(StoreError::NotSpillable { keyspace, max });
        }
        let name = self
            .store
            .get(KeyspaceId::CATALOG, &catalog::number_key(keyspace))?;
        match name {
            Some(_) => Ok(()),
            None => Err(StoreError::NoSuchKeyspaceId { id: keyspace }),
        }
    }

    /// Spills what is in memory; where that cannot be, sees to it that the whole is not too large.
    fn make_room(&mut self, len: u64) -> Result<(), StoreError> {
        let store = Arc::clone(&self.store);
        if let Some(folder) = store.spill_folder() {
            return self.spill(folder);
        }
        let (bytes, max) = (
            self.buffered_bytes + len,
            store.options().transaction_bytes_max,
        );
        match bytes > max {
            true => Err(StoreError::TooLarge { bytes, max }),
            false => Ok(()),
        }
    }

    fn spill(&mut self, folder: &SpillFolder) -> Result<(), StoreError> {
        let mut run = RunWriter::create(folder, Lookups::Few)?;
        for buffer in self.buffers.values_mut() {
            buffer.drain_into(&mut run)?;
        }
        self.parts.push(Layer::Run(run.finish()?));
        self.buffered_bytes = 0;
        Ok(())
    }

    /// Makes all of it one commit, on stable media and seen by all who begin from here on, and returns its LSN. A load of
    /// nothing commits nothing, and returns the newest LSN.
    ///
    /// # Errors
    /// As [`Transaction::commit`](crate::Transaction::commit); [`StoreError::Spill`]; [`StoreError::NoSuchKeyspaceId`]
    /// where a keyspace was dropped meanwhile. Nothing was committed, but where the log failed: that shows after a reopen.
    pub fn commit(mut self) -> Result<Lsn, StoreError> {
        self.buffers.retain(|_, buffer| !buffer.is_empty());
        if self.parts.is_empty() && self.buffers.is_empty() {
            return Ok(self.store.view().lsn());
        }
        let small_bytes = self.store.options().memtable_bytes / SMALL_SHARE;
        let is_small = self.parts.is_empty() && self.buffered_bytes < small_bytes;
        if is_small || self.store.spill_folder().is_none() {
            return self.commit_small();
        }
        for (_, buffer) in std::mem::take(&mut self.buffers) {
            self.parts.push(Layer::Sorted(Arc::new(buffer.sort())));
        }
        let layers = Layers {
            parts: std::mem::take(&mut self.parts),
            ..Layers::default()
        };
        for keyspace in layers.keyspaces() {
            self.check_writable(keyspace)?;
        }
        self.store.commit_staged(layers, None)
    }

    /// As a transaction like others.
    fn commit_small(&mut self) -> Result<Lsn, StoreError> {
        let buffers = std::mem::take(&mut self.buffers);
        let sorted: Vec<_> = buffers.into_values().map(SortBuffer::sort).collect();
        let mut attempt = 1;
        loop {
            let mut transaction = self.store.begin()?;
            for part in &sorted {
                for entry in (0..part.len()).map(|idx| part.entry(idx)) {
                    let key = entry.key.to_vec();
                    match entry.value {
                        Some(value) => transaction.put(part.keyspace(), key, value.to_vec())?,
                        None => transaction.delete(part.keyspace(), key)?,
                    }
                }
            }
            match transaction.commit(Durability::Sync) {
                Err(StoreError::Conflict { .. }) if attempt < SMALL_ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }
}

impl fmt::Debug for BulkLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkLoad")
            .field("buffered_bytes", &self.buffered_bytes)
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}
