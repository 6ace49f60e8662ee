//! Where the files of the log go before they are used again.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::Env;
use drystone_wal::{Archive, FolderArchive};

use crate::error::{Error, Result};

/// Where closed files of the log go before they are used again: see [`Options::log_archive`](crate::Options::log_archive).
#[derive(Clone)]
pub struct LogArchive(To);

#[derive(Clone)]
enum To {
    Folder(PathBuf),
    Custom(Arc<dyn Archive>),
}

impl LogArchive {
    /// A folder, best on another disk. It is created where it is missing.
    #[must_use]
    pub fn folder(path: impl Into<PathBuf>) -> LogArchive {
        LogArchive(To::Folder(path.into()))
    }

    /// An archive of the application's own: one that sends files elsewhere, say. It is called by a thread of the database, or
    /// by [`Database::step`](crate::Database::step), with one file at a time; and dropped when the database is closed, so it
    /// must not own a handle of that.
    #[must_use]
    pub fn custom(archive: Arc<dyn Archive>) -> LogArchive {
        LogArchive(To::Custom(archive))
    }

    pub(crate) fn open(&self, env: &Env) -> Result<Arc<dyn Archive>> {
        match &self.0 {
            To::Folder(path) => match FolderArchive::new(env, path) {
                Ok(archive) => Ok(Arc::new(archive)),
                Err(source) => Err(Error::io("create", path, source)),
            },
            To::Custom(archive) => Ok(Arc::clone(archive)),
        }
    }
}

impl From<&Path> for LogArchive {
    fn from(path: &Path) -> LogArchive {
        LogArchive::folder(path)
    }
}

impl From<&str> for LogArchive {
    fn from(path: &str) -> LogArchive {
        LogArchive::folder(path)
    }
}

impl From<PathBuf> for LogArchive {
    fn from(path: PathBuf) -> LogArchive {
        LogArchive::folder(path)
    }
}

/// The same folder, or the very same archive.
impl PartialEq for LogArchive {
    fn eq(&self, other: &LogArchive) -> bool {
        match (&self.0, &other.0) {
            (To::Folder(one), To::Folder(other)) => one == other,
            (To::Custom(one), To::Custom(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for LogArchive {}

impl fmt::Debug for LogArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("LogArchive");
        match &self.0 {
            To::Folder(path) => tuple.field(path),
            To::Custom(archive) => tuple.field(archive),
        };
        tuple.finish()
    }
}
