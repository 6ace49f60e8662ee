//! Layers: where a reader finds everything, newest first. Published as one pointer.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::Snapshot;

use crate::error::StoreError;
use crate::known_keyspaces::KnownKeyspaces;
use crate::link::Link;
use crate::memtable::{KeyHash, Memtable, Table};

/// The memtables and the base under them. Immutable: a seal or a merge publishes another.
pub(crate) struct Layers {
    /// The active memtable, then the sealed ones, newest first.
    pub(crate) memtables: Vec<Arc<Memtable>>,
    pub(crate) base: Arc<dyn Snapshot>,
    /// The oldest commit at which these may be read: the newest one that the base has anything of. All up to it is durable.
    pub(crate) floor: Lsn,
    /// The active memtable's place in the chain of memtables. Weak, so that a view does not hold the chain.
    pub(crate) link: Weak<Link>,
    pub(crate) known: KnownKeyspaces,
}

/// A state of the base: no two states have both numbers the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BaseState {
    merged: Lsn,
    floor: Lsn,
}

impl Layers {
    /// The memtables that take no more commits, newest first.
    pub(crate) fn sealed(&self) -> &[Arc<Memtable>] {
        &self.memtables[1..]
    }

    /// What the memtables say of `key` at `lsn`: `None` where they say nothing, so that the base decides.
    #[inline]
    pub(crate) fn find(&self, keyspace: KeyspaceId, key: &[u8], lsn: Lsn) -> Option<Option<Bytes>> {
        self.ask(keyspace, key, lsn, |table| table.get(key, lsn))
    }

    /// As [`Layers::find`], where it lies.
    #[inline]
    pub(crate) fn find_ref(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        lsn: Lsn,
    ) -> Option<Option<&[u8]>> {
        self.ask(keyspace, key, lsn, |table| table.get_ref(key, lsn))
    }

    /// Asks the tables that may know of `key`, newest first, until one does.
    #[inline]
    fn ask<'a, T>(
        &'a self,
        keyspace: KeyspaceId,
        key: &[u8],
        lsn: Lsn,
        ask: impl Fn(&'a Table) -> Option<Option<T>>,
    ) -> Option<Option<T>> {
        let mut hash = None;
        for memtable in &self.memtables {
            let Some(table) = memtable.table(keyspace) else {
                continue;
            };
            if table.is_dropped(lsn) {
                return Some(None);
            }
            let hash = *hash.get_or_insert_with(|| KeyHash::new(keyspace, key));
            if !memtable.may_have(hash) {
                continue;
            }
            if let Some(found) = ask(table) {
                return Some(found);
            }
        }
        None
    }

    /// Whether a memtable says that a keyspace was dropped at or before `lsn`.
    pub(crate) fn is_dropped(&self, keyspace: KeyspaceId, lsn: Lsn) -> bool {
        let mut tables = self.memtables.iter();
        let is_dropped = |table: &Arc<Table>| table.is_dropped(lsn);
        tables.any(|memtable| memtable.table(keyspace).is_some_and(is_dropped))
    }

    /// Which state of the base this is.
    pub(crate) fn base_state(&self) -> BaseState {
        BaseState {
            merged: self.base.lsn(),
            floor: self.floor,
        }
    }

    /// The value of `key` at `lsn`.
    #[inline]
    pub(crate) fn get(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        lsn: Lsn,
    ) -> Result<Option<Bytes>, StoreError> {
        match self.find(keyspace, key, lsn) {
            Some(found) => Ok(found),
            None => Ok(self.base.get(keyspace, key)?),
        }
    }

    /// Shows the value of `key` at `lsn` where it lies; says whether there is one.
    #[inline]
    pub(crate) fn get_with(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        lsn: Lsn,
        read: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        match self.find_ref(keyspace, key, lsn) {
            Some(found) => Ok(found.map(read).is_some()),
            None => Ok(self.base.get_with(keyspace, key, read)?),
        }
    }

    /// The tables of a keyspace, newest first, or `None` when it was dropped at or before `lsn`.
    pub(crate) fn tables(&self, keyspace: KeyspaceId, lsn: Lsn) -> Option<Vec<Arc<Table>>> {
        let found = self.memtables.iter();
        let found = found.filter_map(|memtable| memtable.table(keyspace));
        let tables: Vec<_> = found.map(Arc::clone).collect();
        let is_dropped = tables.iter().any(|table| table.is_dropped(lsn));
        (!is_dropped).then_some(tables)
    }
}
