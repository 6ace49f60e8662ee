//! Commits: what was committed, one commit after the other, from any LSN on, also while the store is written.
//!
//! # Invariants
//! - F1. Commits come in the order of their LSNs, and none is left out: where the log has forgotten some, that is an error.
//! - F2. Only what is durable comes: no crash takes back what has come.
//! - F3. It pins nothing but one file of the log: who must not fall behind takes a [`Hold`](drystone_wal::Hold).

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_wal::{Hold, HoldStats, Reader, Record, Tailed};

use crate::catalog;
use crate::commit_record::{self, CommitRecord, LogRecord};
use crate::error::StoreError;
use crate::shared::Shared;
use crate::store::Store;
use crate::view::View;

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its number, which is its version.
    pub lsn: Lsn,
    /// What it did.
    pub content: CommitContent,
}

/// What a commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitContent {
    /// All of it. First the dropped keyspaces end, with all that was in them.
    Changes {
        /// Keyspaces that ended. Numbers are never used again; names may be.
        dropped: Vec<CommittedKeyspace>,
        /// Keyspaces that began.
        created: Vec<CommittedKeyspace>,
        /// Keys that changed, by keyspace, ascending by its number.
        changed: Vec<KeyspaceChanges>,
    },
    /// It was larger than a transaction's memory, or a load: its changes went straight to the base and are not in the log.
    /// Who follows takes a view, which has it from now on, reads what it needs from that, and follows on behind the view.
    Staged,
}

/// A keyspace, as a commit names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedKeyspace {
    /// Its number.
    pub id: KeyspaceId,
    /// Its name. `None` where neither the commits that were read nor the catalog say it: it was dropped before the reading
    /// began, or before a [`CommitContent::Staged`] that created it was read.
    pub name: Option<Arc<str>>,
}

/// What a commit did to the keys of one keyspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceChanges {
    /// Which.
    pub keyspace: CommittedKeyspace,
    /// Each key that it changed, ascending, with what it is from then on; `None`: it was removed. They share the memory of
    /// the piece of the log that they were read from, 256 KiB or the whole commit.
    pub changes: Vec<(Bytes, Option<Bytes>)>,
}

/// What came of a wait for the next commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The next commit.
    Commit(Commit),
    /// None became durable in time. Ask again.
    TimedOut,
    /// None will come: the store was closed, and all that was durable has been read.
    Ended,
}

/// Reads commits from an LSN on, and those that come: see [`Store::commits_from`].
///
/// - As an [`Iterator`]: `None` says that all that is durable has been read; later calls go on after it.
/// - [`Commits::next_within`] waits for the next commit.
/// - [`Commits::poll_next`] is for async code.
///
/// After damage or a failed read it returns nothing more.
#[derive(Debug)]
pub struct Commits {
    reader: Reader,
    /// Commits before this one are read for the names that they give, and left out.
    from: Lsn,
    names: BTreeMap<KeyspaceId, Arc<str>>,
    /// Whose commits they are, as long as it is there.
    store: Weak<Shared>,
    has_failed: bool,
}

impl Commits {
    fn new(reader: Reader, from: Lsn, store: &Arc<Shared>) -> Commits {
        Commits {
            reader,
            from,
            names: BTreeMap::new(),
            store: Arc::downgrade(store),
            has_failed: false,
        }
    }

    /// Learns the names of the keyspaces that a view has.
    fn learn_names(&mut self, view: &View) -> Result<(), StoreError> {
        let keyspaces = view.keyspaces()?.into_iter();
        self.names
            .extend(keyspaces.map(|(name, id)| (id, name.into())));
        Ok(())
    }

    /// Number of the commit that comes next.
    #[must_use]
    pub fn position(&self) -> Lsn {
        self.reader.position().max(self.from)
    }

    /// The next commit; waits for it for `time` at most ([`Duration::MAX`]: as long as it takes).
    ///
    /// # Errors
    /// [`StoreError::Wal`] with what the log's [`Reader`] says: that the commit is not there any more, damage, a failed read.
    /// [`StoreError::Poisoned`] when all that is durable has been read, and the log has failed since.
    /// [`StoreError::CorruptRecord`].
    pub fn next_within(&mut self, time: Duration) -> Result<Followed, StoreError> {
        while !self.has_failed {
            let record = match self.reader.next_within(time)? {
                Tailed::Record(record) => record,
                Tailed::TimedOut => return Ok(Followed::TimedOut),
                Tailed::Ended => return Ok(Followed::Ended),
            };
            if let Some(commit) = self.take(&record)? {
                return Ok(Followed::Commit(commit));
            }
        }
        Ok(Followed::Ended)
    }

    /// The next commit, or `Pending` where none is durable yet: then the task is woken when one is. `None` says that the
    /// store was closed, and all that was durable has been read.
    ///
    /// # Errors
    /// As [`Commits::next_within`].
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Commit, StoreError>>> {
        while !self.has_failed {
            let record = match ready!(self.reader.poll_next(context)) {
                Some(Ok(record)) => record,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            };
            if let Some(commit) = self.take(&record).transpose() {
                return Poll::Ready(Some(commit));
            }
        }
        Poll::Ready(None)
    }

    /// Makes a commit of a record; `None` where it comes before those that were asked for.
    fn take(&mut self, record: &Record) -> Result<Option<Commit>, StoreError> {
        let lsn = record.lsn;
        let content = self.content(lsn, &record.payload);
        self.has_failed |= content.is_err();
        let content = content?;
        Ok((lsn >= self.from).then_some(Commit { lsn, content }))
    }

    fn content(&mut self, lsn: Lsn, payload: &Bytes) -> Result<CommitContent, StoreError> {
        let record = commit_record::decode(payload);
        match record.map_err(|why| StoreError::CorruptRecord { lsn, why })? {
            LogRecord::Adopts(_) => self.staged(),
            LogRecord::Commit(commit) => self.changes(commit),
        }
    }

    /// Its record is in the log before views show it, and does not name the keyspaces that it created.
    fn staged(&mut self) -> Result<CommitContent, StoreError> {
        if let Some(store) = self.store.upgrade() {
            self.learn_names(&store.view_of_staged())?;
        }
        Ok(CommitContent::Staged)
    }

    fn changes(&mut self, commit: CommitRecord) -> Result<CommitContent, StoreError> {
        let dropped = commit.dropped.into_iter().map(|id| CommittedKeyspace {
            id,
            name: self.names.remove(&id),
        });
        let dropped = dropped.collect();
        let (mut created, mut changed) = (Vec::new(), Vec::new());
        for group in commit.groups {
            if group.keyspace == KeyspaceId::CATALOG {
                created = self.created(&group.changes)?;
                continue;
            }
            let keyspace = self.name(group.keyspace);
            let changes = group.changes;
            changed.push(KeyspaceChanges { keyspace, changes });
        }
        Ok(CommitContent::Changes {
            dropped,
            created,
            changed,
        })
    }

    /// The keyspaces that changes of the catalog create. Those that they end are in the record itself.
    fn created(
        &mut self,
        catalog: &[(Bytes, Option<Bytes>)],
    ) -> Result<Vec<CommittedKeyspace>, StoreError> {
        let mut created = Vec::new();
        for (key, value) in catalog {
            let (true, Some(number)) = (catalog::names().contains(key), value) else {
                continue;
            };
            let name: Arc<str> = catalog::decode_name(key)?.into();
            let id = catalog::decode_id(number)?;
            self.names.insert(id, Arc::clone(&name));
            created.push(CommittedKeyspace {
                id,
                name: Some(name),
            });
        }
        Ok(created)
    }

    fn name(&self, id: KeyspaceId) -> CommittedKeyspace {
        let name = self.names.get(&id).map(Arc::clone);
        CommittedKeyspace { id, name }
    }
}

impl Iterator for Commits {
    type Item = Result<Commit, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_failed {
            let next = self.reader.next()?;
            let taken = next
                .map_err(StoreError::from)
                .and_then(|record| self.take(&record));
            if let Some(commit) = taken.transpose() {
                return Some(commit);
            }
        }
        None
    }
}

impl Store {
    /// Reads commits, from the one at `from` on ([`Lsn::ZERO`] as the first), as far as they are durable, and then those
    /// that become so: see [`Commits`]. A commit may come moments before views show it, but for
    /// [`CommitContent::Staged`], which waits for that: so no waker may ask for commits itself.
    ///
    /// The log keeps what is not merged yet, what holds keep ([`Store::hold`]), and
    /// [`LogOptions::retain_bytes`](drystone_wal::LogOptions::retain_bytes). Reading costs what the log's reader does, and the
    /// names of all keyspaces in memory.
    ///
    /// # Errors
    /// [`StoreError::Closed`]; a failed read, or damage, of the catalog. That `from` is not there any more says the first read.
    pub fn commits_from(&self, from: Lsn) -> Result<Commits, StoreError> {
        let log = self.shared.log()?;
        let view = self.view();
        // Of keyspaces that begin behind the view, the log says the names.
        let reader = log.read_from(from.min(view.lsn().next()));
        let mut commits = Commits::new(reader, from, &self.shared);
        commits.learn_names(&view)?;
        Ok(commits)
    }

    /// Keeps the commits from `from` on in the log, for somebody who follows: see [`Log::hold`](drystone_wal::Log::hold).
    ///
    /// # Errors
    /// [`StoreError::Closed`]; [`StoreError::Wal`] when `from` is gone already.
    pub fn hold(&self, name: &str, from: Lsn, bytes_max: u64) -> Result<Hold, StoreError> {
        Ok(self.shared.log()?.hold(name, from, bytes_max)?)
    }

    /// The holds that there are, in the order in which they were taken; none once it is closed.
    #[must_use]
    pub fn holds(&self) -> Vec<HoldStats> {
        self.shared.log().map(|log| log.holds()).unwrap_or_default()
    }
}
