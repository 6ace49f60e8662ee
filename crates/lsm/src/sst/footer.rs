//! Footer: the last 80 bytes of an SST, which say what it is and where its top is.
//!
//! ```text
//! offset  size  field
//!      0     8  magic       the ASCII bytes `DRYSSST1`
//!      8     4  version     1; a reader refuses others before it looks further
//!     12     4  reserved    zero; a reader rejects anything else
//!     16    25  top         handle of the top block
//!     41    25  properties  handle of the properties
//!     66     6  reserved    zero; a reader rejects anything else
//!     72     8  crc64       CRC-64/NVME of bytes 0..72
//! ```
//!
//! Little-endian. Spec: `docs/format/lsm.md`, version 1. The manifest has the same CRC, so that another SST in this one's
//! place is found.

use drystone_base::{Malformed, checksum};

use crate::error::{bad_checksum, cut};
use crate::handle::{HANDLE_BYTES, Handle};

/// Length of a footer.
pub(crate) const FOOTER_BYTES: usize = 80;
pub(crate) const FOOTER_BYTES_U64: u64 = 80;
/// The version that this build writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"DRYSSST1";
const TOP_AT: usize = 16;
const PROPERTIES_AT: usize = TOP_AT + HANDLE_BYTES;
const RESERVED_AT: usize = PROPERTIES_AT + HANDLE_BYTES;
const CRC_AT: usize = 72;

const _: () = assert!(RESERVED_AT + 6 == CRC_AT && CRC_AT + 8 == FOOTER_BYTES);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) top: Handle,
    pub(crate) properties: Handle,
}

/// Why a footer is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Version(u32),
    Malformed(Malformed),
}

impl Footer {
    /// The bytes, and their CRC.
    pub(crate) fn encode(&self) -> ([u8; FOOTER_BYTES], u64) {
        let mut bytes = [0; FOOTER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[TOP_AT..PROPERTIES_AT].copy_from_slice(&self.top.encode());
        bytes[PROPERTIES_AT..RESERVED_AT].copy_from_slice(&self.properties.encode());
        let crc = checksum::crc64(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        (bytes, crc)
    }

    /// Reads what [`Footer::encode`] wrote; also gives its CRC. Total.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Footer, u64), Refused> {
        let bytes: &[u8; FOOTER_BYTES] = bytes.try_into().map_err(|_| cut("footer"))?;
        let (_, crc) = bytes.split_last_chunk::<8>().ok_or_else(|| cut("footer"))?;
        let crc = u64::from_le_bytes(*crc);
        if bytes[0..8] != MAGIC {
            let found = format!("{:02x?}", &bytes[0..8]);
            return Err(Malformed::new("magic number of an SST", "DRYSSST1", found).into());
        }
        let found = checksum::crc64(&bytes[..CRC_AT]);
        if !checksum::is_right(crc, found) {
            return Err(bad_checksum(crc, found).into());
        }
        let [_, _, _, _, _, _, _, _, v0, v1, v2, v3, ..] = *bytes;
        let version = u32::from_le_bytes([v0, v1, v2, v3]);
        if version != VERSION {
            return Err(Refused::Version(version));
        }
        if bytes[12..TOP_AT] != [0; 4] || bytes[RESERVED_AT..CRC_AT] != [0; 6] {
            return Err(Malformed::new("reserved bytes of a footer", "zeros", "others").into());
        }
        let footer = Footer {
            top: Handle::decode(&bytes[TOP_AT..PROPERTIES_AT])?,
            properties: Handle::decode(&bytes[PROPERTIES_AT..RESERVED_AT])?,
        };
        Ok((footer, crc))
    }
}

impl From<Malformed> for Refused {
    fn from(why: Malformed) -> Refused {
        Refused::Malformed(why)
    }
}
