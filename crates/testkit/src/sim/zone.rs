//! A part of a disk: some files, or some bytes of them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file or folder, as a whole or some bytes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    under: PathBuf,
    bytes: Range<u64>,
}

impl Zone {
    /// This path, and all inside it.
    pub fn under(path: impl Into<PathBuf>) -> Zone {
        Zone {
            under: path.into(),
            bytes: 0..u64::MAX,
        }
    }

    /// Of each file only these bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: Range<u64>) -> Zone {
        self.bytes = bytes;
        self
    }

    /// Whether these bytes of a file are in it, all of them.
    #[must_use]
    pub fn contains(&self, path: &Path, bytes: &Range<u64>) -> bool {
        path.starts_with(&self.under)
            && self.bytes.start <= bytes.start
            && bytes.end <= self.bytes.end
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.under
    }

    /// The bytes of each file.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.bytes.clone()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.under.display())?;
        if self.bytes != (0..u64::MAX) {
            write!(f, " bytes {}..{}", self.bytes.start, self.bytes.end)?;
        }
        Ok(())
    }
}
