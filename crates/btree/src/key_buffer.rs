//! Key buffer: the key that a cursor is on, put together from what its leaf has of it.
//!
//! # Invariants
//! - K1. Where `long` is empty, the key is `short[..len]`, and `short` begins with the prefix of the leaf if that and a head
//!   fit; otherwise the key is `long`.

use crate::node::Slot;
use crate::node::format::HEAD_BYTES;

/// Longer keys take an allocation a cursor.
const SHORT_BYTES: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct KeyBuffer {
    len: usize,
    short: [u8; SHORT_BYTES],
    long: Vec<u8>,
}

impl Default for KeyBuffer {
    fn default() -> KeyBuffer {
        KeyBuffer {
            len: 0,
            short: [0; SHORT_BYTES],
            long: Vec::new(),
        }
    }
}

impl KeyBuffer {
    /// The keys that come begin with `prefix`.
    #[inline]
    pub(crate) fn begin_leaf(&mut self, prefix: &[u8]) {
        if let Some(room) = self.short.get_mut(..prefix.len()) {
            room.copy_from_slice(prefix);
        }
    }

    /// The key is that of a slot, in the leaf that has this prefix and was begun last.
    #[inline]
    pub(crate) fn set(&mut self, prefix: &[u8], slot: &Slot<'_>) {
        self.long.clear();
        let tail_at = prefix.len() + slot.head_len;
        let end = tail_at + slot.tail.len();
        let head = self.short.get_mut(prefix.len()..prefix.len() + HEAD_BYTES);
        match head {
            Some(head) if end <= SHORT_BYTES => {
                head.copy_from_slice(&slot.head);
                self.short[tail_at..end].copy_from_slice(slot.tail);
                self.len = end;
            }
            _ => self.set_long(prefix, slot),
        }
    }

    #[cold]
    fn set_long(&mut self, prefix: &[u8], slot: &Slot<'_>) {
        self.long.extend_from_slice(prefix);
        self.long.extend_from_slice(&slot.head[..slot.head_len]);
        self.long.extend_from_slice(slot.tail);
        self.len = 0; // of a key that is empty: it lies in `short`
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self.long.is_empty() {
            true => &self.short[..self.len],
            false => &self.long,
        }
    }
}

#[cfg(test)]
mod tests;
