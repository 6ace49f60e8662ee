//! Errors, with the place they belong to.

use std::io;
use std::path::Path;

use drystone_compress::{CompressError, DecompressError};
use drystone_engine::{EngineError, Malformed};

/// The storage refused.
pub(crate) fn io_error(
    op: &'static str,
    path: &Path,
    offset: u64,
    source: io::Error,
) -> EngineError {
    EngineError::Io {
        op,
        path: path.to_owned(),
        offset,
        source,
    }
}

/// The storage refused where only a reopen can tell what is on the medium.
pub(crate) fn failed(op: &'static str, path: &Path, offset: u64, source: io::Error) -> EngineError {
    EngineError::Failed {
        op,
        path: path.to_owned(),
        offset,
        source,
    }
}

/// Bytes break the format.
pub(crate) fn corrupt(path: &Path, offset: u64, why: Malformed) -> EngineError {
    EngineError::Corrupt {
        path: path.to_owned(),
        offset,
        why,
    }
}

/// A checksum that does not agree.
pub(crate) fn bad_checksum(expected: u64, found: u64) -> Malformed {
    let hex = |number| format!("{number:#018x}");
    Malformed::new("checksum", hex(expected), hex(found))
}

/// Bytes that end before what they should hold.
#[cold]
pub(crate) fn cut(what: &'static str) -> Malformed {
    Malformed::new(what, "a whole one", "the end of the bytes")
}

/// A block that cannot be compressed so.
pub(crate) fn not_compressed(path: &Path, offset: u64, why: CompressError) -> EngineError {
    let kind = match why {
        CompressError::NotBuilt(_) => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::InvalidInput,
    };
    io_error("compress", path, offset, io::Error::new(kind, why))
}

/// A block that cannot be decompressed.
pub(crate) fn not_decompressed(path: &Path, offset: u64, why: DecompressError) -> EngineError {
    match why {
        DecompressError::Malformed { why, .. } => corrupt(path, offset, why),
        DecompressError::NotBuilt(why) => {
            let source = io::Error::new(io::ErrorKind::Unsupported, why);
            io_error("read", path, offset, source)
        }
        other => io_error("read", path, offset, io::Error::other(other)),
    }
}
