//! Finding one key in a block, without making any key whole.
//!
//! While entries are passed over, only how far the last key agrees with the one sought is kept: an entry that shares more
//! than that with the one before is as far below as that was, one that shares less is above.

use drystone_base::Malformed;

use super::format::{NO_RESTART, SEVERAL};
use super::{Block, Slot};
use crate::error::cut;
use crate::key::common_prefix_len;

impl Block {
    /// What a key has here; `None`: it is not here. `hash` is the key's.
    pub(crate) fn find(&self, key: &[u8], hash: u64) -> Result<Option<Slot>, Malformed> {
        let found = self.find_range(key, hash)?;
        Ok(found.map(|value| match value {
            Some((start, end)) => Slot::Value(self.bytes.slice(start..end)),
            None => Slot::Tombstone,
        }))
    }

    /// Where the key's value lies; `None` inside for a tombstone.
    fn find_range(
        &self,
        key: &[u8],
        hash: u64,
    ) -> Result<Option<Option<(usize, usize)>>, Malformed> {
        if self.trailer.bucket_count > 0 {
            match self.trailer.bucket(&self.bytes, hash) {
                NO_RESTART => return Ok(None),
                SEVERAL => {}
                restart => return self.find_after(usize::from(restart), key),
            }
        }
        let above = self.restarts_where(|at| at <= key)?;
        match above.checked_sub(1) {
            Some(restart) => self.find_after(restart, key),
            None => Ok(None),
        }
    }

    fn find_after(
        &self,
        restart: usize,
        key: &[u8],
    ) -> Result<Option<Option<(usize, usize)>>, Malformed> {
        let mut offset = self.restart(restart)?;
        let mut agreed = 0;
        let mut is_first = true;
        while let Some(entry) = self.entry(offset)? {
            if is_first && entry.shared > 0 {
                return Err(Malformed::new(
                    "entry at a restart",
                    "a whole key",
                    "a part",
                ));
            }
            if entry.shared < agreed {
                return Ok(None);
            }
            if entry.shared == agreed {
                let rest = &key[agreed..];
                let more = common_prefix_len(entry.suffix, rest);
                if more == entry.suffix.len() && more == rest.len() {
                    return Ok(Some(entry.value));
                }
                if more == rest.len()
                    || (more < entry.suffix.len() && entry.suffix[more] > rest[more])
                {
                    return Ok(None);
                }
                agreed += more;
            }
            is_first = false;
            offset = entry.end;
        }
        if is_first {
            return Err(cut("entry at a restart"));
        }
        Ok(None)
    }
}
