//! Random numbers from a seed: fast, repeatable, and good enough to choose rows.

/// A sequence of random numbers: SplitMix64.
pub(crate) struct Draw(u64);

impl Draw {
    /// The sequence of a seed.
    pub(crate) fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        finish(self.0)
    }

    /// A number below `end`, all about equally often.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        part_of(end, self.next())
    }

    /// An index below `end`.
    pub(crate) fn index_below(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or(0)
    }
}

/// As much of `end` as `random` is of all numbers: below `end`, and without the division that `%` takes.
pub(crate) fn part_of(end: u64, random: u64) -> u64 {
    let wide = u128::from(random) * u128::from(end);
    u64::try_from(wide >> 64).unwrap_or(0)
}

/// A bijection of 64-bit numbers that looks random.
pub(crate) fn mix(number: u64) -> u64 {
    finish(number.wrapping_add(0x9E37_79B9_7F4A_7C15))
}

fn finish(number: u64) -> u64 {
    let mut mixed = number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
