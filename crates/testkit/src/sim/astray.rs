//! Writes of a recorded history that go astray in a replay of it.
//!
//! The recorded work goes on as it did: what it wrote is read from the cache, and the medium has something else. So this
//! is damage that is found after the fact, at the latest when a crash or a restart takes the cache away.

use std::ops::Range;
use std::path::PathBuf;

use super::step::{FileId, Step};
use super::trace::Replay;

/// What becomes of a write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Astray {
    /// It never reaches the medium.
    Lost,
    /// It lands so many bytes off, at the beginning of the file at the earliest.
    Misdirected {
        /// Negative for further to the front.
        by: i64,
    },
}

/// A write that a replay comes to next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextWrite {
    /// The file, by the name that it has at this point.
    pub path: PathBuf,
    /// The bytes of the file that are written.
    pub bytes: Range<u64>,
}

impl Replay<'_> {
    /// The write that comes next; `None` where something else does, or the file has no name.
    #[must_use]
    pub fn next_write(&self) -> Option<NextWrite> {
        match self.next_step()? {
            step @ Step::Write { file, .. } => Some(NextWrite {
                path: self.name_of(*file)?,
                bytes: step.bytes(),
            }),
            _ => None,
        }
    }

    /// Replays the write that comes next, and has it go astray on the medium. The bytes of the file that it overwrites
    /// there; `None`, and nothing is done, where no write comes next.
    pub fn advance_astray(&mut self, astray: Astray) -> Option<Range<u64>> {
        let by = match astray {
            Astray::Lost => None,
            Astray::Misdirected { by } => Some(by),
        };
        let step = self.next_step()?.clone();
        let len = step.written() as u64;
        let step = step.landing(by)?;
        let lands = match &step {
            Step::DivertWrite {
                lands: Some(start), ..
            } => *start..start + len,
            _ => 0..0,
        };
        self.pass(&step);
        Some(lands)
    }

    /// The file whose sync comes next; `None` where something else does, or the file has no name.
    #[must_use]
    pub fn next_sync(&self) -> Option<PathBuf> {
        match self.next_step()? {
            Step::Sync { file } => self.name_of(*file),
            _ => None,
        }
    }

    fn name_of(&self, file: FileId) -> Option<PathBuf> {
        let mut files = self.volume().names.files();
        let (path, _) = files.find(|(_, named)| *named == file)?;
        Some(path.to_path_buf())
    }
}

#[cfg(test)]
mod tests;
