//! Many entries that become one commit: in any order, or in that of their keys.

use drystone_base::Lsn;
use drystone_mvcc::StoreError;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::keyspace::Keyspace;

impl Database {
    /// Begins a load of many entries that become one commit, faster than by transactions.
    ///
    /// ```
    /// # fn main() -> drystone::Result<()> {
    /// let database = drystone::Database::in_memory()?;
    /// let stones = database.keyspace("stones")?;
    /// let mut load = database.bulk_load()?;
    /// for number in (0..10_000u32).rev() {
    ///     load.put(&stones, number.to_be_bytes(), "granite")?;
    /// }
    /// load.commit()?;
    /// assert_eq!(stones.get(7u32.to_be_bytes())?.as_deref(), Some(&b"granite"[..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A closed database.
    pub fn bulk_load(&self) -> Result<BulkLoad> {
        let memory_bytes = self.options().transaction_bytes;
        Ok(BulkLoad(self.store().bulk_load(memory_bytes)?))
    }

    /// Loads entries of one keyspace that come in strictly ascending order of their keys, and returns the number of the one
    /// commit that they are. They go into full pages as they come: nothing sorts them or keeps them, and no log takes
    /// them. It is the fastest way into the database. They are on stable media when it returns.
    ///
    /// ```
    /// # fn main() -> drystone::Result<()> {
    /// let database = drystone::Database::in_memory()?;
    /// let stones = database.keyspace("stones")?;
    /// let courses = (0..10_000u32).map(|number| (number.to_be_bytes(), "granite"));
    /// database.load_sorted(&stones, courses)?;
    /// assert_eq!(stones.get(7u32.to_be_bytes())?.as_deref(), Some(&b"granite"[..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The keyspace may have entries; of one key the loaded value counts. Others read and commit meanwhile, as long as what
    /// they commit fits into the memtables: so `entries` should not take longer than they must. They may read keyspaces and
    /// snapshots, and must not write, nor wait for anybody who does; nor run SQL, which may wait for a change of tables.
    ///
    /// # Errors
    /// Entries out of order, a key or value over the limits, a keyspace that was dropped;
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) where another transaction wrote to the keyspace between the first
    /// key and the last meanwhile, for entries that were read cannot be had again (a [`BulkLoad`] has none of that);
    /// [`ErrorKind::Full`](crate::ErrorKind::Full) and [`ErrorKind::Io`](crate::ErrorKind::Io). Nothing was committed, but
    /// where the log failed: that shows after a reopen.
    pub fn load_sorted<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        keyspace: &Keyspace,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Lsn> {
        self.try_load_sorted(keyspace, entries.into_iter().map(Ok::<_, Error>))
    }

    /// As [`Database::load_sorted`], for entries that may fail, as those of a file may: the first error ends the load, of
    /// which nothing is left.
    ///
    /// # Errors
    /// That of an entry; those of [`Database::load_sorted`].
    pub fn try_load_sorted<K: AsRef<[u8]>, V: AsRef<[u8]>, E: From<Error>>(
        &self,
        keyspace: &Keyspace,
        entries: impl IntoIterator<Item = std::result::Result<(K, V), E>>,
    ) -> std::result::Result<Lsn, E> {
        let entries = entries.into_iter().map(|entry| entry.map_err(LoadError));
        let loaded = self.store().load_sorted(keyspace.id(), entries);
        loaded.map_err(|LoadError(error)| error)
    }
}

/// What stops a load: an error of the caller's kind, into which the store's are made.
struct LoadError<E>(E);

impl<E: From<Error>> From<StoreError> for LoadError<E> {
    fn from(error: StoreError) -> LoadError<E> {
        LoadError(Error::from(error).into())
    }
}

/// Many entries that become one commit, faster than by transactions: see
/// [`Database::bulk_load`](crate::Database::bulk_load).
///
/// Entries come in any order, of any number of keyspaces; of several with one key the last counts. They are sorted within
/// [`Options::transaction_bytes`](crate::Options::transaction_bytes) of memory, by way of files in the database's
/// directory where that is not enough, and go into full pages without passing log and memtable. Nobody sees any of
/// them before [`BulkLoad::commit`]; dropping the load leaves no trace.
///
/// It reads nothing, so it gives way to nobody: where another transaction changes one of its keys meanwhile, the load
/// counts as the later one, and if that happens again and again, others' commits wait for it. Entries of one keyspace that
/// are sorted already go faster by [`Database::load_sorted`](crate::Database::load_sorted). An engine of the application's own that cannot merge in two steps takes it as one transaction
/// that must fit into memory.
#[derive(Debug)]
pub struct BulkLoad(drystone_mvcc::BulkLoad);

impl BulkLoad {
    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// A keyspace that was dropped, a key or value over the limits: the load is as before. A full disk, failed I/O: it is
    /// to be dropped, and can no more be committed.
    pub fn put(
        &mut self,
        keyspace: &Keyspace,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<()> {
        Ok(self.0.put(keyspace.id(), key.as_ref(), value.as_ref())?)
    }

    /// Removes `key`. No error when it is not there.
    ///
    /// # Errors
    /// As [`BulkLoad::put`].
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.0.delete(keyspace.id(), key.as_ref())?)
    }

    /// Makes all of it one commit, which is on stable media when this returns, and returns its number.
    ///
    /// Others read and commit meanwhile, as long as what they commit fits into the memtables.
    ///
    /// # Errors
    /// [`ErrorKind::Full`](crate::ErrorKind::Full) and [`ErrorKind::Io`](crate::ErrorKind::Io), with nothing committed, but
    /// where the log failed: that shows after a reopen.
    pub fn commit(self) -> Result<Lsn> {
        Ok(self.0.commit()?)
    }
}
