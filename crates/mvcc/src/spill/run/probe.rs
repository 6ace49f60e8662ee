//! Looks ascending keys up in a run: each block is read at most once, and only where it may have one of them.

use bytes::Bytes;
use drystone_base::KeyspaceId;

use crate::error::StoreError;
use crate::memtable::KeyHash;

use super::Run;
use super::format::{self, HEADER_BYTES};

/// A position in a run that only moves forward.
#[derive(Debug)]
pub(crate) struct RunProbe<'a> {
    run: &'a Run,
    /// The block in which the key before lay, or would have.
    block_idx: usize,
    /// That block, once something had to be read of it, and where in it the search goes on.
    block: Option<(Bytes, usize)>,
}

impl<'a> RunProbe<'a> {
    pub(crate) fn new(run: &'a Run) -> RunProbe<'a> {
        RunProbe {
            run,
            block_idx: 0,
            block: None,
        }
    }

    /// Whether the run says anything of `key`, which comes behind those that were asked for before.
    pub(crate) fn has(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        hash: KeyHash,
    ) -> Result<bool, StoreError> {
        if !self.run.may_have(hash) || !self.find_block(keyspace, key) {
            return Ok(false);
        }
        let (block, mut at) = match self.block.take() {
            Some(reached) => reached,
            None => (self.run.read_block(self.block_idx)?, HEADER_BYTES),
        };
        let mut found = false;
        while let Some(entry) = format::entry_at(&block, at) {
            let entry_key = entry.key.of(&block);
            found = entry_key == key;
            if entry_key >= key {
                break;
            }
            at = entry.end;
        }
        self.block = Some((block, at));
        Ok(found)
    }

    /// To the block that has a key if any has: the last that begins at or before it. Whether there is one.
    fn find_block(&mut self, keyspace: KeyspaceId, key: &[u8]) -> bool {
        let run = self.run;
        let begins_by = |idx: usize| {
            let block = run.blocks.get(idx);
            block.is_some_and(|block| (block.keyspace, run.separator(idx)) <= (keyspace, key))
        };
        let (from, mut step) = (self.block_idx, 1);
        while begins_by(from + step) {
            step *= 2;
        }
        // What holds for half the step holds up to some block before the whole of it.
        let low = from + step / 2;
        let past = super::partition_point(step - step / 2, |idx| begins_by(low + idx));
        let found = (low + past).saturating_sub(1).max(from);
        if found != self.block_idx {
            self.block_idx = found;
            self.block = None;
        }
        begins_by(found) && run.blocks[found].keyspace == keyspace
    }
}
