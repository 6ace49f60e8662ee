//! Superblock: the block that names everything else, and thereby the state of the file.
//!
//! ```text
//! offset  size  field
//!      0     8  magic        "DRYPAGER"
//!      8     4  version      format version, 1
//!     12     4  block_bytes  4096
//!     16    16  uuid         drawn when the file was created; the same in every superblock
//!     32     8  generation   number of the commit that wrote it, < 2^63
//!     40     8  lsn          everything up to here is in this state
//!     48     8  durable_lsn  lsn of the generation before, which was durable when this was written; <= lsn
//!     56     8  blocks       length of the file in blocks; it may be longer, never shorter
//!     64    32  free_list    PageRef of the free list; zeros: no block is free
//!     96     2  payload_len  0..=MAX_PAYLOAD_BYTES
//!     98    30  reserved     zero; a reader rejects anything else
//!    128  1024  payload      the committer's, then zeros
//!   1152  2936  reserved     zero; a reader rejects anything else
//!   4088     8  checksum     CRC-64/NVME of bytes 0..4088
//! ```
//!
//! Little-endian. Spec: `docs/format/pager.md`, version 1. Every later version keeps magic, version and checksum where
//! they are.
//!
//! Generation n goes to slot n % 2; slot s is blocks 2s and 2s + 1, which hold two copies of the same bytes.

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::checksum::{crc64, is_right};

use crate::block::{BLOCK_BYTES, BLOCK_BYTES_U64, MAX_BLOCKS};
use crate::error::{Malformed, bad_checksum};
use crate::page_ref::{PAGE_REF_BYTES, PageRef};

/// Blocks at the front of the file that hold superblocks.
pub(crate) const SUPERBLOCKS: u64 = 4;

/// The longest root payload.
pub const MAX_PAYLOAD_BYTES: usize = 1024;

/// The format that this build writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Generations are fewer than this, so that adding one is always possible.
const GENERATIONS: u64 = 1 << 63;

const MAGIC: [u8; 8] = *b"DRYPAGER";
const FREE_LIST: usize = 64;
const PAYLOAD_LEN: usize = 96;
const PAYLOAD: usize = 128;
const CHECKSUM: usize = 4088;

const _: () = assert!(FREE_LIST + PAGE_REF_BYTES == PAYLOAD_LEN);
const _: () = assert!(PAYLOAD + MAX_PAYLOAD_BYTES < CHECKSUM);
const _: () = assert!(CHECKSUM + 8 == BLOCK_BYTES);

/// One state of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) uuid: [u8; 16],
    pub(crate) generation: u64,
    pub(crate) lsn: Lsn,
    pub(crate) durable_lsn: Lsn,
    pub(crate) blocks: u64,
    pub(crate) free_list: Option<PageRef>,
    pub(crate) payload: Bytes,
}

/// Why a block is no superblock that this build can use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Its checksum agrees, and its version is newer.
    Newer(u32),
    /// It breaks the format.
    Malformed(Malformed),
}

impl From<Malformed> for Unusable {
    fn from(why: Malformed) -> Unusable {
        Unusable::Malformed(why)
    }
}

impl Superblock {
    /// The bytes of both copies.
    ///
    /// # Panics
    /// When the payload is longer than [`MAX_PAYLOAD_BYTES`]; callers have checked.
    pub(crate) fn encode(&self) -> [u8; BLOCK_BYTES] {
        assert!(self.payload.len() <= MAX_PAYLOAD_BYTES);
        let payload_len = u16::try_from(self.payload.len()).expect("payloads are short");
        let mut out = [0; BLOCK_BYTES];
        put(&mut out, 0, &MAGIC);
        put(&mut out, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut out, 12, &block_bytes_field());
        put(&mut out, 16, &self.uuid);
        put(&mut out, 32, &self.generation.to_le_bytes());
        put(&mut out, 40, &self.lsn.0.to_le_bytes());
        put(&mut out, 48, &self.durable_lsn.0.to_le_bytes());
        put(&mut out, 56, &self.blocks.to_le_bytes());
        if let Some(free_list) = &self.free_list {
            put(&mut out, FREE_LIST, &free_list.encode());
        }
        put(&mut out, PAYLOAD_LEN, &payload_len.to_le_bytes());
        put(&mut out, PAYLOAD, &self.payload);
        let checksum = crc64(&out[..CHECKSUM]);
        put(&mut out, CHECKSUM, &checksum.to_le_bytes());
        out
    }

    /// Decodes one copy. Total: any block gives `Ok` or `Err`.
    pub(crate) fn decode(bytes: &[u8; BLOCK_BYTES]) -> Result<Superblock, Unusable> {
        let (expected, found) = (u64_at(bytes, CHECKSUM), crc64(&bytes[..CHECKSUM]));
        if !is_right(expected, found) {
            return Err(bad_checksum(expected, found).into());
        }
        check_head(bytes)?;
        check_reserved(bytes)?;
        let superblock = Superblock {
            uuid: array_at(bytes, 16),
            generation: u64_at(bytes, 32),
            lsn: Lsn(u64_at(bytes, 40)),
            durable_lsn: Lsn(u64_at(bytes, 48)),
            blocks: u64_at(bytes, 56),
            free_list: decode_free_list(&array_at(bytes, FREE_LIST))?,
            payload: decode_payload(bytes)?,
        };
        superblock.check()?;
        Ok(superblock)
    }

    /// Whether its fields agree with each other.
    fn check(&self) -> Result<(), Malformed> {
        if self.generation >= GENERATIONS {
            return Err(Malformed::new(
                "generation of a superblock",
                format!("less than {GENERATIONS}"),
                self.generation.to_string(),
            ));
        }
        if self.durable_lsn > self.lsn {
            return Err(Malformed::new(
                "durable LSN of a superblock",
                format!("up to {}", self.lsn),
                self.durable_lsn.to_string(),
            ));
        }
        if !(SUPERBLOCKS..=MAX_BLOCKS).contains(&self.blocks) {
            return Err(Malformed::new(
                "length of the file in blocks",
                format!("{SUPERBLOCKS} to {MAX_BLOCKS}"),
                self.blocks.to_string(),
            ));
        }
        match &self.free_list {
            Some(page) if page.extent().end() > self.blocks => Err(Malformed::new(
                "end of the free list",
                format!("up to block {}", self.blocks),
                page.extent().end().to_string(),
            )),
            _ => Ok(()),
        }
    }
}

/// Offset in the file of copy 0 or 1 of a generation's superblock.
pub(crate) fn copy_offset(slot: u64, copy: u64) -> u64 {
    (slot * 2 + copy) * BLOCK_BYTES_U64
}

fn block_bytes_field() -> [u8; 4] {
    u32::try_from(BLOCK_BYTES)
        .expect("blocks are small")
        .to_le_bytes()
}

fn check_head(bytes: &[u8; BLOCK_BYTES]) -> Result<(), Unusable> {
    if bytes[..8] != MAGIC {
        let found = format!("{:?}", bytes[..8].escape_ascii().to_string());
        return Err(Malformed::new("magic of a superblock", "\"DRYPAGER\"", found).into());
    }
    let version = u32::from_le_bytes(array_at(bytes, 8));
    if version > FORMAT_VERSION {
        return Err(Unusable::Newer(version));
    }
    if version != FORMAT_VERSION {
        return Err(Malformed::new("format version", "1", version.to_string()).into());
    }
    let block_bytes: [u8; 4] = array_at(bytes, 12);
    if block_bytes != block_bytes_field() {
        let found = u32::from_le_bytes(block_bytes).to_string();
        return Err(Malformed::new("block size", BLOCK_BYTES.to_string(), found).into());
    }
    Ok(())
}

fn check_reserved(bytes: &[u8; BLOCK_BYTES]) -> Result<(), Malformed> {
    const ZEROS: [u8; BLOCK_BYTES] = [0; BLOCK_BYTES];
    let reserved = [
        &bytes[PAYLOAD_LEN + 2..PAYLOAD],
        &bytes[PAYLOAD + MAX_PAYLOAD_BYTES..CHECKSUM],
    ];
    if reserved.iter().any(|part| **part != ZEROS[..part.len()]) {
        return Err(Malformed::new(
            "reserved bytes of a superblock",
            "zero",
            "others",
        ));
    }
    Ok(())
}

fn decode_free_list(bytes: &[u8; PAGE_REF_BYTES]) -> Result<Option<PageRef>, Malformed> {
    if *bytes == [0; PAGE_REF_BYTES] {
        return Ok(None);
    }
    PageRef::decode(bytes).map(Some)
}

fn decode_payload(bytes: &[u8; BLOCK_BYTES]) -> Result<Bytes, Malformed> {
    let len = usize::from(u16::from_le_bytes(array_at(bytes, PAYLOAD_LEN)));
    if len > MAX_PAYLOAD_BYTES {
        return Err(Malformed::new(
            "length of the root payload",
            format!("up to {MAX_PAYLOAD_BYTES}"),
            len.to_string(),
        ));
    }
    let (payload, rest) = bytes[PAYLOAD..PAYLOAD + MAX_PAYLOAD_BYTES].split_at(len);
    if rest.iter().any(|&byte| byte != 0) {
        return Err(Malformed::new(
            "bytes after the root payload",
            "zero",
            "others",
        ));
    }
    Ok(Bytes::copy_from_slice(payload))
}

fn put(out: &mut [u8; BLOCK_BYTES], at: usize, field: &[u8]) {
    out[at..at + field.len()].copy_from_slice(field);
}

fn array_at<const N: usize>(bytes: &[u8; BLOCK_BYTES], at: usize) -> [u8; N] {
    bytes[at..at + N]
        .try_into()
        .expect("a slice of N bytes is an array of N bytes")
}

fn u64_at(bytes: &[u8; BLOCK_BYTES], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[cfg(test)]
mod tests;
