//! One fault, and the disk that it left.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use drystone_testkit::{Astray, Happened, Hazard, MayBreak, Replay, SimFileSystem, Trace};

use crate::plan::Plan;
use crate::run::Recorded;

/// A damaged disk, and what may come of it.
pub(super) struct Strike<'p> {
    pub(super) plan: &'p Plan,
    pub(super) recorded: &'p Recorded,
    pub(super) disk: SimFileSystem,
    /// How many operations of the recording it has seen.
    pub(super) at: usize,
    pub(super) mark: Mark,
    pub(super) happened: Vec<Happened>,
    pub(super) may_break: MayBreak,
    /// The oldest state that it may show without a word, where nothing vouches for the write of the log that was struck.
    pub(super) tolerated: Option<usize>,
}

/// The first byte that is not as it would be without the fault.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) path: PathBuf,
    pub(super) offset: u64,
}

impl Mark {
    /// Something that happened to this byte.
    pub(super) fn happened(&self, hazard: Hazard, what: String) -> Happened {
        happened(hazard, &self.path, self.offset..self.offset + 1, what)
    }

    /// What is there; nothing where the file is gone or ends before it.
    pub(super) fn byte(&self, disk: &SimFileSystem) -> Option<u8> {
        let mut byte = [0];
        let count = disk.image(&self.path).ok()?.read_at(&mut byte, self.offset);
        (count == 1).then_some(byte[0])
    }
}

impl fmt::Display for Strike<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for happened in &self.happened {
            writeln!(f, "damage {happened}, bytes {:?}", happened.bytes)?;
        }
        let Mark { path, offset } = &self.mark;
        writeln!(f, "it shows in {} at {offset}", path.display())?;
        writeln!(f, "{}", self.may_break)?;
        write!(f, "{}", self.recorded.trace.describe(self.at, 12))
    }
}

/// The files that damage can be done to, and their lengths. Nobody reads the lock's.
pub(super) fn files_of(disk: &SimFileSystem) -> Vec<(PathBuf, u64)> {
    let files = disk.files().into_iter();
    let lens = files.filter_map(|path| {
        let len = disk.image(&path).ok()?.len();
        Some((path, len))
    });
    lens.filter(|(path, len)| *len > 0 && !path.ends_with("LOCK"))
        .collect()
}

/// The writes of a recording that can go astray, by position.
pub(super) fn writes_of(trace: &Trace) -> Vec<usize> {
    let mut replay = trace.replay();
    let mut writes = Vec::new();
    loop {
        let write = replay.next_write();
        if write.is_some_and(|write| !write.path.ends_with("LOCK")) {
            writes.push(replay.at());
        }
        if !replay.advance() {
            return writes;
        }
    }
}

/// Has the next write go astray: what happened, where it is missing and where it landed. `None` where no write comes next.
pub(super) fn go_astray(
    replay: &mut Replay<'_>,
    astray: Astray,
    hazard: Hazard,
) -> Option<Vec<Happened>> {
    let at = replay.at();
    let write = replay.next_write()?;
    let landed = replay.advance_astray(astray)?;
    let what = format!("write {at} of the recording is {astray:?}");
    let places = [write.bytes, landed].into_iter();
    let places = places.filter(|bytes| !bytes.is_empty());
    Some(
        places
            .map(|bytes| happened(hazard, &write.path, bytes, what.clone()))
            .collect(),
    )
}

fn happened(hazard: Hazard, path: &Path, bytes: Range<u64>, what: String) -> Happened {
    Happened {
        item: None,
        operation: 0,
        hazard,
        path: path.to_owned(),
        bytes,
        what,
    }
}

/// Where a disk begins to differ from its twin without the fault.
pub(super) fn mark_between(disk: &SimFileSystem, twin: &SimFileSystem) -> Option<Mark> {
    disk.files().into_iter().find_map(|path| {
        let (image, other) = (disk.image(&path).ok()?, twin.image(&path).ok()?);
        let offset = image.first_difference(&other)?;
        Some(Mark { path, offset })
    })
}
