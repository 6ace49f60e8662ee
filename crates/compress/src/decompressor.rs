//! Decompresses, within bounds, and keeps the memory that this takes.

use std::fmt;
#[cfg(feature = "zstd")]
use std::sync::Arc;

use crate::codec::{CodecId, MAX_CONTENTS_BYTES};
#[cfg(feature = "zstd")]
use crate::dictionary::Dictionary;
use crate::error::{DecompressError, Malformed, check_contents_len};
#[cfg(feature = "gzip")]
use crate::gzip;
#[cfg(feature = "lz4")]
use crate::lz4;
#[cfg(feature = "snappy")]
use crate::snappy;
#[cfg(feature = "zstd")]
use crate::zstandard;

/// Decompresses, as often as wanted, whatever codec it was.
///
/// Memory: none for LZ4 and Snappy; 43 KiB for gzip and 160 KiB for Zstd, from the first use on. After that no call
/// allocates, but for what the output has to grow.
///
/// Threads: owned by one; may be sent to another.
#[derive(Default)]
pub struct Decompressor {
    #[cfg(feature = "zstd")]
    zstd: zstandard::Decoder,
    #[cfg(feature = "gzip")]
    gzip: gzip::Decoder,
}

impl Decompressor {
    /// One that knows no dictionary, and has used no memory yet.
    #[must_use]
    pub fn new() -> Decompressor {
        Decompressor::default()
    }

    /// From here on, what was compressed with this dictionary can be decompressed. It takes the place of one with the
    /// same id.
    #[cfg(feature = "zstd")]
    pub fn add(&mut self, dictionary: Arc<Dictionary>) {
        self.zstd.add(dictionary);
    }

    /// Appends the contents, which must have exactly `contents_len` bytes, to `contents`. A length that `stored` cannot
    /// hold, for it would have to be compressed by more than the format can, is refused before memory is set aside.
    ///
    /// # Errors
    /// [`DecompressError`], with `contents` as it was.
    pub fn decompress(
        &mut self,
        codec: CodecId,
        stored: &[u8],
        contents_len: usize,
        contents: &mut Vec<u8>,
    ) -> Result<(), DecompressError> {
        codec.check_built()?;
        check_len(codec, stored.len(), contents_len)
            .map_err(|why| DecompressError::Malformed { codec, why })?;
        let start = contents.len();
        contents.resize(start + contents_len, 0);
        let decompressed = self.decompress_into(codec, stored, &mut contents[start..]);
        decompressed.inspect_err(|_| contents.truncate(start))
    }

    /// Fills `contents`, whose length must be exactly that of the contents.
    ///
    /// # Errors
    /// [`DecompressError`], with anything in `contents`.
    pub fn decompress_into(
        &mut self,
        codec: CodecId,
        stored: &[u8],
        contents: &mut [u8],
    ) -> Result<(), DecompressError> {
        codec.check_built()?;
        let decoded = match codec {
            #[cfg(feature = "lz4")]
            CodecId::Lz4 => lz4::decompress(stored, contents),
            #[cfg(feature = "snappy")]
            CodecId::Snappy => snappy::decompress(stored, contents),
            #[cfg(feature = "zstd")]
            CodecId::Zstd => return self.zstd.decompress(stored, contents),
            #[cfg(feature = "gzip")]
            CodecId::Gzip => self.gzip.decompress(stored, contents),
            _ => copy(stored, contents), // none: one that is not in this build was found by the check
        };
        decoded.map_err(|why| DecompressError::Malformed { codec, why })
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").finish_non_exhaustive()
    }
}

/// Whether `stored_len` bytes can be what a codec made of `contents_len`.
fn check_len(codec: CodecId, stored_len: usize, contents_len: usize) -> Result<(), Malformed> {
    let most = stored_len.saturating_mul(codec.expansion_max());
    let most = most.min(MAX_CONTENTS_BYTES);
    if contents_len <= most {
        return Ok(());
    }
    let expected = format!("at most {most}, of {stored_len} stored bytes");
    let found = contents_len.to_string();
    Err(Malformed::new("length of the contents", expected, found))
}

fn copy(stored: &[u8], contents: &mut [u8]) -> Result<(), Malformed> {
    check_contents_len(contents.len(), stored.len())?;
    contents.copy_from_slice(stored);
    Ok(())
}
