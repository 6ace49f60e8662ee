//! Changes that are committed as one, without reading.

use std::ops::RangeInclusive;

use bytes::{Bytes, BytesMut};
use drystone_mvcc::Write;

use crate::keyspace::Keyspace;

/// Changes, of any number of keyspaces, that [`Database::write`](crate::Database::write) commits as one. The last
/// change of a key counts.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    changes: Vec<Write>,
    /// Where copies of keys and values are put, one behind the other.
    copies: BytesMut,
    copied_bytes: usize,
}

/// How much memory for copies is taken at once: as much as they took so far, within these bounds.
const COPIES_BYTES: RangeInclusive<usize> = 256..=32 << 10;

/// Longer copies have memory of their own: who keeps one, as a memtable does with long values, must not keep its neighbours.
const SHORT_BYTES_MAX: usize = 512;

impl WriteBatch {
    /// Without changes.
    #[must_use]
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Without changes, with room for so many.
    #[must_use]
    pub fn with_capacity(changes: usize) -> WriteBatch {
        WriteBatch {
            changes: Vec::with_capacity(changes),
            ..WriteBatch::default()
        }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.changes.push(Write {
            keyspace: keyspace.id(),
            key: key.into(),
            value: Some(value.into()),
        });
    }

    /// As [`WriteBatch::put`], of a copy of both: for what is borrowed. Copies lie side by side in the batch's own memory, so
    /// short ones take no allocation each.
    ///
    /// ```
    /// # let database = drystone::Database::in_memory()?;
    /// # let stones = database.keyspace("stones")?;
    /// let mut batch = drystone::WriteBatch::with_capacity(2);
    /// for (name, density) in [("granite", 2700u16), ("slate", 2800)] {
    ///     batch.put_copy(&stones, name, density.to_be_bytes());
    /// }
    /// database.write(batch)?;
    /// # Ok::<(), drystone::Error>(())
    /// ```
    pub fn put_copy(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) {
        let key = self.copy(key.as_ref());
        let value = self.copy(value.as_ref());
        self.put(keyspace, key, value);
    }

    fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.len() > SHORT_BYTES_MAX {
            return Bytes::copy_from_slice(bytes);
        }
        if self.copies.capacity() < bytes.len() {
            let more = self
                .copied_bytes
                .clamp(*COPIES_BYTES.start(), *COPIES_BYTES.end());
            self.copies.reserve(more.max(bytes.len()));
        }
        self.copied_bytes += bytes.len();
        self.copies.extend_from_slice(bytes);
        self.copies.split().freeze()
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
