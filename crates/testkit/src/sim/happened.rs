//! What went wrong on a disk, as it went wrong.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use super::hazard::Hazard;

/// One thing that went wrong on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The item of the plan that it came from; `None` when it was ordered by hand.
    pub item: Option<usize>,
    /// How many operations there had been.
    pub operation: u64,
    /// Its class.
    pub hazard: Hazard,
    /// The file or folder; empty for what concerns the disk as a whole.
    pub path: PathBuf,
    /// The bytes of the file, as far as it is limited to some.
    pub bytes: Range<u64>,
    /// What happened, in words.
    pub what: String,
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} operations: {}", self.operation, self.what)?;
        if !self.path.as_os_str().is_empty() {
            write!(f, " ({})", self.path.display())?;
        }
        Ok(())
    }
}
