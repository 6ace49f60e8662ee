//! Run scan: all entries of a run in order, past the cache. Between two SSTs it waits before the next one, unopened.

use std::path::Path;
use std::sync::Arc;

use drystone_base::Malformed;
use drystone_engine::EngineError;

use crate::block::cursor::BlockCursor;
use crate::error::corrupt;
use crate::sst::Sst;
use crate::sst::scan::SstScan;

/// A position in a run: on an entry, before an SST, or at the end.
#[derive(Debug)]
pub(crate) struct RunScan {
    ssts: Vec<Arc<Sst>>,
    /// The SST that it is in, or before.
    at: usize,
    scan: Option<SstScan>,
    read_bytes: u64,
}

impl RunScan {
    /// Before the first SST.
    pub(crate) fn new(ssts: Vec<Arc<Sst>>) -> RunScan {
        RunScan {
            ssts,
            at: 0,
            scan: None,
            read_bytes: 0,
        }
    }

    pub(crate) fn ssts(&self) -> &[Arc<Sst>] {
        &self.ssts
    }

    /// The SST that it is before.
    pub(crate) fn waiting(&self) -> Option<&Arc<Sst>> {
        match self.scan {
            None => self.ssts.get(self.at),
            Some(_) => None,
        }
    }

    /// To the first entry of the SST that it is before.
    pub(crate) fn open(&mut self) -> Result<(), EngineError> {
        if let Some(sst) = self.waiting() {
            self.scan = Some(SstScan::new(Arc::clone(sst))?);
            self.next()?;
        }
        Ok(())
    }

    /// Beyond the SST that it is before.
    pub(crate) fn pass(&mut self) {
        debug_assert!(self.scan.is_none());
        self.at += 1;
    }

    /// To the next entry of the SST that it is in, or before the next one.
    pub(crate) fn next(&mut self) -> Result<(), EngineError> {
        if let Some(scan) = &mut self.scan {
            let is_on = scan.next()?;
            self.read_bytes += scan.take_read_bytes();
            if !is_on {
                self.scan = None;
                self.at += 1;
            }
        }
        Ok(())
    }

    /// The entry it is on.
    #[inline]
    pub(crate) fn entry(&self) -> Option<&BlockCursor> {
        self.scan.as_ref()?.entry()
    }

    /// The key of the entry it is on.
    #[inline]
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.entry().map(BlockCursor::key)
    }

    /// Damage where it is.
    #[cold]
    pub(crate) fn corrupt(&self, why: Malformed) -> EngineError {
        match (&self.scan, self.ssts.get(self.at)) {
            (Some(scan), _) => scan.corrupt(why),
            (None, Some(sst)) => corrupt(sst.path(), 0, why),
            (None, None) => corrupt(Path::new(""), 0, why),
        }
    }

    /// Bytes read since this was last asked.
    pub(crate) fn take_read_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.read_bytes)
    }
}
