//! A database: opened, wired and configured here, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::sync::Mutex;
use drystone_base::{Env, LockGuard};
use drystone_engine::Progress;
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreError, StoreStats};
use drystone_wal::RepairReport;

use crate::background::Background;
use crate::error::{Error, Result};
use crate::keyspace::Keyspace;
use crate::open;
use crate::options::{BackgroundWork, KeyspaceOptions, Options};
use crate::snapshot::Snapshot;
use crate::transaction::Transaction;
use crate::write_batch::WriteBatch;

/// An open database. Cheap to clone; shared by threads. The last clone that is dropped closes it; keyspaces and
/// transactions hold clones.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

/// Fields are dropped in this order: the threads end before the store does, and the lock goes last.
struct Inner {
    background: Mutex<Option<Background>>,
    #[cfg(feature = "sql")]
    sql: drystone_query::SqlEngine,
    store: Store,
    options: Options,
    path: PathBuf,
    /// Keeps others out. Whatever still reads the files holds it, too.
    _lock: Arc<dyn LockGuard>,
}

impl Database {
    /// Opens the database in the directory `path`, or creates it there, with [`Options::default`].
    ///
    /// After a crash it replays the log, which takes time in proportion to
    /// [`Options::memtable_bytes`](crate::Options::memtable_bytes), not to the data.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`](crate::ErrorKind::InUse) when another process has it open, named in the message, or this one
    /// has, or still reads it (see [`Database::close`]);
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) when its files are damaged;
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) when a newer version wrote them, or this build lacks a
    /// part they need; [`ErrorKind::Io`](crate::ErrorKind::Io) and [`ErrorKind::Full`](crate::ErrorKind::Full) from the
    /// file system.
    pub fn open(path: impl AsRef<Path>) -> Result<Database> {
        Database::open_with(path, Options::default())
    }

    /// Opens with options.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Database> {
        Database::open_in(&Env::os(), path, options)
    }

    /// Opens in an environment of your own: a simulated disk and clock, or memory. With
    /// [`BackgroundWork::Manual`] the same calls then do the same things every time.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub fn open_in(env: &Env, path: impl AsRef<Path>, options: Options) -> Result<Database> {
        let path = path.as_ref();
        let opened = open::open(env, path, &options)?;
        #[cfg(feature = "sql")]
        let sql = open::open_sql(env, &opened.store, &options)?;
        // Not before the indexes are attached: a merge without them would leave them behind.
        let background = match options.background {
            BackgroundWork::Threads => Some(open::start_threads(path, &opened.store, &options)?),
            BackgroundWork::Manual => None,
        };
        let inner = Inner {
            background: Mutex::new(background),
            #[cfg(feature = "sql")]
            sql,
            store: opened.store,
            options,
            path: path.to_owned(),
            _lock: opened.lock,
        };
        Ok(Database {
            inner: Arc::new(inner),
        })
    }

    /// A database in memory, for tests and caches: everything works, and nothing survives its last handle.
    ///
    /// # Errors
    /// As [`Database::open`], for want of memory or threads.
    pub fn in_memory() -> Result<Database> {
        let env = Env {
            files: Arc::new(drystone_base::MemoryFileSystem::new()),
            ..Env::os()
        };
        let options = Options {
            durability: Durability::None,
            segment_bytes: 1 << 20,
            ..Options::default()
        };
        Database::open_in(&env, "memory", options)
    }

    /// The keyspace of this name, created where there is none.
    ///
    /// Names are 1 to 255 bytes of UTF-8 and do not start with `@`, which the database keeps for itself.
    ///
    /// # Errors
    /// A name that is not one; or as [`Transaction::commit`] when it has to be created.
    pub fn keyspace(&self, name: &str) -> Result<Keyspace> {
        check_name(name)?;
        if let Some(id) = self.inner.store.view().keyspace(name)? {
            return Ok(Keyspace::new(self.clone(), id, name));
        }
        let id = self.retry(|tx| match tx.keyspace(name)? {
            Some(id) => Ok(id),
            None => tx.create_keyspace(name),
        })?;
        Ok(Keyspace::new(self.clone(), id, name))
    }

    /// As [`Database::keyspace`], and sees to it that it is stored as `options` say: what is written from now on; what it
    /// has, as merges come by. Durable when this returns. It costs a write to stable media where it changes something; to
    /// call it each time that a program starts costs next to nothing.
    ///
    /// ```
    /// use drystone::{Codec, Database, KeyspaceOptions};
    ///
    /// # fn main() -> drystone::Result<()> {
    /// # let database = Database::in_memory()?;
    /// let options = KeyspaceOptions { compression: Some(Codec::Lz4) };
    /// let pages = database.keyspace_with("pages of text", options)?;
    /// pages.put("1", "stone upon stone upon stone")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Database::keyspace`]. For a codec that this build lacks, or at a level that it lacks: as
    /// [`Database::open`], with nothing done. [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) from an engine
    /// that does not compress by keyspace, and any error from the disk: the keyspace is there then, as without options.
    pub fn keyspace_with(&self, name: &str, options: KeyspaceOptions) -> Result<Keyspace> {
        if let Some(codec) = options.compression {
            open::check_codec(&self.inner.path, codec)?;
        }
        let keyspace = self.keyspace(name)?;
        if let Some(codec) = options.compression {
            self.inner.store.set_codec(keyspace.id(), codec)?;
        }
        Ok(keyspace)
    }

    /// The names of all keyspaces that were created by [`Database::keyspace`], ascending.
    ///
    /// # Errors
    /// Damage, a failed read, or a closed database.
    pub fn keyspace_names(&self) -> Result<Vec<String>> {
        let all = self.inner.store.view().keyspaces()?;
        Ok(all
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !name.starts_with(RESERVED))
            .collect())
    }

    /// Drops a keyspace with all that is in it. No error when there is none of this name. Snapshots taken before go on
    /// reading it.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn drop_keyspace(&self, name: &str) -> Result<()> {
        check_name(name)?;
        self.retry(|tx| match tx.keyspace(name)? {
            Some(_) => tx.drop_keyspace(name),
            None => Ok(()),
        })
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a level that this version does not offer; a closed
    /// database.
    pub fn begin_transaction(&self, level: IsolationLevel) -> Result<Transaction> {
        Ok(Transaction::new(
            self.clone(),
            self.inner.store.begin(level)?,
        ))
    }

    /// Runs `work` in a transaction and commits it; where the commit meets a conflict, waits a moment and runs it
    /// again, up to [`Options::attempts_max`](crate::Options::attempts_max) times. An error of `work` rolls back and is
    /// returned.
    ///
    /// # Errors
    /// Those of `work`; those of [`Transaction::commit`].
    pub fn transact<T, E: From<Error>>(
        &self,
        mut work: impl FnMut(&mut Transaction) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut retries = crate::retry::Retries::new(self.inner.options.attempts_max);
        loop {
            let mut transaction = self.begin_transaction(self.inner.options.isolation)?;
            let value = work(&mut transaction)?;
            match transaction.inner_commit(self.inner.options.durability) {
                Ok(_) => return Ok(value),
                Err(error) => retries.wait_after(error)?,
            }
        }
    }

    /// Commits a batch with the database's durability. It reads nothing, so it never gives up on a conflict.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn write(&self, batch: WriteBatch) -> Result<()> {
        self.write_with(batch, self.inner.options.durability)
    }

    /// Commits a batch with a durability of its own.
    ///
    /// # Errors
    /// As [`Transaction::commit`].
    pub fn write_with(&self, batch: WriteBatch, durability: Durability) -> Result<()> {
        // Only a batch that is larger than memory may conflict. A commit that waits for its sync conflicts for as long, so
        // trying at once over and over is of no use.
        let mut retries = crate::retry::Retries::new(u32::MAX);
        loop {
            match self.inner.store.write(batch.changes(), durability) {
                Ok(_) => return Ok(()),
                Err(error) => retries.wait_after(error)?,
            }
        }
    }

    /// The newest committed state, which later commits do not change.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.inner.store.view())
    }

    /// Waits until every commit that has returned is on stable media, whatever its durability.
    ///
    /// # Errors
    /// A log that failed.
    pub fn sync(&self) -> Result<()> {
        Ok(self.inner.store.sync()?)
    }

    /// Merges what is in memory into the engine, so that a reopen has nothing to replay.
    ///
    /// # Errors
    /// A log that failed, a full disk, damage met on the way. Nothing is lost by it.
    pub fn flush(&self) -> Result<()> {
        Ok(self.inner.store.flush()?)
    }

    /// Makes the files as small as they get, while the database is in use: merges what is in memory, fills pages that are
    /// half empty, moves pages from the engine's end to gaps at its front, and gives the end back to the file system. What
    /// snapshots still read stays until they go; background work gives it back then. Takes as long as it takes to write
    /// the data anew, at most; [`Database::stats`] shows how far it is (`engine.moved_bytes`, `engine.file_bytes`).
    ///
    /// # Errors
    /// As [`Database::flush`]. What was compacted by then stays so, and nothing is lost.
    pub fn compact(&self) -> Result<Compacted> {
        let before = self.stats().engine.file_bytes;
        self.inner.store.compact()?;
        let after = self.stats().engine.file_bytes;
        Ok(Compacted { before, after })
    }

    /// One slice of background work, for a database opened with [`BackgroundWork::Manual`]. Whether more is left.
    ///
    /// # Errors
    /// As [`Database::flush`].
    pub fn step(&self) -> Result<bool> {
        Ok(self.inner.store.step()? == Progress::More)
    }

    /// Closes it: all commits are on stable media when this returns. Other handles fail from now on; snapshots and
    /// iterators go on reading. The directory can be opened again once they, and all other handles, transactions and
    /// sessions, are gone too; until then that is [`ErrorKind::InUse`](crate::ErrorKind::InUse).
    ///
    /// # Errors
    /// A log that failed. It is closed all the same.
    pub fn close(self) -> Result<()> {
        drop(self.inner.background.lock().take());
        Ok(self.inner.store.close()?)
    }

    /// Reads all that is durable, and checks every checksum, every invariant, and that indexes agree with their tables.
    /// The database may be in use meanwhile.
    ///
    /// # Errors
    /// Only when checking could not go on; what is wrong stands in the report.
    pub fn verify(&self) -> Result<VerifyReport> {
        self.inner.store.sync()?;
        let store = self.inner.store.verify()?;
        let mut findings: Vec<Error> = store.engine.findings.into_iter().map(Error::from).collect();
        findings.extend(store.findings.into_iter().map(Error::from));
        #[cfg(feature = "sql")]
        findings.extend(self.index_findings());
        Ok(VerifyReport {
            pages: store.engine.pages,
            bytes: store.engine.bytes,
            entries: store.engine.entries,
            log_records: store.log_records,
            findings,
        })
    }

    /// Where indexes do not agree with their tables, or could not be read.
    #[cfg(feature = "sql")]
    fn index_findings(&self) -> Vec<Error> {
        match self.inner.sql.verify_indexes() {
            Ok(findings) => findings.into_iter().map(Error::index).collect(),
            Err(error) => vec![Error::from(error)],
        }
    }

    /// What opening it set aside of a damaged log, and so lost, where [`Options::recovery`](crate::Options::recovery) let
    /// it. `None` where nothing was damaged, and once it is closed.
    #[must_use]
    pub fn repaired(&self) -> Option<RepairReport> {
        self.inner.store.repaired()
    }

    /// Figures for people: log, memtables, commits, the engine and its cache.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.inner.store.stats()
    }

    /// The directory it is in.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The options it was opened with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    #[cfg(feature = "sql")]
    pub(crate) fn sql(&self) -> &drystone_query::SqlEngine {
        &self.inner.sql
    }

    /// Runs `work` on the store's own transactions, and again after a conflict.
    fn retry<T>(
        &self,
        mut work: impl FnMut(&mut drystone_mvcc::Transaction) -> Result<T, StoreError>,
    ) -> Result<T> {
        let mut retries = crate::retry::Retries::new(self.inner.options.attempts_max);
        loop {
            let mut transaction = self.inner.store.begin(IsolationLevel::RepeatableRead)?;
            let value = work(&mut transaction)?;
            match transaction.commit(self.inner.options.durability) {
                Ok(_) => return Ok(value),
                Err(error) => retries.wait_after(error)?,
            }
        }
    }
}

const RESERVED: char = '@';

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::keyspace_name(name, "it is empty"));
    }
    if name.len() > drystone_mvcc::KEYSPACE_NAME_BYTES_MAX {
        return Err(Error::keyspace_name(name, "it is longer than 255 bytes"));
    }
    if name.starts_with(RESERVED) {
        return Err(Error::keyspace_name(
            name,
            "the database keeps names that start with @ for itself",
        ));
    }
    Ok(())
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

/// The last handle closes the database. Whoever wants to hear of an error calls [`Database::close`].
impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.background.get_mut().take());
        drop(self.store.close());
    }
}

/// What [`Database::compact`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Length of the engine's files before, in bytes.
    pub before: u64,
    /// And after it. More, where others wrote meanwhile.
    pub after: u64,
}

/// What [`Database::verify`] saw.
#[derive(Debug)]
pub struct VerifyReport {
    /// Pages read and checked.
    pub pages: u64,
    /// Bytes read and checked.
    pub bytes: u64,
    /// Entries seen in the engine.
    pub entries: u64,
    /// Records of the log that the engine lacks, read and checked.
    pub log_records: u64,
    /// What is wrong. Empty for a sound database.
    pub findings: Vec<Error>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}
