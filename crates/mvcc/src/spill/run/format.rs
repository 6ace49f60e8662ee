//! Block of a run: sorted entries of one keyspace, read and checked as one.
//!
//! ```text
//! offset  size  field
//!      0     4  crc       CRC-32C of bytes 4.. to the end of the block, seeded with the file's number and the offset
//!      4     4  len       bytes of entries, >= 1
//!      8     4  keyspace
//!     12   len  entries   each: key length times 2, plus 1 for a put (varint); the key; for a put, the value's length
//!                         (varint) and the value. Ascending by key
//! ```
//!
//! Little-endian. Blocks lie one behind the other, ascending; where they begin is known to the process that wrote them,
//! and to nobody else.

use drystone_base::checksum::{crc32c_seeded, is_right};
use drystone_base::{KeyspaceId, varint};
use drystone_engine::Malformed;

pub(crate) const HEADER_BYTES: usize = 12;

/// About how many bytes a block has. One entry may be longer.
pub(crate) const BLOCK_BYTES: usize = 32 << 10;

/// One entry, where its bytes lie in a block's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Span,
    /// `None` is a tombstone.
    pub(crate) value: Option<Span>,
    /// Where the next begins.
    pub(crate) end: usize,
}

/// A part of a block's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

impl Span {
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.at..self.at + self.len]
    }
}

/// Appends an entry.
pub(crate) fn encode_entry(key: &[u8], value: Option<&[u8]>, out: &mut Vec<u8>) {
    varint::encode((key.len() as u64) << 1 | u64::from(value.is_some()), out);
    out.extend_from_slice(key);
    if let Some(value) = value {
        varint::encode(value.len() as u64, out);
        out.extend_from_slice(value);
    }
}

/// The entry at `at`, of bytes that this process encoded or whose checksum it has checked. `None`: there is none.
#[inline]
pub(crate) fn entry_at(bytes: &[u8], at: usize) -> Option<Entry> {
    let (head, key_at) = number_at(bytes, at)?;
    let key = span(bytes, key_at, head >> 1)?;
    let mut entry = Entry {
        key,
        value: None,
        end: key.at + key.len,
    };
    if head & 1 == 1 {
        let (len, value_at) = number_at(bytes, entry.end)?;
        let value = span(bytes, value_at, len)?;
        entry.value = Some(value);
        entry.end = value.at + value.len;
    }
    Some(entry)
}

/// A varint; short ones without a loop.
#[inline]
fn number_at(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let &first = bytes.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    let (number, len) = varint::decode(&bytes[at..])?;
    Some((number, at + len))
}

#[inline]
fn span(bytes: &[u8], at: usize, len: u64) -> Option<Span> {
    let len = usize::try_from(len).ok()?;
    let end = at.checked_add(len)?;
    (end <= bytes.len()).then_some(Span { at, len })
}

/// Fills in the header of a block: `block` is the header's room and the entries.
///
/// # Panics
/// When the entries are longer than the engine's limits let one entry be.
pub(crate) fn seal(block: &mut [u8], keyspace: KeyspaceId, seed: u64) {
    let len = u32::try_from(block.len() - HEADER_BYTES).expect("an entry is shorter than 4 GiB");
    block[4..8].copy_from_slice(&len.to_le_bytes());
    block[8..12].copy_from_slice(&keyspace.0.to_le_bytes());
    let crc = crc32c_seeded(seed, &block[4..]);
    block[..4].copy_from_slice(&crc.to_le_bytes());
}

/// The seed of the block at `offset` of the file of this number.
pub(crate) fn seed(file: u64, offset: u64) -> u64 {
    file.rotate_left(48) ^ offset
}

/// Checks a block as it was read. Its entries begin at [`HEADER_BYTES`].
pub(crate) fn check(block: &[u8], keyspace: KeyspaceId, seed: u64) -> Result<(), Malformed> {
    let Some((header, entries)) = block.split_first_chunk::<HEADER_BYTES>() else {
        return Err(malformed("block of a run", "a header", block.len()));
    };
    let [c0, c1, c2, c3, l0, l1, l2, l3, k0, k1, k2, k3] = *header;
    let (crc, found) = (
        u32::from_le_bytes([c0, c1, c2, c3]),
        crc32c_seeded(seed, &block[4..]),
    );
    if !is_right(crc, found) {
        return Err(malformed("checksum of a run's block", crc, found));
    }
    let len = u32::from_le_bytes([l0, l1, l2, l3]);
    let id = u32::from_le_bytes([k0, k1, k2, k3]);
    if len as usize != entries.len() || id != keyspace.0 {
        return Err(malformed("block of a run", keyspace, KeyspaceId(id)));
    }
    Ok(())
}

pub(crate) fn malformed(
    what: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> Malformed {
    Malformed::new(what, expected.to_string(), found.to_string())
}
