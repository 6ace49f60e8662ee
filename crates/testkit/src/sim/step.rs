//! One change to a volume: what a trace is made of.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

/// Number of a file of a volume: stays the same when it is renamed, and through a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(pub(crate) usize);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file {}", self.0)
    }
}

/// How a sync failed, or lied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncFailure {
    /// Nothing was written, yet the cache keeps it as if it were.
    MarkedClean,
    /// As `MarkedClean`, and the next sync of the file reports it.
    Late,
    /// Nothing was written, and the cache goes back to what is durable.
    Reverted,
}

/// One change to a volume.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    CreateFolder {
        path: Arc<Path>,
    },
    Create {
        path: Arc<Path>,
        file: FileId,
    },
    Remove {
        path: Arc<Path>,
    },
    Rename {
        from: Arc<Path>,
        to: Arc<Path>,
    },
    SyncFolder {
        path: Arc<Path>,
    },
    Write {
        file: FileId,
        offset: u64,
        bytes: Bytes,
    },
    SetLen {
        file: FileId,
        len: u64,
    },
    Sync {
        file: FileId,
    },
    FailSync {
        file: FileId,
        how: SyncFailure,
    },
    /// The late error of a sync was reported.
    ReportSync {
        file: FileId,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::CreateFolder { path } => write!(f, "create folder {}", path.display()),
            Step::Create { path, file } => write!(f, "create {} as {file}", path.display()),
            Step::Remove { path } => write!(f, "remove {}", path.display()),
            Step::Rename { from, to } => write!(f, "rename {} to {}", from.display(), to.display()),
            Step::SyncFolder { path } => write!(f, "sync folder {}", path.display()),
            Step::Write {
                file,
                offset,
                bytes,
            } => {
                write!(f, "write {} bytes at {offset} of {file}", bytes.len())
            }
            Step::SetLen { file, len } => write!(f, "set length of {file} to {len}"),
            Step::Sync { file } => write!(f, "sync {file}"),
            Step::FailSync { file, how } => write!(f, "sync {file}, failing: {how:?}"),
            Step::ReportSync { file } => write!(f, "sync {file}, failing late"),
        }
    }
}
