//! SST cursor: a position in one SST, moving both ways, through the cache.
//!
//! Three block cursors, one inside the other: in the top, in a partition's index, in a data block. Scans say ahead what they
//! will read: once they have gone through two data blocks in a row, the ones after them.

use std::sync::Arc;

use drystone_engine::EngineError;

use super::{Partition, Sst};
use crate::block::cursor::BlockCursor;
use crate::handle::Handle;

/// How many bytes of a partition are announced at a time.
const AHEAD_BYTES: u64 = 128 << 10;
/// Data blocks in a row after which more are announced.
const BLOCKS_IN_A_ROW: u32 = 2;

/// A position in an SST. It is on an entry after a move that returned `true`.
#[derive(Debug)]
pub(crate) struct SstCursor {
    sst: Arc<Sst>,
    top: Option<BlockCursor>,
    index: Option<BlockCursor>,
    data: Option<BlockCursor>,
    partition: Option<Partition>,
    /// Data blocks that were entered in order.
    in_a_row: u32,
    /// Up to where reads were announced.
    announced: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl SstCursor {
    pub(crate) fn new(sst: Arc<Sst>) -> SstCursor {
        SstCursor {
            sst,
            top: None,
            index: None,
            data: None,
            partition: None,
            in_a_row: 0,
            announced: 0,
        }
    }

    pub(crate) fn first(&mut self) -> Result<bool, EngineError> {
        self.restart()?;
        self.move_top(|top| top.first())?;
        self.go(Way::Up)
    }

    pub(crate) fn last(&mut self) -> Result<bool, EngineError> {
        self.restart()?;
        self.move_top(|top| top.last())?;
        self.go(Way::Down)
    }

    /// To the first entry at or above `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        if !self.enter_at(key)? {
            return self.first();
        }
        let is_on = self.move_data(|data| data.seek(key))?;
        if is_on {
            Ok(true)
        } else {
            self.next_block(Way::Up)
        }
    }

    /// To the last entry at or below `key`.
    pub(crate) fn seek_back(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        if !self.enter_at(key)? {
            return Ok(false);
        }
        let is_on = self.move_data(|data| data.seek_back(key))?;
        if is_on {
            Ok(true)
        } else {
            self.next_block(Way::Down)
        }
    }

    pub(crate) fn next(&mut self) -> Result<bool, EngineError> {
        let is_on = self.move_data(BlockCursor::next)?;
        if is_on {
            Ok(true)
        } else {
            self.next_block(Way::Up)
        }
    }

    pub(crate) fn prev(&mut self) -> Result<bool, EngineError> {
        let is_on = self.move_data(BlockCursor::prev)?;
        if is_on {
            Ok(true)
        } else {
            self.next_block(Way::Down)
        }
    }

    /// The entry it is on.
    pub(crate) fn entry(&self) -> Option<&BlockCursor> {
        self.data.as_ref()
    }

    fn restart(&mut self) -> Result<(), EngineError> {
        self.in_a_row = 0;
        self.announced = 0;
        (self.index, self.data, self.partition) = (None, None, None);
        if self.top.is_none() {
            self.top = Some(self.sst.head()?.top.clone().cursor());
        }
        Ok(())
    }

    /// Into the data block that would hold a key; `false`: the key is below all.
    fn enter_at(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        self.restart()?;
        if !self.move_top(|top| top.seek_back(key))? {
            return Ok(false);
        }
        self.enter_partition()?;
        if !self.move_index(|index| index.seek_back(key))? {
            return Ok(false);
        }
        self.enter_data(Way::Up)?;
        Ok(true)
    }

    /// From a partition that the top's cursor is on, into its first or last data block, to the entry at that end.
    fn go(&mut self, way: Way) -> Result<bool, EngineError> {
        self.enter_partition()?;
        let is_on = match way {
            Way::Up => self.move_index(BlockCursor::first)?,
            Way::Down => self.move_index(BlockCursor::last)?,
        };
        if is_on {
            self.enter_end(way)
        } else {
            Ok(false)
        }
    }

    fn enter_end(&mut self, way: Way) -> Result<bool, EngineError> {
        self.enter_data(way)?;
        match way {
            Way::Up => self.move_data(BlockCursor::first),
            Way::Down => self.move_data(BlockCursor::last),
        }
    }

    /// Into the data block after this one, or before it.
    fn next_block(&mut self, way: Way) -> Result<bool, EngineError> {
        let within = match way {
            Way::Up => self.move_index(BlockCursor::next)?,
            Way::Down => self.move_index(BlockCursor::prev)?,
        };
        if within {
            self.in_a_row += 1;
            return self.enter_end(way);
        }
        let beyond = match way {
            Way::Up => self.move_top(BlockCursor::next)?,
            Way::Down => self.move_top(BlockCursor::prev)?,
        };
        if beyond { self.go(way) } else { Ok(false) }
    }

    fn enter_partition(&mut self) -> Result<(), EngineError> {
        let handle = self.sst.head()?.footer.top;
        let value = self.top.as_ref().and_then(BlockCursor::value);
        let partition = Partition::decode(value.unwrap_or_default());
        let partition = partition.map_err(|why| self.sst.corrupt(&handle, why))?;
        let block = self.sst.block(&partition.index)?;
        match &mut self.index {
            Some(index) => index.reset(block),
            None => self.index = Some(block.cursor()),
        }
        self.partition = Some(partition);
        self.announced = 0;
        Ok(())
    }

    fn enter_data(&mut self, way: Way) -> Result<(), EngineError> {
        let data = self.data_handle()?;
        if self.in_a_row >= BLOCKS_IN_A_ROW && way == Way::Up && data.offset >= self.announced {
            self.announce(&data)?;
        }
        let block = self.sst.block(&data)?;
        match &mut self.data {
            Some(cursor) => cursor.reset(block),
            None => self.data = Some(block.cursor()),
        }
        Ok(())
    }

    fn data_handle(&self) -> Result<Handle, EngineError> {
        let value = self.index.as_ref().and_then(BlockCursor::value);
        let handle = Handle::decode(value.unwrap_or_default());
        handle.map_err(|why| self.sst.corrupt(&self.index_handle(), why))
    }

    /// Data blocks of a partition lie one after another, before its index.
    fn announce(&mut self, data: &Handle) -> Result<(), EngineError> {
        let end = self
            .index_handle()
            .offset
            .min(data.offset.saturating_add(AHEAD_BYTES));
        if end > data.end() {
            self.sst
                .place()?
                .file
                .will_need(data.end(), end - data.end());
        }
        self.announced = end;
        Ok(())
    }

    fn index_handle(&self) -> Handle {
        self.partition
            .map_or(Handle::NONE, |partition| partition.index)
    }

    fn move_top(
        &mut self,
        go: impl FnOnce(&mut BlockCursor) -> Result<bool, drystone_base::Malformed>,
    ) -> Result<bool, EngineError> {
        let moved = self.top.as_mut().map_or(Ok(false), go);
        moved.or_else(|why| Err(self.sst.corrupt(&self.sst.head()?.footer.top, why)))
    }

    fn move_index(
        &mut self,
        go: impl FnOnce(&mut BlockCursor) -> Result<bool, drystone_base::Malformed>,
    ) -> Result<bool, EngineError> {
        let moved = self.index.as_mut().map_or(Ok(false), go);
        moved.map_err(|why| self.sst.corrupt(&self.index_handle(), why))
    }

    #[inline]
    fn move_data(
        &mut self,
        go: impl FnOnce(&mut BlockCursor) -> Result<bool, drystone_base::Malformed>,
    ) -> Result<bool, EngineError> {
        let moved = self.data.as_mut().map_or(Ok(false), go);
        moved.or_else(|why| Err(self.sst.corrupt(&self.data_handle()?, why)))
    }
}
