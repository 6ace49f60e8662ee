//! A position in one keyspace of a run, moving both ways.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;

use crate::error::StoreError;
use crate::memory_merge::Direction;

use super::Run;
use super::format::{self, Entry, HEADER_BYTES, malformed};

/// Starts on no entry. Owns what it reads from.
#[derive(Debug)]
pub(crate) struct RunCursor {
    run: Arc<Run>,
    blocks: std::ops::Range<usize>,
    block: Option<Block>,
    entry_idx: usize,
}

/// A block that was read, and its entries.
#[derive(Debug)]
struct Block {
    idx: usize,
    bytes: Bytes,
    entries: Vec<Entry>,
}

impl RunCursor {
    pub(crate) fn new(run: &Arc<Run>, keyspace: KeyspaceId) -> RunCursor {
        RunCursor {
            blocks: run.blocks_of(keyspace),
            run: Arc::clone(run),
            block: None,
            entry_idx: 0,
        }
    }

    /// To the first entry within `from`, seen in the direction of movement.
    pub(crate) fn position(
        &mut self,
        direction: Direction,
        from: Bound<&[u8]>,
    ) -> Result<(), StoreError> {
        self.block = None;
        if self.blocks.is_empty() {
            return Ok(());
        }
        let block_idx = match (from, direction) {
            (Bound::Unbounded, Direction::Forward) => self.blocks.start,
            (Bound::Unbounded, Direction::Backward) => self.blocks.end - 1,
            (Bound::Included(key) | Bound::Excluded(key), _) => self.block_for(key),
        };
        self.enter(block_idx)?;
        let is_before = |entry: &Entry, bytes: &[u8]| match from {
            Bound::Unbounded => false,
            Bound::Included(key) if direction == Direction::Forward => entry.key.of(bytes) < key,
            Bound::Included(key) => entry.key.of(bytes) <= key,
            Bound::Excluded(key) if direction == Direction::Forward => entry.key.of(bytes) <= key,
            Bound::Excluded(key) => entry.key.of(bytes) < key,
        };
        let Some(block) = &self.block else {
            return Ok(());
        };
        let before = block
            .entries
            .partition_point(|entry| is_before(entry, &block.bytes));
        match direction {
            Direction::Forward => self.settle_at(before),
            Direction::Backward if from == Bound::Unbounded => {
                self.settle_at(block.entries.len() - 1)
            }
            Direction::Backward => match before.checked_sub(1) {
                Some(idx) => self.settle_at(idx),
                None => self.step_back_from(block_idx),
            },
        }
    }

    /// The block in which `key` lies, or would.
    fn block_for(&self, key: &[u8]) -> usize {
        let found = super::partition_point(self.blocks.len(), |idx| {
            self.run.separator(self.blocks.start + idx) <= key
        });
        self.blocks.start + found.saturating_sub(1)
    }

    /// To the next entry in a direction.
    pub(crate) fn advance(&mut self, direction: Direction) -> Result<(), StoreError> {
        let Some(block) = &self.block else {
            return Ok(());
        };
        let block_idx = block.idx;
        match direction {
            Direction::Forward => self.settle_at(self.entry_idx + 1),
            Direction::Backward => match self.entry_idx.checked_sub(1) {
                Some(idx) => self.settle_at(idx),
                None => self.step_back_from(block_idx),
            },
        }
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        let block = self.block.as_ref()?;
        Some(block.entries[self.entry_idx].key.of(&block.bytes))
    }

    /// The value it is on; `None` for a tombstone.
    pub(crate) fn value(&self) -> Option<Bytes> {
        let block = self.block.as_ref()?;
        let value = block.entries[self.entry_idx].value?;
        Some(block.bytes.slice(value.at..value.at + value.len))
    }

    /// As [`RunCursor::value`], where it lies; `None` also at the end.
    pub(crate) fn value_ref(&self) -> Option<&[u8]> {
        let block = self.block.as_ref()?;
        let value = block.entries[self.entry_idx].value?;
        Some(value.of(&block.bytes))
    }

    /// To the entry at `idx` of the block, or the first of the next block.
    fn settle_at(&mut self, idx: usize) -> Result<(), StoreError> {
        let Some(block) = &self.block else {
            return Ok(());
        };
        self.entry_idx = idx;
        if idx < block.entries.len() {
            return Ok(());
        }
        let next = block.idx + 1;
        if next == self.blocks.end {
            self.block = None;
            return Ok(());
        }
        self.enter(next)
    }

    /// To the last entry of the block before.
    fn step_back_from(&mut self, block_idx: usize) -> Result<(), StoreError> {
        if block_idx == self.blocks.start {
            self.block = None;
            return Ok(());
        }
        self.enter(block_idx - 1)?;
        let last = self
            .block
            .as_ref()
            .map_or(0, |block| block.entries.len() - 1);
        self.entry_idx = last;
        Ok(())
    }

    /// On the first entry of a block.
    fn enter(&mut self, idx: usize) -> Result<(), StoreError> {
        self.block = None;
        self.entry_idx = 0;
        let bytes = self.run.read_block(idx)?;
        let mut entries = Vec::new();
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            let entry = format::entry_at(&bytes, at).ok_or_else(|| {
                let why = malformed("entry of a run", "whole", "cut short");
                self.run.corrupt(self.run.blocks[idx].offset, why)
            })?;
            at = entry.end;
            entries.push(entry);
        }
        self.block = Some(Block {
            idx,
            bytes,
            entries,
        });
        Ok(())
    }
}
