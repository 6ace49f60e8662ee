//! One change to a volume: what a trace is made of.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::image::Image;
use super::trace_hash::TraceHash;

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
    /// As `MarkedClean`, after a part was written that this seed draws.
    Partly { seed: u64 },
}

/// A change of the medium itself, that nobody asked for.
#[derive(Clone, Debug)]
pub(crate) enum MediumChange {
    Overwrite { offset: u64, bytes: Bytes },
    Truncate { len: u64 },
    Replace { by: Image },
}

impl MediumChange {
    pub(crate) fn apply(&self, image: &mut Image) {
        match self {
            MediumChange::Overwrite { offset, bytes } => image.write_at(bytes, *offset),
            MediumChange::Truncate { len } => image.set_len(image.len().min(*len)),
            MediumChange::Replace { by } => *image = by.clone(),
        }
    }
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
    /// A write that reads see, and the medium gets elsewhere, or nowhere.
    DivertWrite {
        file: FileId,
        offset: u64,
        bytes: Bytes,
        lands: Option<u64>,
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
    /// The medium changed by itself.
    Damage {
        file: FileId,
        change: MediumChange,
    },
    /// The clean pages of all files left the cache.
    DropCache,
}

impl Step {
    /// Adds all of it, bytes included.
    pub(crate) fn hash_into(&self, hash: &mut TraceHash) {
        hash.bytes(self.to_string().as_bytes());
        match self {
            Step::Write { bytes, .. }
            | Step::DivertWrite { bytes, .. }
            | Step::Damage {
                change: MediumChange::Overwrite { bytes, .. },
                ..
            } => hash.bytes(bytes),
            Step::Damage {
                change: MediumChange::Replace { by },
                ..
            } => hash.bytes(&by.to_vec()),
            _ => {}
        }
    }
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
            Step::DivertWrite {
                file,
                offset,
                bytes,
                lands,
            } => {
                let count = bytes.len();
                write!(
                    f,
                    "write {count} bytes at {offset} of {file}, landing at {lands:?}"
                )
            }
            Step::SetLen { file, len } => write!(f, "set length of {file} to {len}"),
            Step::Sync { file } => write!(f, "sync {file}"),
            Step::FailSync { file, how } => write!(f, "sync {file}, failing: {how:?}"),
            Step::ReportSync { file } => write!(f, "sync {file}, failing late"),
            Step::Damage { file, change } => write!(f, "damage to {file}: {change}"),
            Step::DropCache => f.write_str("clean pages leave the cache"),
        }
    }
}

impl fmt::Display for MediumChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MediumChange::Overwrite { offset, bytes } => {
                write!(f, "{} bytes at {offset} are others", bytes.len())
            }
            MediumChange::Truncate { len } => write!(f, "it ends at {len}"),
            MediumChange::Replace { by } => write!(f, "it is another {} bytes", by.len()),
        }
    }
}
