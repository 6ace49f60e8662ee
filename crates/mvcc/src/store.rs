//! Store: a log, memtables and a base, as one transactional map.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use drystone_base::sync::{ArcSwap, Mutex, Published, RwLock};
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{Engine, Progress};
use drystone_wal::{Log, RepairReport};

use crate::bulk_load::BulkLoad;
use crate::derived_index::DerivedIndex;
use crate::error::StoreError;
use crate::known_keyspaces::KnownKeyspaces;
use crate::layers::Layers;
use crate::link::Chain;
use crate::memtable::Memtable;
use crate::merge::Merges;
use crate::options::{Durability, IsolationLevel, StoreOptions};
use crate::publication::Publication;
use crate::shared::{Head, Shared};
use crate::sorted_load;
use crate::spill::SpillFolder;
use crate::stats::{Counters, StoreStats};
use crate::transaction::Transaction;
use crate::verify::{self, VerifyReport};
use crate::view::View;
use crate::write::{SortedWrites, Write};
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicBool, AtomicU64};

/// A transactional, multi-keyspace, ordered map. Clones share it; all methods may be called from any thread.
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

impl Store {
    /// Opens a store over a log and a base that belong together, and replays what the base lacks: at most what the
    /// memtables held. The log must have been opened with the base's merged LSN as its floor. All that is found is
    /// durable when this returns.
    ///
    /// Derived indexes must be attached before the first commit and the first step.
    ///
    /// # Errors
    /// A damaged log or record, a gap between the base and the log, failed I/O.
    pub fn open(
        env: &Env,
        options: StoreOptions,
        log: Log,
        engine: Arc<dyn Engine>,
    ) -> Result<Store, StoreError> {
        Store::open_parts(env, options, log, engine, None)
    }

    /// As [`Store::open`], with a folder into which transactions may spill that outgrow
    /// [`StoreOptions::spill_bytes`]. It is created if need be, and emptied: nobody else may use it.
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::Spill`] where the folder cannot be used.
    pub fn open_spilling(
        env: &Env,
        options: StoreOptions,
        log: Log,
        engine: Arc<dyn Engine>,
        folder: &Path,
    ) -> Result<Store, StoreError> {
        let folder = SpillFolder::open(env, folder)?;
        Store::open_parts(env, options, log, engine, Some(folder))
    }

    fn open_parts(
        env: &Env,
        options: StoreOptions,
        log: Log,
        engine: Arc<dyn Engine>,
        spill: Option<SpillFolder>,
    ) -> Result<Store, StoreError> {
        let base = engine.snapshot();
        let merged = base.lsn();
        let active = Arc::new(Memtable::new(options.memtable_bytes));
        let chain = Chain::new(Arc::clone(&active));
        let layers = Layers {
            memtables: vec![Arc::clone(&active)],
            base,
            floor: merged,
            link: Arc::downgrade(chain.last()),
            known: KnownKeyspaces::default(),
        };
        let shared = Shared {
            options,
            clock: Arc::clone(&env.clock),
            engine,
            log: RwLock::new(Some(log)),
            closed: AtomicBool::new(false),
            layers: Published::new(Arc::new(layers)),
            publication: Publication::new(merged),
            head: Mutex::new(Head { active, chain }),
            merges: Mutex::new(Merges::default()),
            merges_fail: AtomicBool::new(false),
            is_staging: AtomicBool::new(false),
            load_turn: AtomicBool::new(false),
            newest_async: AtomicU64::new(0),
            spill,
            derived: ArcSwap::from_pointee(BTreeSet::new()),
            savepoints: Default::default(),
            counters: Counters::default(),
        };
        shared.replay()?;
        Ok(Store {
            shared: Arc::new(shared),
        })
    }

    /// Begins a transaction on the newest committed state. Waits for nobody.
    ///
    /// While it lives, what is committed after it stays in memory, up to [`StoreOptions::conflict_bytes_max`], so that its
    /// own writes can be checked against that.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] for a level that is not there yet, [`StoreError::Closed`].
    pub fn begin(&self, level: IsolationLevel) -> Result<Transaction, StoreError> {
        if level != IsolationLevel::SUPPORTED {
            return Err(StoreError::Unsupported { level });
        }
        self.shared.begin()
    }

    /// The newest committed state, read-only. Waits for nobody; works on a closed store too.
    #[must_use]
    pub fn view(&self) -> View {
        self.shared.view()
    }

    /// The value of `key` in the newest committed state: as [`View::get`] of a view taken for it, and cheaper.
    ///
    /// # Errors
    /// As [`View::get`].
    #[inline]
    pub fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.shared.get(keyspace, key)
    }

    /// As [`View::get_with`] of the newest committed state. The cheapest read there is.
    ///
    /// # Errors
    /// As [`View::get_with`].
    #[inline]
    pub fn get_with(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        mut read: impl FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        self.shared.get_with(keyspace, key, &mut read)
    }

    /// Commits writes as one, without reading anything: in the place of a transaction, and cheaper. Of several writes of one
    /// key the last one counts. Returns the commit's LSN; without writes, that of the newest commit.
    ///
    /// # Errors
    /// As [`Transaction::put`] and [`Transaction::commit`]. There are no conflicts, except where the writes are more than
    /// [`StoreOptions::spill_bytes`]: then they are a transaction's.
    pub fn write(&self, writes: &[Write], durability: Durability) -> Result<Lsn, StoreError> {
        if writes.is_empty() {
            return Ok(self.visible_lsn());
        }
        let options = self.shared.options();
        let bytes_max = options.spill_bytes.min(options.transaction_bytes_max);
        match SortedWrites::new(writes).filter(|sorted| sorted.bytes() <= bytes_max) {
            Some(sorted) => {
                let limits = self.shared.engine.limits();
                for write in writes {
                    limits.check(&write.key, write.value.as_deref())?;
                }
                self.shared.write(&sorted, durability)
            }
            None => self.write_in_transaction(writes, durability),
        }
    }

    fn write_in_transaction(
        &self,
        writes: &[Write],
        durability: Durability,
    ) -> Result<Lsn, StoreError> {
        let mut transaction = self.shared.begin()?;
        for write in writes {
            let key = write.key.clone();
            match &write.value {
                Some(value) => transaction.put(write.keyspace, key, value.clone())?,
                None => transaction.delete(write.keyspace, key)?,
            }
        }
        transaction.commit(durability)
    }

    /// Makes all commits so far durable.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] and other failures of the log, [`StoreError::Closed`].
    pub fn sync(&self) -> Result<(), StoreError> {
        let log = self.shared.log()?;
        if is_planted("mvcc-sync-of-durable-only") {
            return self.shared.sync_to(&log, log.durable_lsn());
        }
        self.shared.sync_to(&log, log.appended_lsn())
    }

    /// Merges all commits so far into the base. They are durable, and the log is short, when this returns.
    ///
    /// # Errors
    /// Failures of the log, the base or an index. Nothing is lost; what could not be merged is tried again later.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.shared.flush()
    }

    /// Merges all commits so far, and makes the base's files as small as they get: pages move from their ends into gaps,
    /// half-full ones are filled, and the ends are cut off. Readers and writers go on meanwhile; what a view still reads
    /// stays, and its space is given back by later background work. About as much is written as the base has.
    ///
    /// # Errors
    /// As [`Store::flush`]. Whatever was compacted by then stays so.
    pub fn compact(&self) -> Result<(), StoreError> {
        self.shared.compact()
    }

    /// One slice of background work: makes `Async` commits durable, does a slice of the merge of a sealed memtable, lets
    /// base and log do theirs. To be called now and then, and again at once while it says [`Progress::More`].
    ///
    /// # Errors
    /// As [`Store::flush`]. Later steps try again.
    pub fn step(&self) -> Result<Progress, StoreError> {
        let archived = self.step_archive();
        let stepped = self.shared.step()?;
        Ok(match archived? {
            Progress::More => Progress::More,
            Progress::Idle => stepped,
        })
    }

    /// The part of [`Store::step`] that hands a closed segment of the log to its archive, if it has one
    /// ([`Log::set_archive`]), and may take long.
    ///
    /// # Errors
    /// What kept the archive from taking it. Nothing is lost; a later step tries again.
    pub fn step_archive(&self) -> Result<Progress, StoreError> {
        let archived = self.shared.log()?.step_archive()?;
        Ok(match archived {
            drystone_wal::Progress::More => Progress::More,
            drystone_wal::Progress::Idle => Progress::Idle,
        })
    }

    /// What opening the log set aside, and so lost: see [`drystone_wal::Recovery`].
    #[must_use]
    pub fn repaired(&self) -> Option<RepairReport> {
        self.shared.log().ok()?.repaired().cloned()
    }

    /// The part of [`Store::step`] that the log waits for: makes `Async` commits durable, prepares segments, marks what is
    /// durable. For owners with several threads: a merge then keeps no commit from stable media.
    ///
    /// # Errors
    /// Failures of the log.
    pub fn step_log(&self) -> Result<Progress, StoreError> {
        self.shared.step_log()
    }

    /// The rest of [`Store::step`]: a slice of a merge, of about [`StoreOptions::step_bytes`]; or, where none is under way,
    /// one of the base's own work.
    ///
    /// # Errors
    /// As [`Store::flush`]. Later steps try again.
    pub fn step_merge(&self) -> Result<Progress, StoreError> {
        self.shared.step_merge()
    }

    /// The part of [`Store::step`] that is for quiet times: gives space back that the base does not use, where there is
    /// much of it. That means moving what lies behind it, so owners with threads let some time pass without a merge first.
    ///
    /// # Errors
    /// As [`Store::flush`]. Later steps try again.
    pub fn step_reclaim(&self) -> Result<Progress, StoreError> {
        self.shared.step_reclaim()
    }

    /// Lets an index follow its source from the next merge on; replaces the one with the same target. A merge that is
    /// under way begins anew, with it. Attach a new index before the commit that first writes to its source, so that it misses none.
    pub fn attach(&self, index: Arc<dyn DerivedIndex>) {
        let mut merges = self.shared.merges.lock();
        let target = index.target();
        let indexes = merges.indexes_mut();
        indexes.retain(|other| other.target() != target);
        indexes.push(index);
        self.note_derived(indexes);
    }

    /// Notes, under the merge latch, which keyspaces have to do with indexes.
    fn note_derived(&self, indexes: &[Arc<dyn DerivedIndex>]) {
        let derived = indexes
            .iter()
            .flat_map(|index| [index.source(), index.target()]);
        self.shared.derived.store(Arc::new(derived.collect()));
    }

    /// Begins a load of many entries, which takes about so much memory and becomes one commit: see [`BulkLoad`].
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub fn bulk_load(&self, memory_bytes: u64) -> Result<BulkLoad, StoreError> {
        self.shared.check_open()?;
        Ok(BulkLoad::new(Arc::clone(&self.shared), memory_bytes))
    }

    /// Loads entries of one keyspace that come in strictly ascending order of their keys, as one commit: they go to the
    /// engine as they come, sorted and kept by nobody. On stable media when it returns. A load of little is a transaction
    /// like others, and so is one where the engine cannot merge in two steps, within
    /// [`StoreOptions::transaction_bytes_max`].
    ///
    /// `entries` may read the store, and must not write to it, nor wait for anybody who does: they are asked for under the
    /// merge latch. What takes long there keeps memtables from being merged; others commit as long as those have room.
    ///
    /// # Errors
    /// The first error among `entries`; [`StoreError::Unsorted`]; [`StoreError::NoSuchKeyspaceId`],
    /// [`StoreError::CatalogIsReadOnly`], [`StoreError::NotSpillable`], keys and values beyond the engine's limits;
    /// [`StoreError::Conflict`] where another commit wrote between the first key and the last meanwhile: entries that were
    /// read cannot be had again. Otherwise as [`Transaction::commit`]. Nothing was committed, but where the log failed: that
    /// shows after a reopen.
    pub fn load_sorted<K, V, E>(
        &self,
        keyspace: KeyspaceId,
        entries: impl IntoIterator<Item = Result<(K, V), E>>,
    ) -> Result<Lsn, E>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
        E: From<StoreError>,
    {
        sorted_load::load(&self.shared, keyspace, entries.into_iter())
    }

    /// Lets the index with this target follow no longer. A merge that is under way begins anew, without it.
    pub fn detach(&self, target: KeyspaceId) {
        let mut merges = self.shared.merges.lock();
        let indexes = merges.indexes_mut();
        indexes.retain(|index| index.target() != target);
        self.note_derived(indexes);
    }

    /// Figures for people. O(memtables).
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        let layers = self.shared.layers.load_full();
        let counters = &self.shared.counters;
        let log = self.shared.log().ok();
        let durable = log.as_ref().map(|log| log.durable_lsn());
        let visible = self.shared.publication.visible();
        StoreStats {
            memtable_bytes: layers
                .memtables
                .iter()
                .map(|memtable| memtable.bytes())
                .sum(),
            sealed_memtables: layers.sealed().len(),
            visible_lsn: visible,
            // A closed log is durable as a whole.
            durable_lsn: durable.unwrap_or(visible),
            merged_lsn: layers.base.lsn(),
            commits: counters.commits.get(),
            conflicts: counters.conflicts.get(),
            merges: counters.merges.get(),
            merge_time: Duration::from_nanos(counters.merge_nanos.get()),
            log: log.as_ref().map(|log| log.stats()).unwrap_or_default(),
            archive: log.and_then(|log| log.archive_stats()),
            engine: self.shared.engine.stats(),
        }
    }

    /// Reads everything that is durable and checks every checksum and invariant.
    ///
    /// # Errors
    /// Only when checking could not go on; what it found wrong is in the report.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        verify::verify(&self.shared)
    }

    /// Makes everything durable and closes the log. Waits for commits under way. Later commits, begins and background
    /// work get [`StoreError::Closed`]; views can still be taken and read, until another store opens the same files and
    /// reuses what they pin (they then get errors, never wrong data). Closing twice is no error.
    ///
    /// # Errors
    /// Failures of the log; it is closed all the same.
    pub fn close(&self) -> Result<(), StoreError> {
        self.shared.close()
    }

    /// The newest commit that views see.
    #[must_use]
    pub fn visible_lsn(&self) -> Lsn {
        self.shared.publication.visible()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("visible", &self.visible_lsn())
            .field("engine", &self.shared.engine)
            .finish_non_exhaustive()
    }
}
