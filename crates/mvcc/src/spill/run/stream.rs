//! Reads a run once, from its first entry to its last, many blocks at a time.

use std::sync::Arc;

use drystone_base::KeyspaceId;

use crate::error::StoreError;

use super::Run;
use super::format::{self, Entry, HEADER_BYTES, malformed};

/// A position in a run that only moves forward.
#[derive(Debug)]
pub(crate) struct RunStream {
    run: Arc<Run>,
    /// How many bytes to read at a time.
    chunk_bytes: usize,
    /// Blocks that were read together.
    chunk: Vec<u8>,
    /// The block it is in, and where in the chunk it begins.
    block_idx: usize,
    block_at: usize,
    /// The first block that is not in the chunk.
    chunk_end: usize,
    /// The entry it is on, in the chunk; `None` at the end.
    entry: Option<Entry>,
}

impl RunStream {
    /// On the first entry.
    pub(crate) fn new(run: Arc<Run>, chunk_bytes: usize) -> Result<RunStream, StoreError> {
        let mut stream = RunStream {
            run,
            chunk_bytes,
            chunk: Vec::new(),
            block_idx: 0,
            block_at: 0,
            chunk_end: 0,
            entry: None,
        };
        stream.enter_block()?;
        Ok(stream)
    }

    /// The keyspace of the entry it is on; `None` at the end.
    pub(crate) fn keyspace(&self) -> Option<KeyspaceId> {
        self.entry.map(|_| self.run.blocks[self.block_idx].keyspace)
    }

    /// The key of the entry it is on; empty at the end.
    pub(crate) fn key(&self) -> &[u8] {
        self.entry.map_or(&[], |entry| entry.key.of(&self.chunk))
    }

    /// The value of the entry it is on; `None` for a tombstone, and at the end.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        Some(self.entry?.value?.of(&self.chunk))
    }

    /// To the next entry.
    pub(crate) fn advance(&mut self) -> Result<(), StoreError> {
        let Some(entry) = self.entry.take() else {
            return Ok(());
        };
        let block = &self.run.blocks[self.block_idx];
        if entry.end < self.block_at + block.len {
            return self.set_entry(entry.end);
        }
        self.block_at += block.len;
        self.block_idx += 1;
        self.enter_block()
    }

    /// On the first entry of the block; reads it first if need be.
    fn enter_block(&mut self) -> Result<(), StoreError> {
        if self.block_idx == self.run.blocks.len() {
            self.chunk = Vec::new();
            return Ok(());
        }
        if self.block_idx == self.chunk_end {
            self.read_chunk()?;
        }
        let block = self.run.blocks[self.block_idx];
        let bytes = &self.chunk[self.block_at..self.block_at + block.len];
        self.run.check_block(&block, bytes)?;
        self.set_entry(self.block_at + HEADER_BYTES)
    }

    fn set_entry(&mut self, at: usize) -> Result<(), StoreError> {
        let block = &self.run.blocks[self.block_idx];
        let bytes = &self.chunk[..self.block_at + block.len];
        self.entry = format::entry_at(bytes, at);
        match self.entry {
            Some(_) => Ok(()),
            None => {
                let why = malformed("entry of a run", "whole", "cut short");
                Err(self.run.corrupt(block.offset, why))
            }
        }
    }

    fn read_chunk(&mut self) -> Result<(), StoreError> {
        let rest = &self.run.blocks[self.block_idx..];
        let mut len = 0;
        let within = rest.iter().take_while(|block| {
            let fits = len == 0 || len + block.len <= self.chunk_bytes;
            len += if fits { block.len } else { 0 };
            fits
        });
        let count = within.count();
        self.chunk.resize(len, 0);
        self.chunk.shrink_to(len.max(self.chunk_bytes));
        self.run.file.read(&mut self.chunk, rest[0].offset)?;
        self.block_at = 0;
        self.chunk_end = self.block_idx + count;
        Ok(())
    }
}
