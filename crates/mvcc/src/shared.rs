//! What all handles of a store share, and the commit pipeline.
//!
//! ```text
//! commit:  encode -> make room -> [commit latch: room left? -> validate -> log -> memtable -> publication] -> sync -> publish
//! ```
//!
//! # Invariants
//! - S1. LSNs are assigned, and commits applied to the active memtable, in one order: both under the commit latch.
//! - S2. Layers are replaced under the commit latch only.
//! - S3. All up to `layers.floor` is durable, and visible or about to be: only what is visible is merged, and a staged
//!   commit shows its base only once the log is durable up to it. So whoever loads the visible LSN, and then the layers,
//!   sees a whole state at the newer of that and the floor.
//! - S4. At most `sealed_memtables_max` sealed memtables wait for their merge when a commit is applied, so at most one
//!   more after it. Only replay, under smaller options than before, leaves more. Memtables are sealed when they are full,
//!   or when somebody waits for their merge; never for a stage.
//!
//! Latches in the order they are taken (`docs/LATCHES.md`): merge latch, log gate, commit latch, publication latch.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::{
    ArcSwap, MappedRwLockReadGuard, Mutex, Published, RwLock, RwLockReadGuard,
};
use drystone_base::{Clock, KeyspaceId, Lsn};
use drystone_engine::Engine;
use drystone_wal::{Log, WalError};

use crate::catalog;
use crate::commit_record;
use crate::conflicts::Claims;
use crate::error::{Contended, StoreError};
use crate::known_keyspaces::KnownKeyspaces;
use crate::layers::{BaseState, Layers};
use crate::link::Chain;
use crate::memtable::Memtable;
use crate::merge::Merges;
use crate::options::{Durability, StoreOptions};
use crate::publication::Publication;
use crate::spill::SpillFolder;
use crate::stats::{Counter, Counters};
use crate::transaction::Transaction;
use crate::view::View;
use crate::write::SortedWrites;
use crate::write_set::WriteSet;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(crate) struct Shared {
    pub(crate) options: StoreOptions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) engine: Arc<dyn Engine>,
    /// The log gate: read while the log is used, written to close it. `None` once closed.
    pub(crate) log: RwLock<Option<Log>>,
    pub(crate) closed: AtomicBool,
    pub(crate) layers: Published<Layers>,
    pub(crate) publication: Publication,
    /// The commit latch, and what it guards.
    pub(crate) head: Mutex<Head>,
    /// The merge latch, and what it guards. Slices of merges do I/O under it; commits wait for it when memory runs short.
    pub(crate) merges: Mutex<Merges>,
    /// Whether the last slice of a merge failed. A hint: commits then leave the next try to others while they have room.
    pub(crate) merges_fail: AtomicBool,
    /// Whether a stage is being made, before the end of which nothing is merged. A hint: commits then wait for no merge while
    /// they have room.
    pub(crate) is_staging: AtomicBool,
    /// Whether a load that others got in the way of too often has its turn: commits wait for the merge latch, which it has.
    pub(crate) load_turn: AtomicBool,
    /// The newest `Async` commit, for the next step to make durable.
    pub(crate) newest_async: AtomicU64,
    /// Where large transactions spill. `None`: they may not.
    pub(crate) spill: Option<SpillFolder>,
    /// The keyspaces that derived indexes follow, and those that they are stored in. Changed under the merge latch.
    pub(crate) derived: ArcSwap<BTreeSet<KeyspaceId>>,
    pub(crate) savepoints: Counter,
    pub(crate) counters: Counters,
}

/// Where commits go.
pub(crate) struct Head {
    pub(crate) active: Arc<Memtable>,
    pub(crate) chain: Chain,
}

/// Records from here on are on their way to the medium while they are applied; so are those of a quarter of a memtable.
const LONG_RECORD_BYTES: u64 = 32 << 10;

/// A commit that is logged and applied.
struct Appended {
    lsn: Lsn,
    /// Up to where the log must be durable before the commit is seen.
    barrier: Option<Lsn>,
}

impl Shared {
    pub(crate) fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// A number that no other savepoint of this store has.
    pub(crate) fn next_savepoint(&self) -> u64 {
        self.savepoints.next()
    }

    /// Whether a derived index follows a keyspace, or is stored in it.
    pub(crate) fn is_derived(&self, keyspace: KeyspaceId) -> bool {
        self.derived.load().contains(&keyspace)
    }

    /// The keyspaces that have to do with derived indexes.
    pub(crate) fn derived(&self) -> Arc<BTreeSet<KeyspaceId>> {
        self.derived.load_full()
    }

    /// Where a transaction may spill; `None` where it may not, or the base could not take it.
    pub(crate) fn spill_folder(&self) -> Option<&SpillFolder> {
        self.engine.staging()?;
        self.spill.as_ref()
    }

    /// The log, which is not closed as long as the guard lives.
    pub(crate) fn log(&self) -> Result<MappedRwLockReadGuard<'_, Log>, StoreError> {
        RwLockReadGuard::try_map(self.log.read(), Option::as_ref).map_err(|_| StoreError::Closed)
    }

    /// The newest committed state.
    pub(crate) fn view(&self) -> View {
        let visible = self.publication.visible();
        let layers = self.layers.load_full();
        View::new(newest_in(&layers, visible), layers)
    }

    /// The value of `key` in the newest committed state, which nobody need hold for it.
    #[inline]
    pub(crate) fn get(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<Bytes>, StoreError> {
        self.with_newest(|lsn, layers| layers.get(keyspace, key, lsn))
    }

    /// As [`Shared::get`], where it lies.
    #[inline]
    pub(crate) fn get_with(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        read: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        self.with_newest(|lsn, layers| layers.get_with(keyspace, key, lsn, read))
    }

    #[inline]
    fn with_newest<T>(&self, read: impl FnOnce(Lsn, &Layers) -> T) -> T {
        let visible = self.publication.visible();
        let layers = self.layers.load();
        read(newest_in(&layers, visible), &layers)
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Result<Transaction, StoreError> {
        self.check_open()?;
        loop {
            let view = self.view();
            // The link ends after its memtable was sealed. Newer layers are there by then.
            if let Some(link) = view.layers().link.upgrade() {
                return Ok(Transaction::new(Arc::clone(self), view, link));
            }
        }
    }

    pub(crate) fn check_open(&self) -> Result<(), StoreError> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(StoreError::Closed),
            false => Ok(()),
        }
    }

    /// Commits a transaction that changed something.
    pub(crate) fn commit(
        &self,
        transaction: &Transaction,
        durability: Durability,
    ) -> Result<Lsn, StoreError> {
        self.check_open()?;
        let record = commit_record::encode(transaction.writes());
        loop {
            let validate = |log: &Log| self.validate(log, transaction).map(|()| true);
            let apply = |active: &Memtable, lsn| apply(active, transaction.writes(), lsn);
            if let Some(lsn) = self.try_commit(&record, durability, validate, apply)? {
                return Ok(lsn);
            }
        }
    }

    /// Commits writes, at least one, that depend on nothing that was read.
    pub(crate) fn write(
        &self,
        writes: &SortedWrites<'_>,
        durability: Durability,
    ) -> Result<Lsn, StoreError> {
        self.check_open()?;
        let record = commit_record::encode_writes(writes);
        loop {
            let seen = self.check_keyspaces(writes)?;
            let validate = |log: &Log| self.check_not_dropped(log, writes, seen);
            let apply = |active: &Memtable, lsn| {
                for group in writes.groups() {
                    active.apply(group.keyspace(), group.changes(), lsn);
                }
            };
            if let Some(lsn) = self.try_commit(&record, durability, validate, apply)? {
                return Ok(lsn);
            }
        }
    }

    /// Makes sure that all keyspaces exist, or did and were dropped since the newest base. Returns that state of the base.
    fn check_keyspaces(&self, writes: &SortedWrites<'_>) -> Result<BaseState, StoreError> {
        self.with_newest(|lsn, layers| {
            for group in writes.groups() {
                let id = group.keyspace();
                if id == KeyspaceId::CATALOG {
                    return Err(StoreError::CatalogIsReadOnly);
                }
                if !layers.known.has(id) {
                    check_exists(layers, lsn, id)?;
                    layers.known.note(id);
                }
            }
            Ok(layers.base_state())
        })
    }

    /// Makes sure that a keyspace exists in the newest state.
    pub(crate) fn check_exists(&self, id: KeyspaceId) -> Result<(), StoreError> {
        self.with_newest(|lsn, layers| check_exists(layers, lsn, id))
    }

    /// Makes sure that no keyspace was dropped since, under the commit latch. False: a drop may have moved on to the base.
    ///
    /// As for conflicts: a drop that a failed log did not make durable is none.
    fn check_not_dropped(
        &self,
        log: &Log,
        writes: &SortedWrites<'_>,
        seen: BaseState,
    ) -> Result<bool, StoreError> {
        let layers = self.layers.load();
        if layers.base_state() != seen {
            return Ok(false);
        }
        for group in writes.groups() {
            let id = group.keyspace();
            if layers.is_dropped(id, Lsn(Lsn::MAX.0 - 1)) {
                log.check()?;
                return Err(StoreError::NoSuchKeyspaceId { id });
            }
        }
        Ok(true)
    }

    /// One try at a commit. `None`: others filled the room meanwhile, or what was validated is outdated.
    fn try_commit(
        &self,
        record: &[u8],
        durability: Durability,
        validate: impl FnOnce(&Log) -> Result<bool, StoreError>,
        apply: impl Fn(&Memtable, Lsn),
    ) -> Result<Option<Lsn>, StoreError> {
        self.make_room(record.len() as u64)?;
        let log = self.log()?;
        let appended = self.append(&log, record, durability, validate, apply)?;
        let Some(Appended { lsn, barrier }) = appended else {
            return Ok(None);
        };
        if let Some(barrier) = barrier {
            self.sync_to(&log, barrier)?;
        }
        Ok(Some(lsn))
    }

    /// Validates, logs and applies, under the commit latch. `None` where memory is full, or validating has to begin anew.
    fn append(
        &self,
        log: &Log,
        record: &[u8],
        durability: Durability,
        validate: impl FnOnce(&Log) -> Result<bool, StoreError>,
        apply: impl Fn(&Memtable, Lsn),
    ) -> Result<Option<Appended>, StoreError> {
        let mut head = self.head.lock();
        if self.is_full() || !validate(log)? {
            return Ok(None);
        }
        if is_planted("mvcc-applied-before-logged") {
            apply(&head.active, log.appended_lsn().next());
        }
        let lsn = log.append(record).map_err(|error| log_error(log, error))?;
        // The medium takes it while memory does. What fails here has failed the log: the commit is applied all the same.
        let started = match durability == Durability::Sync && self.is_long(record) {
            true => log.start_sync(),
            false => Ok(()),
        };
        if !is_planted("mvcc-applied-before-logged") {
            apply(&head.active, lsn);
        }
        if durability == Durability::Async && !is_planted("mvcc-async-forgotten") {
            self.newest_async.store(lsn.0, Ordering::Release);
        }
        let barrier = self.publication.applied(lsn, durability);
        self.counters.commits.add(1);
        if head.active.bytes() >= self.options.memtable_bytes {
            self.seal(&mut head);
        }
        started.map_err(|error| log_error(log, error))?;
        Ok(Some(Appended { lsn, barrier }))
    }

    /// Whether it takes longer to apply what a record says than to hand the record over.
    fn is_long(&self, record: &[u8]) -> bool {
        record.len() as u64 >= LONG_RECORD_BYTES.min(self.options.memtable_bytes / 4)
    }

    /// First committer wins: finds changes since the transaction's view of anything it wrote or guards.
    ///
    /// What a log that failed did not make durable stays in the memtable, newer than every view. That is no conflict:
    /// who tried again would meet it for ever.
    fn validate(&self, log: &Log, transaction: &Transaction) -> Result<(), StoreError> {
        match find_conflicts(transaction)? {
            None => Ok(()),
            Some(what) => {
                log.check()?;
                self.counters.conflicts.add(1);
                Err(StoreError::Conflict { what })
            }
        }
    }

    /// Waits until the log is durable up to `lsn`, and shows what waited for it.
    pub(crate) fn sync_to(&self, log: &Log, lsn: Lsn) -> Result<(), StoreError> {
        log.sync_to(lsn).map_err(|error| log_error(log, error))?;
        self.publication.durable(log.durable_lsn());
        Ok(())
    }

    /// Closes the active memtable to commits and opens another.
    pub(crate) fn seal(&self, head: &mut Head) {
        let active = Arc::new(Memtable::new(self.options.memtable_bytes));
        // Until the new layers are there, whoever begins finds the old ones, and must find their link alive.
        let _link = Arc::clone(head.chain.last());
        let (sealed_bytes, bytes_max) = (head.active.bytes(), self.options.conflict_bytes_max);
        head.chain
            .seal(Arc::clone(&active), sealed_bytes, bytes_max);
        // Counted: what is protected while it is replaced would stay until the next replacement.
        let layers = self.layers.load_full();
        let older = layers.memtables.iter().map(Arc::clone);
        self.layers.store(Arc::new(Layers {
            memtables: std::iter::once(Arc::clone(&active)).chain(older).collect(),
            base: Arc::clone(&layers.base),
            floor: layers.floor,
            link: Arc::downgrade(head.chain.last()),
            known: KnownKeyspaces::default(),
        }));
        head.active = active;
    }

    /// Does slices of merges as memory asks for, also when nobody calls `step`. First comes what keeps commits from ever
    /// waiting long: a share of the merge under way that goes with what this commit adds.
    fn make_room(&self, added_bytes: u64) -> Result<(), StoreError> {
        if self.load_turn.load(Ordering::Acquire) {
            drop(self.merges.lock());
        }
        while self.lags(added_bytes) {
            let mut merges = self.merges.lock();
            if self.lags(added_bytes) && self.merge_slice(&mut merges).is_err() {
                // There is still room for this commit. The error is for who needs the room, or steps, and tries again.
                break;
            }
        }
        while self.is_full() {
            let mut merges = self.merges.lock();
            if self.is_full() {
                let merged = self.merge_slice(&mut merges);
                merged.map_err(|source| StoreError::MergeStalled {
                    source: Box::new(source),
                })?;
            }
        }
        Ok(())
    }

    /// Whether the merge of the oldest sealed memtable is behind the filling of the active one, where no more may be
    /// sealed: the share of it that is done is to be at least the share of the active one that is full with this commit.
    /// So it ends in time, and each commit pays for what it adds.
    fn lags(&self, added_bytes: u64) -> bool {
        let layers = self.layers.load();
        let sealed = layers.sealed();
        let Some(oldest) = sealed.last() else {
            return false;
        };
        if sealed.len() != self.options.sealed_memtables_max
            || self.merges_fail.load(Ordering::Relaxed)
            || self.is_staging.load(Ordering::Relaxed)
        {
            return false;
        }
        let full_bytes = u128::from(self.options.memtable_bytes);
        let filled_bytes = layers.memtables[0].bytes().saturating_add(added_bytes);
        let (filled_bytes, merged_bytes) = (u128::from(filled_bytes), oldest.merged_bytes());
        filled_bytes >= full_bytes
            || u128::from(merged_bytes) * full_bytes < filled_bytes * u128::from(oldest.bytes())
    }

    /// Ends the log with its closing marker, once nobody uses it any more.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        self.closed.store(true, Ordering::Release);
        let mut merges = self.merges.lock();
        merges.abandon();
        let Some(log) = self.log.write().take() else {
            return Ok(());
        };
        // What fails is done by the next opening: everything that it takes is durable.
        let _later = self.settle_stage(&mut merges);
        let newest = log.appended_lsn();
        drop(merges);
        log.close()?;
        self.publication.durable(newest);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.layers.load().sealed().len() > self.options.sealed_memtables_max
    }
}

/// The newest commit to read in layers that were loaded after the visible LSN. Their base may have passed that between the
/// two loads: all up to its own is durable, and about to be visible (S3).
#[inline]
fn newest_in(layers: &Layers, visible: Lsn) -> Lsn {
    match is_planted("mvcc-newer-base-shown") {
        true => visible,
        false => visible.max(layers.floor),
    }
}

/// Adds a transaction's writes to the active memtable. Only under the commit latch.
fn apply(active: &Memtable, writes: &WriteSet, lsn: Lsn) {
    for &keyspace in writes.dropped() {
        active.drop_keyspace(keyspace, lsn);
    }
    for (keyspace, changes) in writes.keyspaces() {
        let changes = changes.iter().map(|(key, value)| (key, value.as_ref()));
        active.apply(keyspace, changes, lsn);
    }
}

/// What was committed since a transaction's view that it wrote or guards.
fn find_conflicts(transaction: &Transaction) -> Result<Option<Contended>, StoreError> {
    let (view, writes) = (transaction.view(), transaction.writes());
    let claims = Claims {
        seen: view.lsn(),
        writes,
        layers: None,
    };
    let known = if is_planted("mvcc-later-memtables-unchecked") {
        1
    } else {
        usize::MAX
    };
    let since = transaction.link().commits().take(known);
    claims.find_in_view_or(view, since)
}

fn check_exists(layers: &Layers, lsn: Lsn, id: KeyspaceId) -> Result<(), StoreError> {
    let key = catalog::number_key(id);
    match layers.get_with(KeyspaceId::CATALOG, &key, lsn, &mut |_| ())? {
        true => Ok(()),
        false => Err(StoreError::NoSuchKeyspaceId { id }),
    }
}

/// What a failure of the log means for who called: where it poisoned the log, neither space nor another try mends it.
pub(crate) fn log_error(log: &Log, error: WalError) -> StoreError {
    let is_io = matches!(error.first(), WalError::Io { .. });
    match is_io && log.check().is_err() {
        true => StoreError::LogFailed { source: error },
        false => error.into(),
    }
}
