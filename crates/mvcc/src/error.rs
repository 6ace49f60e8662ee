//! What can go wrong in a store.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{EngineError, Malformed, StageId};
use drystone_wal::WalError;

use crate::options::IsolationLevel;

/// An operation of a store, a view or a transaction failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A transaction that committed first changed what this one wrote or guards. Nothing was written; begin again.
    #[error("{what} was changed by another transaction")]
    Conflict {
        /// What both touched.
        what: Contended,
    },
    /// This isolation level is not there yet. Ask for one that is, rather than get a weaker one in silence.
    #[error(
        "isolation level {level:?} is not supported; {} is",
        IsolationLevel::SUPPORTED
    )]
    Unsupported {
        /// The level asked for.
        level: IsolationLevel,
    },
    /// There is no keyspace of this name.
    #[error("no keyspace is named {name:?}")]
    NoSuchKeyspace {
        /// The name.
        name: String,
    },
    /// No keyspace has this number, or it was dropped; so it cannot be written to.
    #[error("{id} does not exist or was dropped")]
    NoSuchKeyspaceId {
        /// The number.
        id: KeyspaceId,
    },
    /// A keyspace of this name is there already.
    #[error("{id} is already named {name:?}")]
    KeyspaceExists {
        /// The name.
        name: String,
        /// Its number.
        id: KeyspaceId,
    },
    /// A keyspace's name must have 1 to [`KEYSPACE_NAME_BYTES_MAX`](crate::KEYSPACE_NAME_BYTES_MAX) bytes.
    #[error(
        "keyspace name of {len} bytes; allowed are 1 to {}",
        crate::KEYSPACE_NAME_BYTES_MAX
    )]
    KeyspaceName {
        /// Length of the name in bytes.
        len: usize,
    },
    /// All 2^32 keyspace numbers were used.
    #[error("no keyspace numbers are left")]
    KeyspacesExhausted,
    /// The catalog of keyspaces is changed by creating and dropping keyspaces only.
    #[error("the catalog of keyspaces cannot be written to directly")]
    CatalogIsReadOnly,
    /// The transaction wrote more than a transaction may. What it wrote before stands; commit that or roll back.
    #[error("transaction of {bytes} bytes; the limit is {max}")]
    TooLarge {
        /// What it would have held, in bytes.
        bytes: u64,
        /// The limit: [`StoreOptions::transaction_bytes_max`](crate::StoreOptions::transaction_bytes_max).
        max: u64,
    },
    /// A file that a large transaction or a bulk load spilled to could not be written or read. Nothing was committed;
    /// free space or mend the device, and begin again.
    #[error("{op} of {path}, what a transaction spilled, at offset {offset}")]
    Spill {
        /// What was tried: `create`, `write`, `read`, ...
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A file that a large transaction or a bulk load spilled to does not hold what was written to it. Nothing was
    /// committed, and the database is whole; look after the device, and begin again.
    #[error("{path}, what a transaction spilled, is damaged at offset {offset}")]
    CorruptSpill {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong with it.
        #[source]
        why: Malformed,
    },
    /// A bulk load that may only add met a key twice, or one that is there already. Nothing was committed.
    #[error("key {key:?} of {keyspace} is there already, and the load only adds")]
    KeyExists {
        /// The keyspace it is in.
        keyspace: KeyspaceId,
        /// The key.
        key: Bytes,
    },
    /// A load that is to come in order of its keys did not. Nothing was committed.
    #[error("entry {entry} of the load, {key:?}, does not come after the one before it")]
    Unsorted {
        /// Which entry it is, from 0.
        entry: u64,
        /// Its key.
        key: Bytes,
    },
    /// An earlier write of this bulk load failed and left it without what it had been given. Nothing was committed; drop
    /// it, and load again.
    #[error("an earlier write of this load failed; load again from its beginning")]
    LoadBroken,
    /// A bulk load wrote to a keyspace that a derived index follows, or an index began to follow what a large transaction
    /// wrote while it was committed. Such changes are folded in memory: write them in transactions that fit there.
    #[error(
        "{keyspace} is followed by an index; a load of more than {max} bytes cannot write to it"
    )]
    NotSpillable {
        /// The keyspace.
        keyspace: KeyspaceId,
        /// What a transaction may hold in memory: [`StoreOptions::spill_bytes`](crate::StoreOptions::spill_bytes).
        max: u64,
    },
    /// The log adopts a stage that the base does not have: they do not belong together, or the base has lost what was
    /// durable. Restore from a backup.
    #[error("log record {lsn} adopts {stage}, which the base does not have")]
    StageMissing {
        /// The record's number.
        lsn: Lsn,
        /// The stage.
        stage: StageId,
    },
    /// The savepoint was released, or rolled back past, or belongs to another transaction.
    #[error("no such savepoint in this transaction")]
    NoSuchSavepoint,
    /// Sealed memtables wait for a merge that keeps failing, so no more can be taken into memory. Reads go on. Mend
    /// what the source says (free disk space, say); the next commit or step tries again.
    #[error("commits wait for a merge, and it failed")]
    MergeStalled {
        /// Why the merge failed.
        source: Box<StoreError>,
    },
    /// An earlier write or sync of the log failed, so its tail is unknown. Reads go on. Reopen to recover; a commit
    /// that was under way may or may not be there then.
    #[error("the log took a failed write or sync; reopen to recover")]
    Poisoned,
    /// A write or sync of the log failed just now, so its tail is unknown: as [`StoreError::Poisoned`] from here on. Also
    /// where the disk was full, which space alone does not mend.
    #[error("the log failed; reopen to recover")]
    LogFailed {
        /// What the log said.
        source: WalError,
    },
    /// The store was closed. Views taken before can still be read.
    #[error("the store is closed")]
    Closed,
    /// The log failed.
    #[error(transparent)]
    Wal(WalError),
    /// A base failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A derived index could not follow a merge.
    #[error("index in {target} could not fold in a merge")]
    Index {
        /// The keyspace the index is stored in.
        target: KeyspaceId,
        /// What the index said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A log record that passed its checksum is no commit record. Restore from a backup.
    #[error("log record {lsn} is no commit record")]
    CorruptRecord {
        /// Its number.
        lsn: Lsn,
        /// What is wrong with it.
        #[source]
        why: Malformed,
    },
    /// An entry of the catalog of keyspaces is broken. Restore from a backup.
    #[error("the catalog of keyspaces is damaged")]
    CorruptCatalog {
        /// What is wrong with it.
        #[source]
        why: Malformed,
    },
    /// The log lacks records that no base holds. Restore from a backup.
    #[error("the log goes on at {found}, but the bases end before {expected}")]
    LogGap {
        /// The first record that must be there.
        expected: Lsn,
        /// The one that is.
        found: Lsn,
    },
}

impl From<WalError> for StoreError {
    fn from(error: WalError) -> StoreError {
        match error {
            WalError::Poisoned => StoreError::Poisoned,
            WalError::TooLarge { len, max } => StoreError::TooLarge {
                bytes: len as u64,
                max: max as u64,
            },
            other => StoreError::Wal(other),
        }
    }
}

/// What two transactions both touched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contended {
    /// One key.
    Key {
        /// The keyspace it is in.
        keyspace: KeyspaceId,
        /// The key.
        key: Bytes,
    },
    /// A keyspace as a whole: one dropped it or guards it, the other changed it.
    Keyspace(KeyspaceId),
    /// Perhaps nothing. The transaction began so long ago that what was committed since is not in memory any more
    /// ([`StoreOptions::conflict_bytes_max`](crate::StoreOptions::conflict_bytes_max)).
    Forgotten,
}

impl fmt::Display for Contended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contended::Key { keyspace, key } => write!(f, "key {key:?} of {keyspace}"),
            Contended::Keyspace(keyspace) => write!(f, "{keyspace}"),
            Contended::Forgotten => f.write_str("too much to be remembered"),
        }
    }
}
