//! Transaction: a private write set over a view.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{StoredValue, ValueReader};

use crate::catalog;
use crate::error::StoreError;
use crate::key_range::KeyRange;
use crate::link::Link;
use crate::options::Durability;
use crate::range::Range;
use crate::shared::Shared;
use crate::spill::RunBound;
use crate::tail::Tail;
use crate::view::{View, collect_keyspaces};
use crate::write_set::{WRITE_BYTES, WriteSet, Writes};

/// Reads one committed state and its own writes; what it writes is seen by nobody until it commits.
///
/// Dropping it rolls it back. It may move to another thread. Reads of a dropped keyspace find nothing; writes to one
/// are refused.
pub struct Transaction {
    store: Arc<Shared>,
    view: View,
    link: Arc<Link>,
    writes: WriteSet,
    /// Keyspaces that were found to exist, so that not every write asks the catalog.
    writable: BTreeSet<KeyspaceId>,
}

/// A state of a transaction to which it can go back. Made by [`Transaction::savepoint`].
#[derive(Debug, PartialEq, Eq)]
pub struct Savepoint {
    /// Unique in a store, so that a transaction knows its own.
    number: u64,
}

impl Transaction {
    pub(crate) fn new(store: Arc<Shared>, view: View, link: Arc<Link>) -> Transaction {
        Transaction {
            store,
            view,
            link,
            writes: WriteSet::default(),
            writable: BTreeSet::new(),
        }
    }

    pub(crate) fn writes(&self) -> &WriteSet {
        &self.writes
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The committed state that it reads.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The value of `key`: its own write, or what its view has.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    #[inline]
    pub fn get(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if self.writes.is_empty() {
            return self.view.get(keyspace, key);
        }
        match self.own(keyspace, key)? {
            Some(own) => Ok(own),
            None => self.view.get(keyspace, key),
        }
    }

    /// Reads the value of `key` as a stream, as [`View::value_reader`] does; its own writes it has in memory.
    ///
    /// # Errors
    /// As [`Transaction::get`]; later ones come from the reader.
    pub fn value_reader(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
    ) -> Result<Option<ValueReader>, StoreError> {
        match self.own(keyspace, key)? {
            Some(own) => Ok(own.map(|value| ValueReader::new(StoredValue::Whole(value)))),
            None => self.view.value_reader(keyspace, key),
        }
    }

    /// What this transaction made of `key`, if anything.
    fn own(&self, keyspace: KeyspaceId, key: &[u8]) -> Result<Option<Option<Bytes>>, StoreError> {
        if let Some(written) = self.writes.get(keyspace, key) {
            return Ok(Some(written.clone()));
        }
        if self.writes.dropped().contains(&keyspace) {
            return Ok(Some(None));
        }
        let spilled = self.writes.find_spilled(keyspace, key)?;
        Ok(spilled.filter(|_| !is_planted("mvcc-spilled-writes-unread")))
    }

    /// Gives `key` a value.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKeyspaceId`], [`StoreError::CatalogIsReadOnly`], [`StoreError::TooLarge`], a key or value
    /// beyond the engine's [limits](drystone_engine::Engine::limits), or a failed read of the catalog. Nothing was
    /// written.
    pub fn put(
        &mut self,
        keyspace: KeyspaceId,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
    ) -> Result<(), StoreError> {
        self.write(keyspace, key.into(), Some(value.into()))
    }

    /// Removes `key`. No error when it is not there.
    ///
    /// # Errors
    /// As [`Transaction::put`].
    pub fn delete(
        &mut self,
        keyspace: KeyspaceId,
        key: impl Into<Bytes>,
    ) -> Result<(), StoreError> {
        self.write(keyspace, key.into(), None)
    }

    fn write(
        &mut self,
        keyspace: KeyspaceId,
        key: Bytes,
        value: Option<Bytes>,
    ) -> Result<(), StoreError> {
        self.check_writable(keyspace)?;
        // A longer one could be committed, but never merged.
        let limits = self.store.engine.limits();
        limits.check(&key, value.as_deref())?;
        self.make_room(keyspace, key.len() + value.as_ref().map_or(0, Bytes::len))?;
        let max = self.store.options().transaction_bytes_max;
        self.writes.put(keyspace, key, value, max)
    }

    /// Spills what was written if a write of `len` bytes would pass what may be in memory, and it can be spilled.
    fn make_room(&mut self, keyspace: KeyspaceId, len: usize) -> Result<(), StoreError> {
        let len = len as u64 + WRITE_BYTES;
        let Some(folder) = self.store.spill_folder() else {
            return Ok(());
        };
        if !self.writes.runs().is_empty() && self.touches_derived(Some(keyspace)) {
            let max = self.store.options().transaction_bytes_max;
            let bytes = self.writes.total_bytes() + len;
            if bytes > max {
                return Err(StoreError::TooLarge { bytes, max });
            }
        }
        if self.writes.spillable_bytes() + len <= self.store.options().spill_bytes {
            return Ok(());
        }
        self.writes.spill(folder, &|id| self.store.is_derived(id))?;
        let bound = RunBound::new(self.store.options().spill_bytes);
        self.writes.bound_runs(folder, bound)
    }

    /// Whether it wrote, or is to write, to a keyspace that a derived index follows. Its commit then folds in memory.
    fn touches_derived(&self, next: Option<KeyspaceId>) -> bool {
        let derived = self.store.derived();
        derived.iter().any(|&id| {
            let mut runs = self.writes.runs().iter();
            next == Some(id)
                || self.writes.writes(id).is_some()
                || runs.any(|run| run.has_keyspace(id))
        })
    }

    /// Makes sure that a keyspace exists and may be written to.
    fn check_writable(&mut self, keyspace: KeyspaceId) -> Result<(), StoreError> {
        if self.writable.contains(&keyspace) {
            return Ok(());
        }
        if keyspace == KeyspaceId::CATALOG {
            return Err(StoreError::CatalogIsReadOnly);
        }
        let name = self.get(KeyspaceId::CATALOG, &catalog::number_key(keyspace))?;
        if name.is_none() {
            return Err(StoreError::NoSuchKeyspaceId { id: keyspace });
        }
        self.writable.insert(keyspace);
        Ok(())
    }

    /// The entries of a part of a keyspace as they are now: later writes of this transaction do not show in it. Nothing
    /// is read before the first step. If the transaction writes on while it lives, the first write copies what the
    /// transaction wrote to that keyspace before.
    #[must_use]
    pub fn range(&self, keyspace: KeyspaceId, range: impl Into<KeyRange>) -> Range {
        if self.writes.dropped().contains(&keyspace) {
            return Range::empty();
        }
        let writes = self.own_writes(keyspace);
        self.view
            .range_over(keyspace, range.into(), writes, self.writes.runs())
    }

    /// How many entries of a keyspace lie in a range, its own writes included. As [`View::count_range`].
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn count_range(
        &self,
        keyspace: KeyspaceId,
        range: impl Into<KeyRange>,
    ) -> Result<u64, StoreError> {
        if self.writes.dropped().contains(&keyspace) {
            return Ok(0);
        }
        let writes = self.own_writes(keyspace);
        self.view
            .count_over(keyspace, &range.into(), writes, self.writes.runs())
    }

    /// The keys of a keyspace that changed after the base of the transaction's view, its own writes included. It is for
    /// the source of a derived index, writes to which never spill; of another keyspace it lacks what was spilled.
    #[must_use]
    pub fn tail(&self, keyspace: KeyspaceId) -> Tail {
        if self.writes.dropped().contains(&keyspace) {
            return Tail::empty();
        }
        self.view.tail_over(keyspace, self.own_writes(keyspace))
    }

    fn own_writes(&self, keyspace: KeyspaceId) -> Option<Arc<Writes>> {
        self.writes.writes(keyspace).map(Arc::clone)
    }

    /// The number of the keyspace of this name, as this transaction sees it.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn keyspace(&self, name: &str) -> Result<Option<KeyspaceId>, StoreError> {
        let value = self.get(KeyspaceId::CATALOG, &catalog::name_key(name))?;
        value.map(|value| catalog::decode_id(&value)).transpose()
    }

    /// All keyspaces as this transaction sees them: name and number, ascending by name.
    ///
    /// # Errors
    /// Damage or a failed read in the base.
    pub fn keyspaces(&self) -> Result<Vec<(String, KeyspaceId)>, StoreError> {
        collect_keyspaces(self.range(KeyspaceId::CATALOG, catalog::names()))
    }

    /// Creates a keyspace. Two transactions that create keyspaces at the same time conflict.
    ///
    /// # Errors
    /// [`StoreError::KeyspaceExists`], [`StoreError::KeyspaceName`], or a failed read of the catalog.
    pub fn create_keyspace(&mut self, name: &str) -> Result<KeyspaceId, StoreError> {
        catalog::check_name(name)?;
        if let Some(id) = self.keyspace(name)? {
            let name = name.to_owned();
            return Err(StoreError::KeyspaceExists { name, id });
        }
        let next = self.get(KeyspaceId::CATALOG, catalog::NEXT_KEY)?;
        let id = catalog::decode_next(next.as_ref())?;
        let next = id.0.checked_add(1).ok_or(StoreError::KeyspacesExhausted)?;
        let name_bytes = Bytes::copy_from_slice(name.as_bytes());
        self.set_catalog(catalog::name_key(name), Some(catalog::encode_id(id)));
        self.set_catalog(catalog::number_key(id), Some(name_bytes));
        let next = catalog::encode_id(KeyspaceId(next));
        self.set_catalog(Bytes::from_static(catalog::NEXT_KEY), Some(next));
        Ok(id)
    }

    /// Drops a keyspace and all it holds. Conflicts with every commit that changed it since this transaction began.
    /// Views taken before go on reading it. Its number is never used again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchKeyspace`], or a failed read of the catalog.
    pub fn drop_keyspace(&mut self, name: &str) -> Result<(), StoreError> {
        let id = self.keyspace(name)?;
        let id = id.ok_or_else(|| StoreError::NoSuchKeyspace {
            name: name.to_owned(),
        })?;
        self.set_catalog(catalog::name_key(name), None);
        self.set_catalog(catalog::number_key(id), None);
        if is_planted("mvcc-keyspace-number-reused") {
            let next = catalog::encode_id(id);
            self.set_catalog(Bytes::from_static(catalog::NEXT_KEY), Some(next));
        }
        self.writes.drop_keyspace(id);
        self.writable.clear();
        Ok(())
    }

    fn set_catalog(&mut self, key: Bytes, value: Option<Bytes>) {
        self.writes.put_unbounded(KeyspaceId::CATALOG, key, value);
    }

    /// Makes the commit fail with [`StoreError::Conflict`] if another transaction changes `key` first. Has no effect on
    /// a transaction that writes nothing: it reads one state, so it is as if it ran at that moment.
    pub fn guard_key(&mut self, keyspace: KeyspaceId, key: impl Into<Bytes>) {
        self.writes.guard_key(keyspace, key.into());
    }

    /// As [`Transaction::guard_key`], for anything in a keyspace.
    pub fn guard_keyspace(&mut self, keyspace: KeyspaceId) {
        self.writes.guard_keyspace(keyspace);
    }

    /// Marks the state as it is now. Savepoints nest.
    #[must_use]
    pub fn savepoint(&mut self) -> Savepoint {
        let number = self.store.next_savepoint();
        self.writes.savepoint(number);
        Savepoint { number }
    }

    /// Takes back everything since a savepoint: writes, created and dropped keyspaces, guards. The savepoint stays; those
    /// made after it are gone. O(what is taken back).
    ///
    /// # Errors
    /// [`StoreError::NoSuchSavepoint`]; nothing changed.
    pub fn rollback_to(&mut self, savepoint: &Savepoint) -> Result<(), StoreError> {
        self.writes.rollback_to(savepoint.number)?;
        self.writable.clear();
        Ok(())
    }

    /// Forgets a savepoint and those made after it. What was written stays.
    ///
    /// # Errors
    /// [`StoreError::NoSuchSavepoint`]; nothing changed.
    pub fn release(&mut self, savepoint: Savepoint) -> Result<(), StoreError> {
        self.writes.release(savepoint.number)
    }

    /// Whether it changed nothing so far.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether it changed something.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Makes what it wrote a commit that others see, as durable as `durability` says, and returns the commit's LSN:
    /// views taken from now on see it. One that has spilled is on stable media when this returns, whatever `durability`
    /// says. A transaction that wrote nothing commits without touching the log, and returns
    /// the LSN of its view.
    ///
    /// # Errors
    /// - [`StoreError::Conflict`], [`StoreError::MergeStalled`], [`StoreError::Closed`], and a full disk: nothing was
    ///   committed.
    /// - [`StoreError::Poisoned`] and other failures of the log: after a reopen the commit is there as a whole, or not.
    pub fn commit(mut self, durability: Durability) -> Result<Lsn, StoreError> {
        if self.writes.is_empty() {
            return Ok(self.view.lsn());
        }
        if self.writes.runs().is_empty() {
            return self.store.commit(&self, durability);
        }
        let store = Arc::clone(&self.store);
        if self.touches_derived(None) {
            self.check_fits()?;
            self.writes.unspill()?;
            return store.commit(&self, Durability::Sync);
        }
        let layers = store.spilled_layers(&mut self.writes)?;
        store.commit_staged(layers, &self)
    }

    /// Whether all that was written may be in memory.
    fn check_fits(&self) -> Result<(), StoreError> {
        let max = self.store.options().transaction_bytes_max;
        let bytes = self.writes.total_bytes();
        match bytes > max {
            true => Err(StoreError::TooLarge { bytes, max }),
            false => Ok(()),
        }
    }

    /// Ends it without a trace. The same as dropping it.
    pub fn rollback(self) {}
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("view", &self.view)
            .field("has_writes", &self.has_writes())
            .finish_non_exhaustive()
    }
}
