//! Making node pages: measuring and laying out sorted entries.

use crate::node::format::{HEAD_BYTES, Layout, OVERFLOW_BIT, head_of, narrow, tail_len};

/// One entry of a node to be: of a leaf, a key and its value; of an inner node, the separator left of a child, and the
/// child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// The key. An inner node does not store that of its first entry: it is the node's own lower fence.
    pub(crate) key: &'a [u8],
    /// The value, the encoded reference to overflow pages, or the encoded child.
    pub(crate) payload: &'a [u8],
    /// Entries below the child; one in a leaf.
    pub(crate) entries: u64,
    /// In a leaf: whether the payload is a reference to overflow pages. Above: whether the child has such below it.
    pub(crate) overflow: bool,
}

/// Length of the page that [`encode`] makes of these entries.
pub(crate) fn page_len(level: u8, entries: &[Entry<'_>]) -> usize {
    let keyed = keyed(level, entries);
    let prefix_len = shared_prefix(keyed);
    let layout = Layout::new(level, keyed.len(), prefix_len);
    layout.cells_at() + cells_len(level, keyed, prefix_len)
}

/// Lays out a node. `entries` ascend strictly; an inner node has at least two.
pub(crate) fn encode(level: u8, entries: &[Entry<'_>]) -> Vec<u8> {
    let keyed = keyed(level, entries);
    let prefix_len = shared_prefix(keyed);
    let layout = Layout::new(level, keyed.len(), prefix_len);
    let page_len = layout.cells_at() + cells_len(level, keyed, prefix_len);
    let mut page = Vec::with_capacity(page_len);
    page.extend_from_slice(&layout.encode_header(page_len));
    if let Some(first) = keyed.first() {
        page.extend_from_slice(&first.key[..prefix_len]);
    }
    page.resize(layout.heads_at(), 0);
    for entry in keyed {
        page.extend_from_slice(&head_of(&entry.key[prefix_len..]).to_le_bytes());
    }
    push_slots(level, keyed, &layout, &mut page);
    if level > 0 {
        for entry in entries {
            page.extend_from_slice(entry.payload);
        }
    }
    push_cells(level, keyed, prefix_len, &mut page);
    debug_assert_eq!(page.len(), page_len, "the page is as long as measured");
    page
}

/// The shortest key that separates two neighbours: `> left` and `<= right`.
pub(crate) fn separator<'a>(left: &[u8], right: &'a [u8]) -> &'a [u8] {
    debug_assert!(left < right, "neighbours ascend");
    &right[..common_len(left, right) + 1]
}

/// How many bytes two keys share from the start.
pub(crate) fn common_len(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(a, b)| a == b).count()
}

/// The entries whose keys a node of this level stores.
fn keyed<'e, 'a>(level: u8, entries: &'e [Entry<'a>]) -> &'e [Entry<'a>] {
    match level {
        0 => entries,
        _ => entries.get(1..).unwrap_or_default(),
    }
}

fn shared_prefix(keyed: &[Entry<'_>]) -> usize {
    match (keyed.first(), keyed.last()) {
        (Some(first), Some(last)) => common_len(first.key, last.key),
        _ => 0,
    }
}

fn cells_len(level: u8, keyed: &[Entry<'_>], prefix_len: usize) -> usize {
    let cell_len = |entry: &Entry<'_>| {
        let payload_len = if level == 0 { entry.payload.len() } else { 0 };
        tail_len(entry.key.len() - prefix_len) + payload_len
    };
    keyed.iter().map(cell_len).sum()
}

fn push_slots(level: u8, keyed: &[Entry<'_>], layout: &Layout, page: &mut Vec<u8>) {
    let mut cell_at = layout.cells_at();
    for entry in keyed {
        let suffix_len = entry.key.len() - layout.prefix_len();
        let overflow = if level == 0 && entry.overflow {
            OVERFLOW_BIT
        } else {
            0
        };
        page.extend_from_slice(&narrow(cell_at).to_le_bytes());
        page.extend_from_slice(&(narrow(suffix_len) | overflow).to_le_bytes());
        let payload_len = if level == 0 { entry.payload.len() } else { 0 };
        cell_at += tail_len(suffix_len) + payload_len;
    }
}

fn push_cells(level: u8, keyed: &[Entry<'_>], prefix_len: usize, page: &mut Vec<u8>) {
    for entry in keyed {
        let suffix = &entry.key[prefix_len..];
        page.extend_from_slice(suffix.get(HEAD_BYTES..).unwrap_or_default());
        if level == 0 {
            page.extend_from_slice(entry.payload);
        }
    }
}
