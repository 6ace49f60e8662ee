//! Memtable: the newest commits, in memory, sorted, many versions of a key side by side.
//!
//! # Invariants
//! - M1. One thread at a time changes a memtable: the holder of the commit latch. Any number read at any time.
//! - M2. Versions of a key are added in ascending LSN order.
//! - M3. A reader at LSN n sees exactly the versions up to n, whatever is added meanwhile, because n is published only
//!   after all versions up to n were added.
//! - M4. A table appears in the directory with its first change and stays.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};

use crate::sync::{AtomicU64, Ordering};

mod table;

pub(crate) use table::{Table, TableCursor};

/// The tables of all keyspaces that have changes here.
pub(crate) struct Memtable {
    /// Ascending by keyspace.
    tables: ArcSwap<Vec<Arc<Table>>>,
    bytes: AtomicU64,
    newest: AtomicU64,
}

impl Memtable {
    pub(crate) fn new() -> Memtable {
        Memtable {
            tables: ArcSwap::from_pointee(Vec::new()),
            bytes: AtomicU64::new(0),
            newest: AtomicU64::new(0),
        }
    }

    /// Adds what a commit did to one key. Only under the commit latch (M1).
    pub(crate) fn put(&self, table: &Table, key: &Bytes, lsn: Lsn, value: Option<Bytes>) {
        let bytes = table.put(key, lsn, value);
        self.grow(bytes, lsn);
    }

    /// Ends a keyspace at `lsn`. Only under the commit latch (M1).
    pub(crate) fn drop_keyspace(&self, keyspace: KeyspaceId, lsn: Lsn) {
        self.table_or_new(keyspace).drop_at(lsn);
        self.grow(0, lsn);
    }

    fn grow(&self, bytes: u64, lsn: Lsn) {
        let before = self.bytes.load(Ordering::Relaxed);
        self.bytes.store(before + bytes, Ordering::Relaxed);
        self.newest.store(lsn.0, Ordering::Release);
    }

    /// The table of a keyspace, if anything of it is here.
    pub(crate) fn table(&self, keyspace: KeyspaceId) -> Option<Arc<Table>> {
        let tables = self.tables.load();
        let at = tables.binary_search_by_key(&keyspace, |table| table.keyspace());
        at.ok().map(|idx| Arc::clone(&tables[idx]))
    }

    /// All tables, ascending by keyspace.
    pub(crate) fn tables(&self) -> Arc<Vec<Arc<Table>>> {
        self.tables.load_full()
    }

    /// The table of a keyspace, added when missing. Only under the commit latch (M1).
    pub(crate) fn table_or_new(&self, keyspace: KeyspaceId) -> Arc<Table> {
        if let Some(table) = self.table(keyspace) {
            return table;
        }
        let table = Arc::new(Table::new(keyspace));
        let mut tables = Vec::clone(&self.tables.load());
        let at = tables.partition_point(|other| other.keyspace() < keyspace);
        tables.insert(at, Arc::clone(&table));
        self.tables.store(Arc::new(tables));
        table
    }

    /// The newest LSN in here; [`Lsn::ZERO`] when empty.
    pub(crate) fn newest(&self) -> Lsn {
        Lsn(self.newest.load(Ordering::Acquire))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.newest() == Lsn::ZERO
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
