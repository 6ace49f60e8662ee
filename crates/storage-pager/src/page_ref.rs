//! Page reference: where a page lies and how to know that it is the right one. Kept in the page's parent.
//!
//! ```text
//! offset  size  field
//!      0     8  block     number of the first block, >= 4
//!      8     4  len       stored length in bytes, 1..=MAX_PAGE_BYTES; the page takes as many whole blocks as that needs
//!     12     1  codec     how the contents are stored, by the numbers of `docs/format/compress.md`; 0: as they are
//!     13     1  seal      0: not sealed; every other value is reserved for AEAD suites
//!     14     2  reserved  zero; a reader rejects anything else
//!     16     8  checksum  CRC-64/NVME of the `len` stored bytes
//!     24     8  reserved  zero; with the checksum's 8 bytes, room for the 16-byte tag of a sealed page
//! ```
//!
//! Little-endian. Spec: `docs/format/pager.md`, version 1. No reference is all zeros.

use crate::block::{BlockNo, Extent, MAX_BLOCKS, blocks_for};
use crate::error::Malformed;
use crate::superblock::SUPERBLOCKS;

/// Length of an encoded [`PageRef`].
pub const PAGE_REF_BYTES: usize = 32;

/// The longest page.
pub const MAX_PAGE_BYTES: usize = 1 << 30;

/// The codec of pages that are stored as they are. The others are those of [`Codec`](crate::Codec).
pub const CODEC_NONE: u8 = 0;

/// Where a page lies, and the checksum of its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRef {
    /// Its first block.
    pub block: BlockNo,
    /// Its stored length in bytes.
    pub len: u32,
    /// How its contents are stored; [`CODEC_NONE`]: as they are.
    pub codec: u8,
    /// CRC-64/NVME of its stored bytes.
    pub checksum: u64,
}

impl PageRef {
    /// The reference of no page.
    pub(crate) const NOWHERE: PageRef = PageRef {
        block: BlockNo(u64::MAX),
        len: 0,
        codec: CODEC_NONE,
        checksum: 0,
    };

    /// The bytes that its parent keeps.
    #[must_use]
    pub fn encode(&self) -> [u8; PAGE_REF_BYTES] {
        let mut bytes = [0; PAGE_REF_BYTES];
        bytes[0..8].copy_from_slice(&self.block.0.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.len.to_le_bytes());
        bytes[12] = self.codec;
        bytes[16..24].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Decodes one reference. Total: any bytes give `Ok` or `Err`. An unknown codec is found when the page is read.
    ///
    /// # Errors
    /// What breaks the format.
    pub fn decode(bytes: &[u8; PAGE_REF_BYTES]) -> Result<PageRef, Malformed> {
        let [
            b0,
            b1,
            b2,
            b3,
            b4,
            b5,
            b6,
            b7,
            l0,
            l1,
            l2,
            l3,
            codec,
            seal,
            rest @ ..,
        ] = *bytes;
        let [r0, r1, c0, c1, c2, c3, c4, c5, c6, c7, tag @ ..] = rest;
        let page = PageRef {
            block: BlockNo(u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7])),
            len: u32::from_le_bytes([l0, l1, l2, l3]),
            codec,
            checksum: u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
        };
        if seal != 0 {
            return Err(Malformed::new("seal of a page", "0", seal.to_string()));
        }
        if [r0, r1] != [0; 2] || tag != [0; 8] {
            return Err(Malformed::new(
                "reserved bytes of a page reference",
                "zero",
                "others",
            ));
        }
        page.check()?;
        Ok(page)
    }

    /// How many blocks it takes in the file.
    #[must_use]
    pub fn block_count(&self) -> u64 {
        blocks_for(u64::from(self.len))
    }

    pub(crate) fn extent(&self) -> Extent {
        Extent::new(self.block.0, self.block_count())
    }

    /// Whether such a page can be.
    pub(crate) fn check(&self) -> Result<(), Malformed> {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        if len == 0 || len > MAX_PAGE_BYTES {
            return Err(Malformed::new(
                "length of a page",
                format!("1 to {MAX_PAGE_BYTES}"),
                len.to_string(),
            ));
        }
        if self.block.0 < SUPERBLOCKS || self.extent().end() > MAX_BLOCKS {
            return Err(Malformed::new(
                "first block of a page",
                format!("{SUPERBLOCKS} to {MAX_BLOCKS}"),
                self.block.0.to_string(),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
