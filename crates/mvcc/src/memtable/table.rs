//! Table: one keyspace's part of a memtable.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use parking_lot::RwLock;

use crate::sync::{AtomicU64, Ordering};

/// What one version costs beside its key and value.
const VERSION_BYTES: usize = 64;

type Versions = Vec<(Lsn, Option<Bytes>)>;

pub(crate) struct Table {
    keyspace: KeyspaceId,
    newest: AtomicU64,
    dropped_at: AtomicU64,
    entries: RwLock<BTreeMap<Bytes, Versions>>,
}

impl Table {
    pub(crate) fn new(keyspace: KeyspaceId) -> Table {
        Table {
            keyspace,
            newest: AtomicU64::new(0),
            dropped_at: AtomicU64::new(u64::MAX),
            entries: RwLock::default(),
        }
    }

    pub(crate) fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// Adds a version; returns about how many bytes it takes.
    pub(crate) fn put(&self, key: &Bytes, lsn: Lsn, value: Option<Bytes>) -> u64 {
        let bytes = key.len() + value.as_ref().map_or(0, Bytes::len) + VERSION_BYTES;
        let mut entries = self.entries.write();
        entries.entry(key.clone()).or_default().push((lsn, value));
        self.newest.store(lsn.0, Ordering::Release);
        bytes as u64
    }

    pub(crate) fn drop_at(&self, lsn: Lsn) {
        self.dropped_at.store(lsn.0, Ordering::Release);
        self.newest.store(lsn.0, Ordering::Release);
    }

    /// The commit that dropped the keyspace; [`Lsn::MAX`] if none in here did.
    pub(crate) fn dropped_at(&self) -> Lsn {
        Lsn(self.dropped_at.load(Ordering::Acquire))
    }

    /// The newest change in here.
    pub(crate) fn newest(&self) -> Lsn {
        Lsn(self.newest.load(Ordering::Acquire))
    }

    /// The newest change of `key` in here.
    pub(crate) fn newest_of(&self, key: &[u8]) -> Option<Lsn> {
        let entries = self.entries.read();
        Some(entries.get(key)?.last()?.0)
    }

    /// What `key` is at `lsn`: `None` where this table does not say, `Some(None)` where it is deleted.
    #[expect(clippy::option_option, reason = "three answers")]
    pub(crate) fn get(&self, key: &[u8], lsn: Lsn) -> Option<Option<Bytes>> {
        visible(self.entries.read().get(key)?, lsn)
    }

    pub(crate) fn cursor(self: &Arc<Self>, lsn: Lsn) -> TableCursor {
        TableCursor {
            table: Arc::clone(self),
            lsn,
            on: None,
        }
    }
}

#[expect(clippy::option_option, reason = "three answers")]
fn visible(versions: &Versions, lsn: Lsn) -> Option<Option<Bytes>> {
    let version = versions.iter().rev().find(|version| version.0 <= lsn)?;
    Some(version.1.clone())
}

/// A position in a table, on an entry that has a version at the cursor's LSN, or on none.
pub(crate) struct TableCursor {
    table: Arc<Table>,
    lsn: Lsn,
    on: Option<(Bytes, Option<Bytes>)>,
}

impl TableCursor {
    /// To the first entry within `start`.
    pub(crate) fn seek(&mut self, start: Bound<&[u8]>) {
        let entries = self.table.entries.read();
        let mut range = entries.range::<[u8], _>((start, Bound::Unbounded));
        self.on =
            range.find_map(|(key, versions)| Some((key.clone(), visible(versions, self.lsn)?)));
    }

    /// To the last entry within `end`.
    pub(crate) fn seek_back(&mut self, end: Bound<&[u8]>) {
        let entries = self.table.entries.read();
        let mut range = entries.range::<[u8], _>((Bound::Unbounded, end)).rev();
        self.on =
            range.find_map(|(key, versions)| Some((key.clone(), visible(versions, self.lsn)?)));
    }

    pub(crate) fn next(&mut self) {
        if let Some((key, _)) = self.on.take() {
            self.seek(Bound::Excluded(&key));
        }
    }

    pub(crate) fn prev(&mut self) {
        if let Some((key, _)) = self.on.take() {
            self.seek_back(Bound::Excluded(&key));
        }
    }

    /// The key it is on.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.on.as_ref().map(|on| on.0.as_ref())
    }

    /// What the key it is on has become.
    ///
    /// # Panics
    /// When it is on none.
    pub(crate) fn value(&self) -> Option<Bytes> {
        self.on
            .as_ref()
            .expect("the cursor is on an entry")
            .1
            .clone()
    }
}
