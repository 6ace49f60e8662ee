//! Draws from a seed: the same ones every time.

use drystone_base::{Random, SeededRandom};

/// A stream of random choices that a seed determines.
#[derive(Debug)]
pub struct Draw {
    random: SeededRandom,
}

impl Draw {
    /// The stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Draw {
        Draw {
            random: SeededRandom::new(seed),
        }
    }

    /// The stream of `seed` for one use, told apart from other uses by `parts`.
    #[must_use]
    pub fn of(seed: u64, parts: &[u64]) -> Draw {
        Draw::new(mix(seed, parts))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// A number in `0..end`.
    ///
    /// # Panics
    /// When `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0, "nothing is below zero");
        self.number() % end
    }

    /// A position in a slice of `len` elements.
    ///
    /// # Panics
    /// When `len` is 0.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("less than a usize")
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.index(choices.len())]
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.random.fill(&mut bytes);
        bytes
    }
}

/// One seed out of a seed and what it is for.
#[must_use]
pub fn mix(seed: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(seed, |seed, part| {
        SeededRandom::new(seed.rotate_left(23) ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93))
            .next_u64()
    })
}
