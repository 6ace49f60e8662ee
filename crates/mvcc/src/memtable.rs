//! Memtable: the newest commits, in memory, sorted, many versions of a key side by side.
//!
//! # Invariants
//! - M1. One thread at a time changes a memtable: the holder of the commit latch. Any number read at any time.
//! - M2. Versions of a key are added in ascending LSN order.
//! - M3. A reader at LSN n sees exactly the versions up to n, whatever is added meanwhile, because n is published only
//!   after all versions up to n were added.
//! - M4. A table appears in the directory with its first change and stays.
//! - M5. Whatever key a table has, the filter may have.

mod arena;
mod directory;
mod filter;
mod permutation;
mod table;
mod tree;

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};

use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, Ordering};

use self::directory::Directory;
use self::filter::Filter;
pub(crate) use self::filter::KeyHash;
pub(crate) use self::table::Table;
pub(crate) use self::tree::TreeCursor;

/// The tables of all keyspaces that have changes here.
pub(crate) struct Memtable {
    tables: Directory,
    filter: Filter,
    bytes: AtomicU64,
    newest: AtomicU64,
    /// How much of it the merge under way has taken.
    merged_bytes: AtomicU64,
}

/// What an entry takes in the tree beside its key and value, about.
const ENTRY_BYTES: u64 = 48;

impl Memtable {
    /// An empty one, to be sealed at `bytes_max` bytes or so.
    pub(crate) fn new(bytes_max: u64) -> Memtable {
        Memtable {
            tables: Directory::new(),
            filter: Filter::new(bytes_max),
            bytes: AtomicU64::new(0),
            newest: AtomicU64::new(0),
            merged_bytes: AtomicU64::new(0),
        }
    }

    /// Adds what a commit did to a keyspace, keys ascending strictly. Only under the commit latch (M1).
    pub(crate) fn apply<'a>(
        &self,
        keyspace: KeyspaceId,
        changes: impl Iterator<Item = (&'a Bytes, Option<&'a Bytes>)>,
        lsn: Lsn,
    ) {
        let (table, table_bytes) = self.get_or_add(keyspace);
        let filtered = changes.inspect(|(key, value)| {
            if value.is_some() || !is_planted("mvcc-filter-misses-deletes") {
                self.filter.add(KeyHash::new(keyspace, key));
            }
        });
        let bytes = table.put_all(filtered, lsn);
        self.grow(table_bytes + bytes, lsn);
    }

    /// Ends a keyspace at `lsn`. Only under the commit latch (M1).
    pub(crate) fn drop_keyspace(&self, keyspace: KeyspaceId, lsn: Lsn) {
        let (table, table_bytes) = self.get_or_add(keyspace);
        table.drop_at(lsn);
        self.grow(table_bytes, lsn);
    }

    /// The table of a keyspace, and what it takes besides its entries if it was added now.
    fn get_or_add(&self, keyspace: KeyspaceId) -> (&Arc<Table>, u64) {
        match self.tables.get(keyspace) {
            Some(table) => (table, 0),
            None => {
                let table = self.tables.get_or_add(keyspace);
                (table, table.empty_bytes())
            }
        }
    }

    fn grow(&self, bytes: u64, lsn: Lsn) {
        let before = self.bytes.load(Ordering::Relaxed);
        self.bytes.store(before + bytes, Ordering::Relaxed);
        self.newest.store(lsn.0, Ordering::Release);
    }

    /// The table of a keyspace, if anything of it is here.
    #[inline]
    pub(crate) fn table(&self, keyspace: KeyspaceId) -> Option<&Arc<Table>> {
        self.tables.get(keyspace)
    }

    /// Whether a key may be here. `false` is sure.
    #[inline]
    pub(crate) fn may_have(&self, hash: KeyHash) -> bool {
        self.filter.may_have(hash)
    }

    /// All tables, ascending by keyspace.
    pub(crate) fn tables(&self) -> Vec<Arc<Table>> {
        self.tables.tables()
    }

    /// The newest LSN in here; [`Lsn::ZERO`] when empty.
    pub(crate) fn newest(&self) -> Lsn {
        Lsn(self.newest.load(Ordering::Acquire))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.newest() == Lsn::ZERO
    }

    /// A merge of it begins, perhaps anew.
    pub(crate) fn begin_merge(&self) {
        self.merged_bytes.store(0, Ordering::Relaxed);
    }

    /// The merge under way has taken an entry with a key and value of so many bytes. Called by one thread at a time.
    pub(crate) fn merged(&self, entry_bytes: u64) {
        let before = self.merged_bytes.load(Ordering::Relaxed);
        self.merged_bytes
            .store(before + entry_bytes + ENTRY_BYTES, Ordering::Relaxed);
    }

    /// About how much of [`Memtable::bytes`] the merge under way has taken. Less than all of it at its end where keys have
    /// several versions, of which it takes one. A hint: nothing is ordered by it.
    pub(crate) fn merged_bytes(&self) -> u64 {
        self.merged_bytes.load(Ordering::Relaxed)
    }

    /// About how much memory its tables and their entries take. What the filter takes is known beforehand, and not
    /// counted; nor is what the tables' arenas have not handed out yet, which is less than what they have.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, loom))]
mod loom;
