//! Records as bytes: a header, the payload, padding.
//!
//! ```text
//! offset  size  field
//!      0     4  crc          CRC-32C of the segment's epoch (8 bytes) and of bytes 4.. to the end of the padding
//!      4     4  len          payload length in bytes, 0..=MAX_PAYLOAD_BYTES
//!      8     8  lsn          Data: one more than the record before. Marker: as durable_lsn
//!     16     8  durable_lsn  everything up to here was synced before this record was written
//!     24     1  kind         RecordKind
//!     25     7  reserved     zero; a reader rejects anything else
//!     32   len  payload      empty for a marker
//!           0-7 padding      zero, up to a multiple of 8
//! ```
//!
//! Little-endian. Spec: `docs/format/wal.md`, version 1.

use drystone_base::Lsn;
use drystone_base::checksum::{crc32c_seeded, is_right};
use drystone_base::planted::is_planted;

use crate::error::Malformed;

/// Bytes before the payload.
pub(crate) const HEADER_BYTES: usize = 32;
/// Records start at multiples of this.
pub(crate) const ALIGN_BYTES: usize = 8;
/// The longest payload, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1 << 30;

const CRC_END: usize = 4;
const DURABLE: std::ops::Range<usize> = 16..24;
const KIND: usize = 24;

const _: () = assert!(HEADER_BYTES.is_multiple_of(ALIGN_BYTES));
const _: () = assert!(MAX_PAYLOAD_BYTES as u64 <= u32::MAX as u64);

/// What a record is. Never zero, so that a zeroed sector decodes as nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// A payload of the user's, with a number of its own.
    Data = 1,
    /// In the trailer of a segment: says that everything up to its `lsn` is durable. No payload.
    Marker = 2,
}

/// A record's header, without its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: RecordKind,
    /// Payload length in bytes.
    pub(crate) len: u32,
    pub(crate) lsn: Lsn,
    pub(crate) durable_lsn: Lsn,
}

impl Header {
    /// Bytes from this record's start to the next one's.
    pub(crate) fn stored_bytes(&self) -> usize {
        stored_bytes(self.len as usize)
    }
}

/// Bytes that a payload of `len` bytes takes in a segment.
pub(crate) const fn stored_bytes(len: usize) -> usize {
    HEADER_BYTES + len.next_multiple_of(ALIGN_BYTES)
}

/// Appends a record to `out`, which lacks what is known only when it is written: see [`seal`].
pub(crate) fn encode_unsealed(out: &mut Vec<u8>, kind: RecordKind, lsn: Lsn, payload: &[u8]) {
    let len = u32::try_from(payload.len()).expect("the log refused longer payloads before");
    let mut header = [0; HEADER_BYTES];
    header[CRC_END..8].copy_from_slice(&len.to_le_bytes());
    header[8..16].copy_from_slice(&lsn.0.to_le_bytes());
    header[KIND] = kind as u8;
    let end = out.len() + stored_bytes(payload.len());
    out.reserve(end - out.len());
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
    out.resize(end, 0);
}

/// Completes every record in `records`, which [`encode_unsealed`] wrote: sets what was durable, and the checksum.
/// A marker says that its own LSN is durable. Returns how many records there are.
pub(crate) fn seal(mut records: &mut [u8], durable_lsn: Lsn, epoch: u64) -> u64 {
    let mut count = 0;
    while let Some(header) = records.first_chunk::<HEADER_BYTES>() {
        let len = usize::try_from(u32_at(header, CRC_END))
            .expect("the log refused longer payloads before");
        let is_marker = header[KIND] == RecordKind::Marker as u8;
        let durable_lsn = if is_marker {
            Lsn(u64_at(header, 8))
        } else {
            durable_lsn
        };
        let (record, rest) = records.split_at_mut(stored_bytes(len));
        record[DURABLE].copy_from_slice(&durable_lsn.0.to_le_bytes());
        let crc = crc32c_seeded(epoch, &record[CRC_END..]);
        record[..CRC_END].copy_from_slice(&crc.to_le_bytes());
        records = rest;
        count += 1;
    }
    count
}

/// Decodes one header, without the checksum, which needs the payload: see [`check`]. `room` is what is left of the
/// segment from the record's start.
///
/// Total: any 32 bytes give `Ok` or `Err`, never a panic.
pub(crate) fn decode(bytes: &[u8; HEADER_BYTES], room: u64) -> Result<Header, Malformed> {
    let kind = match bytes[KIND] {
        1 => RecordKind::Data,
        2 => RecordKind::Marker,
        found => return Err(Malformed::Kind { found }),
    };
    if bytes[KIND + 1..] != [0; HEADER_BYTES - KIND - 1] {
        return Err(Malformed::Reserved);
    }
    let header = Header {
        kind,
        len: u32_at(bytes, CRC_END),
        lsn: Lsn(u64_at(bytes, 8)),
        durable_lsn: Lsn(u64_at(bytes, 16)),
    };
    check_length(&header, room)?;
    check_durable(&header)?;
    Ok(header)
}

fn check_length(header: &Header, room: u64) -> Result<(), Malformed> {
    let len_max = match header.kind {
        RecordKind::Data => MAX_PAYLOAD_BYTES,
        RecordKind::Marker => 0,
    };
    if header.len as usize > len_max || header.stored_bytes() as u64 > room {
        return Err(Malformed::Length {
            found: header.len,
            room,
        });
    }
    Ok(())
}

fn check_durable(header: &Header) -> Result<(), Malformed> {
    let sound = match header.kind {
        RecordKind::Data => header.durable_lsn < header.lsn,
        RecordKind::Marker => header.durable_lsn == header.lsn,
    };
    if sound {
        return Ok(());
    }
    Err(Malformed::DurableLsn {
        lsn: header.lsn,
        durable_lsn: header.durable_lsn,
    })
}

/// Checks the checksum and the padding of a whole record, whose header [`decode`]d to `header`.
///
/// Total: `record` may be any bytes that are at least as long as the header says.
pub(crate) fn check(header: &Header, record: &[u8], epoch: u64) -> Result<(), Malformed> {
    let record = &record[..header.stored_bytes()];
    let expected = crc32c_seeded(epoch, &record[CRC_END..]);
    let found = u32_at(record, 0);
    if !is_right(found, expected) && !is_planted("wal-record-checksum-skipped") {
        return Err(Malformed::Checksum { expected, found });
    }
    let padding = &record[HEADER_BYTES + header.len as usize..];
    if padding.iter().any(|&byte| byte != 0) {
        return Err(Malformed::Reserved);
    }
    Ok(())
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let field = bytes[offset..].first_chunk();
    u32::from_le_bytes(*field.expect("the caller holds a whole header"))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let field = bytes[offset..].first_chunk();
    u64::from_le_bytes(*field.expect("the caller holds a whole header"))
}

#[cfg(test)]
mod tests;
