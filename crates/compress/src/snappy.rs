//! Snappy: its raw format, which opens with the length of the contents.
//!
//! # Source
//! <https://github.com/google/snappy/blob/main/format_description.txt>, through `snap`.

use snap::raw;

use crate::codec::CodecId;
use crate::error::{CompressError, Malformed, bad_stream, check_contents_len};

/// The tables, once they were needed.
#[derive(Default)]
pub(crate) struct Encoder {
    raw: Option<Box<raw::Encoder>>,
}

impl Encoder {
    /// `stored` has [`stored_len_bound`] bytes at least.
    pub(crate) fn compress(
        &mut self,
        contents: &[u8],
        stored: &mut [u8],
    ) -> Result<Option<usize>, CompressError> {
        let raw = self
            .raw
            .get_or_insert_with(|| Box::new(raw::Encoder::new()));
        let written = raw.compress(contents, stored);
        written.map(Some).map_err(|why| CompressError::Failed {
            codec: CodecId::Snappy,
            why: why.to_string().into(),
        })
    }
}

/// What the library wants to write to, which is more than it will write.
pub(crate) fn stored_len_bound(contents_len: usize) -> usize {
    raw::max_compress_len(contents_len)
}

/// The length is compared first: what is written never depends on one that only the bytes claim.
pub(crate) fn decompress(stored: &[u8], contents: &mut [u8]) -> Result<(), Malformed> {
    let rejected = |why: snap::Error| bad_stream(why.to_string());
    let claimed = raw::decompress_len(stored).map_err(rejected)?;
    check_contents_len(contents.len(), claimed)?;
    let written = raw::Decoder::new().decompress(stored, contents);
    check_contents_len(contents.len(), written.map_err(rejected)?)
}
