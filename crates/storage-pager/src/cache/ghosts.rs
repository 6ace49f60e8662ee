//! Ghosts: the blocks of pages that left lately, so that one that comes again is known.
//!
//! A table in which newer entries overwrite older ones: it forgets by itself, and never asks for more memory.

use super::hash_of;

/// Pages that are remembered in one shard: 512 KiB for their numbers, whatever the budget.
const GHOSTS_MAX: usize = 1 << 16;

#[derive(Debug)]
pub(super) struct Ghosts {
    blocks: Box<[u64]>,
}

impl Ghosts {
    /// For a shard of `bytes_max`: about as many as it has pages of the usual length.
    pub(super) fn new(bytes_max: usize) -> Ghosts {
        let count = (bytes_max / 8192).min(GHOSTS_MAX).next_power_of_two();
        Ghosts {
            blocks: vec![0; count].into_boxed_slice(),
        }
    }

    pub(super) fn note(&mut self, block: u64) {
        self.blocks[self.idx(block)] = block;
    }

    pub(super) fn has(&self, block: u64) -> bool {
        self.blocks[self.idx(block)] == block
    }

    /// Memory.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.blocks)
    }

    pub(super) fn idx(&self, block: u64) -> usize {
        let mask = self.blocks.len() as u64 - 1;
        usize::try_from(hash_of(block) & mask).expect("there are few ghosts")
    }
}
