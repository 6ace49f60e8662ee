//! Run: sorted entries that make up one node to be, measured as they come.

use crate::node::build::{Entry, common_len};
use crate::node::format::{Layout, tail_len};

/// Entries of one node to be. Keeps their bytes in one piece of memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Run {
    level: u8,
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// What the stored keys share.
    prefix_len: usize,
    /// Bytes of their cells.
    cells_len: usize,
}

/// One entry: its key at `at` in the bytes, its payload behind.
#[derive(Clone, Copy, Debug)]
struct Span {
    at: usize,
    key_len: usize,
    payload_len: usize,
    entries: u64,
    overflow: bool,
}

impl Run {
    pub(crate) fn new(level: u8) -> Run {
        Run {
            level,
            ..Run::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// Length of the page that these entries make.
    pub(crate) fn page_len(&self) -> usize {
        self.page_len_of(self.stored_count(), self.prefix_len, self.cells_len)
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.prefix_len = 0;
        self.cells_len = 0;
    }

    /// Adds an entry if the page does not become longer than `limit` by it; otherwise returns false. The entries that
    /// a node must have are taken whatever their size: one in a leaf, two in an inner node.
    pub(crate) fn push(&mut self, entry: &Entry<'_>, limit: usize) -> bool {
        let needed = if self.level == 0 { 1 } else { 2 };
        let (prefix_len, cells_len) = self.measure_with(entry);
        let stored_count = (self.len() + 1).saturating_sub(self.unstored());
        let page_len = self.page_len_of(stored_count, prefix_len, cells_len);
        if self.len() >= needed && page_len > limit {
            return false;
        }
        (self.prefix_len, self.cells_len) = (prefix_len, cells_len);
        self.append(entry);
        true
    }

    /// Key of the last entry.
    pub(crate) fn last_key(&self) -> Option<&[u8]> {
        self.spans.last().map(|last| self.key(last))
    }

    /// Takes the last entry off, and lends it.
    pub(crate) fn pop(&mut self) -> Option<Entry<'_>> {
        let span = self.spans.pop()?;
        let first = self.spans.get(self.unstored()).map(|first| self.key(first));
        let last = self.spans.last().map(|last| self.key(last));
        self.prefix_len = match (first, last) {
            (Some(first), Some(last)) => common_len(first, last),
            _ => 0,
        };
        self.cells_len = self.cells_len_with(self.prefix_len);
        Some(self.entry(&span))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Entry<'_>> {
        self.spans.iter().map(|span| self.entry(span))
    }

    /// Entries whose key the node does not store: the first of an inner node.
    fn unstored(&self) -> usize {
        usize::from(self.level > 0)
    }

    fn stored_count(&self) -> usize {
        self.len().saturating_sub(self.unstored())
    }

    /// Prefix and cells if this entry came too.
    fn measure_with(&self, entry: &Entry<'_>) -> (usize, usize) {
        if self.len() < self.unstored() {
            return (0, 0);
        }
        let prefix_len = match self.spans.get(self.unstored()) {
            None => entry.key.len(),
            Some(first) => shared(&self.key(first)[..self.prefix_len], entry.key),
        };
        let before = if prefix_len == self.prefix_len {
            self.cells_len
        } else {
            self.cells_len_with(prefix_len)
        };
        let payload_len = self.stored_payload_len(entry.payload.len());
        let cell_len = tail_len(entry.key.len() - prefix_len) + payload_len;
        (prefix_len, before + cell_len)
    }

    fn cells_len_with(&self, prefix_len: usize) -> usize {
        let stored = self.spans.get(self.unstored()..).unwrap_or_default();
        let cell_len = |span: &Span| {
            tail_len(span.key_len - prefix_len) + self.stored_payload_len(span.payload_len)
        };
        stored.iter().map(cell_len).sum()
    }

    /// Children lie in an array, not in the cells.
    fn stored_payload_len(&self, payload_len: usize) -> usize {
        if self.level == 0 { payload_len } else { 0 }
    }

    fn page_len_of(&self, stored_count: usize, prefix_len: usize, cells_len: usize) -> usize {
        Layout::new(self.level, stored_count, prefix_len).cells_at() + cells_len
    }

    fn append(&mut self, entry: &Entry<'_>) {
        self.spans.push(Span {
            at: self.bytes.len(),
            key_len: entry.key.len(),
            payload_len: entry.payload.len(),
            entries: entry.entries,
            overflow: entry.overflow,
        });
        self.bytes.extend_from_slice(entry.key);
        self.bytes.extend_from_slice(entry.payload);
    }

    fn key(&self, span: &Span) -> &[u8] {
        &self.bytes[span.at..span.at + span.key_len]
    }

    fn entry(&self, span: &Span) -> Entry<'_> {
        let payload_at = span.at + span.key_len;
        Entry {
            key: self.key(span),
            payload: &self.bytes[payload_at..payload_at + span.payload_len],
            entries: span.entries,
            overflow: span.overflow,
        }
    }
}

/// How much of `prefix` the key starts with. Mostly all of it.
fn shared(prefix: &[u8], key: &[u8]) -> usize {
    if key.starts_with(prefix) {
        return prefix.len();
    }
    common_len(prefix, key)
}
