//! Run cursor: a position in one run, moving both ways.

use std::sync::Arc;

use drystone_engine::EngineError;

use crate::block::cursor::BlockCursor;
use crate::run::Run;
use crate::sst::cursor::SstCursor;

/// A position in a run. It is on an entry after a move that returned `true`.
#[derive(Debug)]
pub(crate) struct RunCursor {
    run: Run,
    /// The SST that it is in, and its cursor.
    at: usize,
    cursor: Option<SstCursor>,
    is_on: bool,
}

impl RunCursor {
    pub(crate) fn new(run: Run) -> RunCursor {
        RunCursor {
            run,
            at: 0,
            cursor: None,
            is_on: false,
        }
    }

    /// To the last entry of all.
    pub(crate) fn last(&mut self) -> Result<bool, EngineError> {
        let end = self.run.ssts().len();
        let Some(sst) = end.checked_sub(1).and_then(|at| self.enter(at)) else {
            return Ok(false);
        };
        let is_on = sst.last()?;
        self.settle_down(is_on)
    }

    /// To the first entry at or above `key`.
    pub(crate) fn seek(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let at = self.run.at_or_above(key);
        let Some(sst) = self.enter(at) else {
            return Ok(false);
        };
        let is_on = sst.seek(key)?;
        self.settle_up(is_on)
    }

    /// To the first entry above `key`.
    pub(crate) fn seek_above(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let is_on = self.seek(key)?;
        if is_on && self.key() == Some(key) {
            self.next()
        } else {
            Ok(is_on)
        }
    }

    /// To the last entry at or below `key`.
    pub(crate) fn seek_back(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let after = self
            .run
            .ssts()
            .partition_point(|sst| sst.meta.smallest[..] <= *key);
        let Some(sst) = after.checked_sub(1).and_then(|at| self.enter(at)) else {
            self.is_on = false;
            return Ok(false);
        };
        let is_on = sst.seek_back(key)?;
        self.settle_down(is_on)
    }

    /// To the last entry below `key`.
    pub(crate) fn seek_below(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let is_on = self.seek_back(key)?;
        if is_on && self.key() == Some(key) {
            self.prev()
        } else {
            Ok(is_on)
        }
    }

    pub(crate) fn next(&mut self) -> Result<bool, EngineError> {
        match (&mut self.cursor, self.is_on) {
            (Some(cursor), true) => {
                let is_on = cursor.next()?;
                self.settle_up(is_on)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn prev(&mut self) -> Result<bool, EngineError> {
        match (&mut self.cursor, self.is_on) {
            (Some(cursor), true) => {
                let is_on = cursor.prev()?;
                self.settle_down(is_on)
            }
            _ => Ok(false),
        }
    }

    /// Into the next SST while it is past the end of one.
    fn settle_up(&mut self, mut is_on: bool) -> Result<bool, EngineError> {
        while !is_on {
            let next = self.at + 1;
            let Some(sst) = self.enter(next) else { break };
            is_on = sst.first()?;
        }
        self.is_on = is_on;
        Ok(is_on)
    }

    fn settle_down(&mut self, mut is_on: bool) -> Result<bool, EngineError> {
        while !is_on {
            let Some(sst) = self.at.checked_sub(1).and_then(|at| self.enter(at)) else {
                break;
            };
            is_on = sst.last()?;
        }
        self.is_on = is_on;
        Ok(is_on)
    }

    fn enter(&mut self, at: usize) -> Option<&mut SstCursor> {
        self.is_on = false;
        let sst = self.run.ssts().get(at)?;
        if self.cursor.is_none() || self.at != at {
            self.cursor = Some(SstCursor::new(Arc::clone(sst)));
            self.at = at;
        }
        self.cursor.as_mut()
    }

    /// The entry it is on.
    #[inline]
    pub(crate) fn entry(&self) -> Option<&BlockCursor> {
        self.cursor.as_ref().filter(|_| self.is_on)?.entry()
    }

    /// The key of the entry it is on.
    #[inline]
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.entry().map(BlockCursor::key)
    }
}
