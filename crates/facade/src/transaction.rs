//! Reads and writes that happen as one.

use std::ops::RangeBounds;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;
use drystone_engine::ValueReader;
use drystone_mvcc::{Durability, KeyRange, Savepoint};

use crate::database::Database;
use crate::error::Result;
use crate::keyspace::{Entries, Keyspace, key_range};

/// Reads and writes of any number of keyspaces and tables that happen as one, or not at all.
///
/// It reads the state that was committed when it began, plus its own writes, which nobody else sees before
/// [`Transaction::commit`]. Dropping it rolls it back. It is `Send`, holds no lock, and makes nobody wait.
#[derive(Debug)]
pub struct Transaction {
    database: Database,
    inner: drystone_mvcc::Transaction,
    /// Whether it may have changed the catalog of tables.
    #[cfg(feature = "sql")]
    ran_sql: bool,
}

impl Transaction {
    pub(crate) fn new(database: Database, inner: drystone_mvcc::Transaction) -> Transaction {
        Transaction {
            database,
            inner,
            #[cfg(feature = "sql")]
            ran_sql: false,
        }
    }

    /// The value of `key`, or `None`.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn get(&self, keyspace: &Keyspace, key: impl AsRef<[u8]>) -> Result<Option<Bytes>> {
        Ok(self.inner.get(keyspace.id(), key.as_ref())?)
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
        Ok(self.inner.value_reader(keyspace.id(), key.as_ref())?)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// A key or value over the limits. The transaction is as before.
    pub fn put(
        &mut self,
        keyspace: &Keyspace,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
    ) -> Result<()> {
        Ok(self.inner.put(keyspace.id(), key, value)?)
    }

    /// Removes `key`. No error when it is not there.
    ///
    /// # Errors
    /// As [`Transaction::put`].
    pub fn delete(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>) -> Result<()> {
        Ok(self.inner.delete(keyspace.id(), key)?)
    }

    /// The entries of a range of keys, ascending; `.rev()` for descending. Writes made after the call do not show in
    /// it.
    ///
    /// Damage and failed reads come as items.
    pub fn get_range<K: AsRef<[u8]>>(
        &self,
        keyspace: &Keyspace,
        range: impl RangeBounds<K>,
    ) -> Entries {
        Entries(self.inner.range(keyspace.id(), key_range(range)))
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
        Ok(self.inner.count_range(keyspace.id(), key_range(range))?)
    }

    /// The entries whose keys start with `prefix`, ascending; `.rev()` for descending.
    ///
    /// Damage and failed reads come as items.
    pub fn get_prefix(&self, keyspace: &Keyspace, prefix: impl AsRef<[u8]>) -> Entries {
        Entries(
            self.inner
                .range(keyspace.id(), KeyRange::prefix(prefix.as_ref())),
        )
    }

    /// Makes the commit meet a conflict if another transaction changes `key` first, also where this one only read it.
    /// Has no effect on a transaction that changes nothing: it reads one state, as if it ran at that moment.
    ///
    /// Two transactions that each read what the other writes would both commit otherwise (write skew).
    pub fn guard_key(&mut self, keyspace: &Keyspace, key: impl Into<Bytes>) {
        self.inner.guard_key(keyspace.id(), key);
    }

    /// As [`Transaction::guard_key`], for every key of a keyspace, there or not.
    pub fn guard_keyspace(&mut self, keyspace: &Keyspace) {
        self.inner.guard_keyspace(keyspace.id());
    }

    /// A place to come back to with [`Transaction::rollback_to`]. Savepoints nest.
    pub fn savepoint(&mut self) -> Savepoint {
        self.inner.savepoint()
    }

    /// Undoes everything since `savepoint`, which stays in place.
    ///
    /// # Errors
    /// A savepoint that an earlier `rollback_to` undid, or one of another transaction.
    pub fn rollback_to(&mut self, savepoint: &Savepoint) -> Result<()> {
        Ok(self.inner.rollback_to(savepoint)?)
    }

    /// Commits with the database's durability. Returns the commit's number; for a transaction without writes, that of
    /// the state it read.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when another transaction changed one of its keys first;
    /// [`ErrorKind::Full`](crate::ErrorKind::Full) when the log has no space: in both cases nothing was committed.
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the log failed: whether it was committed shows after a reopen.
    pub fn commit(self) -> Result<Lsn> {
        let durability = self.database.options().durability;
        self.commit_with(durability)
    }

    /// Commits with a durability of its own.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn commit_with(self, durability: Durability) -> Result<Lsn> {
        Ok(self.inner_commit(durability)?)
    }

    /// Commits, and says in the store's own words what stood in the way.
    pub(crate) fn inner_commit(
        self,
        durability: Durability,
    ) -> Result<Lsn, drystone_mvcc::StoreError> {
        let durability = if is_planted("facade-sync-made-async") {
            Durability::Async
        } else {
            durability
        };
        let lsn = self.inner.commit(durability)?;
        #[cfg(feature = "sql")]
        if self.ran_sql {
            self.database.sql().after_commit();
        }
        Ok(lsn)
    }

    /// Undoes everything and ends. Dropping does the same.
    pub fn rollback(self) {
        self.inner.rollback();
    }
}

#[cfg(feature = "sql")]
impl Transaction {
    /// Runs a query in this transaction: it sees the transaction's own writes, to tables and to keyspaces.
    ///
    /// # Errors
    /// Whatever is wrong with the statement or the data. The transaction goes on without the statement's effects.
    pub fn query(&mut self, sql: &str, parameters: &[crate::Value]) -> Result<crate::Rows> {
        Ok(self.run(sql, parameters)?.into_rows())
    }

    /// Runs a statement in this transaction; returns how many rows it changed.
    ///
    /// # Errors
    /// As [`Transaction::query`].
    pub fn execute(&mut self, sql: &str, parameters: &[crate::Value]) -> Result<u64> {
        Ok(crate::sql::affected(self.run(sql, parameters)?))
    }

    fn run(&mut self, sql: &str, parameters: &[crate::Value]) -> Result<crate::Outcome> {
        self.ran_sql = true;
        Ok(self
            .database
            .sql()
            .execute_in(&mut self.inner, sql, parameters)?)
    }
}
