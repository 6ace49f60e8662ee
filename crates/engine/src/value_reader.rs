//! ValueReader: a value as a stream, from any place in it.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use crate::error::EngineError;
use crate::long_value::{Piece, StoredValue};

/// Reads one value, as it was when the reader was made, a piece at a time: [`Read`], [`BufRead`] and [`Seek`].
///
/// Of the value it holds one piece in memory. It owns what it reads from: it outlives the handle it came from, may move to
/// another thread, and keeps the value's place in the file until it is dropped.
#[derive(Debug)]
pub struct ValueReader {
    value: StoredValue,
    at: u64,
    /// The piece that was read last.
    piece: Option<Piece>,
}

impl ValueReader {
    /// At the beginning of a value.
    #[must_use]
    pub fn new(value: StoredValue) -> ValueReader {
        ValueReader {
            value,
            at: 0,
            piece: None,
        }
    }

    /// The value's length in bytes, wherever the reader stands.
    #[must_use]
    pub fn byte_len(&self) -> u64 {
        self.value.byte_len()
    }

    /// What is left of the piece that the reader stands in; empty at the end, and behind it.
    fn rest(&mut self) -> Result<&[u8], EngineError> {
        if self.at >= self.value.byte_len() {
            return Ok(&[]);
        }
        let is_there = self.piece.as_ref().is_some_and(|piece| {
            let end = piece.start + piece.bytes.len() as u64;
            (piece.start..end).contains(&self.at)
        });
        if !is_there {
            self.piece = None; // before the next: one is in memory at a time
            self.piece = Some(self.value.piece(self.at)?);
        }
        let Some(piece) = &self.piece else {
            return Ok(&[]);
        };
        let skipped = usize::try_from(self.at - piece.start).unwrap_or(usize::MAX);
        Ok(piece.bytes.get(skipped..).unwrap_or_default())
    }
}

impl Read for ValueReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let rest = self.fill_buf()?;
        let len = rest.len().min(buf.len());
        buf[..len].copy_from_slice(&rest[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for ValueReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.rest().map_err(into_io)
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount as u64;
    }
}

impl Seek for ValueReader {
    /// To any place, behind the end too, where there is nothing to be read. Reads nothing.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.byte_len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| {
            let why = "a place before the beginning of the value";
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })?;
        Ok(self.at)
    }
}

/// The error as one of I/O; damage is `InvalidData`. The engine's own error is inside.
fn into_io(error: EngineError) -> io::Error {
    let kind = match &error {
        EngineError::Corrupt { .. } => io::ErrorKind::InvalidData,
        EngineError::Io { source, .. } => source.kind(),
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
mod tests;
