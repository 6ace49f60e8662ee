//! What can go wrong with a codec.

pub use drystone_base::Malformed;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::codec::CodecId;
#[cfg(feature = "zstd")]
use crate::dictionary::DictionaryId;

/// Nothing was compressed. Contents can always be stored as they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// Build with the feature that it names.
    #[error(transparent)]
    NotBuilt(#[from] NotBuilt),
    /// No such level.
    #[error("{codec} at level {level}; its levels are {} to {}", levels.start(), levels.end())]
    Level {
        /// The codec.
        codec: CodecId,
        /// The level asked for.
        level: u8,
        /// Those that there are.
        levels: RangeInclusive<u8>,
    },
    /// Contents of more than [`MAX_CONTENTS_BYTES`](crate::MAX_CONTENTS_BYTES).
    #[error("contents of {len} bytes; the limit is {max}")]
    TooLong {
        /// Their length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The codec's library gave up: it was refused memory.
    #[error("{codec} failed: {why}")]
    Failed {
        /// The codec.
        codec: CodecId,
        /// What the library said.
        why: Cow<'static, str>,
    },
}

/// Nothing was decompressed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecompressError {
    /// Build with the feature that it names.
    #[error(transparent)]
    NotBuilt(#[from] NotBuilt),
    /// The bytes are not what this codec stores for contents of the length expected.
    #[error("damaged {codec}")]
    Malformed {
        /// The codec.
        codec: CodecId,
        /// What is wrong.
        #[source]
        why: Malformed,
    },
    /// Add the dictionary with [`Decompressor::add`](crate::Decompressor::add).
    #[cfg(feature = "zstd")]
    #[error("compressed with the dictionary {id}, which was not given")]
    UnknownDictionary {
        /// The dictionary.
        id: DictionaryId,
    },
    /// The codec's library gave up: it was refused memory.
    #[error("{codec} failed: {why}")]
    Failed {
        /// The codec.
        codec: CodecId,
        /// What the library said.
        why: Cow<'static, str>,
    },
}

/// This build lacks a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codec} is not in this build: it comes with the feature `{feature}`")]
pub struct NotBuilt {
    /// The codec.
    pub codec: CodecId,
    /// The feature of this crate that brings it; crates above pass it on under the same name.
    pub feature: &'static str,
}

/// A stream that its decoder rejects.
#[cfg(any(
    feature = "lz4",
    feature = "snappy",
    feature = "zstd",
    feature = "gzip"
))]
pub(crate) fn bad_stream(found: impl Into<Cow<'static, str>>) -> Malformed {
    Malformed::new("stream", "one that decodes", found)
}

/// `Ok` where contents have the length that was expected.
pub(crate) fn check_contents_len(expected: usize, found: usize) -> Result<(), Malformed> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(Malformed::new("length of the contents", expected, found))
}
