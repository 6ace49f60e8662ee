//! What can go wrong in an engine.

pub use drystone_base::Malformed;

use std::io;
use std::path::PathBuf;

use drystone_base::{KeyspaceId, Lsn};

use crate::staging::StageId;

/// An operation of an engine failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The storage refused. Free space or mend the device; a merge that failed so may be tried again.
    #[error("{op} of {path} at offset {offset}")]
    Io {
        /// What was tried: `read`, `write`, `sync`, ...
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes in a file break the format. Do not retry: restore from a backup.
    #[error("{path} is damaged at offset {offset}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong with them.
        #[source]
        why: Malformed,
    },
    /// The file was written by a newer version, or needs a part that this build lacks.
    #[error("{path} has format version {found}; this build reads up to {supported}")]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this build reads.
        supported: u32,
    },
    /// A key is longer than the engine takes. Nothing was merged.
    #[error("key of {len} bytes; the limit is {max}")]
    KeyTooLarge {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A value is longer than the engine takes. Nothing was merged.
    #[error("value of {len} bytes; the limit is {max}")]
    ValueTooLarge {
        /// Its length in bytes.
        len: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// What a value was to be read from failed: the caller's own stream. Nothing was written.
    #[error("reading a value to be written, at its byte {offset}")]
    Stream {
        /// How many bytes had come before.
        offset: u64,
        /// What the stream said.
        source: io::Error,
    },
    /// The changes of a merge do not ascend strictly, or name a keyspace that the same merge drops. The caller's
    /// mistake; nothing was merged.
    #[error("changes out of order in {keyspace}")]
    Unsorted {
        /// Where the order breaks.
        keyspace: KeyspaceId,
    },
    /// A merge up to a state that is not after the newest one. The caller's mistake; nothing was merged.
    #[error("merge up to {upto}; the newest state is {merged} already")]
    Stale {
        /// The state asked for.
        upto: Lsn,
        /// The newest durable one.
        merged: Lsn,
    },
    /// A slice of a merge that has ended already, or has failed. The caller's mistake; begin another merge.
    #[error("the merge is over")]
    MergeOver,
    /// A stage waits to be adopted or discarded; until then the engine takes no merge and no other stage. Decide it.
    #[error("{stage} is undecided")]
    Undecided {
        /// The stage.
        stage: StageId,
    },
    /// A stage was to be adopted or discarded that is not staged. The caller's mistake, or its log belongs to another
    /// engine; nothing was done.
    #[error("{stage} is not staged")]
    NoSuchStage {
        /// The stage asked for.
        stage: StageId,
    },
    /// The engine does not compress by keyspace. Nothing was done.
    #[error("this engine does not compress by keyspace")]
    NoCompression,
    /// A write or sync failed just now, so the state on the medium is unknown: as [`EngineError::Poisoned`] from here on.
    /// Also where the disk was full, which space alone does not mend.
    #[error("{op} of {path} at offset {offset} failed; reopen to recover")]
    Failed {
        /// What was tried: `write`, `sync`, ...
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write or sync failed, so the state on the medium is unknown. Reopen to recover.
    #[error("{path} took a failed write or sync; reopen to recover")]
    Poisoned {
        /// The file.
        path: PathBuf,
    },
}
