//! Blocks, and runs of them.

use std::fmt;

/// The allocation unit of the file, in bytes.
pub const BLOCK_BYTES: usize = 4096;

/// [`BLOCK_BYTES`], where lengths of files are counted.
pub(crate) const BLOCK_BYTES_U64: u64 = 4096;

const _: () = assert!(BLOCK_BYTES as u64 == BLOCK_BYTES_U64);

/// The most blocks that a file may have: its length in bytes fits in 63 bits.
pub(crate) const MAX_BLOCKS: u64 = (1 << 63) / BLOCK_BYTES_U64;

/// Number of a block: its offset in the file is that times [`BLOCK_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockNo(pub u64);

impl BlockNo {
    /// Offset in the file, in bytes.
    #[must_use]
    pub const fn offset(self) -> u64 {
        self.0.saturating_mul(BLOCK_BYTES_U64)
    }
}

impl fmt::Display for BlockNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "block {}", self.0)
    }
}

/// A run of at least one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extent {
    /// The first block.
    pub(crate) start: u64,
    /// How many.
    pub(crate) count: u64,
}

impl Extent {
    pub(crate) const fn new(start: u64, count: u64) -> Extent {
        Extent { start, count }
    }

    /// The blocks `start..end`.
    pub(crate) const fn between(start: u64, end: u64) -> Extent {
        Extent::new(start, end - start)
    }

    /// The block after the last.
    pub(crate) const fn end(self) -> u64 {
        self.start.saturating_add(self.count)
    }
}

/// How many blocks hold `len` bytes.
pub(crate) const fn blocks_for(len: u64) -> u64 {
    len.div_ceil(BLOCK_BYTES_U64)
}
