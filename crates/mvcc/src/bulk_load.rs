//! Bulk load: many entries in any order, sorted outside of memory, that become one commit.
//!
//! # Invariants
//! - B1. What was taken is in the buffers, in the open run or in a finished one, each later than those after it. A failure that
//!   could break this breaks the load: it then takes nothing more, and commits nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};

use crate::catalog;
use crate::error::StoreError;
use crate::load_guards::LoadGuards;
use crate::options::Durability;
use crate::shared::Shared;
use crate::spill::{
    KnownKeys, Layer, Layers, Lookups, Run, RunBound, RunWriter, SortBuffer, Sorted, SpillFolder,
};
use crate::transaction::Transaction;

/// Many entries that become one commit. Made by [`Store::bulk_load`](crate::Store::bulk_load).
///
/// Entries may come in any order; of several with one key the last counts. They are sorted in memory, and spilled where
/// they outgrow it; with the commit they go straight into the base, past log and memtable, into full pages where nothing
/// was before. Those that come in order are sorted by nobody. Nobody sees any before; dropping the load leaves no trace.
///
/// It reads nothing, so it gives way to nobody: where another commit changes one of its keys meanwhile, the load counts
/// as the later one, staged anew if need be; where that happens again and again, others' commits wait for it. Where the
/// engine cannot merge in two steps, or the store was opened without a folder to spill to,
/// it is one transaction within
/// [`StoreOptions::transaction_bytes_max`](crate::StoreOptions::transaction_bytes_max). While it commits, memtables are
/// not merged: others commit as long as those have room, and wait then.
pub struct BulkLoad {
    store: Arc<Shared>,
    memory_bytes_max: u64,
    /// What came and is in no run.
    buffers: BTreeMap<KeyspaceId, SortBuffer>,
    buffered_bytes: u64,
    /// The run that goes on as long as what is spilled comes after what it has.
    run: Option<RunWriter>,
    /// Finished runs, oldest first.
    runs: Vec<Arc<Run>>,
    known: KnownKeys,
    guards: LoadGuards,
    /// Whether something of it was lost.
    is_broken: bool,
}

/// A load of less than this part of a memtable is a transaction like others: a few syncs cost more than its bytes.
const SMALL_SHARE: u64 = 8;

/// How often a small load is tried again when another changes its keys meanwhile.
const SMALL_ATTEMPTS: usize = 1000;

/// Up to how many bytes a load is better a transaction like others.
pub(crate) fn small_bytes(store: &Shared) -> u64 {
    store.options().memtable_bytes / SMALL_SHARE
}

impl BulkLoad {
    pub(crate) fn new(store: Arc<Shared>, memory_bytes_max: u64) -> BulkLoad {
        BulkLoad {
            store,
            memory_bytes_max,
            buffers: BTreeMap::new(),
            buffered_bytes: 0,
            run: None,
            runs: Vec::new(),
            known: KnownKeys::Replaced,
            guards: LoadGuards::default(),
            is_broken: false,
        }
    }

    /// From here on each key must be new: one that comes twice, or is there when the load is committed, makes the commit
    /// fail with [`StoreError::KeyExists`]. It is looked for where entries are merged anyway, which costs next to nothing
    /// in a keyspace that is empty, and a read for each key in another.
    pub fn refuse_known_keys(&mut self) {
        self.known = KnownKeys::Refused;
    }

    /// Makes the commit fail with [`StoreError::Conflict`] if `key` has another value then than it has now.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn guard_key(
        &mut self,
        keyspace: KeyspaceId,
        key: impl Into<Bytes>,
    ) -> Result<(), StoreError> {
        self.guards.add(&self.store, keyspace, key.into())
    }

    /// Gives `key` a value.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKeyspaceId`], [`StoreError::CatalogIsReadOnly`], [`StoreError::NotSpillable`], a key or value
    /// beyond the engine's limits; [`StoreError::TooLarge`] where the load must fit into memory. The load is as before.
    /// [`StoreError::Spill`] and [`StoreError::KeyExists`], after which it is to be dropped: all that follows is
    /// [`StoreError::LoadBroken`].
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
        self.check_whole()?;
        self.store.engine.limits().check(key, value)?;
        if !self.buffers.contains_key(&keyspace) {
            self.check_writable(keyspace)?;
        }
        let len = (key.len() + value.map_or(0, <[u8]>::len)) as u64;
        if self.buffered_bytes + len > self.memory_bytes_max && self.buffered_bytes > 0 {
            self.make_room(len)?;
        }
        let buffer = self.buffers.entry(keyspace);
        let buffer = buffer.or_insert_with(|| SortBuffer::new(keyspace));
        self.buffered_bytes += buffer.push(key, value);
        Ok(())
    }

    fn check_whole(&self) -> Result<(), StoreError> {
        match self.is_broken {
            true => Err(StoreError::LoadBroken),
            false => Ok(()),
        }
    }

    pub(crate) fn check_writable(&self, keyspace: KeyspaceId) -> Result<(), StoreError> {
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
            self.is_broken = true;
            self.spill(folder)?;
            self.is_broken = false;
            return Ok(());
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

    /// Writes what is in memory to a run: each buffer's memory is free before the next is sorted.
    fn spill(&mut self, folder: &SpillFolder) -> Result<(), StoreError> {
        self.buffered_bytes = 0;
        for buffer in std::mem::take(&mut self.buffers).into_values() {
            let sorted = buffer.sort(self.known)?;
            sorted.write_to(self.run_for(&sorted, folder)?)?;
        }
        Ok(())
    }

    /// The run under way if these entries may follow in it, or else a new one.
    fn run_for(
        &mut self,
        sorted: &Sorted,
        folder: &SpillFolder,
    ) -> Result<&mut RunWriter, StoreError> {
        let first = sorted.entry(0).key;
        let goes_on = |run: &RunWriter| run.precedes(sorted.keyspace(), first);
        let run = match self.run.take() {
            Some(run) if goes_on(&run) => run,
            other => {
                self.end_run(other)?;
                let bound = RunBound::new(self.memory_bytes_max);
                bound.keep(folder, &mut self.runs, self.known)?;
                RunWriter::create(folder, Lookups::Few)?
            }
        };
        Ok(self.run.insert(run))
    }

    fn end_run(&mut self, run: Option<RunWriter>) -> Result<(), StoreError> {
        if let Some(run) = run {
            self.runs.push(run.finish()?);
        }
        Ok(())
    }

    /// Makes all of it one commit, on stable media and seen by all who begin from here on, and returns its LSN. A load of
    /// nothing commits nothing, and returns the newest LSN.
    ///
    /// # Errors
    /// As [`Transaction::commit`](crate::Transaction::commit); [`StoreError::Spill`]; [`StoreError::LoadBroken`];
    /// [`StoreError::NoSuchKeyspaceId`] where a keyspace was dropped meanwhile; [`StoreError::KeyExists`];
    /// [`StoreError::Conflict`] for what was guarded. Nothing was committed, but where the log failed: that shows after a
    /// reopen.
    pub fn commit(mut self) -> Result<Lsn, StoreError> {
        self.check_whole()?;
        let is_in_memory = self.runs.is_empty() && self.run.is_none();
        if is_in_memory && self.buffers.is_empty() {
            return Ok(self.store.view().lsn());
        }
        let is_small = is_in_memory && self.buffered_bytes < small_bytes(&self.store);
        if is_small || self.store.spill_folder().is_none() {
            return self.commit_small();
        }
        let layers = self.take_layers()?;
        for keyspace in layers.keyspaces() {
            self.check_writable(keyspace)?;
        }
        self.store.commit_load(layers, &self.guards)
    }

    fn take_layers(&mut self) -> Result<Layers, StoreError> {
        let run = self.run.take();
        self.end_run(run)?;
        let runs = std::mem::take(&mut self.runs).into_iter();
        let mut parts: Vec<_> = runs.map(Layer::Run).collect();
        for buffer in std::mem::take(&mut self.buffers).into_values() {
            let sorted = buffer.sort(self.known)?;
            parts.push(Layer::Sorted(Arc::new(sorted)));
        }
        Ok(Layers {
            parts,
            known: self.known,
            ..Layers::default()
        })
    }

    /// As a transaction like others.
    fn commit_small(&mut self) -> Result<Lsn, StoreError> {
        let buffers = std::mem::take(&mut self.buffers).into_values();
        let sorted = buffers.map(|buffer| buffer.sort(self.known));
        let sorted = sorted.collect::<Result<Vec<_>, _>>()?;
        let mut attempt = 1;
        loop {
            let mut transaction = self.store.begin()?;
            self.guards.guard(&mut transaction)?;
            for part in &sorted {
                self.write(part, &mut transaction)?;
            }
            match transaction.commit(Durability::Sync) {
                Err(StoreError::Conflict { .. }) if attempt < SMALL_ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    fn write(&self, part: &Sorted, transaction: &mut Transaction) -> Result<(), StoreError> {
        let keyspace = part.keyspace();
        for entry in (0..part.len()).map(|idx| part.entry(idx)) {
            let key = Bytes::copy_from_slice(entry.key);
            if self.known == KnownKeys::Refused && transaction.get(keyspace, &key)?.is_some() {
                return Err(StoreError::KeyExists { keyspace, key });
            }
            match entry.value {
                Some(value) => transaction.put(keyspace, key, value.to_vec())?,
                None => transaction.delete(keyspace, key)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for BulkLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkLoad")
            .field("buffered_bytes", &self.buffered_bytes)
            .field("runs", &self.runs.len())
            .finish_non_exhaustive()
    }
}
