//! Piece list: the page that names the pieces of a long value.
//!
//! ```text
//! offset  size  field
//!      0     1  kind         3 (nodes are 1 and 2)
//!      1     1  version      FORMAT_VERSION
//!      2     2  reserved     zero; a reader rejects anything else
//!      4     4  piece_bytes  length of each piece but the last, which may be shorter; 1..=PIECE_BYTES_MAX
//!      8     8  value_len    length of the value, 1..=MAX_LONG_VALUE_BYTES
//!     16  32*n  pieces       PageRef each, in order; n = value_len / piece_bytes, rounded up
//! ```
//!
//! Little-endian. Spec: `docs/format/btree.md`, version 3. Lengths are of contents: a piece may be stored compressed, as every
//! page may.

use bytes::Bytes;
use drystone_engine::Malformed;
use drystone_storage_pager::{PAGE_REF_BYTES, PageRef};

use crate::node::child::MAX_LONG_VALUE_BYTES;
use crate::node::format::malformed;

const FORMAT_VERSION: u8 = 1;
const KIND: u8 = 3;
const HEADER_BYTES: usize = 16;

/// The longest piece.
pub(crate) const PIECE_BYTES_MAX: u32 = 1 << 20;

/// The pieces of one value.
#[derive(Clone, Debug)]
pub(crate) struct PieceList {
    page: Bytes,
    piece_bytes: u32,
    value_len: u64,
}

impl PieceList {
    /// Opens a page. Total: any bytes give `Ok` or `Err`. The references are checked as they are used.
    ///
    /// # Errors
    /// What breaks the format.
    pub(crate) fn open(page: Bytes) -> Result<PieceList, Malformed> {
        let Some((header, pieces)) = page.split_first_chunk::<HEADER_BYTES>() else {
            return Err(malformed("piece list", "a header", "fewer bytes"));
        };
        let [kind, version, r0, r1, p0, p1, p2, p3, len @ ..] = *header;
        let piece_bytes = u32::from_le_bytes([p0, p1, p2, p3]);
        let value_len = u64::from_le_bytes(len);
        let is_ours = [kind, version, r0, r1] == [KIND, FORMAT_VERSION, 0, 0];
        let is_allowed = (1..=PIECE_BYTES_MAX).contains(&piece_bytes)
            && (1..=MAX_LONG_VALUE_BYTES).contains(&value_len);
        if !is_ours || !is_allowed {
            let found = format!("{header:02x?}");
            let expected = "kind 3, version 1, and lengths that are allowed";
            return Err(malformed("header of a piece list", expected, found));
        }
        let count = value_len.div_ceil(u64::from(piece_bytes));
        let expected = count * PAGE_REF_BYTES as u64;
        if pieces.len() as u64 != expected {
            let found = pieces.len().to_string();
            return Err(malformed("bytes of pieces", expected.to_string(), found));
        }
        Ok(PieceList {
            page,
            piece_bytes,
            value_len,
        })
    }

    /// The page of a list of these pieces, of this crate's own making.
    pub(crate) fn encode(piece_bytes: u32, value_len: u64, pieces: &[PageRef]) -> Vec<u8> {
        debug_assert_eq!(
            value_len.div_ceil(u64::from(piece_bytes)),
            pieces.len() as u64
        );
        let mut page = vec![KIND, FORMAT_VERSION, 0, 0];
        page.extend_from_slice(&piece_bytes.to_le_bytes());
        page.extend_from_slice(&value_len.to_le_bytes());
        for piece in pieces {
            page.extend_from_slice(&piece.encode());
        }
        page
    }

    pub(crate) fn value_len(&self) -> u64 {
        self.value_len
    }

    pub(crate) fn piece_bytes(&self) -> u32 {
        self.piece_bytes
    }

    /// How many pieces there are; at least one.
    pub(crate) fn count(&self) -> usize {
        (self.page.len() - HEADER_BYTES) / PAGE_REF_BYTES
    }

    /// Where a piece lies.
    ///
    /// # Errors
    /// When its reference makes no sense, or there is no such piece.
    pub(crate) fn piece(&self, idx: usize) -> Result<PageRef, Malformed> {
        let at = HEADER_BYTES + idx.saturating_mul(PAGE_REF_BYTES);
        let bytes = self.page.get(at..).and_then(<[u8]>::first_chunk);
        match bytes {
            Some(bytes) => PageRef::decode(bytes),
            None => Err(malformed(
                "piece of a value",
                "a piece",
                format!("none at {idx}"),
            )),
        }
    }

    /// Which piece has the byte at `offset` of the value.
    pub(crate) fn at(&self, offset: u64) -> usize {
        usize::try_from(offset / u64::from(self.piece_bytes)).unwrap_or(usize::MAX)
    }

    /// Where in the value a piece begins.
    pub(crate) fn start(&self, idx: usize) -> u64 {
        (idx as u64).saturating_mul(u64::from(self.piece_bytes))
    }

    /// How long the contents of a piece are.
    pub(crate) fn piece_len(&self, idx: usize) -> u64 {
        let rest = self.value_len.saturating_sub(self.start(idx));
        rest.min(u64::from(self.piece_bytes))
    }
}

#[cfg(test)]
mod tests;
