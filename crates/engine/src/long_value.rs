//! Values that need not fit into memory: read a piece at a time, from whatever holds them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::EngineError;

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where in the value it begins, in bytes.
    pub start: u64,
    /// What it holds; at least one byte.
    pub bytes: Bytes,
}

/// A value that is read a piece at a time. It never changes, and owns what it reads from.
///
/// One goes into an engine as [`Op::PutLong`](crate::Op::PutLong), and comes out of it by
/// [`Snapshot::open_value`](crate::Snapshot::open_value).
pub trait LongValue: Send + Sync + fmt::Debug {
    /// Its length in bytes.
    fn byte_len(&self) -> u64;

    /// The piece that has the byte at `offset`, which is below [`LongValue::byte_len`]. Costs about a read of the piece,
    /// which is far smaller than memory.
    ///
    /// # Errors
    /// Damage or a failed read.
    fn piece(&self, offset: u64) -> Result<Piece, EngineError>;
}

/// A value: in memory, or to be read a piece at a time.
#[derive(Clone, Debug)]
pub enum StoredValue {
    /// All of it.
    Whole(Bytes),
    /// Too long for that.
    Long(Arc<dyn LongValue>),
}

impl StoredValue {
    /// Its length in bytes.
    #[must_use]
    pub fn byte_len(&self) -> u64 {
        match self {
            StoredValue::Whole(bytes) => bytes.len() as u64,
            StoredValue::Long(long) => long.byte_len(),
        }
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// As [`read_whole`].
    pub fn into_bytes(self) -> Result<Bytes, EngineError> {
        match self {
            StoredValue::Whole(bytes) => Ok(bytes),
            StoredValue::Long(long) => read_whole(&*long),
        }
    }

    /// The piece that has the byte at `offset`, which is below its length.
    ///
    /// # Errors
    /// As [`LongValue::piece`].
    pub fn piece(&self, offset: u64) -> Result<Piece, EngineError> {
        match self {
            StoredValue::Whole(bytes) => Ok(Piece {
                start: 0,
                bytes: bytes.clone(),
            }),
            StoredValue::Long(long) => long.piece(offset),
        }
    }
}

/// Memory that is set aside at once for a value that is read whole: its length is not known to be true before.
const SET_ASIDE_BYTES_MAX: u64 = 64 << 20;

/// Reads all of a long value into memory.
///
/// # Errors
/// As [`LongValue::piece`].
pub fn read_whole(value: &dyn LongValue) -> Result<Bytes, EngineError> {
    let len = value.byte_len();
    let room = usize::try_from(len.min(SET_ASIDE_BYTES_MAX)).unwrap_or(0);
    let mut whole = Vec::with_capacity(room);
    while (whole.len() as u64) < len {
        let at = whole.len() as u64;
        let piece = value.piece(at)?;
        let skipped = usize::try_from(at.saturating_sub(piece.start)).unwrap_or(usize::MAX);
        let rest = piece.bytes.get(skipped..).unwrap_or_default();
        assert!(!rest.is_empty(), "a piece has the byte that was asked for");
        whole.extend_from_slice(rest);
    }
    Ok(whole.into())
}
