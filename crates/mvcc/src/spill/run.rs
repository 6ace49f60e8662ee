//! Run: entries in a file, sorted by keyspace and key, each key once. Immutable.
//!
//! # Invariants
//! - U1. Blocks ascend by keyspace and key, and so do the entries in them; no block has entries of two keyspaces.
//! - U2. A block's separator is above every key of the block before, and at or below its own first key.

pub(super) mod cursor;
pub(super) mod format;
pub(super) mod probe;
pub(super) mod stream;
pub(super) mod writer;

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;

use crate::error::StoreError;
use crate::memtable::KeyHash;
use crate::spill::filter::Filter;
use crate::spill::folder::SpillFile;

use self::format::HEADER_BYTES;

/// A finished run.
#[derive(Debug)]
pub(crate) struct Run {
    /// Perhaps with other runs.
    file: Arc<SpillFile>,
    /// Where in the file it begins.
    start: u64,
    blocks: Vec<BlockAt>,
    /// The separators, one behind the other.
    separators: Vec<u8>,
    filter: Option<Filter>,
    entries: u64,
    bytes: u64,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug)]
struct BlockAt {
    offset: u64,
    /// Its length, the header included.
    len: usize,
    keyspace: KeyspaceId,
    /// Where its separator begins; it ends where the next one does.
    separator_at: usize,
}

impl Run {
    /// Its length in the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    pub(crate) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether it may have a key. `false` is sure.
    fn may_have(&self, hash: KeyHash) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.may_have(hash))
    }

    /// Memory that is needed to find something in it.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let filter = self.filter.as_ref().map_or(0, Filter::bytes);
        (size_of_val(self.blocks.as_slice()) + self.separators.len()) as u64 + filter
    }

    /// Whether it has anything of a keyspace.
    pub(crate) fn has_keyspace(&self, keyspace: KeyspaceId) -> bool {
        let found = self
            .blocks
            .binary_search_by_key(&keyspace, |block| block.keyspace);
        found.is_ok()
    }

    /// The keyspaces it has anything of, ascending.
    pub(crate) fn keyspaces(&self) -> impl Iterator<Item = KeyspaceId> + '_ {
        let chunks = self.blocks.chunk_by(|a, b| a.keyspace == b.keyspace);
        chunks.filter_map(|chunk| Some(chunk.first()?.keyspace))
    }

    /// What it says of `key`: `None` where it says nothing, `Some(None)` where the key is deleted. Reads one block.
    pub(crate) fn get(
        &self,
        keyspace: KeyspaceId,
        key: &[u8],
        hash: KeyHash,
    ) -> Result<Option<Option<Bytes>>, StoreError> {
        if !self.may_have(hash) {
            return Ok(None);
        }
        let Some(block_idx) = self.find_block(keyspace, key) else {
            return Ok(None);
        };
        let block = self.read_block(block_idx)?;
        let mut at = HEADER_BYTES;
        while let Some(entry) = format::entry_at(&block, at) {
            match entry.key.of(&block).cmp(key) {
                std::cmp::Ordering::Less => at = entry.end,
                std::cmp::Ordering::Equal => {
                    let value = entry.value;
                    return Ok(Some(value.map(|it| block.slice(it.at..it.at + it.len))));
                }
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    /// The block that has `key` if any has.
    fn find_block(&self, keyspace: KeyspaceId, key: &[u8]) -> Option<usize> {
        let is_at_or_before = |idx: usize| {
            let block = &self.blocks[idx];
            (block.keyspace, self.separator(idx)) <= (keyspace, key)
        };
        let idx = partition_point(self.blocks.len(), is_at_or_before).checked_sub(1)?;
        (self.blocks[idx].keyspace == keyspace).then_some(idx)
    }

    /// The blocks of a keyspace.
    fn blocks_of(&self, keyspace: KeyspaceId) -> std::ops::Range<usize> {
        let start = self
            .blocks
            .partition_point(|block| block.keyspace < keyspace);
        let end = self
            .blocks
            .partition_point(|block| block.keyspace <= keyspace);
        start..end
    }

    fn separator(&self, idx: usize) -> &[u8] {
        let start = self.blocks[idx].separator_at;
        let next = self.blocks.get(idx + 1);
        let end = next.map_or(self.separators.len(), |next| next.separator_at);
        &self.separators[start..end]
    }

    /// Reads and checks a block.
    fn read_block(&self, idx: usize) -> Result<Bytes, StoreError> {
        let block = &self.blocks[idx];
        let mut bytes = vec![0; block.len];
        self.file.read(&mut bytes, block.offset)?;
        self.check_block(block, &bytes)?;
        Ok(Bytes::from(bytes))
    }

    fn check_block(&self, block: &BlockAt, bytes: &[u8]) -> Result<(), StoreError> {
        let seed = format::seed(self.file.number(), block.offset);
        let checked = format::check(bytes, block.keyspace, seed);
        checked.map_err(|why| self.corrupt(block.offset, why))
    }

    fn corrupt(&self, offset: u64, why: drystone_engine::Malformed) -> StoreError {
        StoreError::CorruptSpill {
            path: self.file.path().to_owned(),
            offset,
            why,
        }
    }
}

/// How many of the first `len` numbers hold; those that do come first.
fn partition_point(len: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests;
