//! What can go wrong in a pager.

pub use drystone_base::Malformed;

use std::io;
use std::path::PathBuf;

use drystone_base::Lsn;
use drystone_compress::{CompressError, NotBuilt};

/// An operation on a pager failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagerError {
    /// The storage refused. A writer that met this is to be dropped; with the space freed or the device mended, the same
    /// changes may be written again.
    #[error("{op} of {path} at offset {offset}")]
    Io {
        /// What was tried: `open`, `read`, `write`, `extend`, `sync`, ...
        op: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes in the file are not those that were written, or make no sense. Do not retry: restore from a backup.
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
    /// Both copies of a superblock are damaged. What the other one holds may be the state before the last durable one, so
    /// it is not taken without [`LostSuperblock::TakeOther`](crate::LostSuperblock::TakeOther).
    #[error(
        "{path} has lost both copies of a superblock; the other one is at generation {generation}, {lsn}"
    )]
    LostSuperblock {
        /// The file.
        path: PathBuf,
        /// The generation that is left.
        generation: u64,
        /// Its LSN.
        lsn: Lsn,
    },
    /// A page is stored with a codec that this version does not know.
    #[error(
        "page at offset {offset} of {path} needs codec {codec}, which this version does not know"
    )]
    UnknownCodec {
        /// The file.
        path: PathBuf,
        /// Where the page lies, in bytes.
        offset: u64,
        /// The codec's number.
        codec: u8,
    },
    /// A page is stored with a codec that this build lacks. Build with the feature that it names.
    #[error("page at offset {offset} of {path} cannot be read")]
    CodecNotBuilt {
        /// The file.
        path: PathBuf,
        /// Where the page lies, in bytes.
        offset: u64,
        /// The codec, and its feature.
        #[source]
        why: NotBuilt,
    },
    /// A page cannot be compressed so: a codec that this build lacks, or a level that it does not have. Nothing was
    /// written.
    #[error("page of {len} bytes cannot be compressed")]
    Compress {
        /// Its length in bytes.
        len: usize,
        /// What is wrong with the codec.
        #[source]
        why: CompressError,
    },
    /// The file was written by a newer version.
    #[error("{path} has format version {found}; this build reads up to {supported}")]
    UnsupportedVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this build reads.
        supported: u32,
    },
    /// A page of no bytes, or of more than [`MAX_PAGE_BYTES`](crate::MAX_PAGE_BYTES). Nothing was written.
    #[error("page of {len} bytes; it must have 1 to {max}")]
    PageLen {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A root payload of more than [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES). Nothing was committed.
    #[error("root payload of {len} bytes; the limit is {max}")]
    PayloadTooLarge {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// A commit with a lower LSN than the state it would replace. Nothing was committed.
    #[error("commit at {lsn}; the durable state is at {newest} already")]
    LsnBackwards {
        /// The LSN given.
        lsn: Lsn,
        /// The durable state's.
        newest: Lsn,
    },
    /// Another writer is at work on this pager. Wait for it.
    #[error("another writer is at work on {path}")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A sync of a commit, or the write of its superblock's second copy, failed just now, so the state on the medium is
    /// unknown: as [`PagerError::Poisoned`] from here on. Also where the disk was full, which space alone does not mend.
    #[error("{op} of {path} at offset {offset} failed; reopen to recover")]
    Failed {
        /// What was tried: `write` or `sync`.
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write or sync failed, so the state on the medium is unknown. Open the file again to recover.
    #[error("{path} took a failed write or sync; reopen to recover")]
    Poisoned {
        /// The file.
        path: PathBuf,
    },
}

/// A checksum that does not agree.
pub(crate) fn bad_checksum(expected: u64, found: u64) -> Malformed {
    let hex = |number| format!("{number:#018x}");
    Malformed::new("checksum", hex(expected), hex(found))
}
