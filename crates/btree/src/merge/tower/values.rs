//! The part of a tower that has to do with values outside their leaves, and with pages that move.

use drystone_engine::{EngineError, LongValue};
use drystone_storage_pager::{BlockNo, PageRef};

use super::Tower;
use crate::error::from_pager;
use crate::limits::check_long;
use crate::node::child::{Form, Overflow};
use crate::pieces;

impl Tower {
    /// Writes a value that is too long for a leaf.
    pub(crate) fn write_value(&mut self, value: &[u8]) -> Result<Overflow, EngineError> {
        self.wrote(value.len());
        let lengths = self.pages.value_lengths();
        if value.len() > lengths.whole_max {
            let mut pieces = value.chunks(lengths.piece());
            return self.write_pieces(&mut |room| {
                room.extend_from_slice(pieces.next().unwrap_or_default());
                Ok(())
            });
        }
        let written = self.writer.write_compressed(value, self.codec);
        Ok(Overflow {
            page: written.map_err(from_pager)?,
            value_len: value.len() as u64,
            form: Form::Whole,
        })
    }

    /// Writes a long value, piece by piece.
    pub(crate) fn write_long(&mut self, value: &dyn LongValue) -> Result<Overflow, EngineError> {
        let len = value.byte_len();
        check_long(len)?;
        let piece_bytes = self.pages.value_lengths().piece();
        let mut at = 0;
        let written = self.write_pieces(&mut |room| {
            while at < len && room.len() < piece_bytes {
                let piece = value.piece(at)?;
                let skipped = usize::try_from(at - piece.start).unwrap_or(usize::MAX);
                let rest = piece.bytes.get(skipped..).unwrap_or_default();
                let taken = rest.len().min(piece_bytes - room.len());
                assert!(taken > 0, "a piece has the byte that was asked for");
                room.extend_from_slice(&rest[..taken]);
                at += taken as u64;
            }
            Ok(())
        })?;
        self.note_written(len);
        Ok(written)
    }

    fn write_pieces(&mut self, next: pieces::NextPiece<'_>) -> Result<Overflow, EngineError> {
        self.has_pieces = true;
        let lengths = self.pages.value_lengths();
        pieces::write(&mut self.writer, self.codec, lengths, next)
    }

    /// Takes a value over that the writer has written already.
    pub(crate) fn note_value(&mut self, value: &Overflow) {
        self.has_pieces |= value.form == Form::Pieces;
        self.note_written(value.value_len);
    }

    fn note_written(&mut self, bytes: u64) {
        self.wrote(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// Whether a value was written in pieces.
    pub(crate) fn has_pieces(&self) -> bool {
        self.has_pieces
    }

    /// Says that the next state does without a value outside its leaf.
    pub(crate) fn free_value(&mut self, value: &Overflow) -> Result<(), EngineError> {
        self.spent_bytes += super::FREE_BYTES;
        pieces::free(&self.pages, &mut self.writer, value)
    }

    /// Moves a page to the front of the file, where [`Tower::would_move`] says so. `None`: it stays.
    pub(crate) fn relocate(
        &mut self,
        page: &PageRef,
        limit: BlockNo,
    ) -> Result<Option<PageRef>, EngineError> {
        let moved = self.writer.relocate(page, self.codec, limit);
        let moved = moved.map_err(from_pager)?;
        if moved.is_some() {
            self.spent_bytes += 2 * u64::from(page.len);
        }
        Ok(moved)
    }

    /// As [`Tower::relocate`], of a value outside its leaf. Of one in pieces some may stay where the tower has spent
    /// `end_bytes` meanwhile.
    pub(crate) fn relocate_value(
        &mut self,
        value: &Overflow,
        limit: BlockNo,
        end_bytes: u64,
    ) -> Result<Option<Overflow>, EngineError> {
        let (codec, spent_bytes) = (self.codec, &mut self.spent_bytes);
        let mut has_moved = false;
        pieces::relocate(&self.pages, &mut self.writer, value, &mut |writer, page| {
            if has_moved && *spent_bytes >= end_bytes {
                return Ok(None);
            }
            let moved = writer.relocate(page, codec, limit).map_err(from_pager)?;
            if moved.is_some() {
                has_moved = true;
                *spent_bytes += 2 * u64::from(page.len);
            }
            Ok(moved)
        })
    }

    /// Whether a page ends behind `limit`, and there is room for it nearer to the front.
    pub(crate) fn would_move(&self, page: &PageRef, limit: BlockNo) -> bool {
        self.writer.would_move(page, limit)
    }
}
