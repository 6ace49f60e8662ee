//! Following a database: its commits as they become durable, and the log kept for who is behind.

use std::task::{Context, Poll};
use std::time::Duration;

use drystone_base::Lsn;
use drystone_mvcc::{Commit, Followed};
use drystone_wal::{Hold, HoldStats};

use crate::database::Database;
use crate::error::{Error, Result};

/// The commits of a database, from one on, in their order, and those that come: see [`Database::commits_from`].
///
/// - As an [`Iterator`]: `None` says that all that is durable has been read; later calls go on after it.
/// - [`Commits::next_within`] waits for the next commit.
/// - [`Commits::poll_next`] is for async code.
///
/// It outlives the handle it came from, and finds its end behind the last commit once the database is closed. Like a
/// snapshot, it keeps the directory in use until it is dropped. Memory: the names of the keyspaces, and 256 KiB or one commit.
#[derive(Debug)]
pub struct Commits(drystone_mvcc::Commits);

impl Commits {
    /// Number of the commit that comes next.
    #[must_use]
    pub fn position(&self) -> Lsn {
        self.0.position()
    }

    /// The next commit; waits for it for `time` at most ([`Duration::MAX`]: as long as it takes).
    ///
    /// # Errors
    /// [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten) when it is not in the log any more; damage, a failed read;
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when all that is durable has been read, and the log has failed since.
    pub fn next_within(&mut self, time: Duration) -> Result<Followed> {
        Ok(self.0.next_within(time)?)
    }

    /// The next commit, or `Pending` where none is durable yet: then the task is woken when one is. `None` says that the
    /// database was closed, and all that was durable has been read.
    ///
    /// ```
    /// # use drystone::{Commit, Commits, Result};
    /// /// Any executor may drive this.
    /// async fn next(commits: &mut Commits) -> Option<Result<Commit>> {
    ///     std::future::poll_fn(|context| commits.poll_next(context)).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Commits::next_within`].
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Commit>>> {
        let next = self.0.poll_next(context);
        next.map(|next| next.map(|commit| commit.map_err(Error::from)))
    }
}

impl Iterator for Commits {
    type Item = Result<Commit>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.0.next()?;
        Some(next.map_err(Error::from))
    }
}

/// Keeps commits in the log for who follows, until it is dropped: see [`Database::hold_log`].
#[derive(Debug)]
pub struct LogHold(Hold);

impl LogHold {
    /// The oldest commit that it keeps.
    #[must_use]
    pub fn needs(&self) -> Lsn {
        self.0.needs()
    }

    /// Says that the commits before `next` are not needed any more.
    ///
    /// # Errors
    /// [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten) when `next` is gone already; the hold stays as it was.
    pub fn advance(&self, next: Lsn) -> Result<()> {
        Ok(self.0.advance(next)?)
    }

    /// Whether the log has forgotten what it needs, because that would have been more than its bound.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.is_lost()
    }
}

impl Database {
    /// Follows the commits from the one at `from` on ([`Lsn::ZERO`]: the first there ever was), as far as they are durable,
    /// and then those that become so: for replicas, change streams, caches, archives. What comes is raw: each key of each
    /// keyspace as it was stored, those of SQL tables and indexes included, in keyspaces whose names begin with `@`, in
    /// the formats of `docs/format/`.
    ///
    /// The log keeps what is not merged into the engine yet, and beyond that what [`Database::hold_log`] and
    /// [`Options::log_retain_bytes`](crate::Options::log_retain_bytes) say. So who follows begins like this, and misses
    /// nothing; and where the log has forgotten what it needs, it begins like this again:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use drystone::{CommitContent, Database, Durability, Followed};
    ///
    /// # fn main() -> drystone::Result<()> {
    /// let db = Database::in_memory()?;
    /// let stones = db.keyspace("stones")?;
    /// stones.put("one", "granite")?;
    ///
    /// let hold = db.hold_log("replica", db.last_commit().next(), 64 << 20)?; // keeps 64 MiB for us at most
    /// let state = db.snapshot(); // to be copied: everything up to state.lsn()
    /// let mut commits = db.commits_from(state.lsn().next())?;
    ///
    /// stones.put_with("two", "slate", Durability::Sync)?; // what is durable comes
    /// let Followed::Commit(commit) = commits.next_within(Duration::from_secs(10))? else { panic!() };
    /// match commit.content {
    ///     CommitContent::Changes { changed, .. } => {
    ///         assert_eq!(changed[0].keyspace.name.as_deref(), Some("stones"));
    ///         assert_eq!(changed[0].changes, [("two".into(), Some("slate".into()))]);
    ///     }
    ///     _ => {} // too large for the log: a new snapshot has it
    /// }
    /// hold.advance(commit.lsn.next())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A closed database; damage, or a failed read. Whether `from` is still there says the first read.
    pub fn commits_from(&self, from: Lsn) -> Result<Commits> {
        Ok(Commits(self.store().commits_from(from)?))
    }

    /// Keeps the commits from `from` on in the log, until the hold is dropped or moved on, as long as that takes no more than
    /// `bytes_max` bytes of files. Beyond that it is lost, and the log is used again as if it were not there. `name` is for
    /// people: see [`Database::log_holds`].
    ///
    /// A hold ends with the process. Who has to go on after a reopen takes it again at once; in between,
    /// [`Options::log_retain_bytes`](crate::Options::log_retain_bytes) keeps what it needs.
    ///
    /// # Errors
    /// [`ErrorKind::Forgotten`](crate::ErrorKind::Forgotten) when `from` is gone already; a closed database.
    pub fn hold_log(&self, name: &str, from: Lsn, bytes_max: u64) -> Result<LogHold> {
        Ok(LogHold(self.store().hold(name, from, bytes_max)?))
    }

    /// The holds that there are, in the order in which they were taken; none once it is closed.
    #[must_use]
    pub fn log_holds(&self) -> Vec<HoldStats> {
        self.store().holds()
    }

    /// The newest commit that snapshots show.
    #[must_use]
    pub fn last_commit(&self) -> Lsn {
        self.store().visible_lsn()
    }
}
