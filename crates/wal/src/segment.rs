//! One file of the log.

pub(crate) mod format;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use drystone_base::{File, Lsn};

use crate::error::WalError;
use crate::segment::format::SegmentHeader;

/// How much is read or filled at once, in bytes.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// Length of the next chunk where `left` bytes are left.
pub(crate) fn chunk_len(left: u64) -> usize {
    usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES))
}

/// Number of a segment: later segments have higher ones, also when their files are recycled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

impl SegmentId {
    /// The number that follows. Segments outlast the log's LSNs, of which each holds one at least.
    pub(crate) fn next(self) -> SegmentId {
        SegmentId(self.0.saturating_add(1))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {}", self.0)
    }
}

/// An open file that may or may not be a segment yet. Adds the place to every error.
#[derive(Debug)]
pub(crate) struct LogFile {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
}

impl LogFile {
    pub(crate) fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<(), WalError> {
        let read = self.file.read_exact_at(buf, offset);
        read.map_err(|source| self.error("read", offset, source))
    }

    pub(crate) fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<(), WalError> {
        let written = self.file.write_all_at(buf, offset);
        written.map_err(|source| self.error("write", offset, source))
    }

    pub(crate) fn write_zeros(&self, bytes: Range<u64>) -> Result<(), WalError> {
        let zeros = vec![0; chunk_len(bytes.end.saturating_sub(bytes.start))];
        let mut offset = bytes.start;
        while offset < bytes.end {
            let len = chunk_len(bytes.end - offset);
            self.write_all_at(&zeros[..len], offset)?;
            offset += len as u64;
        }
        Ok(())
    }

    /// Writes the same bytes of another file.
    pub(crate) fn copy_from(&self, other: &LogFile, bytes: Range<u64>) -> Result<(), WalError> {
        let mut chunk = vec![0; chunk_len(bytes.end.saturating_sub(bytes.start))];
        let mut offset = bytes.start;
        while offset < bytes.end {
            let chunk = &mut chunk[..chunk_len(bytes.end - offset)];
            other.read_exact_at(chunk, offset)?;
            self.write_all_at(chunk, offset)?;
            offset += chunk.len() as u64;
        }
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<(), WalError> {
        let synced = self.file.sync();
        synced.map_err(|source| self.error("sync", 0, source))
    }

    pub(crate) fn len(&self) -> Result<u64, WalError> {
        let len = self.file.len();
        len.map_err(|source| self.error("read the length", 0, source))
    }

    fn error(&self, op: &'static str, offset: u64, source: io::Error) -> WalError {
        let path = self.path.clone();
        WalError::Io {
            op,
            path,
            offset,
            source,
        }
    }
}

/// A segment: its header, which is durable, and its open file. Everything before its first record is durable.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: SegmentHeader,
    pub(crate) file: LogFile,
}

impl Segment {
    pub(crate) fn number(&self) -> SegmentId {
        self.header.number
    }

    pub(crate) fn first_lsn(&self) -> Lsn {
        self.header.first_lsn
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.header.capacity
    }

    /// Where its records end, and its marker is.
    pub(crate) fn records_end(&self) -> u64 {
        format::records_end(self.header.capacity)
    }
}

/// A file that is zero-filled or recycled, synced, and ready to become a segment.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) file: LogFile,
    pub(crate) capacity: u64,
}
