//! SST scan: all entries of an SST in order, past the cache, a partition's data with one read.
//!
//! For compaction and checks, which read everything once: the cache is left to readers.

use std::sync::Arc;

use drystone_base::Malformed;
use drystone_engine::EngineError;

use super::{Partition, Sst};
use crate::block::Block;
use crate::block::cursor::BlockCursor;
use crate::error::corrupt;
use crate::handle::Handle;

/// The most that one read brings, but for one block that is longer.
const SPAN_BYTES_MAX: u64 = 512 << 10;

/// A position in a scan: on an entry after [`SstScan::next`] returned `true`.
#[derive(Debug)]
pub(crate) struct SstScan {
    sst: Arc<Sst>,
    top: BlockCursor,
    index: Option<(Handle, BlockCursor)>,
    /// What was read of the file, and where it begins.
    span: Vec<u8>,
    span_at: u64,
    data: Option<(Handle, BlockCursor)>,
    has_begun: bool,
    read_bytes: u64,
}

impl SstScan {
    pub(crate) fn new(sst: Arc<Sst>) -> Result<SstScan, EngineError> {
        Ok(SstScan {
            top: sst.head()?.top.clone().cursor(),
            sst,
            index: None,
            span: Vec::new(),
            span_at: 0,
            data: None,
            has_begun: false,
            read_bytes: 0,
        })
    }

    /// To the next entry; `false` after the last.
    pub(crate) fn next(&mut self) -> Result<bool, EngineError> {
        if let Some((handle, data)) = &mut self.data {
            let is_on = data.next();
            if is_on.map_err(|why| self.sst.corrupt(handle, why))? {
                return Ok(true);
            }
        }
        while self.next_block()? {
            if let Some((handle, data)) = &mut self.data {
                let is_on = data.first();
                if is_on.map_err(|why| self.sst.corrupt(handle, why))? {
                    return Ok(true);
                }
            }
        }
        self.data = None;
        Ok(false)
    }

    /// The entry it is on.
    pub(crate) fn entry(&self) -> Option<&BlockCursor> {
        self.data.as_ref().map(|(_, data)| data)
    }

    /// Damage in the block it is in.
    #[cold]
    pub(crate) fn corrupt(&self, why: Malformed) -> EngineError {
        match &self.data {
            Some((handle, _)) => self.sst.corrupt(handle, why),
            None => corrupt(self.sst.path(), 0, why),
        }
    }

    /// Bytes read since this was last asked.
    pub(crate) fn take_read_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.read_bytes)
    }

    fn next_block(&mut self) -> Result<bool, EngineError> {
        while !self.next_in_index()? {
            if !self.next_partition()? {
                return Ok(false);
            }
        }
        let Some((index_handle, index)) = &self.index else {
            return Ok(false);
        };
        let handle = Handle::decode(index.value().unwrap_or_default());
        let handle = handle.map_err(|why| self.sst.corrupt(index_handle, why))?;
        let end = index_handle.offset;
        let block = self.read_block(&handle, end)?;
        match &mut self.data {
            Some((at, data)) => {
                *at = handle;
                data.reset(block);
            }
            None => self.data = Some((handle, block.cursor())),
        }
        Ok(true)
    }

    fn next_in_index(&mut self) -> Result<bool, EngineError> {
        let Some((handle, index)) = &mut self.index else {
            return Ok(false);
        };
        index.next().map_err(|why| self.sst.corrupt(handle, why))
    }

    fn next_partition(&mut self) -> Result<bool, EngineError> {
        let top = self.sst.head()?.footer.top;
        let wrong = |why: Malformed| self.sst.corrupt(&top, why);
        let is_on = if self.has_begun {
            self.top.next()
        } else {
            self.top.first()
        };
        self.has_begun = true;
        if !is_on.map_err(wrong)? {
            return Ok(false);
        }
        let partition = Partition::decode(self.top.value().unwrap_or_default()).map_err(wrong)?;
        let index = self.sst.block_uncached(&partition.index)?;
        self.read_bytes += u64::from(partition.index.stored_len);
        self.index = Some((partition.index, index.cursor()));
        Ok(true)
    }

    /// A data block, out of the span if it is there. `end`: where the data of the partition ends.
    fn read_block(&mut self, handle: &Handle, end: u64) -> Result<Block, EngineError> {
        let place = self.sst.place()?;
        let span_end = self.span_at + self.span.len() as u64;
        if handle.offset < self.span_at || handle.end() > span_end {
            let end = end
                .min(handle.offset.saturating_add(SPAN_BYTES_MAX))
                .max(handle.end());
            let end = end.min(place.file_len);
            let len = end.saturating_sub(handle.offset);
            self.span
                .resize(usize::try_from(len).unwrap_or(usize::MAX), 0);
            self.span_at = handle.offset;
            let read = place.file.read_exact_at(&mut self.span, handle.offset);
            if let Err(source) = read {
                self.span.clear();
                return Err(place.read_failed(handle.offset, source));
            }
            self.read_bytes += len;
        }
        let start = usize::try_from(handle.offset - self.span_at).unwrap_or(usize::MAX);
        let stored = start
            .checked_add(usize::try_from(handle.stored_len).unwrap_or(usize::MAX))
            .and_then(|end| self.span.get(start..end));
        let stored = stored.ok_or_else(|| {
            let expected = format!("at most {}", place.file_len);
            let why = Malformed::new("end of a block", expected, handle.end().to_string());
            self.sst.corrupt(handle, why)
        })?;
        let contents = self.sst.store().unpack(&place, handle, stored.to_vec())?;
        Block::open(contents.into()).map_err(|why| self.sst.corrupt(handle, why))
    }
}
