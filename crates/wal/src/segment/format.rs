//! A segment: a header block, records, and a trailer block with at most one marker.
//!
//! ```text
//! offset  size  field
//!      0     8  magic      "DRYSTWAL"
//!      8     4  version    1
//!     12     4  crc        CRC-32C of the version (as 8 bytes) and of bytes 16..4096
//!     16     8  number     the segment's number, which is also its file's name
//!     24     8  epoch      random; seeds the checksum of every record in the segment
//!     32     8  first_lsn  number of the first data record, 1 or more; everything before it is durable
//!     40     8  capacity   length of the file in bytes, a multiple of 4096
//!     48  4048  reserved   zero; a reader rejects anything else
//! ```
//!
//!   4096        records    from RECORDS_START up to records_end, one after another
//!     -4096     trailer    a record of kind Marker at its start, or none; rewritten in place
//!
//! Little-endian. Spec: `docs/format/wal.md`, version 1.

use drystone_base::Lsn;
use drystone_base::checksum::{crc32c_seeded, is_right};

use crate::error::Malformed;
use crate::segment::SegmentId;

/// Unit of a segment's length, and length of its header.
pub(crate) const BLOCK_BYTES: u64 = 4096;
/// The header's length in memory.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 4096;
/// The shortest segment: its header, a block of records, and its trailer.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 3 * BLOCK_BYTES;
/// Where the first record starts.
pub(crate) const RECORDS_START: u64 = BLOCK_BYTES;
/// The end of the segment. It has a block of its own, so that no rot takes both the last record and the marker that
/// vouches for it.
const TRAILER_BYTES: u64 = BLOCK_BYTES;
/// The newest version that this build reads, and the one it writes.
pub(crate) const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"DRYSTWAL";
const CHECKED_FROM: usize = 16;
const RESERVED_FROM: usize = 48;

const _: () = assert!(SEGMENT_HEADER_BYTES as u64 == BLOCK_BYTES);

/// A segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: SegmentId,
    pub(crate) epoch: u64,
    pub(crate) first_lsn: Lsn,
    pub(crate) capacity: u64,
}

/// Length of a segment that has room for a record of `stored` bytes, but is not shorter than `segment_bytes`.
pub(crate) fn capacity_for(stored: u64, segment_bytes: u64) -> u64 {
    let needed = RECORDS_START + stored + TRAILER_BYTES;
    needed.next_multiple_of(BLOCK_BYTES).max(segment_bytes)
}

/// Where the records of a segment end, and its marker is.
pub(crate) fn records_end(capacity: u64) -> u64 {
    capacity.saturating_sub(TRAILER_BYTES)
}

/// The block that starts a segment.
pub(crate) fn encode(header: &SegmentHeader) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut block = [0; SEGMENT_HEADER_BYTES];
    block[..8].copy_from_slice(MAGIC);
    block[8..12].copy_from_slice(&VERSION.to_le_bytes());
    block[16..24].copy_from_slice(&header.number.0.to_le_bytes());
    block[24..32].copy_from_slice(&header.epoch.to_le_bytes());
    block[32..40].copy_from_slice(&header.first_lsn.0.to_le_bytes());
    block[40..48].copy_from_slice(&header.capacity.to_le_bytes());
    let crc = crc32c_seeded(u64::from(VERSION), &block[CHECKED_FROM..]);
    block[12..16].copy_from_slice(&crc.to_le_bytes());
    block
}

const ZEROS: [u8; SEGMENT_HEADER_BYTES] = [0; SEGMENT_HEADER_BYTES];

/// Decodes the block that starts a segment.
///
/// Total: any 4096 bytes give `Ok` or `Err`, never a panic.
pub(crate) fn decode(block: &[u8; SEGMENT_HEADER_BYTES]) -> Result<SegmentHeader, Malformed> {
    if block[..8] != *MAGIC {
        return Err(Malformed::Magic);
    }
    let version = u32_at(block, 8);
    if version != VERSION {
        return Err(Malformed::Version { found: version });
    }
    let expected = crc32c_seeded(u64::from(version), &block[CHECKED_FROM..]);
    let found = u32_at(block, 12);
    if !is_right(found, expected) {
        return Err(Malformed::Checksum { expected, found });
    }
    if block[RESERVED_FROM..] != ZEROS[RESERVED_FROM..] {
        return Err(Malformed::Reserved);
    }
    let first_lsn = Lsn(u64_at(block, 32));
    if first_lsn == Lsn::ZERO {
        return Err(Malformed::FirstLsn);
    }
    Ok(SegmentHeader {
        number: SegmentId(u64_at(block, 16)),
        epoch: u64_at(block, 24),
        first_lsn,
        capacity: u64_at(block, 40),
    })
}

fn u32_at(block: &[u8; SEGMENT_HEADER_BYTES], offset: usize) -> u32 {
    let field = block[offset..].first_chunk();
    u32::from_le_bytes(*field.expect("fields lie inside the block"))
}

fn u64_at(block: &[u8; SEGMENT_HEADER_BYTES], offset: usize) -> u64 {
    let field = block[offset..].first_chunk();
    u64::from_le_bytes(*field.expect("fields lie inside the block"))
}

#[cfg(test)]
mod tests;
