//! References from a node to other pages.
//!
//! ```text
//! Child: what an inner node keeps of each child, and the directory of each root
//! offset  size  field
//!      0    32  page      PageRef of the child
//!     32     8  entries   entries below it; bit 63 = some of their values lie in overflow pages
//!
//! Overflow: what a leaf keeps of a value outside it
//! offset  size  field
//!      0    32  page       PageRef of the value's page
//!     32     8  value_len  length of the value; bit 63 = the page is a piece list
//! ```
//!
//! Little-endian. Spec: `docs/format/btree.md`, version 1; piece lists since version 3.

use drystone_engine::Malformed;
use drystone_storage_pager::{MAX_PAGE_BYTES, PAGE_REF_BYTES, PageRef};

use crate::node::format::{CHILD_BYTES, malformed};

/// The longest value, in bytes, that is written whole. It may lie in one page.
pub const MAX_VALUE_BYTES: usize = MAX_PAGE_BYTES;

/// The longest value, in bytes, that is written piece by piece.
pub const MAX_LONG_VALUE_BYTES: u64 = 4 << 30;

const HAS_OVERFLOW: u64 = 1 << 63;
const IN_PIECES: u64 = 1 << 63;

const _: () = assert!(CHILD_BYTES == PAGE_REF_BYTES + 8);

/// A subtree, as its parent knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// Its topmost page.
    pub(crate) page: PageRef,
    /// Entries in its leaves; at least one.
    pub(crate) entries: u64,
    /// Whether a value of it lies in overflow pages. A drop reads only the leaves of such subtrees.
    pub(crate) has_overflow: bool,
}

impl Child {
    pub(crate) fn encode(&self) -> [u8; CHILD_BYTES] {
        let flag = if self.has_overflow { HAS_OVERFLOW } else { 0 };
        with_number(&self.page, self.entries & !HAS_OVERFLOW | flag)
    }

    /// Total: any bytes give `Ok` or `Err`.
    #[inline]
    pub(crate) fn decode(bytes: &[u8]) -> Result<Child, Malformed> {
        let (page, number) = split(bytes)?;
        let entries = number & !HAS_OVERFLOW;
        if entries == 0 {
            return Err(malformed("entries below a child", "at least one", "none"));
        }
        Ok(Child {
            page,
            entries,
            has_overflow: number & HAS_OVERFLOW != 0,
        })
    }
}

/// A value outside its leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow {
    /// Its page.
    pub(crate) page: PageRef,
    /// Its length in bytes.
    pub(crate) value_len: u64,
    pub(crate) form: Form,
}

/// What the page of a value outside its leaf has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The value.
    Whole,
    /// The list of its pieces.
    Pieces,
}

impl Overflow {
    pub(crate) fn encode(&self) -> [u8; CHILD_BYTES] {
        let flag = match self.form {
            Form::Whole => 0,
            Form::Pieces => IN_PIECES,
        };
        with_number(&self.page, self.value_len | flag)
    }

    /// Total: any bytes give `Ok` or `Err`.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Overflow, Malformed> {
        let (page, number) = split(bytes)?;
        let value_len = number & !IN_PIECES;
        let (form, max) = match number & IN_PIECES {
            0 => (Form::Whole, MAX_VALUE_BYTES as u64),
            _ => (Form::Pieces, MAX_LONG_VALUE_BYTES),
        };
        if value_len > max {
            return Err(malformed(
                "length of a value",
                format!("at most {max}"),
                value_len.to_string(),
            ));
        }
        Ok(Overflow {
            page,
            value_len,
            form,
        })
    }
}

fn with_number(page: &PageRef, number: u64) -> [u8; CHILD_BYTES] {
    let mut bytes = [0; CHILD_BYTES];
    bytes[..PAGE_REF_BYTES].copy_from_slice(&page.encode());
    bytes[PAGE_REF_BYTES..].copy_from_slice(&number.to_le_bytes());
    bytes
}

#[inline]
fn split(bytes: &[u8]) -> Result<(PageRef, u64), Malformed> {
    let whole: Option<&[u8; CHILD_BYTES]> = bytes.try_into().ok();
    let parts = whole.and_then(|bytes| bytes.split_first_chunk::<PAGE_REF_BYTES>());
    let Some((page, number)) = parts else {
        return Err(malformed(
            "reference to a page",
            "40 bytes",
            bytes.len().to_string(),
        ));
    };
    let page = PageRef::decode(page)?;
    let number = number.first_chunk().copied().unwrap_or_default();
    Ok((page, u64::from_le_bytes(number)))
}
