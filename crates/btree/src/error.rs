//! Errors of the pager, as an engine's.

use std::io;

use drystone_engine::{EngineError, Malformed};
use drystone_storage_pager::PagerError;

/// What the pager says, in the words of the boundary.
pub(crate) fn from_pager(error: PagerError) -> EngineError {
    match error {
        PagerError::Io {
            op,
            path,
            offset,
            source,
        } => EngineError::Io {
            op,
            path,
            offset,
            source,
        },
        PagerError::Corrupt { path, offset, why } => EngineError::Corrupt { path, offset, why },
        PagerError::LostSuperblock {
            path,
            generation,
            lsn,
        } => EngineError::Corrupt {
            path,
            offset: 0,
            why: Malformed::new(
                "superblock",
                "one sound copy",
                format!("none; the other one is at generation {generation}, {lsn}"),
            ),
        },
        PagerError::UnknownCodec {
            path,
            offset,
            codec,
        } => EngineError::Corrupt {
            path,
            offset,
            why: Malformed::new(
                "codec of a page",
                "one that this build has",
                codec.to_string(),
            ),
        },
        PagerError::CodecNotBuilt { path, offset, why } => EngineError::Io {
            op: "read",
            path,
            offset,
            source: io::Error::new(io::ErrorKind::Unsupported, why),
        },
        PagerError::UnsupportedVersion {
            path,
            found,
            supported,
        } => EngineError::UnsupportedVersion {
            path,
            found,
            supported,
        },
        PagerError::LsnBackwards { lsn, newest } => EngineError::Stale {
            upto: lsn,
            merged: newest,
        },
        PagerError::Failed {
            op,
            path,
            offset,
            source,
        } => EngineError::Failed {
            op,
            path,
            offset,
            source,
        },
        PagerError::Poisoned { path } => EngineError::Poisoned { path },
        PagerError::Busy { path } => EngineError::Io {
            op: "begin a write",
            path,
            offset: 0,
            source: io::ErrorKind::ResourceBusy.into(),
        },
        other => EngineError::Io {
            op: "use",
            path: std::path::PathBuf::new(),
            offset: 0,
            source: io::Error::other(other),
        },
    }
}
