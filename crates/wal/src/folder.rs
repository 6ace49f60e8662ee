//! The folder of a log: which files are in it, and how one becomes another.
//!
//! ```text
//!              create_spare              activate               retire
//!   (nothing) --------------> M.spare --------------> N.log ---------------> M.spare | (nothing)
//!        \--> M.new --fill, sync--/      header, sync, rename, sync folder
//!
//!                            replace
//!              M.spare ------------------> N.log, in the place of the one before
//!                    copy, sync, rename
//!
//!            name_repaired        take_repaired             set_aside
//!      M.new -------------> N.repaired -----------> N.log ----------> N.damaged          (a repair)
//! ```
//!
//! # Invariants
//! - D1. A `.log` file has a whole, durable header: it got its name after its header was synced.
//! - D2. When a `.log` file exists, every record before its first LSN is durable: the segment before was synced first.
//! - D3. No header is written into a file whose name is, on the medium, still that of an older segment: the folder is
//!   synced between retiring and reusing a file.
//! - D4. Spares are numbered by themselves; no number is used twice while the log is open.
//! - D5. A `.spare` file is written from end to end and synced. What is in it does not matter.
//! - D6. A `.repaired` file is whole and durable. Where there is no segment of its number, it is that segment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::{Env, Lsn, OpenMode};

use crate::error::WalError;
use crate::segment::format::{SegmentHeader, encode};
use crate::segment::{LogFile, Segment, SegmentId, Spare};

const SEGMENT_SUFFIX: &str = ".log";
const SPARE_SUFFIX: &str = ".spare";
const NEW_SUFFIX: &str = ".new";
const ASIDE_SUFFIX: &str = ".damaged";
const REPAIRED_SUFFIX: &str = ".repaired";
/// How much of a new file is filled at once.
const FILL_BYTES: u64 = 1 << 20;

const WRITING_NOTE: &str = "writing";
const POISON_NOTE: &str = "poisoned";

/// The folder, and the outside world through which it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    env: Env,
    dir: PathBuf,
}

/// What is in a folder, by the names.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Ascending.
    pub(crate) segments: Vec<SegmentId>,
    pub(crate) spares: Vec<PathBuf>,
    /// What a repair that was cut short made of segments.
    pub(crate) repaired: Vec<SegmentId>,
    /// Left by a crash while they were filled.
    pub(crate) unfinished: Vec<PathBuf>,
    /// Whether a writer was at work, and neither left a marker behind it nor was anything recovered since.
    pub(crate) is_being_written: bool,
    /// Whether a write or sync failed, and nothing was recovered since.
    pub(crate) is_poisoned: bool,
    /// Above every number of a spare, finished or not.
    pub(crate) next_spare: u64,
}

impl Folder {
    /// Opens the folder, creating it when it is missing. Its name is durable then.
    pub(crate) fn open(env: &Env, dir: &Path) -> Result<Folder, WalError> {
        let created = env.files.create_dir_durable(dir);
        created.map_err(|source| at(dir, "create", source))?;
        Ok(Folder {
            env: env.clone(),
            dir: dir.to_owned(),
        })
    }

    /// Whether `dir` is there and holds a segment, or what a repair made of one.
    pub(crate) fn has_segments(env: &Env, dir: &Path) -> Result<bool, WalError> {
        let found = env.files.exists(dir);
        if !found.map_err(|source| at(dir, "look for", source))? {
            return Ok(false);
        }
        let folder = Folder {
            env: env.clone(),
            dir: dir.to_owned(),
        };
        let listing = folder.list()?;
        Ok(!listing.segments.is_empty() || !listing.repaired.is_empty())
    }

    /// Lists what is there. Files with other names are left alone.
    pub(crate) fn list(&self) -> Result<Listing, WalError> {
        let names = self.env.files.list_dir(&self.dir);
        let mut listing = Listing::default();
        for name in names.map_err(|source| at(&self.dir, "list", source))? {
            listing.is_being_written |= name == WRITING_NOTE;
            listing.is_poisoned |= name == POISON_NOTE;
            let Some((stem, number)) = parse_stem(&name) else {
                continue;
            };
            match &name[stem.len()..] {
                SEGMENT_SUFFIX => {
                    listing.segments.push(SegmentId(number));
                    continue;
                }
                REPAIRED_SUFFIX => {
                    listing.repaired.push(SegmentId(number));
                    continue;
                }
                SPARE_SUFFIX => listing.spares.push(self.dir.join(&name)),
                NEW_SUFFIX => listing.unfinished.push(self.dir.join(&name)),
                _ => continue,
            }
            listing.next_spare = listing.next_spare.max(number.saturating_add(1));
        }
        listing.segments.sort_unstable();
        Ok(listing)
    }

    /// Opens the file of segment `number`, without a look into it.
    pub(crate) fn open_segment_file(&self, number: SegmentId) -> Result<LogFile, WalError> {
        self.open_file(self.path(number.0, SEGMENT_SUFFIX), OpenMode::ReadWrite)
    }

    /// Takes a `.spare` file found in the folder.
    pub(crate) fn open_spare(&self, path: &Path) -> Result<Spare, WalError> {
        let file = self.open_file(path.to_owned(), OpenMode::ReadWrite)?;
        let capacity = file.len()?;
        Ok(Spare { file, capacity })
    }

    /// Writes zeros into a new file and makes it and its name durable.
    ///
    /// After an error nothing of it is left, or a `.new` file that the next open removes.
    pub(crate) fn create_spare(&self, number: u64, capacity: u64) -> Result<Spare, WalError> {
        let unfinished = self.path(number, NEW_SUFFIX);
        let mut file = self.open_file(unfinished.clone(), OpenMode::CreateNew)?;
        let named = fill(&file, capacity).and_then(|()| {
            let path = self.path(number, SPARE_SUFFIX);
            self.rename(&unfinished, &path)?;
            Ok(path)
        });
        match named {
            Ok(path) => file.path = path,
            Err(error) => {
                drop(file);
                // The first error is the one to report. A file that cannot be removed now is removed by the next open.
                let _removed = self.remove(&unfinished);
                return Err(error);
            }
        }
        self.sync()?;
        Ok(Spare { file, capacity })
    }

    /// Turns a spare file into the segment `number`. When this returns, the segment is there after any crash.
    pub(crate) fn activate(
        &self,
        spare: Spare,
        number: SegmentId,
        first_lsn: Lsn,
    ) -> Result<Segment, WalError> {
        let header = SegmentHeader {
            number,
            epoch: if is_planted("wal-recycled-records-accepted") {
                0
            } else {
                self.draw_epoch()
            },
            first_lsn,
            capacity: spare.capacity,
        };
        let mut file = spare.file;
        file.write_all_at(&encode(&header), 0)?;
        if !is_planted("wal-header-unsynced") {
            file.sync()?;
        }
        let path = self.path(number.0, SEGMENT_SUFFIX);
        self.rename(&file.path, &path)?;
        if !is_planted("wal-segment-name-unsynced") {
            self.sync()?;
        }
        file.path = path;
        Ok(Segment { header, file })
    }

    /// Puts a durable copy of a segment in the place of its file: its records up to `end`, zeros behind them, and its
    /// marker. The name is durable after [`Folder::sync`].
    ///
    /// The file itself is not written: what is durable in it is in no danger, whenever power goes.
    pub(crate) fn replace(
        &self,
        segment: &Segment,
        end: u64,
        spare: Spare,
    ) -> Result<Segment, WalError> {
        let mut file = spare.file;
        file.copy_from(&segment.file, 0..end)?;
        file.write_zeros(end..segment.records_end())?;
        file.copy_from(&segment.file, segment.records_end()..segment.capacity())?;
        if !is_planted("wal-recovered-tail-unsynced") {
            file.sync()?;
        }
        self.rename(&file.path, &segment.file.path)?;
        file.path.clone_from(&segment.file.path);
        Ok(Segment {
            header: segment.header,
            file,
        })
    }

    /// Gives the file of a segment another name, so that it is none of the log's any more. Durable after [`Folder::sync`].
    pub(crate) fn set_aside(&self, number: SegmentId) -> Result<PathBuf, WalError> {
        let aside = self.aside_path(number)?;
        self.rename(&self.path(number.0, SEGMENT_SUFFIX), &aside)?;
        Ok(aside)
    }

    /// A new file, which the next open removes if it gets no other name.
    pub(crate) fn begin_file(&self, spare: u64) -> Result<LogFile, WalError> {
        self.open_file(self.path(spare, NEW_SUFFIX), OpenMode::CreateNew)
    }

    /// Says of a file that was begun, and is durable, that it is segment `number` as soon as there is no other.
    pub(crate) fn name_repaired(&self, file: &LogFile, number: SegmentId) -> Result<(), WalError> {
        self.rename(&file.path, &self.path(number.0, REPAIRED_SUFFIX))?;
        self.sync()
    }

    /// Opens the file that a repair made of segment `number`.
    pub(crate) fn open_repaired(&self, number: SegmentId) -> Result<LogFile, WalError> {
        self.open_file(self.path(number.0, REPAIRED_SUFFIX), OpenMode::ReadWrite)
    }

    /// Gives it the segment's name, which no file has.
    pub(crate) fn take_repaired(&self, number: SegmentId) -> Result<(), WalError> {
        let from = self.path(number.0, REPAIRED_SUFFIX);
        self.rename(&from, &self.path(number.0, SEGMENT_SUFFIX))?;
        self.sync()
    }

    /// Removes it: the segment itself is still there.
    pub(crate) fn remove_repaired(&self, number: SegmentId) -> Result<(), WalError> {
        self.remove(&self.path(number.0, REPAIRED_SUFFIX))
    }

    /// A name that no file has yet.
    fn aside_path(&self, number: SegmentId) -> Result<PathBuf, WalError> {
        let names = (1_u64..).map(|count| match count {
            1 => ASIDE_SUFFIX.to_owned(),
            count => format!(".{count}{ASIDE_SUFFIX}"),
        });
        for suffix in names {
            let path = self.path(number.0, &suffix);
            let exists = self.env.files.exists(&path);
            if !exists.map_err(|source| at(&path, "look for", source))? {
                return Ok(path);
            }
        }
        unreachable!("there are more names than files")
    }

    /// A number that no other segment has: see `epoch` in `segment/format.rs`.
    pub(crate) fn draw_epoch(&self) -> u64 {
        self.env.random.next_u64()
    }

    /// Gives a trimmed segment's file the name of the spare `number`. It must not be reused before [`Folder::sync`].
    pub(crate) fn retire(&self, segment: &Segment, number: u64) -> Result<Spare, WalError> {
        let mut path = self.path(number, SPARE_SUFFIX);
        if is_planted("wal-retired-keeps-name") {
            path.clone_from(&segment.file.path);
        }
        self.rename(&segment.file.path, &path)?;
        let capacity = segment.capacity();
        let file = LogFile {
            path,
            file: Arc::clone(&segment.file.file),
        };
        Ok(Spare { file, capacity })
    }

    /// Removes a file. If a crash brings it back, it is found obsolete again.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), WalError> {
        let removed = self.env.files.remove_file(path);
        removed.map_err(|source| at(path, "remove", source))
    }

    /// Tells the next open that a segment is being written: see [`Listing::is_being_written`]. Before the first record, for
    /// a process may be killed between a sync that fails and whatever it would do then.
    ///
    /// The notes matter only until power goes, for then the cache is gone too; so they are not synced.
    pub(crate) fn note_writing(&self) -> Result<(), WalError> {
        if is_planted("wal-poison-note-missing") {
            return Ok(());
        }
        self.open_file(self.dir.join(WRITING_NOTE), OpenMode::Create)
            .map(drop)
    }

    /// When all that was written is durable, and known to be.
    pub(crate) fn remove_writing_note(&self) -> Result<(), WalError> {
        if is_planted("wal-poison-note-missing") {
            return Ok(());
        }
        self.remove(&self.dir.join(WRITING_NOTE))
    }

    /// Tells the next open that a write or sync failed: see [`Listing::is_poisoned`]. Needs no room on the disk. Where it
    /// cannot be done, the note that was there before still says that there is doubt.
    pub(crate) fn note_poison(&self) {
        if is_planted("wal-poison-note-missing") {
            return;
        }
        let _noted = self.rename(&self.dir.join(WRITING_NOTE), &self.dir.join(POISON_NOTE));
    }

    /// After everything in doubt was written and synced again.
    pub(crate) fn remove_poison_note(&self) -> Result<(), WalError> {
        self.remove(&self.dir.join(POISON_NOTE))
    }

    /// Makes the names in the folder durable.
    pub(crate) fn sync(&self) -> Result<(), WalError> {
        let synced = self.env.files.sync_dir(&self.dir);
        synced.map_err(|source| at(&self.dir, "sync", source))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), WalError> {
        let renamed = self.env.files.rename(from, to);
        renamed.map_err(|source| at(from, "rename", source))
    }

    fn open_file(&self, path: PathBuf, mode: OpenMode) -> Result<LogFile, WalError> {
        match self.env.files.open(&path, mode) {
            Ok(file) => Ok(LogFile { path, file }),
            Err(source) => Err(at(&path, "open", source)),
        }
    }

    fn path(&self, number: u64, suffix: &str) -> PathBuf {
        self.dir.join(format!("{number:020}{suffix}"))
    }
}

/// Name of the file of a segment.
pub(crate) fn segment_name(number: SegmentId) -> String {
    format!("{:020}{SEGMENT_SUFFIX}", number.0)
}

/// The digits that a name starts with, as text and as a number: exactly twenty, as [`Folder::path`] writes them.
pub(crate) fn parse_stem(name: &str) -> Option<(&str, u64)> {
    let stem = name.split('.').next()?;
    let is_number = stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    Some((stem, stem.parse().ok()?))
}

/// Zeros from end to end, synced, so that later writes change no metadata.
fn fill(file: &LogFile, capacity: u64) -> Result<(), WalError> {
    let mut filled = 0;
    while filled < capacity {
        let end = capacity.min(filled + FILL_BYTES);
        file.write_zeros(filled..end)?;
        // Commits that sync another file meanwhile wait behind a piece, and not behind all of it.
        file.sync()?;
        filled = end;
    }
    Ok(())
}

fn at(path: &Path, op: &'static str, source: io::Error) -> WalError {
    WalError::Io {
        op,
        path: path.to_owned(),
        offset: 0,
        source,
    }
}
