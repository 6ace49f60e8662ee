//! A position in one keyspace of a snapshot.

use bytes::Bytes;

use crate::error::EngineError;

/// A position in one keyspace of a snapshot, moving both ways.
///
/// A cursor owns what it reads from: it outlives the snapshot handle and the engine handle it came from, and may move
/// to another thread. It starts on no entry. Each moving method returns whether it is on an entry afterwards; when it
/// is not, `key` and `value` must not be called, and only the four seeks bring it back onto one.
pub trait Cursor: Send {
    /// To the first entry.
    ///
    /// # Errors
    /// Damage or a failed read. The cursor is then on no entry.
    fn first(&mut self) -> Result<bool, EngineError>;

    /// To the last entry.
    ///
    /// # Errors
    /// As [`Cursor::first`].
    fn last(&mut self) -> Result<bool, EngineError>;

    /// To the first entry whose key is `>= key`.
    ///
    /// # Errors
    /// As [`Cursor::first`].
    fn seek(&mut self, key: &[u8]) -> Result<bool, EngineError>;

    /// To the last entry whose key is `<= key`.
    ///
    /// # Errors
    /// As [`Cursor::first`].
    fn seek_back(&mut self, key: &[u8]) -> Result<bool, EngineError>;

    /// To the entry after this one.
    ///
    /// # Errors
    /// As [`Cursor::first`].
    fn next(&mut self) -> Result<bool, EngineError>;

    /// To the entry before this one.
    ///
    /// # Errors
    /// As [`Cursor::first`].
    fn prev(&mut self) -> Result<bool, EngineError>;

    /// The key of the entry it is on.
    ///
    /// # Panics
    /// When it is on no entry.
    fn key(&self) -> &[u8];

    /// The value of the entry it is on: shares the page's memory where the value lies within one page.
    ///
    /// # Errors
    /// Damage or a failed read of a value that lies outside its page.
    ///
    /// # Panics
    /// When it is on no entry.
    fn value(&self) -> Result<Bytes, EngineError>;

    /// The value of the entry it is on, where it lies: no holder of the memory is counted. `None` where it does not lie
    /// in what the cursor holds anyway; [`Cursor::value`] has it then.
    ///
    /// # Panics
    /// When it is on no entry.
    fn value_ref(&self) -> Option<&[u8]> {
        None
    }
}
