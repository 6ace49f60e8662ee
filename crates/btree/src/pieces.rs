//! Values that lie outside their leaf: in a page of their own, or, where they are long, in pieces that a list names.
//!
//! ```text
//!  leaf: Overflow ---> page with the value                      up to four pieces, and what older versions wrote
//!  leaf: Overflow ---> piece list ---> piece, piece, piece...   longer ones
//! ```
//!
//! # Invariants
//! - V1. Whatever is done with a value in pieces (written, read, moved, checked, freed) holds one piece of it in memory, and
//!   its list, which is an eight-thousandth of it.
//! - V2. A piece has one list, and a list one leaf: whoever frees a value frees all its pages.

pub(crate) mod list;

use std::sync::Arc;

use bytes::Bytes;
use drystone_engine::{EngineError, LongValue, Malformed, Piece, StoredValue};
use drystone_storage_pager::{Codec, PageRef, PagerError, Writer};

use crate::error::from_pager;
use crate::limits::check_long;
use crate::node::child::{Form, Overflow};
use crate::node::format::malformed;
use crate::pages::Pages;
use crate::pieces::list::{PIECE_BYTES_MAX, PieceList};
use crate::snapshot::State;

/// A piece is as long as so many nodes: 256 KiB where a node has 8 KiB.
const PIECE_NODES: usize = 32;

/// A value that is not longer than so many pieces is written to one page.
const WHOLE_PIECES: usize = 4;

/// How values outside their leaves are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths {
    /// Of each piece but the last.
    pub(crate) piece: u32,
    /// Of the longest value in a page of its own.
    pub(crate) whole_max: usize,
}

impl Lengths {
    /// Those of a tree with nodes of so many bytes.
    pub(crate) fn of(page_bytes: usize) -> Lengths {
        let piece = u32::try_from(page_bytes.saturating_mul(PIECE_NODES));
        let piece = piece.unwrap_or(PIECE_BYTES_MAX).min(PIECE_BYTES_MAX);
        Lengths {
            piece,
            whole_max: piece as usize * WHOLE_PIECES,
        }
    }

    pub(crate) fn piece(self) -> usize {
        self.piece as usize
    }
}

/// Reads a page: of the newest state, or of one that a writer has added to.
pub(crate) type ReadPage<'a> = &'a dyn Fn(&PageRef) -> Result<Bytes, PagerError>;

/// Appends the next piece of a value to an empty buffer. One that is shorter than others is the last.
pub(crate) type NextPiece<'a> = &'a mut dyn FnMut(&mut Vec<u8>) -> Result<(), EngineError>;

/// Moves one page, or lets it stay.
pub(crate) type Relocate<'a> =
    &'a mut dyn FnMut(&mut Writer, &PageRef) -> Result<Option<PageRef>, EngineError>;

/// Writes a value in pieces, as they come. What was written of one that fails is freed.
///
/// # Errors
/// Those of `next`; a failed write; [`EngineError::ValueTooLarge`].
pub(crate) fn write(
    writer: &mut Writer,
    codec: Codec,
    lengths: Lengths,
    next: NextPiece<'_>,
) -> Result<Overflow, EngineError> {
    let mut pieces = Vec::new();
    let written = write_pieces(writer, codec, lengths, next, &mut pieces);
    if written.is_err() {
        for piece in &pieces {
            writer.free(piece).map_err(from_pager)?;
        }
    }
    written
}

fn write_pieces(
    writer: &mut Writer,
    codec: Codec,
    lengths: Lengths,
    next: NextPiece<'_>,
    pieces: &mut Vec<PageRef>,
) -> Result<Overflow, EngineError> {
    let mut room = Vec::with_capacity(lengths.piece());
    let mut value_len = 0;
    loop {
        room.clear();
        next(&mut room)?;
        debug_assert!(room.len() <= lengths.piece());
        if room.is_empty() {
            break;
        }
        value_len += room.len() as u64;
        check_long(value_len)?;
        pieces.push(writer.write_compressed(&room, codec).map_err(from_pager)?);
        if room.len() < lengths.piece() {
            break;
        }
    }
    write_list(writer, lengths.piece, value_len, pieces)
}

fn write_list(
    writer: &mut Writer,
    piece_bytes: u32,
    value_len: u64,
    pieces: &[PageRef],
) -> Result<Overflow, EngineError> {
    let list = PieceList::encode(piece_bytes, value_len, pieces);
    Ok(Overflow {
        page: writer.write(&list).map_err(from_pager)?,
        value_len,
        form: Form::Pieces,
    })
}

/// Says that the next state does without a value.
pub(crate) fn free(
    pages: &Pages,
    writer: &mut Writer,
    value: &Overflow,
) -> Result<(), EngineError> {
    if value.form == Form::Pieces {
        let list = open(pages, &|page| writer.read(page), value)?;
        for idx in 0..list.count() {
            let piece = check(pages, value, list.piece(idx))?;
            writer.free(&piece).map_err(from_pager)?;
        }
    }
    writer.free(&value.page).map_err(from_pager)
}

/// Moves pages of a value, until `goes_on` says no, as `relocate` does it. `None`: all of it stays where it is.
pub(crate) fn relocate(
    pages: &Pages,
    writer: &mut Writer,
    value: &Overflow,
    relocate: Relocate<'_>,
) -> Result<Option<Overflow>, EngineError> {
    if value.form == Form::Whole {
        let moved = relocate(writer, &value.page)?;
        return Ok(moved.map(|page| Overflow { page, ..*value }));
    }
    let list = open(pages, &|page| writer.read(page), value)?;
    let mut pieces = Vec::with_capacity(list.count());
    let mut has_moved = false;
    for idx in 0..list.count() {
        let piece = check(pages, value, list.piece(idx))?;
        let moved = relocate(writer, &piece)?;
        has_moved |= moved.is_some();
        pieces.push(moved.unwrap_or(piece));
    }
    if !has_moved {
        let moved = relocate(writer, &value.page)?;
        return Ok(moved.map(|page| Overflow { page, ..*value }));
    }
    let moved = write_list(writer, list.piece_bytes(), value.value_len, &pieces)?;
    writer.free(&value.page).map_err(from_pager)?;
    Ok(Some(moved))
}

/// The list of a value in pieces.
pub(crate) fn open(
    pages: &Pages,
    read: ReadPage<'_>,
    value: &Overflow,
) -> Result<PieceList, EngineError> {
    let page = read(&value.page).map_err(from_pager)?;
    let list = check(pages, value, PieceList::open(page))?;
    check(pages, value, same_len(list.value_len(), value.value_len))?;
    Ok(list)
}

/// The contents of a piece.
fn read_piece(
    pages: &Pages,
    read: ReadPage<'_>,
    value: &Overflow,
    list: &PieceList,
    idx: usize,
) -> Result<Bytes, EngineError> {
    let piece = check(pages, value, list.piece(idx))?;
    let bytes = read(&piece).map_err(from_pager)?;
    let len = same_len(bytes.len() as u64, list.piece_len(idx));
    len.map_err(|why| pages.corrupt(piece.block.offset(), why))?;
    Ok(bytes)
}

/// All of a value, in memory.
pub(crate) fn read_whole(
    pages: &Pages,
    read: ReadPage<'_>,
    value: &Overflow,
) -> Result<Bytes, EngineError> {
    if value.form == Form::Whole {
        let bytes = read(&value.page).map_err(from_pager)?;
        check(pages, value, same_len(bytes.len() as u64, value.value_len))?;
        return Ok(bytes);
    }
    let list = open(pages, read, value)?;
    let mut whole = Vec::new();
    for idx in 0..list.count() {
        whole.extend_from_slice(&read_piece(pages, read, value, &list, idx)?);
    }
    Ok(whole.into())
}

/// A value, to be read in pieces where it lies so.
pub(crate) fn open_value(state: &Arc<State>, value: &Overflow) -> Result<StoredValue, EngineError> {
    let pages = state.pages();
    let read: ReadPage<'_> = &|page| pages.pager().read(page);
    if value.form == Form::Whole {
        return read_whole(pages, read, value).map(StoredValue::Whole);
    }
    let list = open(pages, read, value)?;
    Ok(StoredValue::Long(Arc::new(ValueInPieces {
        state: Arc::clone(state),
        value: *value,
        list,
    })))
}

/// A value of a snapshot, which it keeps.
#[derive(Debug)]
struct ValueInPieces {
    state: Arc<State>,
    value: Overflow,
    list: PieceList,
}

impl LongValue for ValueInPieces {
    fn byte_len(&self) -> u64 {
        self.list.value_len()
    }

    fn piece(&self, offset: u64) -> Result<Piece, EngineError> {
        let pages = self.state.pages();
        let idx = self.list.at(offset);
        let read: ReadPage<'_> = &|page| pages.pager().read(page);
        Ok(Piece {
            start: self.list.start(idx),
            bytes: read_piece(pages, read, &self.value, &self.list, idx)?,
        })
    }
}

/// Adds the place of a value to what was found wrong with it.
fn check<T>(
    pages: &Pages,
    value: &Overflow,
    found: Result<T, Malformed>,
) -> Result<T, EngineError> {
    found.map_err(|why| pages.corrupt(value.page.block.offset(), why))
}

pub(crate) fn same_len(found: u64, expected: u64) -> Result<(), Malformed> {
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(malformed("length of a value", expected, found))
}
