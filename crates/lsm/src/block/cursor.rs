//! Block cursor: a position in one block, moving both ways.
//!
//! Going back costs the entries since the restart before, sixteen at most.

use bytes::Bytes;
use drystone_base::Malformed;

use super::{Block, Slot};

/// A position in a block. It is on an entry after a move that returned `true`, until the next move.
#[derive(Debug)]
pub(crate) struct BlockCursor {
    block: Block,
    key: Vec<u8>,
    /// Room for the key of the entry after this one.
    next_key: Vec<u8>,
    value: Option<(usize, usize)>,
    /// Where the entry it is on begins, and where it ends.
    offset: usize,
    end: usize,
}

impl BlockCursor {
    pub(super) fn new(block: Block) -> BlockCursor {
        BlockCursor {
            block,
            key: Vec::new(),
            next_key: Vec::new(),
            value: None,
            offset: 0,
            end: 0,
        }
    }

    /// In another block, on no entry, with the memory of this one.
    pub(crate) fn reset(&mut self, block: Block) {
        self.block = block;
        self.key.clear();
        (self.offset, self.end, self.value) = (0, 0, None);
    }

    pub(crate) fn first(&mut self) -> Result<bool, Malformed> {
        self.key.clear();
        self.end = 0;
        self.next()
    }

    pub(crate) fn last(&mut self) -> Result<bool, Malformed> {
        self.enter(self.block.restart_count() - 1)?;
        while self.end < self.block.trailer.entries_len {
            self.next()?;
        }
        Ok(true)
    }

    /// To the first entry at or above `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<bool, Malformed> {
        let below = self.block.restarts_where(|at| at < key)?;
        self.enter(below.saturating_sub(1))?;
        while self.key[..] < *key {
            if !self.next()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// To the last entry at or below `key`.
    pub(crate) fn seek_back(&mut self, key: &[u8]) -> Result<bool, Malformed> {
        let below = self.block.restarts_where(|at| at <= key)?;
        let Some(restart) = below.checked_sub(1) else {
            return Ok(false);
        };
        self.enter(restart)?;
        while let Some(entry) = self.block.entry(self.end)? {
            entry.rebuild_key(&self.key, &mut self.next_key)?;
            if self.next_key[..] > *key {
                break;
            }
            std::mem::swap(&mut self.key, &mut self.next_key);
            (self.offset, self.value, self.end) = (self.end, entry.value, entry.end);
        }
        Ok(true)
    }

    pub(crate) fn next(&mut self) -> Result<bool, Malformed> {
        let Some(entry) = self.block.entry(self.end)? else {
            return Ok(false);
        };
        entry.advance_key(&mut self.key)?;
        let (value, end) = (entry.value, entry.end);
        self.offset = self.end;
        self.value = value;
        self.end = end;
        Ok(true)
    }

    pub(crate) fn prev(&mut self) -> Result<bool, Malformed> {
        let target = self.offset;
        if target == 0 {
            return Ok(false);
        }
        let restarts = (0..self.block.restart_count()).rev();
        for restart in restarts {
            if self.block.restart(restart)? < target {
                self.enter(restart)?;
                while self.end < target {
                    self.next()?;
                }
                return Ok(self.end == target);
            }
        }
        Err(Malformed::new("first restart", "0", "another offset"))
    }

    /// To the entry at a restart.
    fn enter(&mut self, restart: usize) -> Result<(), Malformed> {
        self.key.clear();
        self.end = self.block.restart(restart)?;
        match self.next()? {
            true => Ok(()),
            false => Err(Malformed::new(
                "restart",
                "an entry",
                "the end of the entries",
            )),
        }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Where the value lies; `None` for a tombstone.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        self.value.map(|(start, end)| &self.block.bytes[start..end])
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        self.value.is_none()
    }

    /// The value, sharing the block's memory.
    pub(crate) fn slot(&self) -> Slot {
        match self.value {
            Some((start, end)) => Slot::Value(self.block.bytes.slice(start..end)),
            None => Slot::Tombstone,
        }
    }

    /// The value's bytes; empty for a tombstone.
    pub(crate) fn value_bytes(&self) -> Bytes {
        match self.slot() {
            Slot::Value(value) => value,
            Slot::Tombstone => Bytes::new(),
        }
    }
}
