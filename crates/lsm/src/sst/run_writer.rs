//! Run writer: entries in order, as SSTs of about the same length.

use std::sync::Arc;

use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_compress::Codec;
use drystone_engine::EngineError;

use super::meta::SstMeta;
use super::writer::{Shape, SstWriter};
use crate::store::Store;

/// Numbers for SSTs: each is given once.
pub(crate) type Numbers = AtomicU64;

/// A run in the making. Dropped before [`RunWriter::finish`] its files go, as far as the storage lets them: what is left is
/// cleaned away by the next opening.
#[derive(Debug)]
pub(crate) struct RunWriter {
    store: Arc<Store>,
    numbers: Arc<Numbers>,
    shape: Shape,
    sst_bytes: u64,
    level: usize,
    run: u64,
    filling: Option<SstWriter>,
    done: Vec<SstMeta>,
    /// Bytes of SSTs that are done.
    done_bytes: u64,
}

impl RunWriter {
    pub(crate) fn new(
        store: &Arc<Store>,
        numbers: &Arc<Numbers>,
        shape: Shape,
        sst_bytes: u64,
        level: usize,
    ) -> RunWriter {
        RunWriter {
            store: Arc::clone(store),
            numbers: Arc::clone(numbers),
            shape,
            sst_bytes,
            level,
            run: 0,
            filling: None,
            done: Vec::new(),
            done_bytes: 0,
        }
    }

    /// Adds a key above all others; `value` is `None` for a tombstone.
    pub(crate) fn add(
        &mut self,
        full_key: &[u8],
        value: Option<&[u8]>,
        codec: Codec,
    ) -> Result<(), EngineError> {
        if self
            .filling
            .as_ref()
            .is_some_and(|sst| sst.len() >= self.sst_bytes)
        {
            self.cut()?;
        }
        let sst = match &mut self.filling {
            Some(sst) => sst,
            None => {
                let number = self.numbers.fetch_add(1, Ordering::Relaxed);
                let sst = SstWriter::create(&self.store, self.shape, number)?;
                self.filling.insert(sst)
            }
        };
        sst.add(full_key, value, codec)
    }

    /// Ends the SST that fills.
    pub(crate) fn cut(&mut self) -> Result<(), EngineError> {
        if let Some(sst) = self.filling.take() {
            let (number, path) = (sst.number(), sst.path().to_owned());
            match sst.finish(self.level, self.run) {
                Ok(meta) => {
                    debug_assert_eq!(meta.number, number);
                    self.done_bytes += meta.file_len;
                    self.done.push(meta);
                }
                Err(error) => {
                    drop(self.store.files().remove_file(&path));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// How long the SST is that fills.
    pub(crate) fn filling_bytes(&self) -> u64 {
        self.filling.as_ref().map_or(0, SstWriter::len)
    }

    /// About how many bytes were written.
    pub(crate) fn bytes(&self) -> u64 {
        self.done_bytes + self.filling_bytes()
    }

    /// The SSTs that are done, whose owner the caller is from now on.
    pub(crate) fn take_done(&mut self) -> Vec<SstMeta> {
        std::mem::take(&mut self.done)
    }

    /// All SSTs, each durable.
    pub(crate) fn finish(mut self) -> Result<Vec<SstMeta>, EngineError> {
        self.cut()?;
        Ok(self.take_done())
    }
}

impl Drop for RunWriter {
    fn drop(&mut self) {
        let filling = self.filling.as_ref().map(SstWriter::number);
        let numbers = self.done.iter().map(|meta| meta.number).chain(filling);
        for number in numbers {
            // What cannot be removed is left for the next opening, which nobody waits for here.
            drop(self.store.files().remove_file(&self.store.sst_path(number)));
        }
    }
}
