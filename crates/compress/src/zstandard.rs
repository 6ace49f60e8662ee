//! Zstd: one frame, which holds the length of the contents, and the id of the dictionary where there is one.
//!
//! The library is asked in one call for all contents, straight from one slice to another: it keeps no window then, and
//! its memory does not depend on what a frame claims.
//!
//! # Source
//! RFC 8878, through `zstd`, which builds the reference implementation in C.

use std::collections::BTreeMap;
use std::sync::Arc;

use zstd::zstd_safe::{self, CCtx, DCtx, zstd_sys};

use crate::codec::CodecId;
use crate::dictionary::{Dictionary, DictionaryId};
use crate::error::{CompressError, DecompressError, Malformed, bad_stream, check_contents_len};

/// How the library says that the output does not fit.
const DOES_NOT_FIT: usize =
    (zstd_sys::ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall as usize).wrapping_neg();

const NO_MEMORY: &str = "no memory for its state";

/// The state, once it was needed.
#[derive(Default)]
pub(crate) struct Encoder {
    context: Option<CCtx<'static>>,
}

impl Encoder {
    /// `None`: `stored` is too short.
    pub(crate) fn compress(
        &mut self,
        level: u8,
        contents: &[u8],
        stored: &mut [u8],
    ) -> Result<Option<usize>, CompressError> {
        let context = self.context()?;
        fitting(context.compress(stored, contents, i32::from(level)))
    }

    /// `None`: `stored` is too short.
    pub(crate) fn compress_with(
        &mut self,
        dictionary: &Dictionary,
        contents: &[u8],
        stored: &mut [u8],
    ) -> Result<Option<usize>, CompressError> {
        let context = self.context()?;
        fitting(context.compress_using_cdict(stored, contents, dictionary.encoder()))
    }

    fn context(&mut self) -> Result<&mut CCtx<'static>, CompressError> {
        if self.context.is_none() {
            self.context = CCtx::try_create();
        }
        self.context.as_mut().ok_or(CompressError::Failed {
            codec: CodecId::Zstd,
            why: NO_MEMORY.into(),
        })
    }
}

fn fitting(written: Result<usize, usize>) -> Result<Option<usize>, CompressError> {
    match written {
        Ok(len) => Ok(Some(len)),
        Err(DOES_NOT_FIT) => Ok(None),
        Err(code) => Err(CompressError::Failed {
            codec: CodecId::Zstd,
            why: zstd_safe::get_error_name(code).into(),
        }),
    }
}

/// The state, once it was needed, and the dictionaries.
#[derive(Default)]
pub(crate) struct Decoder {
    context: Option<DCtx<'static>>,
    dictionaries: BTreeMap<DictionaryId, Arc<Dictionary>>,
}

impl Decoder {
    pub(crate) fn add(&mut self, dictionary: Arc<Dictionary>) {
        self.dictionaries.insert(dictionary.id(), dictionary);
    }

    pub(crate) fn decompress(
        &mut self,
        stored: &[u8],
        contents: &mut [u8],
    ) -> Result<(), DecompressError> {
        check_frame(stored, contents.len()).map_err(damaged)?;
        if self.context.is_none() {
            self.context = DCtx::try_create();
        }
        let context = self.context.as_mut().ok_or(DecompressError::Failed {
            codec: CodecId::Zstd,
            why: NO_MEMORY.into(),
        })?;
        let written = match DictionaryId::of_frame(stored) {
            None => context.decompress(contents, stored),
            Some(id) => {
                let dictionary = self.dictionaries.get(&id);
                let dictionary = dictionary.ok_or(DecompressError::UnknownDictionary { id })?;
                context.decompress_using_ddict(contents, stored, dictionary.decoder())
            }
        };
        let rejected = |code| damaged(bad_stream(zstd_safe::get_error_name(code)));
        check_contents_len(contents.len(), written.map_err(rejected)?).map_err(damaged)
    }
}

/// One frame and nothing behind it, of contents of the length expected. The library would take several, and others
/// that it skips.
fn check_frame(stored: &[u8], contents_len: usize) -> Result<(), Malformed> {
    let rejected = |code| bad_stream(zstd_safe::get_error_name(code));
    let frame_len = zstd_safe::find_frame_compressed_size(stored).map_err(rejected)?;
    if frame_len != stored.len() {
        let (expected, found) = (stored.len().to_string(), frame_len.to_string());
        return Err(Malformed::new("length of a Zstd frame", expected, found));
    }
    let claimed = zstd_safe::get_frame_content_size(stored);
    let claimed = claimed.map_err(|why| bad_stream(why.to_string()))?;
    match claimed {
        Some(len) => check_contents_len(contents_len, usize::try_from(len).unwrap_or(usize::MAX)),
        None => Err(Malformed::new("length in a Zstd frame", "one", "none")),
    }
}

fn damaged(why: Malformed) -> DecompressError {
    DecompressError::Malformed {
        codec: CodecId::Zstd,
        why,
    }
}
