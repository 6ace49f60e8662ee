//! Table: one keyspace's part of a memtable.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};

use super::tree::{Tree, TreeCursor};
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Table {
    keyspace: KeyspaceId,
    newest: AtomicU64,
    dropped_at: AtomicU64,
    tree: Arc<Tree>,
}

impl Table {
    pub(crate) fn new(keyspace: KeyspaceId) -> Table {
        Table {
            keyspace,
            newest: AtomicU64::new(0),
            dropped_at: AtomicU64::new(Lsn::MAX.0),
            tree: Arc::new(Tree::new()),
        }
    }

    /// About how much memory it takes before there is anything in it.
    pub(crate) fn empty_bytes(&self) -> u64 {
        (size_of::<Table>() + size_of::<Tree>() + Tree::EMPTY_BYTES) as u64
    }

    pub(crate) fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// Adds versions of keys that ascend strictly; returns about how many bytes they take.
    pub(crate) fn put_all<'a>(
        &self,
        changes: impl Iterator<Item = (&'a Bytes, Option<&'a Bytes>)>,
        lsn: Lsn,
    ) -> u64 {
        let bytes = self.tree.put_all(changes, lsn);
        self.newest.store(lsn.0, Ordering::Release);
        bytes
    }

    /// Ends the keyspace at `lsn`.
    pub(crate) fn drop_at(&self, lsn: Lsn) {
        self.dropped_at.store(lsn.0, Ordering::Release);
        self.newest.store(lsn.0, Ordering::Release);
    }

    /// The commit that dropped the keyspace, if one in here did.
    pub(crate) fn dropped_at(&self) -> Option<Lsn> {
        let lsn = Lsn(self.dropped_at.load(Ordering::Acquire));
        (lsn != Lsn::MAX).then_some(lsn)
    }

    /// Whether the keyspace was dropped for a reader at `lsn`.
    pub(crate) fn is_dropped(&self, lsn: Lsn) -> bool {
        self.dropped_at.load(Ordering::Acquire) <= lsn.0
    }

    /// The newest change in here.
    pub(crate) fn newest(&self) -> Lsn {
        Lsn(self.newest.load(Ordering::Acquire))
    }

    /// The newest change of `key` in here.
    pub(crate) fn newest_of(&self, key: &[u8]) -> Option<Lsn> {
        self.tree.newest_of(key)
    }

    /// What `key` is at `lsn`: `None` where this table does not say, `Some(None)` where it is deleted.
    #[inline]
    pub(crate) fn get(&self, key: &[u8], lsn: Lsn) -> Option<Option<Bytes>> {
        if is_planted("mvcc-snapshot-sees-newest") {
            return self.tree.get(key, Lsn::MAX);
        }
        self.tree.get(key, lsn)
    }

    /// As [`Table::get`], where it lies.
    #[inline]
    pub(crate) fn get_ref(&self, key: &[u8], lsn: Lsn) -> Option<Option<&[u8]>> {
        if is_planted("mvcc-snapshot-sees-newest") {
            return self.tree.get_ref(key, Lsn::MAX);
        }
        self.tree.get_ref(key, lsn)
    }

    pub(crate) fn cursor(&self, lsn: Lsn) -> TreeCursor {
        TreeCursor::new(&self.tree, lsn)
    }
}
