//! What can go wrong in a log.

use std::io;
use std::path::PathBuf;

use drystone_base::Lsn;

use crate::segment::SegmentId;

/// An operation on the log failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalError {
    /// The storage refused. A failed write of records, or a failed sync, also poisons the log; a failed preparation of
    /// a segment (a full disk) does not: free space and try again.
    #[error("{op} of {path} at offset {offset}")]
    Io {
        /// What was tried: `read`, `write`, `sync`, ...
        op: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes on disk break the format where they are known to have been durable. Do not retry: restore from a backup, or
    /// give up what is behind them by [`Recovery::Repair`](crate::Recovery::Repair).
    #[error("{segment} is damaged at offset {offset}, where {lsn} should be")]
    Corrupt {
        /// The segment.
        segment: SegmentId,
        /// Where in its file, in bytes.
        offset: u64,
        /// The record that is, or begins, what cannot be read.
        lsn: Lsn,
        /// What is wrong.
        #[source]
        why: Malformed,
    },
    /// A segment between two others is not there. Restore its file, or the folder, from a backup.
    #[error("{segment} is missing, and later segments are there")]
    MissingSegment {
        /// The missing one.
        segment: SegmentId,
    },
    /// The log begins after the records that its user still needs. Restore the log that belongs to this state.
    #[error("the log begins at {oldest}, but the records after {floor} are needed")]
    Gap {
        /// Everything up to here is held elsewhere.
        floor: Lsn,
        /// The oldest record that the log has, or would have.
        oldest: Lsn,
    },
    /// A log was to end before what its user holds elsewhere. Nothing was changed.
    #[error("the log cannot end at {wanted}, for everything up to {floor} is held elsewhere")]
    BelowFloor {
        /// Where it was to end.
        wanted: Lsn,
        /// Everything up to here is held elsewhere.
        floor: Lsn,
    },
    /// The records asked for were trimmed away.
    #[error("{wanted} was trimmed; the log begins at {oldest}")]
    Trimmed {
        /// The record asked for.
        wanted: Lsn,
        /// The oldest record that is left.
        oldest: Lsn,
    },
    /// Segments that the archive has not taken yet fill the room that they may take. Nothing was appended. Mend the archive
    /// (see [`Log::archive_stats`](crate::Log::archive_stats)); later appends succeed once it has taken some.
    #[error("{waiting_bytes} bytes of the log wait for the archive, which may be {bytes_max}")]
    ArchiveBehind {
        /// Length of the segments that wait, in bytes.
        waiting_bytes: u64,
        /// The limit: [`LogOptions::archive_bytes_max`](crate::LogOptions::archive_bytes_max).
        bytes_max: u64,
    },
    /// The archive did not take a segment. It is kept, and handed out again by the next step.
    #[error("the archive did not take {segment}")]
    Archive {
        /// The segment.
        segment: SegmentId,
        /// What the archive said.
        source: io::Error,
    },
    /// A segment was written by a newer version. Open it with that version.
    #[error("{segment} has format version {found}; this build reads up to {supported}")]
    UnsupportedVersion {
        /// The segment.
        segment: SegmentId,
        /// Its version.
        found: u32,
        /// The newest version that this build reads.
        supported: u32,
    },
    /// Outside the limits. Nothing was appended.
    #[error("payload of {len} bytes; the limit is {max}")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes: [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES).
        max: usize,
    },
    /// A wait for a record that was never appended.
    #[error("{wanted} was not appended; the last is {appended}")]
    NotAppended {
        /// The record waited for.
        wanted: Lsn,
        /// The last one there is.
        appended: Lsn,
    },
    /// All numbers up to 2^64 - 2 are used. Cannot happen, other than by a `floor` that is made up.
    #[error("there are no more LSNs")]
    Exhausted,
    /// An earlier write or sync failed, so the tail is unknown. Reopen to recover.
    #[error("the log is poisoned by an earlier failed write or sync; reopen to recover")]
    Poisoned,
    /// Two things failed that do not depend on each other. What to do is what the [first](WalError::first) asks for; the
    /// other one comes again if it is not mended.
    #[error("two things failed, of which the second is: {}", with_sources(second))]
    Both {
        /// What failed first.
        #[source]
        first: Box<WalError>,
        /// What failed besides.
        second: Box<WalError>,
    },
}

impl WalError {
    /// What failed first, where several things did.
    #[must_use]
    pub fn first(&self) -> &WalError {
        match self {
            WalError::Both { first, .. } => first.first(),
            one => one,
        }
    }

    /// This, and what failed after it. That the log is poisoned by then says nothing new.
    fn and(self, second: WalError) -> WalError {
        match second {
            WalError::Poisoned => self,
            second => WalError::Both {
                first: Box::new(self),
                second: Box::new(second),
            },
        }
    }
}

/// What two things came to that were both done, whatever became of the other. No error is passed over.
pub(crate) fn both<A, B>(
    first: Result<A, WalError>,
    second: Result<B, WalError>,
) -> Result<(A, B), WalError> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(second)) => Err(first.and(second)),
    }
}

/// An error and its sources, in one line.
pub(crate) fn with_sources(error: &WalError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// How bytes break the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The first bytes of a segment are not this format's.
    #[error("the segment's magic number is wrong")]
    Magic,
    /// The segment was written by a newer version.
    #[error("the segment's format version is {found}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The file's name and its header disagree about its number.
    #[error("the segment's header says {found}")]
    Number {
        /// The number in the header.
        found: SegmentId,
    },
    /// The file is not as long as its header says.
    #[error("the segment should have {expected} bytes, and its file has {found}")]
    Capacity {
        /// Length by the header, in bytes.
        expected: u64,
        /// Length of the file, in bytes.
        found: u64,
    },
    /// The segment would begin with number 0, which no record has.
    #[error("the segment's header says that its first record is number 0; they begin with 1")]
    FirstLsn,
    /// The checksum does not fit the bytes.
    #[error("checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// Computed from the bytes.
        expected: u32,
        /// Stored with them.
        found: u32,
    },
    /// Reserved bytes or padding are not zero.
    #[error("reserved bytes are not zero")]
    Reserved,
    /// No record has this kind.
    #[error("unknown record kind {found}")]
    Kind {
        /// The kind found.
        found: u8,
    },
    /// The length cannot be.
    #[error("record of {found} payload bytes, where {room} bytes are left")]
    Length {
        /// Payload length by the record's header, in bytes.
        found: u32,
        /// Bytes from the record's start to the end of its segment.
        room: u64,
    },
    /// The record is not the one that follows the one before.
    #[error("{found} instead of {expected}")]
    Sequence {
        /// The number that should follow.
        expected: Lsn,
        /// The number found.
        found: Lsn,
    },
    /// The record says that something was durable which was not written before it.
    #[error("{lsn} claims that {durable_lsn} was durable before it")]
    DurableLsn {
        /// The record's number.
        lsn: Lsn,
        /// What it claims.
        durable_lsn: Lsn,
    },
    /// The segment ends before a record that a later segment says is in it.
    #[error("the segment ends before the record")]
    Missing,
    /// The medium does not read it. Found by a repair only; otherwise this is [`WalError::Io`].
    #[error("it cannot be read: {kind}")]
    Unreadable {
        /// What the system said.
        kind: io::ErrorKind,
    },
}
