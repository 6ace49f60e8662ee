//! Codecs as text, for command lines, SQL and settings: `none`, `lz4`, `snappy`, `zstd:3`, `gzip:6`.

use std::fmt;
use std::str::FromStr;

use super::{Codec, GZIP_LEVELS, ZSTD_LEVELS};

/// The level of Zstd where none is said: its library's own default.
const ZSTD_LEVEL: u8 = 3;
/// And of gzip.
const GZIP_LEVEL: u8 = 6;

/// A text that names no codec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no codec; there are none, lz4, snappy, zstd or zstd:LEVEL ({} to {}), gzip or gzip:LEVEL ({} to {})",
    ZSTD_LEVELS.start(), ZSTD_LEVELS.end(), GZIP_LEVELS.start(), GZIP_LEVELS.end()
)]
pub struct NotACodec {
    /// The text.
    pub text: String,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Codec::None => f.write_str("none"),
            Codec::Lz4 => f.write_str("lz4"),
            Codec::Snappy => f.write_str("snappy"),
            Codec::Zstd(level) => write!(f, "zstd:{level}"),
            Codec::Gzip(level) => write!(f, "gzip:{level}"),
        }
    }
}

/// Reads what its `Display` writes, in any case; `zstd` and `gzip` without a level have their libraries' own.
impl FromStr for Codec {
    type Err = NotACodec;

    fn from_str(text: &str) -> Result<Codec, NotACodec> {
        let lower = text.trim().to_ascii_lowercase();
        let (name, level) = match lower.split_once(':') {
            Some((name, level)) => (name, Some(level)),
            None => (lower.as_str(), None),
        };
        let level_or = |default: u8| level.map_or(Some(default), |level| level.parse().ok());
        let codec = match (name, level) {
            ("none", None) => Some(Codec::None),
            ("lz4", None) => Some(Codec::Lz4),
            ("snappy", None) => Some(Codec::Snappy),
            ("zstd", _) => level_or(ZSTD_LEVEL)
                .filter(|level| ZSTD_LEVELS.contains(level))
                .map(Codec::Zstd),
            ("gzip", _) => level_or(GZIP_LEVEL)
                .filter(|level| GZIP_LEVELS.contains(level))
                .map(Codec::Gzip),
            _ => None,
        };
        codec.ok_or_else(|| NotACodec {
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_codec_reads_back_from_its_text() {
        let levels = ZSTD_LEVELS
            .map(Codec::Zstd)
            .chain(GZIP_LEVELS.map(Codec::Gzip));
        for codec in levels.chain([Codec::None, Codec::Lz4, Codec::Snappy]) {
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        for (text, codec) in [
            ("LZ4", Codec::Lz4),
            (" zstd ", Codec::Zstd(3)),
            ("Gzip", Codec::Gzip(6)),
            ("ZSTD:22", Codec::Zstd(22)),
        ] {
            assert_eq!(text.parse(), Ok(codec));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "lz5", "lz4:1", "none:0", "zstd:", "zstd:0", "zstd:23", "zstd:-1", "gzip:10",
            "zstd:3:4",
        ] {
            let error = text.parse::<Codec>().unwrap_err();
            assert!(
                error.to_string().contains("zstd:LEVEL (1 to 22)"),
                "{error}"
            );
        }
    }
}
