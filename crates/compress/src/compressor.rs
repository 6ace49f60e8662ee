//! Compresses, and keeps the memory that this takes.

use std::fmt;

use crate::codec::{Codec, MAX_CONTENTS_BYTES};
#[cfg(feature = "zstd")]
use crate::dictionary::Dictionary;
use crate::error::CompressError;
#[cfg(feature = "gzip")]
use crate::gzip;
#[cfg(feature = "lz4")]
use crate::lz4;
#[cfg(feature = "snappy")]
use crate::snappy;
#[cfg(feature = "zstd")]
use crate::zstandard;

/// Compresses, as often as wanted, with whichever codec.
///
/// Memory: each codec's tables, from its first use on: 8 or 16 KiB for LZ4, 34 KiB for Snappy, 0.3 MiB for gzip, 0.5 MiB
/// and more by level for Zstd. After that no call allocates, but for what the output has to grow.
///
/// Threads: owned by one; may be sent to another.
#[derive(Default)]
pub struct Compressor {
    #[cfg(feature = "lz4")]
    lz4: lz4::Encoder,
    #[cfg(feature = "snappy")]
    snappy: snappy::Encoder,
    #[cfg(feature = "zstd")]
    zstd: zstandard::Encoder,
    #[cfg(feature = "gzip")]
    gzip: gzip::Encoder,
}

impl Compressor {
    /// One that has used no codec yet, and no memory.
    #[must_use]
    pub fn new() -> Compressor {
        Compressor::default()
    }

    /// Appends `contents`, compressed, to `stored`, and returns whether that pays: whether they take no more than
    /// `stored_len_max` bytes, and fewer than as they are. Where it does not, `stored` is as it was; so it is with no
    /// contents, and with [`Codec::None`].
    ///
    /// Neither the codec nor the length of the contents is among the stored bytes, in general: keep both beside them.
    ///
    /// # Errors
    /// [`CompressError`], with `stored` as it was.
    pub fn compress(
        &mut self,
        codec: Codec,
        contents: &[u8],
        stored_len_max: usize,
        stored: &mut Vec<u8>,
    ) -> Result<bool, CompressError> {
        codec.check()?;
        let output = Output::new(contents, stored_len_max, stored)?;
        if codec == Codec::None {
            return Ok(false);
        }
        match codec {
            #[cfg(feature = "lz4")]
            Codec::Lz4 => {
                let bound = lz4::stored_len_bound(contents.len());
                output.fill(bound, |room| self.lz4.compress(contents, room))
            }
            #[cfg(feature = "snappy")]
            Codec::Snappy => {
                let bound = snappy::stored_len_bound(contents.len());
                output.fill(bound, |room| self.snappy.compress(contents, room))
            }
            #[cfg(feature = "zstd")]
            Codec::Zstd(level) => output.fill(0, |room| self.zstd.compress(level, contents, room)),
            #[cfg(feature = "gzip")]
            Codec::Gzip(level) => output.fill(0, |room| self.gzip.compress(level, contents, room)),
            _ => output.fill(0, |_| Ok(None)), // never met: the check finds what is not in this build
        }
    }

    /// As [`Compressor::compress`], with Zstd and a dictionary, at the dictionary's level. Small contents that are like
    /// the dictionary's samples get much shorter so. The dictionary's id is among the stored bytes.
    ///
    /// # Errors
    /// As [`Compressor::compress`].
    #[cfg(feature = "zstd")]
    pub fn compress_with(
        &mut self,
        dictionary: &Dictionary,
        contents: &[u8],
        stored_len_max: usize,
        stored: &mut Vec<u8>,
    ) -> Result<bool, CompressError> {
        let output = Output::new(contents, stored_len_max, stored)?;
        output.fill(0, |room| {
            self.zstd.compress_with(dictionary, contents, room)
        })
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

/// Where stored bytes are appended, and how many pay.
struct Output<'a> {
    stored: &'a mut Vec<u8>,
    len_max: usize,
}

impl<'a> Output<'a> {
    fn new(
        contents: &[u8],
        stored_len_max: usize,
        stored: &'a mut Vec<u8>,
    ) -> Result<Output<'a>, CompressError> {
        if contents.len() > MAX_CONTENTS_BYTES {
            return Err(CompressError::TooLong {
                len: contents.len(),
                max: MAX_CONTENTS_BYTES,
            });
        }
        let len_max = stored_len_max.min(contents.len().saturating_sub(1));
        Ok(Output { stored, len_max })
    }

    /// Lets `compress` write to as many bytes as pay, or to `room_len_min`, where the codec cannot do with fewer. It
    /// says how many it wrote; `None`: they did not suffice.
    fn fill(
        self,
        room_len_min: usize,
        compress: impl FnOnce(&mut [u8]) -> Result<Option<usize>, CompressError>,
    ) -> Result<bool, CompressError> {
        if self.len_max == 0 {
            return Ok(false);
        }
        let start = self.stored.len();
        let room_len = self.len_max.max(room_len_min);
        self.stored.resize(start + room_len, 0);
        let written = compress(&mut self.stored[start..]);
        let paid = written.as_ref().ok().copied().flatten();
        let paid = paid.filter(|len| *len <= self.len_max);
        self.stored.truncate(start + paid.unwrap_or(0));
        written.map(|_| paid.is_some())
    }
}
