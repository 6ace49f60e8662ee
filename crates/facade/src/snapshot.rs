//! One state of the database that does not move.

use std::ops::RangeBounds;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_engine::ValueReader;
use drystone_mvcc::{KeyRange, View};

use crate::error::Result;
use crate::keyspace::{Entries, Keyspace, key_range};

/// One committed state of all keyspaces, which later commits do not change. Cheap to take and to clone.
///
/// It takes no lock and makes nobody wait, but it pins the memory and the file space of its state until it is dropped.
#[derive(Clone, Debug)]
pub struct Snapshot(View);

impl Snapshot {
    pub(crate) fn new(view: View) -> Snapshot {
        Snapshot(view)
    }

    /// The commit it shows: everything up to it, and nothing after.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.0.lsn()
    }

    /// The value of `key`, or `None`.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn get(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        Ok(self.0.get(keyspace.id(), key.as_ref())?)
    }

    /// Reads the value of `key` as a stream: as [`Keyspace::value_reader`].
    ///
    /// # Errors
    /// As [`Keyspace::value_reader`].
    pub fn value_reader(
        &self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
    ) -> Result<Option<ValueReader>> {
        Ok(self.0.value_reader(keyspace.id(), key.as_ref())?)
    }

    /// Shows the value of `key` to `read` where it lies: as [`Keyspace::get_with`].
    ///
    /// # Errors
    /// As [`Snapshot::get`]; `read` was not called then.
    pub fn get_with<T>(
        &self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>> {
        let (mut read, mut seen) = (Some(read), None);
        let show = |value: &[u8]| seen = read.take().map(|read| read(value));
        self.0.get_with(keyspace.id(), key.as_ref(), show)?;
        Ok(seen)
    }

    /// The entries of a range of keys, ascending; `.rev()` for descending.
    ///
    /// Damage and failed reads come as items.
    pub fn get_range<K: AsRef<[u8]>>(
        &self,
        keyspace: &Keyspace,
        range: impl RangeBounds<K>,
    ) -> Entries {
        Entries(self.0.range(keyspace.id(), key_range(range)))
    }

    /// How many entries lie in a range of keys, exactly. Costs as [`Keyspace::count`] does, whatever the answer.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn count_range<K: AsRef<[u8]>>(
        &self,
        keyspace: &Keyspace,
        range: impl RangeBounds<K>,
    ) -> Result<u64> {
        Ok(self.0.count_range(keyspace.id(), key_range(range))?)
    }

    /// The entries whose keys start with `prefix`, ascending; `.rev()` for descending.
    ///
    /// Damage and failed reads come as items.
    pub fn get_prefix(&self, keyspace: &Keyspace, prefix: impl AsRef<[u8]>) -> Entries {
        Entries(
            self.0
                .range(keyspace.id(), KeyRange::prefix(prefix.as_ref())),
        )
    }
}
