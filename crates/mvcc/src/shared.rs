//! What all handles of a store share, and the commit pipeline.
//!
//! ```text
//! commit:  encode -> make room -> [commit latch: room left? -> validate -> log -> memtable -> publication] -> sync -> publish
//! ```
//!
//! # Invariants
//! - S1. LSNs are assigned, and commits applied to the active memtable, in one order: both under the commit latch.
//! - S2. Layers are replaced under the commit latch only.
//! - S3. `layers.base.lsn() <= publication.visible()`: only what is visible is merged, so every view that loads the
//!   layers after the visible LSN, and finds the base no newer than that, sees a whole state.
//! - S4. At most `sealed_memtables_max` sealed memtables wait for their merge when a commit is applied, so at most one
//!   more after it. Only replay, under smaller options than before, leaves more.
//!
//! Latches in the order they are taken (`docs/LATCHES.md`): merge latch, log gate, commit latch, publication latch.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::{ArcSwap, MappedRwLockReadGuard, Mutex, RwLock, RwLockReadGuard};
use drystone_base::{Clock, KeyspaceId, Lsn};
use drystone_engine::Engine;
use drystone_wal::{Log, WalError};

use crate::commit_record;
use crate::error::{Contended, StoreError};
use crate::layers::Layers;
use crate::link::Chain;
use crate::memtable::{Memtable, Table};
use crate::merge::Merges;
use crate::options::{Durability, StoreOptions};
use crate::publication::Publication;
use crate::stats::{Counter, Counters};
use crate::transaction::Transaction;
use crate::view::View;
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
    pub(crate) layers: ArcSwap<Layers>,
    pub(crate) publication: Publication,
    /// The commit latch, and what it guards.
    pub(crate) head: Mutex<Head>,
    /// The merge latch, and what it guards. Slices of merges do I/O under it; commits wait for it when memory runs short.
    pub(crate) merges: Mutex<Merges>,
    /// Whether the last slice of a merge failed. A hint: commits then leave the next try to others while they have room.
    pub(crate) merges_fail: AtomicBool,
    /// The newest `Async` commit, for the next step to make durable.
    pub(crate) newest_async: AtomicU64,
    pub(crate) savepoints: Counter,
    pub(crate) counters: Counters,
}

/// Where commits go.
pub(crate) struct Head {
    pub(crate) active: Arc<Memtable>,
    pub(crate) chain: Chain,
}

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

    /// The log, which is not closed as long as the guard lives.
    pub(crate) fn log(&self) -> Result<MappedRwLockReadGuard<'_, Log>, StoreError> {
        RwLockReadGuard::try_map(self.log.read(), Option::as_ref).map_err(|_| StoreError::Closed)
    }

    /// The newest committed state.
    pub(crate) fn view(&self) -> View {
        self.with_newest(|lsn, layers| View::new(lsn, Arc::clone(layers)))
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

    #[inline]
    fn with_newest<T>(&self, read: impl FnOnce(Lsn, &Arc<Layers>) -> T) -> T {
        loop {
            let lsn = self.publication.visible();
            let layers = self.layers.load();
            // A merge may have passed the LSN between the two loads. It has shown a newer one by then.
            if layers.base.lsn() <= lsn || is_planted("mvcc-newer-base-shown") {
                return read(lsn, &layers);
            }
        }
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

    fn check_open(&self) -> Result<(), StoreError> {
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
            self.make_room(record.len() as u64)?;
            let log = self.log()?;
            let appended = self.append(&log, transaction, &record, durability)?;
            // Others may have filled the room meanwhile.
            let Some(Appended { lsn, barrier }) = appended else {
                continue;
            };
            if let Some(barrier) = barrier {
                self.sync_to(&log, barrier)?;
            }
            return Ok(lsn);
        }
    }

    /// Validates, logs and applies, under the commit latch. `None` where memory is full.
    fn append(
        &self,
        log: &Log,
        transaction: &Transaction,
        record: &[u8],
        durability: Durability,
    ) -> Result<Option<Appended>, StoreError> {
        let mut head = self.head.lock();
        if self.is_full() {
            return Ok(None);
        }
        self.validate(log, transaction)?;
        if is_planted("mvcc-applied-before-logged") {
            apply(
                &head.active,
                transaction.writes(),
                log.appended_lsn().next(),
            );
        }
        let lsn = log.append(record)?;
        if !is_planted("mvcc-applied-before-logged") {
            apply(&head.active, transaction.writes(), lsn);
        }
        if durability == Durability::Async && !is_planted("mvcc-async-forgotten") {
            self.newest_async.store(lsn.0, Ordering::Release);
        }
        let barrier = self.publication.applied(lsn, durability);
        self.counters.commits.add(1);
        if head.active.bytes() >= self.options.memtable_bytes {
            self.seal(&mut head);
        }
        Ok(Some(Appended { lsn, barrier }))
    }

    /// First committer wins: finds changes since the transaction's view of anything it wrote or guards.
    ///
    /// What a log that failed did not make durable stays in the memtable, newer than every view. That is no conflict:
    /// who tried again would meet it for ever.
    fn validate(&self, log: &Log, transaction: &Transaction) -> Result<(), StoreError> {
        match find_conflicts(transaction) {
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
        let layers = self.layers.load();
        let older = layers.memtables.iter().map(Arc::clone);
        self.layers.store(Arc::new(Layers {
            memtables: std::iter::once(Arc::clone(&active)).chain(older).collect(),
            base: Arc::clone(&layers.base),
            link: Arc::downgrade(head.chain.last()),
        }));
        head.active = active;
    }

    /// Does slices of merges as memory asks for, also when nobody calls `step`. First comes what keeps commits from ever
    /// waiting long: a share of the merge under way that goes with what this commit adds.
    fn make_room(&self, added_bytes: u64) -> Result<(), StoreError> {
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

/// Adds a transaction's writes to the active memtable. Only under the commit latch.
fn apply(active: &Memtable, writes: &WriteSet, lsn: Lsn) {
    for &keyspace in writes.dropped() {
        active.drop_keyspace(keyspace, lsn);
    }
    for (keyspace, changes) in writes.keyspaces() {
        active.apply(keyspace, changes.iter(), lsn);
    }
}

/// What was committed since a transaction's view that it wrote or guards.
fn find_conflicts(transaction: &Transaction) -> Option<Contended> {
    let (view, writes) = (transaction.view(), transaction.writes());
    let find_in = |memtable: &Memtable| {
        let is_newer = memtable.newest() > view.lsn();
        is_newer.then(|| find_conflict(memtable, writes, view.lsn()))?
    };
    let known = if is_planted("mvcc-later-memtables-unchecked") {
        1
    } else {
        usize::MAX
    };
    let mut since = transaction.link().memtables().take(known);
    let later = since.find_map(|memtable| match memtable {
        Some(memtable) => find_in(&memtable),
        None => Some(Contended::Forgotten),
    });
    // The view's own sealed memtables count too: they may hold commits that were not visible when it was taken.
    let mut sealed = view.layers().sealed().iter();
    later.or_else(|| sealed.find_map(|memtable| find_in(memtable)))
}

/// What a memtable has that is newer than `lsn` and that `writes` writes or guards.
fn find_conflict(memtable: &Memtable, writes: &WriteSet, lsn: Lsn) -> Option<Contended> {
    let newer_table = |keyspace| {
        let table = memtable.table(keyspace);
        table.filter(|table| table.newest() > lsn)
    };
    let mut whole = writes.dropped().iter().chain(writes.guarded_keyspaces());
    if let Some(&keyspace) = whole.find(|&&keyspace| newer_table(keyspace).is_some())
        && !is_planted("mvcc-keyspace-conflict-lost")
    {
        return Some(Contended::Keyspace(keyspace));
    }
    for (keyspace, changes) in writes.keyspaces() {
        if let Some(table) = newer_table(keyspace)
            && let Some(what) = find_key_conflict(table, changes.keys(), lsn)
        {
            return Some(what);
        }
    }
    if is_planted("mvcc-guard-ignored") {
        return None;
    }
    writes.guarded_keys().find_map(|(keyspace, key)| {
        let table = newer_table(keyspace)?;
        find_key_conflict(table, std::iter::once(key), lsn)
    })
}

fn find_key_conflict<'a>(
    table: &Table,
    mut keys: impl Iterator<Item = &'a bytes::Bytes>,
    lsn: Lsn,
) -> Option<Contended> {
    let keyspace = table.keyspace();
    if table
        .dropped_at()
        .is_some_and(|dropped_at| dropped_at > lsn)
    {
        return Some(Contended::Keyspace(keyspace));
    }
    if is_planted("mvcc-conflict-lost") {
        return None;
    }
    let key = keys.find(|key| table.newest_of(key).is_some_and(|newest| newest > lsn))?;
    let key = key.clone();
    Some(Contended::Key { keyspace, key })
}

/// What a failure of the log means for who called: where it poisoned the log, neither space nor another try mends it.
pub(crate) fn log_error(log: &Log, error: WalError) -> StoreError {
    match error {
        source @ WalError::Io { .. } if log.check().is_err() => StoreError::LogFailed { source },
        error => error.into(),
    }
}
