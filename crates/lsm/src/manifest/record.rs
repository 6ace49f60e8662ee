//! Records of a manifest: its file's header, then edits, each with a checksum.
//!
//! ```text
//! header, 32 bytes:
//! offset  size  field
//!      0     8  magic       the ASCII bytes `DRYSLSM1`
//!      8     4  version     1; a reader refuses others before it looks further
//!     12     4  reserved    zero; a reader rejects anything else
//!     16     8  generation  as in the file's name
//!     24     8  crc64       CRC-64/NVME of bytes 0..24
//!
//! record:
//!      0     8  crc64       CRC-64/NVME of bytes 8.. to the end of the edit
//!      8     8  generation  as in the header
//!     16     8  sequence    0 for the first record, which is an edit of nothing; then one more each
//!     24     4  len         length of the edit in bytes, 1 or more
//!     28     4  reserved    zero; a reader rejects anything else
//!     32   len  edit        see `edit.rs`
//! ```
//!
//! Little-endian. Spec: `docs/format/lsm.md`, version 1.

use drystone_base::{Malformed, checksum};

use super::edit::Edit;
use crate::error::{bad_checksum, cut};

pub(crate) const HEADER_BYTES: usize = 32;
const RECORD_HEADER_BYTES: usize = 32;
/// The version that this build writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"DRYSLSM1";

/// Why a header is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Version(u32),
    Malformed(Malformed),
}

pub(crate) fn encode_header(generation: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[0..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&generation.to_le_bytes());
    let crc = checksum::crc64(&bytes[..24]);
    bytes[24..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Reads what [`encode_header`] wrote, from the front of a file. Total.
pub(crate) fn decode_header(bytes: &[u8]) -> Result<u64, Refused> {
    let header = bytes.first_chunk::<HEADER_BYTES>();
    let header = header.ok_or_else(|| Refused::Malformed(cut("header of a manifest")))?;
    let [
        m @ ..,
        v0,
        v1,
        v2,
        v3,
        r0,
        r1,
        r2,
        r3,
        g0,
        g1,
        g2,
        g3,
        g4,
        g5,
        g6,
        g7,
        c0,
        c1,
        c2,
        c3,
        c4,
        c5,
        c6,
        c7,
    ] = *header;
    let malformed = |why| Err(Refused::Malformed(why));
    if m != MAGIC {
        let found = format!("{m:02x?}");
        return malformed(Malformed::new(
            "magic number of a manifest",
            "DRYSLSM1",
            found,
        ));
    }
    let crc = u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]);
    let found = checksum::crc64(&header[..24]);
    if !checksum::is_right(crc, found) {
        return malformed(bad_checksum(crc, found));
    }
    let version = u32::from_le_bytes([v0, v1, v2, v3]);
    if version != VERSION {
        return Err(Refused::Version(version));
    }
    if [r0, r1, r2, r3] != [0; 4] {
        return malformed(Malformed::new(
            "reserved bytes of a manifest",
            "zeros",
            "others",
        ));
    }
    Ok(u64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7]))
}

/// A record with this edit.
pub(crate) fn encode(generation: u64, sequence: u64, edit: &Edit) -> Vec<u8> {
    let edit = edit.encode();
    let mut bytes = vec![0; 8];
    bytes.extend_from_slice(&generation.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(edit.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&edit);
    let crc = checksum::crc64(&bytes[8..]);
    bytes[..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The edit of the record at the front of `bytes`, and how long the record is. Total.
pub(crate) fn decode(
    bytes: &[u8],
    generation: u64,
    sequence: u64,
) -> Result<(Edit, usize), Malformed> {
    let header = bytes
        .first_chunk::<RECORD_HEADER_BYTES>()
        .ok_or_else(|| cut("record"))?;
    let [_, _, _, _, _, _, _, _, rest @ ..] = *header;
    let [
        g0,
        g1,
        g2,
        g3,
        g4,
        g5,
        g6,
        g7,
        s0,
        s1,
        s2,
        s3,
        s4,
        s5,
        s6,
        s7,
        l0,
        l1,
        l2,
        l3,
        reserved @ ..,
    ] = rest;
    let len = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    let end = RECORD_HEADER_BYTES
        .checked_add(len)
        .ok_or_else(|| cut("record"))?;
    let record = bytes.get(..end).ok_or_else(|| cut("record"))?;
    let (crc, checked) = record
        .split_first_chunk::<8>()
        .ok_or_else(|| cut("record"))?;
    let (crc, found) = (u64::from_le_bytes(*crc), checksum::crc64(checked));
    if !checksum::is_right(crc, found) {
        return Err(bad_checksum(crc, found));
    }
    let place = [
        u64::from_le_bytes([g0, g1, g2, g3, g4, g5, g6, g7]),
        u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
    ];
    if place != [generation, sequence] || reserved != [0; 4] {
        let (expected, found) = (
            format!("{:?}", [generation, sequence]),
            format!("{place:?}"),
        );
        return Err(Malformed::new("place of a record", expected, found));
    }
    Ok((Edit::decode(&record[RECORD_HEADER_BYTES..])?, end))
}
