//! A named ordered map of the database.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::ValueReader;
use drystone_mvcc::{Durability, KeyRange, Range};

use crate::database::Database;
use crate::error::Result;
use crate::write_batch::WriteBatch;

/// A named ordered map of byte strings to byte strings. Cheap to clone; shared by threads.
///
/// Each call here is a transaction of its own: a read sees the newest commit, a write is durable as the database's
/// [`Options::durability`](crate::Options::durability) says when it returns. To change several keys as one, or to read
/// what does not move, use [`Transaction`](crate::Transaction), [`WriteBatch`] or [`Snapshot`](crate::Snapshot).
///
/// After the keyspace was dropped, reads find nothing and writes fail.
#[derive(Clone, Debug)]
pub struct Keyspace {
    database: Database,
    id: KeyspaceId,
    name: std::sync::Arc<str>,
}

impl Keyspace {
    pub(crate) fn new(database: Database, id: KeyspaceId, name: &str) -> Keyspace {
        Keyspace {
            database,
            id,
            name: name.into(),
        }
    }

    /// Its number, by which commits name it ([`Commits`](crate::Commits)): another keyspace never gets it, also where it gets
    /// the name.
    #[must_use]
    pub fn id(&self) -> KeyspaceId {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of `key`, or `None`. The value shares the memory of the page it is on: no copy is made.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        Ok(self.database.store().get(self.id, key.as_ref())?)
    }

    /// Shows the value of `key` to `read` where it lies in memory, and returns what that makes of it; `None` where there is
    /// no value. As [`Keyspace::get`], for values that are looked at and not kept: nothing is copied or counted, which makes
    /// it the fastest read there is.
    ///
    /// `read` must not wait for anything: what the cache evicts meanwhile stays in memory.
    ///
    /// ```
    /// # let database = drystone::Database::in_memory()?;
    /// # let stones = database.keyspace("stones")?;
    /// stones.put("granite", "2700")?;
    /// assert_eq!(stones.get_with("granite", <[u8]>::len)?, Some(4));
    /// assert_eq!(stones.get_with("slate", <[u8]>::len)?, None);
    /// # Ok::<(), drystone::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Keyspace::get`]; `read` was not called then.
    #[inline]
    pub fn get_with<T>(
        &self,
        key: impl AsRef<[u8]>,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>> {
        let (mut read, mut seen) = (Some(read), None);
        let show = |value: &[u8]| seen = read.take().map(|read| read(value));
        self.database
            .store()
            .get_with(self.id, key.as_ref(), show)?;
        Ok(seen)
    }

    /// Reads the value of `key` as a stream, a piece at a time and from any place in it: [`std::io::Read`], `BufRead` and `Seek`.
    /// `None` where there is no value. The reader shows the newest commit at the time of the call, whatever is written
    /// afterwards, and may outlive the keyspace and the database handle.
    ///
    /// ```
    /// # let database = drystone::Database::in_memory()?;
    /// # let films = database.keyspace("films")?;
    /// use std::io::{Read, Seek, SeekFrom};
    ///
    /// films.put("stones", vec![7; 3_000_000])?;
    /// let mut film = films.value_reader("stones")?.expect("it was put");
    /// film.seek(SeekFrom::End(-2))?;
    /// let mut end = Vec::new();
    /// film.read_to_end(&mut end)?;
    /// assert_eq!((film.byte_len(), end), (3_000_000, vec![7, 7]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Damage or a failed read; later ones come from the reader.
    pub fn value_reader(&self, key: impl AsRef<[u8]>) -> Result<Option<ValueReader>> {
        let view = self.database.store().view();
        Ok(view.value_reader(self.id, key.as_ref())?)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// As [`Transaction::commit`](crate::Transaction::commit); a conflict is retried.
    pub fn put(&self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.put(self, key, value);
        self.database.write(batch)
    }

    /// Removes `key`. No error when it is not there.
    ///
    /// # Errors
    /// As [`Keyspace::put`].
    pub fn delete(&self, key: impl Into<Bytes>) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.delete(self, key);
        self.database.write(batch)
    }

    /// As [`Keyspace::put`], with a durability of its own.
    ///
    /// # Errors
    /// As [`Keyspace::put`].
    pub fn put_with(
        &self,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
        durability: Durability,
    ) -> Result<()> {
        let mut batch = WriteBatch::new();
        batch.put(self, key, value);
        self.database.write_with(batch, durability)
    }

    /// The entries of a range of keys, ascending; `.rev()` for descending. It shows the newest commit at the time of
    /// the call, whatever is written afterwards, and may outlive the keyspace and the database handle.
    ///
    /// Damage and failed reads come as items.
    pub fn get_range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Entries {
        Entries(
            self.database
                .store()
                .view()
                .range(self.id, key_range(range)),
        )
    }

    /// How many entries it has, exactly. Nothing is walked over: what was merged is counted already, and only what is in
    /// memory yet is looked at, key by key.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn count(&self) -> Result<u64> {
        self.count_range::<&[u8]>(..)
    }

    /// How many entries lie in a range of keys, exactly, in the newest commit. Costs as [`Keyspace::count`] does, whatever
    /// the answer.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn count_range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Result<u64> {
        let view = self.database.store().view();
        Ok(view.count_range(self.id, key_range(range))?)
    }

    /// The entries whose keys start with `prefix`, ascending; `.rev()` for descending.
    ///
    /// Damage and failed reads come as items.
    pub fn get_prefix(&self, prefix: impl AsRef<[u8]>) -> Entries {
        Entries(
            self.database
                .store()
                .view()
                .range(self.id, KeyRange::prefix(prefix.as_ref())),
        )
    }
}

/// Entries in order of their keys, from either end: `(key, value)`, each sharing the memory of its page.
///
/// It owns the state it reads, is `Send`, and pins that state's memory and file space until it is dropped.
pub struct Entries(pub(crate) Range);

impl Entries {
    /// As [`Iterator::next`], but lends key and value where they lie until the next call: no copy is made and nothing is
    /// counted, so that what reads many entries once is up to three times as fast.
    ///
    /// ```
    /// # let database = drystone::Database::in_memory()?;
    /// # let stones = database.keyspace("stones")?;
    /// # stones.put("granite", "2700")?;
    /// let mut entries = stones.get_prefix("gr");
    /// let mut bytes = 0;
    /// while let Some(entry) = entries.next_ref() {
    ///     let (key, value) = entry?;
    ///     bytes += key.len() + value.len();
    /// }
    /// assert_eq!(bytes, 11);
    /// # Ok::<(), drystone::Error>(())
    /// ```
    ///
    /// # Errors
    /// Damage and failed reads, after which it ends.
    #[inline]
    pub fn next_ref(&mut self) -> Option<Result<(&[u8], &[u8])>> {
        self.0.next_ref().map(|entry| entry.map_err(Into::into))
    }

    /// As [`Entries::next_ref`], from the back.
    ///
    /// # Errors
    /// As [`Entries::next_ref`].
    #[inline]
    pub fn next_back_ref(&mut self) -> Option<Result<(&[u8], &[u8])>> {
        self.0
            .next_back_ref()
            .map(|entry| entry.map_err(Into::into))
    }
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries").finish_non_exhaustive()
    }
}

impl Iterator for Entries {
    type Item = Result<(Bytes, Bytes)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| entry.map_err(Into::into))
    }
}

impl DoubleEndedIterator for Entries {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|entry| entry.map_err(Into::into))
    }
}

/// The same range with bounds that own their keys.
pub(crate) fn key_range<K: AsRef<[u8]>>(range: impl RangeBounds<K>) -> KeyRange {
    KeyRange {
        start: owned(range.start_bound()),
        end: owned(range.end_bound()),
    }
}

fn owned<K: AsRef<[u8]>>(bound: Bound<&K>) -> Bound<Bytes> {
    bound.map(|key| Bytes::copy_from_slice(key.as_ref()))
}
