//! The set of nodes that a walk has met: one bit each.
//!
//! 100,000 nodes take 12 KiB, which stay in the nearest cache; clearing them costs less than a walk's first steps.

#[derive(Debug, Default)]
pub(crate) struct Visited {
    words: Vec<u64>,
}

impl Visited {
    /// Empties it, with room for the nodes below `numbers`.
    pub(crate) fn reset(&mut self, numbers: usize) {
        self.words.clear();
        self.grow(numbers);
    }

    /// Makes room for the nodes below `numbers`, which are no fewer than before.
    pub(crate) fn grow(&mut self, numbers: usize) {
        self.words.resize(numbers.div_ceil(64), 0);
    }

    /// Adds a node; says whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, node: u32) -> bool {
        let word = &mut self.words[node as usize / 64];
        let bit = 1 << (node % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Adds nodes, and puts those that are new into `fresh`, in order. Without a branch on which are: that is anybody's
    /// guess.
    #[inline]
    pub(crate) fn gather(&mut self, nodes: &[u32], fresh: &mut Vec<u32>) {
        fresh.resize(nodes.len(), 0);
        let mut count = 0;
        for &node in nodes {
            fresh[count] = node;
            count += usize::from(self.insert(node));
        }
        fresh.truncate(count);
    }
}
