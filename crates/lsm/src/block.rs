//! Block: sorted entries, each written as what tells its key from the one before.
//!
//! # Invariants
//! - K1. Keys ascend strictly.
//! - K2. The keys at restarts are written whole.
//!
//! What is read is checked as far as it is looked at: a block whose checksum is right may still break the format, and
//! reading it then ends in [`Malformed`]. [`Block::check`] looks at everything.

pub(crate) mod build;
pub(crate) mod cursor;
pub(crate) mod find;
pub(crate) mod format;

use bytes::Bytes;
use drystone_base::Malformed;

use self::cursor::BlockCursor;
use self::format::{Entry, Trailer};

/// What a key has in an SST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Value(Bytes),
    Tombstone,
}

/// A block's contents.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    bytes: Bytes,
    trailer: Trailer,
}

impl Block {
    /// Reads the trailer.
    pub(crate) fn open(bytes: Bytes) -> Result<Block, Malformed> {
        let trailer = Trailer::decode(&bytes)?;
        Ok(Block { bytes, trailer })
    }

    pub(crate) fn cursor(self) -> BlockCursor {
        BlockCursor::new(self)
    }

    /// The entry at an offset; `None` at the end of all.
    #[inline]
    fn entry(&self, offset: usize) -> Result<Option<Entry<'_>>, Malformed> {
        Entry::decode(&self.bytes[..self.trailer.entries_len], offset)
    }

    /// Where the entries of a restart begin.
    #[inline]
    fn restart(&self, idx: usize) -> Result<usize, Malformed> {
        self.trailer.restart(&self.bytes, idx)
    }

    fn restart_count(&self) -> usize {
        self.trailer.restart_count
    }

    /// The whole key at a restart.
    #[inline]
    fn restart_key(&self, idx: usize) -> Result<&[u8], Malformed> {
        match self.entry(self.restart(idx)?)? {
            Some(entry) if entry.shared == 0 => Ok(entry.suffix),
            Some(_) => Err(Malformed::new(
                "entry at a restart",
                "a whole key",
                "a part",
            )),
            None => Err(Malformed::new(
                "restart",
                "an entry",
                "the end of the entries",
            )),
        }
    }

    /// How many restarts have a key for which `is_before` holds: it does for a beginning of them.
    #[inline]
    fn restarts_where(&self, is_before: impl Fn(&[u8]) -> bool) -> Result<usize, Malformed> {
        let (mut low, mut high) = (0, self.restart_count());
        while low < high {
            let middle = (low + high) / 2;
            if is_before(self.restart_key(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Looks at everything; shows each entry to `see`.
    pub(crate) fn check(&self, mut see: impl FnMut(&[u8], Option<&[u8]>)) -> Result<(), Malformed> {
        let (mut offset, mut restart, mut key) = (0, 0, Vec::new());
        while let Some(entry) = self.entry(offset)? {
            let is_restart = restart < self.restart_count() && self.restart(restart)? == offset;
            if is_restart {
                self.restart_key(restart)?;
                restart += 1;
            }
            let before = std::mem::take(&mut key);
            entry.rebuild_key(&before, &mut key)?;
            if offset > 0 && before >= key {
                return Err(Malformed::new(
                    "keys of a block",
                    "ascending ones",
                    "others",
                ));
            }
            see(&key, entry.value.map(|value| &self.bytes[value.0..value.1]));
            if self.find(&key, crate::filter::hash(&key))?.is_none() {
                return Err(Malformed::new(
                    "key of a block",
                    "one that is found",
                    "one that is not",
                ));
            }
            offset = entry.end;
        }
        if restart == self.restart_count() {
            return Ok(());
        }
        let (expected, found) = (self.restart_count().to_string(), restart.to_string());
        Err(Malformed::new("restarts", expected, found))
    }
}

#[cfg(test)]
mod tests;
