//! Node: one page of a tree, opened for reading.
//!
//! A node is immutable and shares its page's memory; a clone is a pointer and a count.

pub(crate) mod build;
pub(crate) mod child;
pub(crate) mod format;
mod search;
pub(crate) mod view;

use std::ops::Range;

use bytes::{Buf, Bytes};
use drystone_engine::Malformed;
use drystone_storage_pager::BlockNo;

use crate::node::child::{Child, Overflow};
use crate::node::format::{CHILD_BYTES, HEAD_BYTES, Layout, malformed};
use crate::node::view::{Cell, NodeView, bad_cell};

/// Ten entries of usual length.
const WARM_BYTES: usize = 28 * 64;

/// A page that holds a node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    page: Bytes,
    layout: Layout,
    /// Where the page lies in its file, in bytes. For errors.
    offset: u64,
}

/// Where a leaf keeps a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// In the leaf itself, at this range of the page.
    Inline(Range<usize>),
    /// In pages of its own.
    Overflow(Overflow),
}

/// Where a slot's value is, or the reference to it, in the page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Payload {
    pub(crate) range: Range<usize>,
    /// Whether it is a reference to overflow pages.
    pub(crate) is_overflow: bool,
}

/// A slot of a node, opened.
pub(crate) struct Slot<'a> {
    /// The first bytes of the suffix; `head_len` of them are its own.
    pub(crate) head: [u8; HEAD_BYTES],
    pub(crate) head_len: usize,
    /// The suffix behind them.
    pub(crate) tail: &'a [u8],
    pub(crate) payload: Payload,
}

impl Node {
    /// Opens the page that lies at `offset` in its file. Constant time.
    ///
    /// # Errors
    /// When its header makes no sense.
    #[inline]
    pub(crate) fn open(page: Bytes, offset: u64) -> Result<Node, Malformed> {
        let layout = Layout::decode(&page)?;
        Ok(Node {
            page,
            layout,
            offset,
        })
    }

    /// Where its page lies in the file, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// 0 for a leaf.
    pub(crate) fn level(&self) -> u8 {
        self.layout.level()
    }

    /// Entries of a leaf, separators of an inner node.
    pub(crate) fn key_count(&self) -> usize {
        self.layout.key_count()
    }

    /// Children of an inner node; none in a leaf.
    pub(crate) fn child_count(&self) -> usize {
        if self.layout.level() == 0 {
            0
        } else {
            self.layout.key_count() + 1
        }
    }

    /// The page.
    pub(crate) fn page(&self) -> &Bytes {
        &self.page
    }

    /// A part of the page, in place of the node: no holder is counted or leaves.
    ///
    /// # Panics
    /// When `range` leaves the page.
    #[inline]
    pub(crate) fn into_slice(mut self, range: Range<usize>) -> Bytes {
        self.page.truncate(range.end);
        self.page.advance(range.start);
        self.page
    }

    /// What all keys start with.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.page[self.layout.prefix()]
    }

    /// Its page, to search.
    #[inline]
    pub(crate) fn view(&self) -> NodeView<'_> {
        NodeView::new(&self.page, self.layout)
    }

    /// Where `key` is, or where it would be.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Result<Result<usize, usize>, Malformed> {
        self.view().find(key)
    }

    /// The child whose range holds `key`.
    #[inline]
    pub(crate) fn route(&self, key: &[u8]) -> Result<usize, Malformed> {
        Ok(match self.find(key)? {
            Ok(separator) => separator + 1,
            Err(after) => after,
        })
    }

    /// The key of slot `idx`, without the prefix, and where the value is.
    #[inline]
    pub(crate) fn slot(&self, idx: usize) -> Result<Slot<'_>, Malformed> {
        let view = self.view();
        let cell = view.cell(idx).ok_or_else(|| bad_cell(idx))?;
        Ok(Slot {
            head: view.head(idx).to_be_bytes(),
            head_len: cell.suffix_len.min(HEAD_BYTES),
            tail: &self.page[cell.tail],
            payload: Payload {
                range: cell.payload,
                is_overflow: cell.overflow,
            },
        })
    }

    /// Asks for the cells from slot `idx` on, as many as a short range reads, without waiting for any: each would else be a
    /// wait of its own, for cells are too long for the processor to see what comes next.
    #[inline]
    pub(crate) fn warm_from(&self, idx: usize) {
        let Some(cell) = self.view().cell(idx) else {
            return;
        };
        let end = self.page.len().min(cell.tail.start + WARM_BYTES);
        let lines = self.page[cell.tail.start..end].iter().step_by(64);
        std::hint::black_box(lines.fold(0, |sum, byte| sum ^ byte));
    }

    /// Appends the key of slot `idx`, without the prefix, to `out`.
    #[inline]
    pub(crate) fn suffix_into(&self, idx: usize, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let slot = self.slot(idx)?;
        out.extend_from_slice(&slot.head[..slot.head_len]);
        out.extend_from_slice(slot.tail);
        Ok(())
    }

    /// Puts the key of slot `idx` into `out`.
    pub(crate) fn key_into(&self, idx: usize, out: &mut Vec<u8>) -> Result<(), Malformed> {
        out.clear();
        out.extend_from_slice(self.prefix());
        self.suffix_into(idx, out)
    }

    /// Where the value of slot `idx` is.
    #[inline]
    pub(crate) fn value(&self, idx: usize) -> Result<Value, Malformed> {
        self.view().value(idx)
    }

    /// The payload of slot `idx` as it is stored, and whether it is a reference to overflow pages.
    pub(crate) fn payload(&self, idx: usize) -> Result<(&[u8], bool), Malformed> {
        let cell = self.view().cell(idx).ok_or_else(|| bad_cell(idx))?;
        Ok((&self.page[cell.payload], cell.overflow))
    }

    /// Child `idx` of an inner node.
    #[inline]
    pub(crate) fn child(&self, idx: usize) -> Result<Child, Malformed> {
        Child::decode(self.child_bytes(idx)?)
    }

    /// Where the page of child `idx` lies in the file, in bytes. Nothing of the reference is checked.
    #[inline]
    pub(crate) fn child_offset(&self, idx: usize) -> u64 {
        let block = self.child_bytes(idx).ok().and_then(<[u8]>::first_chunk);
        block.map_or(0, |block| BlockNo(u64::from_le_bytes(*block)).offset())
    }

    /// Child `idx` as it is stored.
    #[inline]
    pub(crate) fn child_bytes(&self, idx: usize) -> Result<&[u8], Malformed> {
        let at = self.layout.children_at() + CHILD_BYTES * idx;
        let fits = idx < self.child_count();
        let bytes = self.page.get(at..at + CHILD_BYTES).filter(|_| fits);
        bytes.ok_or_else(|| malformed("child of a node", "a child", format!("none at {idx}")))
    }

    /// Checks N1 to N4 of the format: everything that [`Node::open`] leaves out. Linear.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn check(&self) -> Result<(), Malformed> {
        self.check_padding()?;
        self.check_cells()?;
        self.check_order()?;
        for idx in 0..self.child_count() {
            self.child(idx)?;
        }
        Ok(())
    }

    fn check_padding(&self) -> Result<(), Malformed> {
        let padding = &self.page[self.layout.prefix().end..self.layout.heads_at()];
        if padding.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
        Err(malformed(
            "padding behind the prefix",
            "zeros",
            "other bytes",
        ))
    }

    /// N2 and N3.
    fn check_cells(&self) -> Result<(), Malformed> {
        let mut cells_end = self.layout.cells_at();
        for idx in 0..self.key_count() {
            let cell = self.view().cell(idx).ok_or_else(|| bad_cell(idx))?;
            let inner_with_payload =
                self.level() > 0 && (!cell.payload.is_empty() || cell.overflow);
            if cell.tail.start != cells_end
                || inner_with_payload
                || !self.head_is_padded(idx, &cell)
            {
                return Err(bad_cell(idx));
            }
            if cell.overflow {
                Overflow::decode(&self.page[cell.payload.clone()])?;
            }
            cells_end = cell.payload.end;
        }
        if cells_end != self.page.len() {
            return Err(malformed("cells of a node", "no gap behind them", "a gap"));
        }
        Ok(())
    }

    fn head_is_padded(&self, idx: usize, cell: &Cell) -> bool {
        let head = self.view().head(idx).to_be_bytes();
        let used = cell.suffix_len.min(HEAD_BYTES);
        head[used..].iter().all(|&byte| byte == 0)
    }

    /// N1.
    fn check_order(&self) -> Result<(), Malformed> {
        let (mut before, mut key) = (Vec::new(), Vec::new());
        for idx in 0..self.key_count() {
            self.key_into(idx, &mut key)?;
            if idx > 0 && before >= key {
                return Err(malformed(
                    "keys of a node",
                    "strictly ascending",
                    format!("disorder at slot {idx}"),
                ));
            }
            std::mem::swap(&mut before, &mut key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
