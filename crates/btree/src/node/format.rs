//! Node page: the bytes of one node of a tree, and where things lie in them.
//!
//! ```text
//! offset      size   field
//!      0         1   kind        1 leaf, 2 inner
//!      1         1   version     FORMAT_VERSION
//!      2         1   level       0 for a leaf; an inner node is one above its children, at most MAX_LEVEL
//!      3         1   reserved    zero
//!      4         4   key_count   leaf: its entries. inner: its separators, one fewer than its children
//!      8         4   prefix_len  bytes that all keys of the node start with
//!     12         4   page_len    length of the page
//!     16         p   prefix      then zeros up to a multiple of 8
//!      .       8*n   heads       first 8 bytes of each suffix (the key after the prefix), zeros behind a shorter one,
//!                                as a big-endian number stored little-endian: natively compared, it orders as bytes do
//!      .       8*n   slots       u32 where the cell starts; u32 suffix_len, bit 31 = the value lies in overflow pages
//!      .  40*(n+1)   children    inner only: one `Child` each
//!      .         .   cells       in slot order, without gaps, up to page_len: the rest of the suffix after its first
//!                                8 bytes, then (leaf) the value, or the 40 bytes of an `Overflow`
//! ```
//!
//! Little-endian. Spec: `docs/format/btree.md`, version 1.
//!
//! # Invariants
//! - N1. Keys ascend strictly by slot.
//! - N2. Cells follow each other without gaps from the end of the arrays to the end of the page.
//! - N3. A head agrees with its suffix: bytes past `suffix_len` are zero.
//! - N4. An inner node has a separator: at least two children. Child `i` holds keys `>= separator i - 1` and
//!   `< separator i`.
//!
//! [`Layout::decode`] checks the header and that the arrays fit, in constant time, whenever a page is opened. What it
//! does not check (N1 to N3, and each slot) is checked by `Node::check` and cannot make a reader leave the page:
//! every later access is by checked slices.
//!
//! # Source
//! Graefe, "Modern B-Tree Techniques" (2011): prefix truncation, suffix truncation, poor man's normalized keys. We
//! differ: the normalized heads lie in an array of their own, and replace the bytes they stand for.

use std::borrow::Cow;
use std::ops::Range;

use drystone_engine::Malformed;

/// Version of the layout above.
pub(crate) const FORMAT_VERSION: u8 = 1;
/// Fields before the prefix.
pub(crate) const HEADER_BYTES: usize = 16;
/// One key head.
pub(crate) const HEAD_BYTES: usize = 8;
/// One slot.
pub(crate) const SLOT_BYTES: usize = 8;
/// One child of an inner node, or one reference to overflow pages.
pub(crate) const CHILD_BYTES: usize = 40;
/// Levels above the leaves that a tree may have. Each has at least twice the nodes of the one above, so that no tree
/// of 2^63 entries needs more; a damaged tree ends here and not in a loop.
pub(crate) const MAX_LEVEL: u8 = 63;

/// Slot bit: the value lies in overflow pages.
pub(crate) const OVERFLOW_BIT: u32 = 1 << 31;

const KIND_LEAF: u8 = 1;
const KIND_INNER: u8 = 2;

const _: () = assert!(HEADER_BYTES.is_multiple_of(HEAD_BYTES) && HEAD_BYTES == SLOT_BYTES);

/// Where the parts of a node lie in its page. Kept small, since every cursor and every node at hand has one: offsets
/// follow from the measures by an addition or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    level: u8,
    key_count: u32,
    prefix_len: u32,
}

impl Layout {
    /// The layout of a node with these measures.
    pub(crate) fn new(level: u8, key_count: usize, prefix_len: usize) -> Layout {
        Layout {
            level,
            key_count: narrow(key_count),
            prefix_len: narrow(prefix_len),
        }
    }

    /// 0 for a leaf.
    #[inline]
    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    /// Entries of a leaf, separators of an inner node.
    #[inline]
    pub(crate) fn key_count(&self) -> usize {
        self.key_count as usize
    }

    /// Bytes that all keys share.
    #[inline]
    pub(crate) fn prefix_len(&self) -> usize {
        self.prefix_len as usize
    }

    /// Offset of the heads.
    #[inline]
    pub(crate) fn heads_at(&self) -> usize {
        HEADER_BYTES + self.prefix_len().next_multiple_of(HEAD_BYTES)
    }

    /// Offset of the slots.
    #[inline]
    pub(crate) fn slots_at(&self) -> usize {
        self.heads_at() + HEAD_BYTES * self.key_count()
    }

    /// Offset of the children; of the cells in a leaf.
    #[inline]
    pub(crate) fn children_at(&self) -> usize {
        self.heads_at() + (HEAD_BYTES + SLOT_BYTES) * self.key_count()
    }

    /// Offset of the first cell.
    #[inline]
    pub(crate) fn cells_at(&self) -> usize {
        let children = match self.level {
            0 => 0,
            _ => self.key_count() + 1,
        };
        self.children_at() + CHILD_BYTES * children
    }

    /// Reads a page's header. Total: any bytes give `Ok` or `Err`; after `Ok`, all arrays lie within the page.
    #[inline]
    pub(crate) fn decode(page: &[u8]) -> Result<Layout, Malformed> {
        let Some(header) = page.first_chunk::<HEADER_BYTES>() else {
            return Err(malformed("node page", "a header", "fewer bytes"));
        };
        let [kind, version, level, reserved, ..] = *header;
        let sound_kind = match kind {
            KIND_LEAF => level == 0,
            KIND_INNER => (1..=MAX_LEVEL).contains(&level),
            _ => false,
        };
        if !sound_kind || version != FORMAT_VERSION || reserved != 0 {
            return Err(bad_header(header));
        }
        let (key_count, prefix_len) = (u32_at(header, 4), u32_at(header, 8));
        let layout = Layout {
            level,
            key_count,
            prefix_len,
        };
        let is_too_long = key_count as usize > page.len() / HEAD_BYTES
            || prefix_len as usize > page.len()
            || u32_at(header, 12) as usize != page.len();
        if is_too_long || layout.cells_at() > page.len() || (key_count == 0 && level > 0) {
            return Err(bad_header(header));
        }
        Ok(layout)
    }

    /// The header of a page of `page_len` bytes.
    pub(crate) fn encode_header(&self, page_len: usize) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0] = if self.level == 0 {
            KIND_LEAF
        } else {
            KIND_INNER
        };
        header[1] = FORMAT_VERSION;
        header[2] = self.level;
        header[4..8].copy_from_slice(&self.key_count.to_le_bytes());
        header[8..12].copy_from_slice(&self.prefix_len.to_le_bytes());
        header[12..16].copy_from_slice(&narrow(page_len).to_le_bytes());
        header
    }

    pub(crate) fn heads(&self) -> Range<usize> {
        self.heads_at()..self.slots_at()
    }

    pub(crate) fn slots(&self) -> Range<usize> {
        self.slots_at()..self.children_at()
    }

    pub(crate) fn prefix(&self) -> Range<usize> {
        HEADER_BYTES..HEADER_BYTES + self.prefix_len()
    }
}

/// The head of a suffix: its first 8 bytes as a number that orders as they do.
#[inline]
pub(crate) fn head_of(suffix: &[u8]) -> u64 {
    match suffix.first_chunk::<HEAD_BYTES>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut padded = [0; HEAD_BYTES];
            padded[..suffix.len()].copy_from_slice(suffix);
            u64::from_be_bytes(padded)
        }
    }
}

/// Bytes of a suffix that its head does not hold.
#[inline]
pub(crate) fn tail_len(suffix_len: usize) -> usize {
    suffix_len.saturating_sub(HEAD_BYTES)
}

/// A length or offset of this crate's own making as it is stored.
pub(crate) fn narrow(len: usize) -> u32 {
    u32::try_from(len).expect("keys, nodes and counts are limited far below 4 GiB")
}

pub(crate) fn malformed(
    what: &'static str,
    expected: impl Into<Cow<'static, str>>,
    found: impl Into<Cow<'static, str>>,
) -> Malformed {
    Malformed::new(what, expected, found)
}

#[inline]
fn u32_at(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

#[cold]
fn bad_header(header: &[u8; HEADER_BYTES]) -> Malformed {
    malformed(
        "node header",
        "kind 1 or 2, version 1, and counts that fit the page",
        format!("{header:02x?}"),
    )
}
