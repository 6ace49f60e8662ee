//! Which codec, how hard it works, and the bytes that name both.

mod name;

pub use self::name::NotACodec;

use std::fmt;
use std::ops::RangeInclusive;

use crate::error::{CompressError, Malformed, NotBuilt};

/// The longest contents.
pub const MAX_CONTENTS_BYTES: usize = 1 << 30;

/// Zstd's levels, from fast to dense. 1 to 3 are worth their time for pages; past 19 memory grows with the contents.
pub const ZSTD_LEVELS: RangeInclusive<u8> = 1..=22;

/// gzip's levels, from fast to dense.
pub const GZIP_LEVELS: RangeInclusive<u8> = 1..=9;

/// Length of an encoded [`Codec`].
pub const CODEC_BYTES: usize = 2;

/// How to compress.
///
/// Which one? `Lz4` for what is read often: it decompresses fastest, at over a gigabyte a second. `Zstd` at level 1 to 3
/// for half to three quarters of LZ4's size at a third of its speed. `Snappy` and `Gzip` where others read the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Store as it is.
    #[default]
    None,
    /// LZ4, one block. Feature `lz4`.
    Lz4,
    /// Snappy, its raw format. Feature `snappy`.
    Snappy,
    /// Zstd, one frame, at one of [`ZSTD_LEVELS`]. Feature `zstd`.
    Zstd(u8),
    /// gzip, one member, at one of [`GZIP_LEVELS`]. Feature `gzip`.
    Gzip(u8),
}

/// How contents were stored, as a byte. Numbers are never given anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum CodecId {
    /// As they are.
    None = 0,
    /// LZ4, one block.
    Lz4 = 1,
    /// Snappy, its raw format.
    Snappy = 2,
    /// Zstd, one frame.
    Zstd = 3,
    /// gzip, one member.
    Gzip = 4,
}

impl Codec {
    /// What names it beside the stored bytes.
    #[must_use]
    pub fn id(self) -> CodecId {
        match self {
            Codec::None => CodecId::None,
            Codec::Lz4 => CodecId::Lz4,
            Codec::Snappy => CodecId::Snappy,
            Codec::Zstd(_) => CodecId::Zstd,
            Codec::Gzip(_) => CodecId::Gzip,
        }
    }

    /// Whether this build can compress so: worth asking when options are read, before there is something to store.
    ///
    /// # Errors
    /// [`CompressError::NotBuilt`], [`CompressError::Level`].
    pub fn check(self) -> Result<(), CompressError> {
        let (codec, levels, level) = match self {
            Codec::Zstd(level) => (CodecId::Zstd, ZSTD_LEVELS, level),
            Codec::Gzip(level) => (CodecId::Gzip, GZIP_LEVELS, level),
            _ => return Ok(self.id().check_built()?),
        };
        if !levels.contains(&level) {
            return Err(CompressError::Level {
                codec,
                level,
                levels,
            });
        }
        Ok(codec.check_built()?)
    }

    /// How options are stored: the id, then the level, which is 0 for codecs without levels.
    #[must_use]
    pub fn encode(self) -> [u8; CODEC_BYTES] {
        let level = match self {
            Codec::Zstd(level) | Codec::Gzip(level) => level,
            Codec::None | Codec::Lz4 | Codec::Snappy => 0,
        };
        [self.id().byte(), level]
    }

    /// Reads what [`Codec::encode`] wrote. Total. Codecs that are not in this build decode as well.
    ///
    /// # Errors
    /// What breaks the format.
    pub fn decode([id, level]: [u8; CODEC_BYTES]) -> Result<Codec, Malformed> {
        let (codec, levels) = match CodecId::from_byte(id)? {
            CodecId::None => (Codec::None, 0..=0),
            CodecId::Lz4 => (Codec::Lz4, 0..=0),
            CodecId::Snappy => (Codec::Snappy, 0..=0),
            CodecId::Zstd => (Codec::Zstd(level), ZSTD_LEVELS),
            CodecId::Gzip => (Codec::Gzip(level), GZIP_LEVELS),
        };
        if !levels.contains(&level) {
            let expected = format!("{} to {}", levels.start(), levels.end());
            return Err(Malformed::new(
                "level of a codec",
                expected,
                level.to_string(),
            ));
        }
        Ok(codec)
    }
}

impl CodecId {
    const ALL: [CodecId; 5] = [
        CodecId::None,
        CodecId::Lz4,
        CodecId::Snappy,
        CodecId::Zstd,
        CodecId::Gzip,
    ];

    /// The stored byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        self as u8
    }

    /// The codec that a stored byte names. Total. Codecs that are not in this build are known as well.
    ///
    /// # Errors
    /// A number that no codec has, or that only later versions know.
    pub fn from_byte(byte: u8) -> Result<CodecId, Malformed> {
        let found = CodecId::ALL.into_iter().find(|id| id.byte() == byte);
        found.ok_or_else(|| Malformed::new("codec", "0 to 4", byte.to_string()))
    }

    /// Whether this build has it.
    ///
    /// # Errors
    /// The feature that brings it.
    pub fn check_built(self) -> Result<(), NotBuilt> {
        let (is_built, feature) = match self {
            CodecId::None => (true, ""),
            CodecId::Lz4 => (cfg!(feature = "lz4"), "lz4"),
            CodecId::Snappy => (cfg!(feature = "snappy"), "snappy"),
            CodecId::Zstd => (cfg!(feature = "zstd"), "zstd"),
            CodecId::Gzip => (cfg!(feature = "gzip"), "gzip"),
        };
        let codec = self;
        is_built.then_some(()).ok_or(NotBuilt { codec, feature })
    }

    /// The most bytes of contents for a byte stored, which the format itself sets. So no length is believed that would
    /// set aside memory out of proportion to what was read.
    pub(crate) fn expansion_max(self) -> usize {
        match self {
            CodecId::None => 1,
            CodecId::Lz4 => 255,              // a byte more of a match's length
            CodecId::Snappy => 22,            // a copy of 64 bytes in 3
            CodecId::Zstd => (128 << 10) / 4, // a block of one byte, repeated
            CodecId::Gzip => 1032,            // a match of 258 bytes in 2 bits
        }
    }
}

impl fmt::Display for CodecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CodecId::None => "none",
            CodecId::Lz4 => "LZ4",
            CodecId::Snappy => "Snappy",
            CodecId::Zstd => "Zstd",
            CodecId::Gzip => "gzip",
        })
    }
}

#[cfg(test)]
mod tests;
