//! Changes that are committed as one, without reading.

use bytes::Bytes;
use drystone_mvcc::Write;

use crate::keyspace::Keyspace;

/// Changes, of any number of keyspaces, that [`Database::write`](crate::Database::write) commits as one. The last
/// change of a key counts.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    changes: Vec<Write>,
}

impl WriteBatch {
    /// Without changes.
    #[must_use]
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.changes.push(Write {
            keyspace: keyspace.id(),
            key: key.into(),
            value: Some(value.into()),
        });
    }

    /// Removes `key`. No error when it is not there.
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>) {
        self.changes.push(Write {
            keyspace: keyspace.id(),
            key: key.into(),
            value: None,
        });
    }

    /// How many changes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Its changes, in the order in which they were given.
    pub(crate) fn changes(&self) -> &[Write] {
        &self.changes
    }
}
