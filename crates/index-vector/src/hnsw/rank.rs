//! A node and its rank in one integer, so that candidates are ordered by one comparison.
//!
//! ```text
//! bit 63..32  the rank, mapped so that integers order as the numbers do; NaN is the greatest of all
//! bit 31..1   the node
//! bit 0       whether the node's neighbors were looked at
//! ```

/// Numbers of nodes end here, since one bit is taken.
pub(crate) const MAX_NODES: u32 = 1 << 31;

/// A node, as far away as its rank says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate(u64);

impl Candidate {
    pub(crate) fn new(rank: f32, node: u32) -> Candidate {
        Candidate(u64::from(order(rank)) << 32 | u64::from(node) << 1)
    }

    pub(crate) fn node(self) -> u32 {
        (self.0 >> 1 & 0x7FFF_FFFF) as u32
    }

    /// The rank, as an integer that orders as ranks do.
    pub(crate) fn order(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn rank(self) -> f32 {
        rank_of(self.order())
    }

    pub(crate) fn is_expanded(self) -> bool {
        self.0 & 1 != 0
    }

    pub(crate) fn expanded(self) -> Candidate {
        Candidate(self.0 | 1)
    }
}

/// An integer that orders as ranks do: negative numbers have their bits turned over, positive ones their sign set.
/// Both zeros are one, and NaN is the greatest.
pub(crate) fn order(rank: f32) -> u32 {
    if rank.is_nan() {
        return u32::MAX;
    }
    let bits = (rank + 0.0).to_bits();
    let turn = if bits >> 31 == 1 { u32::MAX } else { 1 << 31 };
    bits ^ turn
}

/// The rank that an integer stands for.
pub(crate) fn rank_of(order: u32) -> f32 {
    if order == u32::MAX {
        return f32::NAN;
    }
    let turn = if order >> 31 == 1 { 1 << 31 } else { u32::MAX };
    f32::from_bits(order ^ turn)
}

#[cfg(test)]
mod tests;
