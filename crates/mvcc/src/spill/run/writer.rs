//! Writes a run.

use std::sync::Arc;

use drystone_base::KeyspaceId;

use crate::error::StoreError;
use crate::memtable::KeyHash;
use crate::spill::filter::Filter;
use crate::spill::folder::{SpillFile, SpillFolder};

use super::format::{self, BLOCK_BYTES, HEADER_BYTES};
use super::{BlockAt, Run};

/// Blocks are written together, about so many bytes at a time.
const WRITE_BYTES: usize = 1 << 20;

/// Whether a run can say of most keys without a read that it does not have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookups {
    /// Many are expected; about so many entries will come.
    Many {
        /// How many.
        entries: u64,
    },
    /// Few are: no memory is spent on a filter.
    Few,
}

/// A run in the making. Dropping it removes its file, unless other runs are in it.
#[derive(Debug)]
pub(crate) struct RunWriter {
    run: Run,
    /// Blocks that are not in the file yet; the last is open while `keyspace` is there.
    buffer: Vec<u8>,
    /// Where in the buffer the open block begins.
    block_at: usize,
    keyspace: Option<KeyspaceId>,
    /// The key that came last.
    last: Vec<u8>,
}

impl RunWriter {
    /// A run in a file of its own.
    pub(crate) fn create(folder: &SpillFolder, lookups: Lookups) -> Result<RunWriter, StoreError> {
        let file = Arc::new(folder.create()?);
        Ok(RunWriter::over(file, 0, lookups))
    }

    /// A run in the file of another, behind it: that must be the last in there, and this be the only one in the making.
    pub(crate) fn behind(last: &Run, lookups: Lookups) -> RunWriter {
        RunWriter::over(Arc::clone(&last.file), last.start + last.bytes, lookups)
    }

    fn over(file: Arc<SpillFile>, start: u64, lookups: Lookups) -> RunWriter {
        let filter = match lookups {
            Lookups::Many { entries } => Some(Filter::new(entries)),
            Lookups::Few => None,
        };
        RunWriter {
            run: Run {
                file,
                start,
                blocks: Vec::new(),
                separators: Vec::new(),
                filter,
                entries: 0,
                bytes: 0,
            },
            buffer: Vec::new(),
            block_at: 0,
            keyspace: None,
            last: Vec::new(),
        }
    }

    /// Whether an entry of `key` may follow what came.
    pub(crate) fn precedes(&self, keyspace: KeyspaceId, key: &[u8]) -> bool {
        self.keyspace
            .is_none_or(|last| (last, self.last.as_slice()) < (keyspace, key))
    }

    /// Adds an entry behind all that came: `record` is what `format::encode_entry` makes of it.
    pub(crate) fn push(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        record: &[u8],
    ) -> Result<(), StoreError> {
        self.make_room(keyspace, key, record.len())?;
        self.buffer.extend_from_slice(record);
        self.added(keyspace, key);
        Ok(())
    }

    /// As [`RunWriter::push`], of an entry that is not encoded yet.
    pub(crate) fn push_entry(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let len = key.len() + value.map_or(0, <[u8]>::len);
        self.make_room(keyspace, key, len)?;
        format::encode_entry(key, value, &mut self.buffer);
        self.added(keyspace, key);
        Ok(())
    }

    fn added(&mut self, keyspace: KeyspaceId, key: &[u8]) {
        debug_assert!(self.run.entries == 0 || self.keyspace.is_some());
        self.last.clear();
        self.last.extend_from_slice(key);
        if let Some(filter) = &mut self.run.filter {
            filter.add(KeyHash::new(keyspace, key));
        }
        self.run.entries += 1;
    }

    /// Sees to it that the open block is one of `keyspace` and has room for an entry of about `len` bytes.
    fn make_room(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        len: usize,
    ) -> Result<(), StoreError> {
        let is_same = self.keyspace == Some(keyspace);
        debug_assert!(!is_same || self.last.as_slice() < key, "U1");
        if is_same && self.buffer.len() - self.block_at + len <= BLOCK_BYTES {
            return Ok(());
        }
        self.end_block()?;
        let common = match is_same {
            true => common_len(&self.last, key) + 1,
            false => 0,
        };
        self.begin_block(keyspace, &key[..common]);
        Ok(())
    }

    fn begin_block(&mut self, keyspace: KeyspaceId, separator: &[u8]) {
        self.block_at = self.buffer.len();
        self.buffer.resize(self.block_at + HEADER_BYTES, 0);
        self.keyspace = Some(keyspace);
        self.run.blocks.push(BlockAt {
            offset: self.run.start + self.run.bytes + self.block_at as u64,
            len: 0,
            keyspace,
            separator_at: self.run.separators.len(),
        });
        self.run.separators.extend_from_slice(separator);
    }

    fn end_block(&mut self) -> Result<(), StoreError> {
        let (Some(keyspace), Some(block)) = (self.keyspace, self.run.blocks.last_mut()) else {
            return Ok(());
        };
        block.len = self.buffer.len() - self.block_at;
        let seed = format::seed(self.run.file.number(), block.offset);
        format::seal(&mut self.buffer[self.block_at..], keyspace, seed);
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let at = self.run.start + self.run.bytes;
        self.run.file.write(&self.buffer, at)?;
        self.run.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(2 * WRITE_BYTES);
        Ok(())
    }

    /// Writes the rest. Nothing is synced.
    pub(crate) fn finish(mut self) -> Result<Arc<Run>, StoreError> {
        self.end_block()?;
        self.flush()?;
        self.run.blocks.shrink_to_fit();
        self.run.separators.shrink_to_fit();
        Ok(Arc::new(self.run))
    }
}

fn common_len(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(a, b)| a == b).count()
}
