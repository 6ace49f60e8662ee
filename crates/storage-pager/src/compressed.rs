//! Compressed page: how the contents of a page are stored when its codec is not [`CODEC_NONE`](crate::CODEC_NONE).
//!
//! ```text
//! offset  size  field
//!      0     4  contents_len  length of the contents in bytes, 1..=MAX_PAGE_BYTES
//!      4     n  contents      compressed by the codec in the page's reference
//! ```
//!
//! Little-endian. Spec: `docs/format/pager.md`, version 1. The reference's length and checksum are those of all these
//! bytes, and were compared before anything here looks at them.

use drystone_base::sync::Mutex;
use drystone_compress::{Codec, CodecId, CompressError, Compressor, DecompressError, Decompressor};

use crate::block::{BLOCK_BYTES, blocks_for};
use crate::error::Malformed;
use crate::page_ref::MAX_PAGE_BYTES;

const LEN_BYTES: usize = 4;

/// Idle decompressors are kept up to here: 0.2 MiB each, if they met both Zstd and gzip.
const IDLE_MAX: usize = 16;

/// Memory for stored bytes that is kept from one page to the next.
const KEPT_BYTES: usize = 1 << 20;

/// Why contents did not come out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The bytes make no sense.
    Malformed(Malformed),
    /// Anything else: the codec's library was refused memory.
    Failed(DecompressError),
}

/// Compresses pages for one writer, each in the memory of the one before.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    compressor: Compressor,
    stored: Vec<u8>,
}

impl Packer {
    /// The bytes to store instead of `contents`; `None` where that would not save a block.
    pub(crate) fn pack(
        &mut self,
        contents: &[u8],
        codec: Codec,
    ) -> Result<Option<&[u8]>, CompressError> {
        codec.check()?;
        let Some(stored_len_max) = len_that_saves_a_block(contents.len()) else {
            return Ok(None);
        };
        let len = u32::try_from(contents.len()).expect("pages are at most MAX_PAGE_BYTES long");
        self.stored.clear();
        self.stored.extend_from_slice(&len.to_le_bytes());
        let payload_len_max = stored_len_max - LEN_BYTES;
        let pays = self
            .compressor
            .compress(codec, contents, payload_len_max, &mut self.stored)?;
        Ok(pays.then_some(&self.stored))
    }

    /// Gives memory for a longer page than usual back.
    pub(crate) fn shrink(&mut self) {
        self.stored.clear();
        self.stored.shrink_to(KEPT_BYTES);
    }
}

/// Decompresses pages for any number of threads.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    /// Latch: held for moments. What is taken from here is given back, up to [`IDLE_MAX`].
    idle: Mutex<Vec<Decompressor>>,
}

impl Unpacker {
    /// The contents of a page.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unpack(&self, codec: CodecId, stored: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut contents = Vec::new();
        self.unpack_into(codec, stored, &mut contents)?;
        Ok(contents)
    }

    /// Puts the contents of a page in the place of what `contents` holds. Total; what it sets aside is in proportion to what
    /// is stored, as far as the codec can squeeze.
    pub(crate) fn unpack_into(
        &self,
        codec: CodecId,
        stored: &[u8],
        contents: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let (contents_len, payload) = split(stored).map_err(Refused::Malformed)?;
        contents.clear();
        let mut decompressor = self.idle.lock().pop().unwrap_or_default();
        let decompressed = decompressor.decompress(codec, payload, contents_len, contents);
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(decompressor);
        }
        drop(idle);
        decompressed.map_err(refused)
    }
}

/// The length of the contents, and the compressed bytes.
fn split(stored: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let Some((len, payload)) = stored.split_first_chunk::<LEN_BYTES>() else {
        let (expected, found) = (format!("at least {LEN_BYTES}"), stored.len().to_string());
        return Err(Malformed::new(
            "length of a compressed page",
            expected,
            found,
        ));
    };
    let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    if len == 0 || len > MAX_PAGE_BYTES {
        let (expected, found) = (format!("1 to {MAX_PAGE_BYTES}"), len.to_string());
        return Err(Malformed::new(
            "length of a page's contents",
            expected,
            found,
        ));
    }
    Ok((len, payload))
}

fn refused(error: DecompressError) -> Refused {
    match error {
        DecompressError::Malformed { why, .. } => Refused::Malformed(why),
        other => Refused::Failed(other),
    }
}

/// The longest that stored bytes may be to take a block less than `contents_len` bytes do.
fn len_that_saves_a_block(contents_len: usize) -> Option<usize> {
    let blocks = usize::try_from(blocks_for(contents_len as u64)).ok()?;
    let fewer = blocks.checked_sub(1).filter(|fewer| *fewer > 0)?;
    fewer.checked_mul(BLOCK_BYTES)
}

#[cfg(test)]
mod tests;
