//! What the log holds: numbered byte strings.

pub(crate) mod format;

use bytes::Bytes;
use drystone_base::Lsn;

pub use format::MAX_PAYLOAD_BYTES;

/// A record read from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub lsn: Lsn,
    /// What was appended. Shares the memory of the chunk it was read in (up to 256 KiB, or the record's own length).
    pub payload: Bytes,
}
