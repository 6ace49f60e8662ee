//! gzip: one member, with the shortest header.
//!
//! ```text
//! offset  size  field
//!      0    10  header    1F 8B 08 00, 00 00 00 00, 00, FF: deflate, no flags, no time, of no system; as it is, always
//!     10     n  stream    raw deflate
//! 10 + n     4  crc       CRC-32 of the contents
//! 14 + n     4  len       length of the contents
//! ```
//!
//! Little-endian. Spec: `docs/format/compress.md`. A reader rejects every other header, though RFC 1952 has more: one
//! content has one frame around it.
//!
//! # Source
//! RFC 1951 and RFC 1952. Framed here and not by `flate2`, whose framing cannot be used again without allocating.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use crate::codec::CodecId;
use crate::error::{CompressError, Malformed, bad_stream, check_contents_len};

const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
const TRAILER_BYTES: usize = 8;

/// The state of the last level used, once it was needed.
#[derive(Default)]
pub(crate) struct Encoder {
    deflate: Option<(u8, Compress)>,
}

impl Encoder {
    /// `None`: `stored` is too short.
    pub(crate) fn compress(
        &mut self,
        level: u8,
        contents: &[u8],
        stored: &mut [u8],
    ) -> Result<Option<usize>, CompressError> {
        let Some(stream_len_max) = stored.len().checked_sub(HEADER.len() + TRAILER_BYTES) else {
            return Ok(None);
        };
        let (header, rest) = stored.split_at_mut(HEADER.len());
        header.copy_from_slice(&HEADER);
        let deflate = self.deflate(level);
        let stream = &mut rest[..stream_len_max];
        let status = deflate.compress(contents, stream, FlushCompress::Finish);
        let status = status.map_err(|why| CompressError::Failed {
            codec: CodecId::Gzip,
            why: why.to_string().into(),
        })?;
        if status != Status::StreamEnd {
            return Ok(None);
        }
        let stream_len = len_of(deflate.total_out());
        rest[stream_len..][..TRAILER_BYTES].copy_from_slice(&trailer_of(contents));
        Ok(Some(HEADER.len() + stream_len + TRAILER_BYTES))
    }

    fn deflate(&mut self, level: u8) -> &mut Compress {
        let kept = self.deflate.take().filter(|(kept, _)| *kept == level);
        let (_, deflate) = self.deflate.insert(kept.unwrap_or_else(|| {
            let level_of_library = Compression::new(u32::from(level));
            (level, Compress::new(level_of_library, false))
        }));
        deflate.reset();
        deflate
    }
}

/// The state, once it was needed.
#[derive(Default)]
pub(crate) struct Decoder {
    inflate: Option<Decompress>,
}

impl Decoder {
    pub(crate) fn decompress(
        &mut self,
        stored: &[u8],
        contents: &mut [u8],
    ) -> Result<(), Malformed> {
        let (header, rest) = stored.split_first_chunk().ok_or_else(|| cut(stored))?;
        let (stream, trailer) = rest.split_last_chunk().ok_or_else(|| cut(stored))?;
        if *header != HEADER {
            let (expected, found) = (format!("{HEADER:02X?}"), format!("{header:02X?}"));
            return Err(Malformed::new("gzip header", expected, found));
        }
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(false));
        inflate.reset(false);
        let status = inflate.decompress(stream, contents, FlushDecompress::Finish);
        let status = status.map_err(|why| bad_stream(why.to_string()))?;
        check_contents_len(contents.len(), len_of(inflate.total_out()))?;
        if status != Status::StreamEnd || len_of(inflate.total_in()) != stream.len() {
            return Err(bad_stream("one that does not end where it should"));
        }
        check_trailer(*trailer, contents)
    }
}

fn cut(stored: &[u8]) -> Malformed {
    let least = HEADER.len() + TRAILER_BYTES;
    let (expected, found) = (format!("at least {least}"), stored.len().to_string());
    Malformed::new("length of a gzip member", expected, found)
}

fn trailer_of(contents: &[u8]) -> [u8; TRAILER_BYTES] {
    let mut crc = Crc::new();
    crc.update(contents);
    (u64::from(crc.amount()) << 32 | u64::from(crc.sum())).to_le_bytes()
}

fn check_trailer(found: [u8; TRAILER_BYTES], contents: &[u8]) -> Result<(), Malformed> {
    let expected = trailer_of(contents);
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:02X?}"), format!("{found:02X?}"));
    Err(Malformed::new("gzip trailer", expected, found))
}

/// Streams are shorter than [`MAX_CONTENTS_BYTES`](crate::MAX_CONTENTS_BYTES).
fn len_of(total: u64) -> usize {
    usize::try_from(total).unwrap_or(usize::MAX)
}
