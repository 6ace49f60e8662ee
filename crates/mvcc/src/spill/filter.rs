//! Filter: says of most keys that a run does not have that it does not.
//!
//! A blocked Bloom filter as the memtable's (`memtable/filter.rs`), but filled by one thread before anyone asks, and at
//! a third of the size: a wrong answer costs a read of one block, which the system has cached more often than not.

use crate::memtable::KeyHash;

/// Keys that share a line of 512 bits.
const KEYS_PER_LINE: u64 = 56;

#[derive(Debug)]
pub(crate) struct Filter {
    lines: Vec<[u64; 8]>,
}

impl Filter {
    /// For about so many keys.
    pub(crate) fn new(keys: u64) -> Filter {
        let lines = usize::try_from(keys / KEYS_PER_LINE + 1).unwrap_or(usize::MAX);
        Filter {
            lines: vec![[0; 8]; lines],
        }
    }

    pub(crate) fn add(&mut self, hash: KeyHash) {
        let line = hash.scaled(self.lines.len());
        for (word, bit) in self.lines[line].iter_mut().zip(hash.bits()) {
            *word |= bit;
        }
    }

    /// Whether a key may have been added. `false` is sure.
    pub(crate) fn may_have(&self, hash: KeyHash) -> bool {
        let line = &self.lines[hash.scaled(self.lines.len())];
        line.iter()
            .zip(hash.bits())
            .all(|(word, bit)| word & bit != 0)
    }

    /// Memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        size_of_val(self.lines.as_slice()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drystone_base::KeyspaceId;

    #[test]
    fn knows_all_that_was_added_and_little_else() {
        let hash = |number: u64| KeyHash::new(KeyspaceId(1), &number.to_be_bytes());
        let mut filter = Filter::new(10_000);
        (0..10_000).for_each(|number| filter.add(hash(number)));
        assert!((0..10_000).all(|number| filter.may_have(hash(number))));
        let wrong = (10_000..20_000).filter(|&number| filter.may_have(hash(number)));
        assert!(wrong.count() < 600);
    }
}
