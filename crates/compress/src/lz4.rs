//! LZ4: one block, as the LZ4 block format has it. The length of the contents is not in it.
//!
//! # Source
//! <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>, through `lz4_flex` without `unsafe`.

use lz4_flex::block::{self, CompressTable};

use crate::codec::CodecId;
use crate::error::{CompressError, Malformed, bad_stream, check_contents_len};

/// Up to here a table of 8 KiB will do, which is cleared sooner than one of 16.
const SMALL_CONTENTS_BYTES_MAX: usize = 0xFFFE;

/// The tables, once they were needed.
#[derive(Default)]
pub(crate) struct Encoder {
    small: Option<CompressTable>,
    large: Option<CompressTable>,
}

impl Encoder {
    /// `stored` has [`stored_len_bound`] bytes at least.
    pub(crate) fn compress(
        &mut self,
        contents: &[u8],
        stored: &mut [u8],
    ) -> Result<Option<usize>, CompressError> {
        let table = if contents.len() <= SMALL_CONTENTS_BYTES_MAX {
            self.small.get_or_insert_with(CompressTable::small)
        } else {
            self.large.get_or_insert_with(CompressTable::large)
        };
        let written = block::compress_into_with_table(contents, stored, table);
        written.map(Some).map_err(|why| CompressError::Failed {
            codec: CodecId::Lz4,
            why: why.to_string().into(),
        })
    }
}

/// What the library wants to write to, which is more than it will write.
pub(crate) fn stored_len_bound(contents_len: usize) -> usize {
    block::get_maximum_output_size(contents_len)
}

pub(crate) fn decompress(stored: &[u8], contents: &mut [u8]) -> Result<(), Malformed> {
    let written = block::decompress_into(stored, contents);
    let written = written.map_err(|why| bad_stream(why.to_string()))?;
    check_contents_len(contents.len(), written)
}
