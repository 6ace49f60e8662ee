//! Block handle: where in an SST a block lies, and how to know that it is the right one. Kept in the block above it.
//!
//! ```text
//! offset  size  field
//!      0     8  offset        in the file, in bytes
//!      8     4  stored_len    in bytes; 0 for no block, with every other field 0
//!     12     4  contents_len  length of the contents, in bytes
//!     16     1  codec         how they are stored, by the numbers of `docs/format/compress.md`
//!     17     8  checksum      CRC-64/NVME of the stored bytes
//! ```
//!
//! Little-endian. Spec: `docs/format/lsm.md`, version 1.

use drystone_base::Malformed;
use drystone_compress::CodecId;

use crate::error::cut;

/// Length of an encoded [`Handle`].
pub(crate) const HANDLE_BYTES: usize = 25;

/// Where a block lies, and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) offset: u64,
    pub(crate) stored_len: u32,
    pub(crate) contents_len: u32,
    pub(crate) codec: CodecId,
    pub(crate) checksum: u64,
}

impl Handle {
    /// Of a block that there is not.
    pub(crate) const NONE: Handle = Handle {
        offset: 0,
        stored_len: 0,
        contents_len: 0,
        codec: CodecId::None,
        checksum: 0,
    };

    pub(crate) fn is_none(&self) -> bool {
        self.stored_len == 0
    }

    /// Where the block ends.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.stored_len))
    }

    pub(crate) fn encode(&self) -> [u8; HANDLE_BYTES] {
        let mut bytes = [0; HANDLE_BYTES];
        bytes[0..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.stored_len.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.contents_len.to_le_bytes());
        bytes[16] = self.codec.byte();
        bytes[17..25].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`Handle::encode`] wrote. Total.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Handle, Malformed> {
        let bytes: &[u8; HANDLE_BYTES] = bytes.try_into().map_err(|_| cut("block handle"))?;
        let [
            o0,
            o1,
            o2,
            o3,
            o4,
            o5,
            o6,
            o7,
            s0,
            s1,
            s2,
            s3,
            c0,
            c1,
            c2,
            c3,
            codec,
            k @ ..,
        ] = *bytes;
        let handle = Handle {
            offset: u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
            stored_len: u32::from_le_bytes([s0, s1, s2, s3]),
            contents_len: u32::from_le_bytes([c0, c1, c2, c3]),
            codec: CodecId::from_byte(codec)?,
            checksum: u64::from_le_bytes(k),
        };
        if handle.is_none() && handle != Handle::NONE {
            return Err(Malformed::new(
                "handle of no block",
                "zeros",
                "something else",
            ));
        }
        let is_plain = handle.codec == CodecId::None;
        if is_plain && handle.contents_len != handle.stored_len {
            let (expected, found) = (
                handle.stored_len.to_string(),
                handle.contents_len.to_string(),
            );
            return Err(Malformed::new("length of a plain block", expected, found));
        }
        Ok(handle)
    }
}
