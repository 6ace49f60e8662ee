//! Building a block, entry by entry.

use drystone_base::varint;

use super::format::{NO_RESTART, SEVERAL, TOMBSTONE, bucket_of};
use crate::key::common_prefix_len;

/// Entries from one restart to the next, where keys are sought one by one.
pub(crate) const RESTART_EVERY: usize = 16;
/// The same of blocks that are searched for places, not for keys.
pub(crate) const INDEX_RESTART_EVERY: usize = 4;
/// Buckets for 4 keys: three quarters full, as many keys share none as pays.
const BUCKETS_FOR_4_KEYS: usize = 5;
/// More restarts than a bucket can name: the block has no buckets then, and is searched by halves.
const RESTARTS_MAX: usize = 253;
/// Fewer entries are found as fast without buckets.
const BUCKETED_ENTRIES_MIN: usize = RESTART_EVERY + 1;

/// A block in the making.
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    bytes: Vec<u8>,
    restarts: Vec<u32>,
    restart_every: usize,
    since_restart: usize,
    first_key: Vec<u8>,
    last_key: Vec<u8>,
    /// By entry: the hash of its key, and its restart. Empty in blocks without buckets.
    hashes: Vec<(u64, usize)>,
    entries: usize,
}

impl BlockBuilder {
    pub(crate) fn new(restart_every: usize) -> BlockBuilder {
        BlockBuilder {
            bytes: Vec::new(),
            restarts: Vec::new(),
            restart_every,
            since_restart: 0,
            first_key: Vec::new(),
            last_key: Vec::new(),
            hashes: Vec::new(),
            entries: 0,
        }
    }

    /// Adds an entry, whose key is above all others'. `value` is `None` for a tombstone. `hash`: for the buckets.
    pub(crate) fn add(&mut self, key: &[u8], value: Option<&[u8]>, hash: Option<u64>) {
        debug_assert!(self.entries == 0 || self.last_key[..] < *key, "K1");
        let mut shared = common_prefix_len(&self.last_key, key);
        if self.entries == 0 || self.since_restart == self.restart_every {
            shared = 0;
            self.since_restart = 0;
            self.restarts
                .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        }
        if self.entries == 0 {
            self.first_key.clear();
            self.first_key.extend_from_slice(key);
        }
        self.since_restart += 1;
        self.entries += 1;
        let suffix = &key[shared..];
        varint::encode(shared as u64, &mut self.bytes);
        varint::encode(suffix.len() as u64, &mut self.bytes);
        let code = value.map_or(TOMBSTONE, |value| value.len() as u64 * 2);
        varint::encode(code, &mut self.bytes);
        self.bytes.extend_from_slice(suffix);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(suffix);
        if let Some(hash) = hash {
            self.hashes.push((hash, self.restarts.len() - 1));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// About how long the block will be.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.restarts.len() * 4
    }

    pub(crate) fn first_key(&self) -> &[u8] {
        &self.first_key
    }

    pub(crate) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// Appends the block to `out`, and begins the next one.
    pub(crate) fn finish_into(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
        for restart in &self.restarts {
            out.extend_from_slice(&restart.to_le_bytes());
        }
        let bucket_count = self.put_buckets(out);
        let restart_count = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&restart_count.to_le_bytes());
        out.extend_from_slice(&bucket_count.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        self.clear();
    }

    fn put_buckets(&self, out: &mut Vec<u8>) -> u16 {
        let is_worth_it =
            self.hashes.len() >= BUCKETED_ENTRIES_MIN && self.restarts.len() <= RESTARTS_MAX;
        let count = (self.hashes.len() * BUCKETS_FOR_4_KEYS).div_ceil(4);
        let Some(bucket_count) = u16::try_from(count).ok().filter(|_| is_worth_it) else {
            return 0;
        };
        let start = out.len();
        out.resize(start + count, NO_RESTART);
        for (hash, restart) in &self.hashes {
            let bucket = &mut out[start + bucket_of(*hash, count)];
            let restart = u8::try_from(*restart).unwrap_or(SEVERAL);
            *bucket = match *bucket {
                NO_RESTART => restart,
                same if same == restart => restart,
                _ => SEVERAL,
            };
        }
        bucket_count
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.restarts.clear();
        self.hashes.clear();
        self.last_key.clear();
        (self.since_restart, self.entries) = (0, 0);
    }
}
