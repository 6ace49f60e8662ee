//! Levels: how many there are.

/// Level 0, whose runs overlap, and six below it, each of which is one run.
pub(crate) const LEVELS: usize = 7;

/// The lowest.
pub(crate) const BOTTOM: usize = LEVELS - 1;
