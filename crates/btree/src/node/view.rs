//! View of a node: its page and where things lie in it, to be searched. Borrows the page, whoever holds that.

use std::cmp::Ordering;
use std::ops::Range;

use drystone_engine::Malformed;

use crate::node::Value;
use crate::node::child::Overflow;
use crate::node::format::{
    CHILD_BYTES, HEAD_BYTES, Layout, OVERFLOW_BIT, SLOT_BYTES, head_of, malformed, tail_len,
};
use crate::node::search;

/// A node where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeView<'a> {
    page: &'a [u8],
    layout: Layout,
}

/// One cell: what a slot points to.
pub(crate) struct Cell {
    /// Length of the key after the prefix.
    pub(crate) suffix_len: usize,
    /// The suffix after its first 8 bytes.
    pub(crate) tail: Range<usize>,
    /// The value, or the reference to it.
    pub(crate) payload: Range<usize>,
    pub(crate) overflow: bool,
}

impl<'a> NodeView<'a> {
    /// A page with this layout.
    #[inline]
    pub(crate) fn new(page: &'a [u8], layout: Layout) -> NodeView<'a> {
        NodeView { page, layout }
    }

    /// Opens a page, as [`Node::open`](crate::node::Node::open).
    ///
    /// # Errors
    /// When its header makes no sense.
    #[inline]
    pub(crate) fn open(page: &'a [u8]) -> Result<NodeView<'a>, Malformed> {
        Ok(NodeView::new(page, Layout::decode(page)?))
    }

    /// Where `key` is, or where it would be.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Result<Result<usize, usize>, Malformed> {
        let prefix = &self.page[self.layout.prefix()];
        let Some(suffix) = key.strip_prefix(prefix) else {
            return Ok(Err(if key < prefix {
                0
            } else {
                self.layout.key_count()
            }));
        };
        let heads = self.heads();
        let probe = head_of(suffix);
        let first = search::lower_bound(heads, probe);
        if first == heads.len() || search::head_at(heads, first) != probe {
            return Ok(Err(first));
        }
        let end = search::run_end(heads, first, probe);
        self.find_in_run(suffix, first, end)
    }

    /// Where the value of `key` is; `None` where the node does not have it, or is no leaf.
    #[inline]
    pub(crate) fn value_of(&self, key: &[u8]) -> Result<Option<Value>, Malformed> {
        match self.find(key)? {
            Ok(slot) if self.layout.level() == 0 => self.value(slot).map(Some),
            _ => Ok(None),
        }
    }

    /// Where the value of slot `idx` is.
    #[inline]
    pub(crate) fn value(&self, idx: usize) -> Result<Value, Malformed> {
        let cell = self.cell(idx).ok_or_else(|| bad_cell(idx))?;
        if !cell.overflow {
            return Ok(Value::Inline(cell.payload));
        }
        Overflow::decode(&self.page[cell.payload]).map(Value::Overflow)
    }

    /// The head of slot `idx`, as it compares.
    #[inline]
    pub(crate) fn head(&self, idx: usize) -> u64 {
        search::head_at(self.heads(), idx)
    }

    fn heads(&self) -> &'a [[u8; HEAD_BYTES]] {
        self.page[self.layout.heads()].as_chunks().0
    }

    /// Searches slots `low..high`, whose heads all equal that of `suffix`, by what comes after the head.
    fn find_in_run(
        &self,
        suffix: &[u8],
        mut low: usize,
        mut high: usize,
    ) -> Result<Result<usize, usize>, Malformed> {
        while low < high {
            let middle = low + (high - low) / 2;
            match self.compare_behind_head(middle, suffix)? {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Ok(middle)),
            }
        }
        Ok(Err(low))
    }

    /// Compares slot `idx` with a suffix that has the same head.
    ///
    /// Equal heads mean equal first 8 bytes, each side padded with zeros. Where a side ends within them, it is a
    /// prefix of the other one, or zeros made the difference: the shorter one comes first either way.
    #[inline]
    fn compare_behind_head(&self, idx: usize, suffix: &[u8]) -> Result<Ordering, Malformed> {
        let cell = self.cell(idx).ok_or_else(|| bad_cell(idx))?;
        if cell.suffix_len <= HEAD_BYTES || suffix.len() <= HEAD_BYTES {
            return Ok(cell.suffix_len.cmp(&suffix.len()));
        }
        Ok(self.page[cell.tail].cmp(&suffix[HEAD_BYTES..]))
    }

    /// What slot `idx` points to; `None` where that leaves the page or makes no sense.
    #[inline]
    pub(crate) fn cell(&self, idx: usize) -> Option<Cell> {
        let slots: &[[u8; SLOT_BYTES]] = self.page[self.layout.slots()].as_chunks().0;
        let (start, word) = split_slot(slots.get(idx)?);
        let end = match slots.get(idx + 1) {
            Some(next) => split_slot(next).0,
            None => self.page.len(),
        };
        let suffix_len = (word & !OVERFLOW_BIT) as usize;
        let payload_at = start.checked_add(tail_len(suffix_len))?;
        let sound = start >= self.layout.cells_at() && payload_at <= end && end <= self.page.len();
        let overflow = word & OVERFLOW_BIT != 0;
        if !sound || (overflow && end - payload_at != CHILD_BYTES) {
            return None;
        }
        Some(Cell {
            suffix_len,
            tail: start..payload_at,
            payload: payload_at..end,
            overflow,
        })
    }
}

#[inline]
fn split_slot(slot: &[u8; SLOT_BYTES]) -> (usize, u32) {
    let [a, b, c, d, e, f, g, h] = *slot;
    let start = u32::from_le_bytes([a, b, c, d]) as usize;
    (start, u32::from_le_bytes([e, f, g, h]))
}

#[cold]
pub(crate) fn bad_cell(idx: usize) -> Malformed {
    malformed(
        "cell of a node",
        "a cell within the page, behind the one before",
        format!("none such for slot {idx}"),
    )
}
