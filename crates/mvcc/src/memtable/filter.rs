//! Filter: says of most keys that a memtable does not have that it does not, at the cost of one cache line.
//!
//! A blocked Bloom filter: a key's hash chooses a line, and in each of the line's eight words one bit.
//!
//! # Source
//! Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom filters" (2007).

use drystone_base::KeyspaceId;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use drystone_base::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a memtable for each line of its filter: about 20 small entries, so that one in 50 absent keys or fewer
/// gets through when the memtable is full.
const BYTES_PER_LINE: u64 = 4 << 10;
/// The most lines: 4 MiB.
const LINES_MAX: u64 = 1 << 16;

pub(crate) struct Filter {
    lines: Box<[Line]>,
}

#[derive(Default)]
#[repr(align(64))]
struct Line([AtomicU64; 8]);

/// What the filter knows of a key. Worked out once for all memtables.
#[derive(Clone, Copy)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    #[inline]
    pub(crate) fn new(keyspace: KeyspaceId, key: &[u8]) -> KeyHash {
        KeyHash(xxh3_64_with_seed(key, u64::from(keyspace.0)))
    }

    /// Which of so many lines is the key's: the top half of the hash, scaled.
    pub(crate) fn scaled(self, lines: usize) -> usize {
        let scaled = (self.0 >> 32) * lines as u64;
        (scaled >> 32) as usize
    }

    /// The bit in each of the eight words of a line: six bits of the hash each, from the low end.
    pub(crate) fn bits(self) -> impl Iterator<Item = u64> {
        (0..8).map(move |word| 1 << ((self.0 >> (6 * word)) & 63))
    }
}

impl Filter {
    /// A filter for a memtable that is sealed at `memtable_bytes`.
    pub(crate) fn new(memtable_bytes: u64) -> Filter {
        let lines = (memtable_bytes / BYTES_PER_LINE).clamp(1, LINES_MAX);
        Filter {
            lines: (0..lines).map(|_| Line::default()).collect(),
        }
    }

    /// Adds a key. Called by one thread at a time, before the key's LSN is published.
    pub(crate) fn add(&self, hash: KeyHash) {
        for (word, bit) in self.line(hash).0.iter().zip(hash.bits()) {
            word.store(word.load(Ordering::Relaxed) | bit, Ordering::Relaxed);
        }
    }

    /// Whether a key may have been added. `false` is sure, for all keys whose LSN the reader has seen published.
    #[inline]
    pub(crate) fn may_have(&self, hash: KeyHash) -> bool {
        let mut words = self.line(hash).0.iter().zip(hash.bits());
        words.all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// The line of a key.
    fn line(&self, hash: KeyHash) -> &Line {
        &self.lines[hash.scaled(self.lines.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> KeyHash {
        KeyHash::new(KeyspaceId(1), &number.to_be_bytes())
    }

    #[test]
    fn knows_all_that_was_added_and_little_else() {
        let bytes_max: u64 = if cfg!(miri) { 64 << 10 } else { 8 << 20 };
        let filter = Filter::new(bytes_max);
        // Entries of 200 bytes.
        let count = bytes_max / 200;
        for number in 0..count {
            filter.add(hash(number));
        }
        assert!((0..count).all(|number| filter.may_have(hash(number))));
        let wrong = (count..2 * count).filter(|&number| filter.may_have(hash(number)));
        let wrong = wrong.count() as u64;
        assert!(wrong < count / 50, "{wrong} of {count}");
        let other = KeyHash::new(KeyspaceId(2), &7u64.to_be_bytes());
        assert!(!filter.may_have(other));
    }

    #[test]
    fn the_smallest_works() {
        let filter = Filter::new(0);
        assert!(!filter.may_have(hash(1)));
        filter.add(hash(1));
        assert!(filter.may_have(hash(1)));
    }
}
