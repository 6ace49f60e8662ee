//! Permutation: which slots of a node hold something, and in which order, in one word.
//!
//! ```text
//! bits 0..4    how many
//! bits 4..8    slot of the first, and so on; zero beyond the last
//! ```
//!
//! # Source
//! Mao, Kohler and Morris, "Cache craftiness for fast multicore key-value storage" (EuroSys 2012): a node's order is
//! one word, so that an insert becomes visible with one store. We keep no free slots in it: slots are never used twice.

/// Slots of a node.
pub(crate) const SLOTS: usize = 15;

const BITS: usize = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Permutation(pub(crate) u64);

impl Permutation {
    /// The first `len` slots, in their own order.
    pub(crate) fn identity(len: usize) -> Permutation {
        (0..len).fold(Permutation::default(), |order, slot| {
            order.insert(slot, slot)
        })
    }

    pub(crate) fn len(self) -> usize {
        (self.0 & 0xF) as usize
    }

    /// The slot at position `at`, below [`Permutation::len`].
    pub(crate) fn slot(self, at: usize) -> usize {
        debug_assert!(at < self.len());
        ((self.0 >> shift(at)) & 0xF) as usize
    }

    /// With `slot` put in before what is at position `at`.
    pub(crate) fn insert(self, at: usize, slot: usize) -> Permutation {
        debug_assert!(at <= self.len() && self.len() < SLOTS && slot < SLOTS);
        let before = self.0 & ((1 << shift(at)) - 1);
        let after = self.0 & !((1 << shift(at)) - 1);
        Permutation((before | (after << BITS) | ((slot as u64) << shift(at))) + 1)
    }

    /// With `slot` instead of what is at position `at`.
    pub(crate) fn replace(self, at: usize, slot: usize) -> Permutation {
        debug_assert!(at < self.len() && slot < SLOTS);
        Permutation(self.0 & !(0xF << shift(at)) | ((slot as u64) << shift(at)))
    }

    /// The slots in order.
    pub(crate) fn slots(self) -> impl Iterator<Item = usize> {
        (0..self.len()).map(move |at| self.slot(at))
    }
}

fn shift(at: usize) -> usize {
    BITS + BITS * at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(order: Permutation) -> Vec<usize> {
        order.slots().collect()
    }

    #[test]
    fn inserts_and_replacements_keep_the_rest() {
        let order = Permutation::identity(3)
            .insert(1, 7)
            .insert(0, 14)
            .insert(5, 3);
        assert_eq!(slots(order), [14, 0, 7, 1, 2, 3]);
        assert_eq!(slots(order.replace(2, 9)), [14, 0, 9, 1, 2, 3]);
    }

    #[test]
    fn a_full_one_holds_every_slot() {
        let back_to_front =
            (0..SLOTS).fold(Permutation::default(), |order, slot| order.insert(0, slot));
        assert_eq!(slots(back_to_front), (0..SLOTS).rev().collect::<Vec<_>>());
        assert_eq!(
            slots(Permutation::identity(SLOTS)),
            (0..SLOTS).collect::<Vec<_>>()
        );
    }
}
