//! Many entries that become one commit.

use drystone_base::Lsn;

use crate::error::Result;
use crate::keyspace::Keyspace;

/// Many entries that become one commit, faster than by transactions: see
/// [`Database::bulk_load`](crate::Database::bulk_load).
///
/// Entries come in any order, of any number of keyspaces; of several with one key the last counts. They are sorted within
/// [`Options::transaction_bytes`](crate::Options::transaction_bytes) of memory, by way of files in the database's
/// directory where that is not enough, and go into full pages without passing log and memtable. Nobody sees any of
/// them before [`BulkLoad::commit`]; dropping the load leaves no trace.
///
/// It reads nothing, so it gives way to nobody: where another transaction changes one of its keys meanwhile, the load
/// counts as the later one. An engine of the application's own that cannot merge in two steps takes it as one transaction
/// that must fit into memory.
#[derive(Debug)]
pub struct BulkLoad(drystone_mvcc::BulkLoad);

impl BulkLoad {
    pub(crate) fn new(load: drystone_mvcc::BulkLoad) -> BulkLoad {
        BulkLoad(load)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// A keyspace that was dropped, a key or value over the limits: the load is as before. A full disk, failed I/O: it is
    /// to be dropped.
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
