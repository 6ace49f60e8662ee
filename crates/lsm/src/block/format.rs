//! A block's contents, as bytes.
//!
//! ```text
//! entries       one after another, see below; at least one
//! restarts      u32 each: offsets of entries whose keys are written whole; the first is 0
//! buckets       u8 each: by hash of the key, which restart's entries it is among; 255: there is none, 254: several
//! restart_count u32, at least 1
//! bucket_count  u16; 0 for a block without buckets
//! reserved      u16: zero; a reader rejects anything else
//!
//! entry:
//! shared        varint: how many bytes the key begins with that the key before does; 0 at a restart
//! unshared      varint: how many more it has
//! value         varint: twice the length of the value; 1 for a tombstone; other odd numbers are reserved
//! key           `unshared` bytes
//! value         its bytes
//! ```
//!
//! Little-endian. The bucket of a key is the remainder of the lower half of its hash (`filter.rs`) by `bucket_count`.
//! Spec: `docs/format/lsm.md`, version 1.

use drystone_base::{Malformed, varint};

use crate::error::cut;

/// Length of what a block ends with.
pub(crate) const TRAILER_BYTES: usize = 8;
/// What stands for a tombstone in place of a value's length.
pub(crate) const TOMBSTONE: u64 = 1;
/// A bucket without a key.
pub(crate) const NO_RESTART: u8 = 255;
/// A bucket of keys among the entries of several restarts.
pub(crate) const SEVERAL: u8 = 254;

/// Where the parts of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub(crate) entries_len: usize,
    pub(crate) restart_count: usize,
    pub(crate) bucket_count: usize,
}

impl Trailer {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Trailer, Malformed> {
        let (_, trailer) = bytes
            .split_last_chunk::<TRAILER_BYTES>()
            .ok_or_else(|| cut("block"))?;
        let [r0, r1, r2, r3, b0, b1, reserved @ ..] = *trailer;
        if reserved != [0, 0] {
            return Err(Malformed::new(
                "reserved bytes of a block",
                "zeros",
                "others",
            ));
        }
        let restart_count =
            usize::try_from(u32::from_le_bytes([r0, r1, r2, r3])).unwrap_or(usize::MAX);
        let bucket_count = usize::from(u16::from_le_bytes([b0, b1]));
        let tail = restart_count
            .saturating_mul(4)
            .saturating_add(bucket_count + TRAILER_BYTES);
        match bytes.len().checked_sub(tail) {
            Some(entries_len) if entries_len > 0 && restart_count > 0 => Ok(Trailer {
                entries_len,
                restart_count,
                bucket_count,
            }),
            _ => Err(Malformed::new(
                "restarts of a block",
                format!("1 or more within {} bytes", bytes.len()),
                format!("{restart_count}, and {bucket_count} buckets"),
            )),
        }
    }

    #[inline]
    pub(crate) fn restart(&self, bytes: &[u8], idx: usize) -> Result<usize, Malformed> {
        let at = self.entries_len + idx * 4;
        let restart = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
        match restart {
            Some(restart) if idx < self.restart_count => {
                Ok(usize::try_from(u32::from_le_bytes(*restart)).unwrap_or(usize::MAX))
            }
            _ => Err(cut("restart")),
        }
    }

    /// The bucket of a key.
    #[inline]
    pub(crate) fn bucket(&self, bytes: &[u8], hash: u64) -> u8 {
        let at = self.entries_len + self.restart_count * 4 + bucket_of(hash, self.bucket_count);
        bytes.get(at).copied().unwrap_or(SEVERAL)
    }
}

/// Which of so many buckets a key is in.
pub(crate) fn bucket_of(hash: u64, bucket_count: usize) -> usize {
    let low = hash & u64::from(u32::MAX);
    usize::try_from(low % (bucket_count.max(1) as u64)).unwrap_or(0)
}

/// One entry, where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) shared: usize,
    pub(crate) suffix: &'a [u8],
    /// From where to where its value lies; `None` for a tombstone.
    pub(crate) value: Option<(usize, usize)>,
    /// Where the next one begins.
    pub(crate) end: usize,
}

impl<'a> Entry<'a> {
    /// The entry at `offset`; `None` at the end.
    #[inline]
    pub(crate) fn decode(entries: &'a [u8], offset: usize) -> Result<Option<Entry<'a>>, Malformed> {
        if offset == entries.len() {
            return Ok(None);
        }
        let mut at = offset;
        let shared = take_len(entries, &mut at)?;
        let unshared = take_len(entries, &mut at)?;
        let code = take_number(entries, &mut at)?;
        let key_end = at
            .checked_add(unshared)
            .ok_or_else(|| cut("key of an entry"))?;
        let suffix = entries
            .get(at..key_end)
            .ok_or_else(|| cut("key of an entry"))?;
        let value_len = match code {
            TOMBSTONE => None,
            code if code % 2 == 0 => Some(usize::try_from(code / 2).unwrap_or(usize::MAX)),
            code => {
                let found = code.to_string();
                return Err(Malformed::new(
                    "length of a value",
                    "1 or an even number",
                    found,
                ));
            }
        };
        let end = key_end.checked_add(value_len.unwrap_or(0));
        let end = end
            .filter(|end| *end <= entries.len())
            .ok_or_else(|| cut("value of an entry"))?;
        Ok(Some(Entry {
            shared,
            suffix,
            value: value_len.map(|_| (key_end, end)),
            end,
        }))
    }

    /// Puts the key in the place of what `key` holds, which was the key before or is its copy.
    pub(crate) fn rebuild_key(&self, before: &[u8], key: &mut Vec<u8>) -> Result<(), Malformed> {
        let shared = before
            .get(..self.shared)
            .ok_or_else(|| bad_shared(self.shared, before))?;
        key.clear();
        key.extend_from_slice(shared);
        key.extend_from_slice(self.suffix);
        Ok(())
    }

    /// Makes the key before the key of this entry.
    #[inline]
    pub(crate) fn advance_key(&self, key: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.shared > key.len() {
            return Err(bad_shared(self.shared, key));
        }
        key.truncate(self.shared);
        key.extend_from_slice(self.suffix);
        Ok(())
    }
}

#[cold]
fn bad_shared(shared: usize, before: &[u8]) -> Malformed {
    let expected = format!("at most {}", before.len());
    Malformed::new("shared bytes of a key", expected, shared.to_string())
}

#[inline]
fn take_number(bytes: &[u8], at: &mut usize) -> Result<u64, Malformed> {
    match bytes.get(*at) {
        Some(byte) if *byte < 0x80 => {
            *at += 1;
            Ok(u64::from(*byte))
        }
        Some(_) => {
            let (number, len) = varint::decode(&bytes[*at..]).ok_or_else(|| cut("number"))?;
            *at += len;
            Ok(number)
        }
        None => Err(cut("entry")),
    }
}

#[inline]
fn take_len(bytes: &[u8], at: &mut usize) -> Result<usize, Malformed> {
    Ok(usize::try_from(take_number(bytes, at)?).unwrap_or(usize::MAX))
}
