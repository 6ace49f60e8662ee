//! What a store can be told.

use std::fmt;

/// Limits of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// The size at which a memtable is sealed, to be merged: the first commit with which it is as large fills it.
    pub memtable_bytes: u64,
    /// How many sealed memtables may wait for a merge. When so many do, each commit first brings the merge of the oldest as
    /// far as the active one will be full with it, so that the merge ends when that is to be sealed; beyond it, a
    /// committing thread merges before it commits. With none, it does the whole merge at once. So there are at most `sealed_memtables_max + 1` full memtables, each of which is larger than `memtable_bytes` by less
    /// than the commit that filled it; nothing more, besides what open views and transactions still need, and what a
    /// replay finds that larger options left.
    pub sealed_memtables_max: usize,
    /// About how many bytes of commits, besides those that wait for a merge, stay in memory so that transactions which
    /// began before them can be checked against them. One that began earlier can still read, but not commit what it
    /// wrote: it gets a [`StoreError::Conflict`](crate::StoreError::Conflict).
    pub conflict_bytes_max: u64,
    /// The most that one transaction may write, in bytes of keys and values, if it cannot spill: see
    /// [`StoreOptions::spill_bytes`].
    pub transaction_bytes_max: u64,
    /// Memory for the writes of one transaction. One that writes more spills them to files, and its commit goes straight
    /// into the base: only where the store was opened with a folder for that
    /// ([`Store::open_spilling`](crate::Store::open_spilling)), and where the engine can merge in two steps
    /// ([`Engine::staging`](drystone_engine::Engine::staging)). One that writes to what a derived index follows may be as
    /// large as `transaction_bytes_max` in all, and is in memory when it commits.
    pub spill_bytes: u64,
    /// About how many bytes one slice of a merge, or of the base's own work, reads and writes: what one
    /// [`Store::step`](crate::Store::step) does, and what a commit that adds little waits for at most when memtables wait
    /// for their merge. A value longer than this, and the syncs that end a merge, cannot be cut.
    pub step_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            memtable_bytes: 64 << 20,
            sealed_memtables_max: 2,
            conflict_bytes_max: 512 << 20,
            transaction_bytes_max: 1 << 30,
            spill_bytes: 64 << 20,
            step_bytes: 1 << 20,
        }
    }
}

/// What has happened when a commit returns, and so what a crash can undo.
///
/// A crash never undoes a commit and keeps a later one: what is lost is always the newest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The commit is on stable media. No crash undoes it.
    #[default]
    Sync,
    /// The commit is in the log's buffer, and the next [`Store::step`](crate::Store::step) makes it durable. A crash
    /// of the process or the machine undoes at most what was committed since the last finished step.
    Async,
    /// The commit is in the log's buffer, and nobody hurries: it becomes durable with the next `Sync` commit, with
    /// [`Store::sync`](crate::Store::sync), with a close, or when its memtable is merged. A crash of the process or the
    /// machine may undo all commits since then.
    None,
}

/// How much of other transactions a transaction may see, in the words of the SQL standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IsolationLevel {
    /// As `ReadCommitted`, as in PostgreSQL. Not supported yet.
    ReadUncommitted,
    /// Every statement sees what was committed before it. Not supported yet.
    ReadCommitted,
    /// Snapshot isolation: all reads see one state, and of two transactions that write the same key the first to
    /// commit wins. Write skew is possible; guards
    /// ([`Transaction::guard_key`](crate::Transaction::guard_key)) prevent it where it matters.
    #[default]
    RepeatableRead,
    /// As if transactions ran one after the other. Not supported yet.
    Serializable,
}

impl IsolationLevel {
    /// The levels that [`Store::begin`](crate::Store::begin) takes.
    pub const SUPPORTED: IsolationLevel = IsolationLevel::RepeatableRead;
}

impl fmt::Display for IsolationLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
