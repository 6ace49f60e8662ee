//! An archive that is a folder: segments are copied into it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::{Env, File, OpenMode};

use crate::archive::{Archive, ClosedSegment};
use crate::error::WalError;
use crate::recover::open_segment;
use crate::segment::{LogFile, chunk_len};

const NEW_SUFFIX: &str = ".new";
const ASIDE_SUFFIX: &str = ".damaged";

/// Copies closed segments into a folder, under their names, each whole and durable before it gets its name. One that is
/// there is taken for a copy only if it holds every record, by its checksum; a damaged one is renamed to a name that
/// ends in `.damaged`, and copied anew.
///
/// A copy of the folder is a log: [`Log::open`](crate::Log::open) it with the `floor` that its first segment follows.
#[derive(Debug)]
pub struct FolderArchive {
    env: Env,
    dir: PathBuf,
}

impl FolderArchive {
    /// An archive in `dir`, which is created when it is missing. Keep it on another disk than the log.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn new(env: &Env, dir: &Path) -> io::Result<FolderArchive> {
        env.files.create_dir_durable(dir)?;
        Ok(FolderArchive {
            env: env.clone(),
            dir: dir.to_owned(),
        })
    }

    /// What there is under the name of `segment`.
    fn found(&self, segment: &ClosedSegment, path: &Path) -> io::Result<Found> {
        if !self.env.files.exists(path)? {
            return Ok(Found::Nothing);
        }
        let file = LogFile {
            path: path.to_owned(),
            file: self.env.files.open(path, OpenMode::Read)?,
        };
        let copy = match open_segment(file, segment.number()) {
            Ok(copy) => copy,
            Err(WalError::Corrupt { .. }) => return Ok(Found::Damaged),
            Err(error) => return Err(io::Error::other(error)),
        };
        // The header holds the number, the first LSN, and a random number that no other segment has.
        if copy.header != *segment.header() {
            return Ok(Found::Other);
        }
        // Every record by its checksum: the copy may have rotted, and the log is about to forget its own.
        match ClosedSegment::check(Arc::new(copy), Some(segment.last_lsn().next())) {
            Ok(_) => Ok(Found::Whole),
            Err(WalError::Corrupt { .. }) => Ok(Found::Damaged),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Copies a segment under its name, in the place of what may be there.
    fn put(&self, segment: &ClosedSegment, path: &Path) -> io::Result<()> {
        let unfinished = self.dir.join(segment.file_name() + NEW_SUFFIX);
        let file = self.env.files.open(&unfinished, OpenMode::Create)?;
        file.set_len(segment.len())?;
        self.copy(segment, &*file)?;
        self.env.files.rename(&unfinished, path)
    }

    fn copy(&self, segment: &ClosedSegment, file: &dyn File) -> io::Result<()> {
        let mut chunk = vec![0; chunk_len(segment.len())];
        let mut offset = 0;
        while offset < segment.len() {
            let chunk = &mut chunk[..chunk_len(segment.len() - offset)];
            segment.read_at(chunk, offset).map_err(io::Error::other)?;
            file.write_all_at(chunk, offset)?;
            offset += chunk.len() as u64;
        }
        if is_planted("wal-archive-copy-unsynced") {
            return Ok(());
        }
        file.sync()
    }
}

/// What an archive may have of a segment.
enum Found {
    Nothing,
    /// All of it.
    Whole,
    /// Its file, or perhaps another one's, but not as it was written.
    Damaged,
    /// Another segment of the same number.
    Other,
}

impl Archive for FolderArchive {
    fn take(&self, segment: &ClosedSegment) -> io::Result<()> {
        let path = self.dir.join(segment.file_name());
        match self.found(segment, &path)? {
            Found::Whole => {}
            Found::Nothing => self.put(segment, &path)?,
            Found::Damaged => {
                let aside = self.dir.join(segment.file_name() + ASIDE_SUFFIX);
                self.env.files.rename(&path, &aside)?;
                self.put(segment, &path)?;
            }
            Found::Other => return Err(other_segment(&path)),
        }
        // Also where it was there: whoever put it there may not have come to that.
        self.env.files.sync_dir(&self.dir)
    }
}

fn other_segment(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!(
            "{} is another segment of the same number, of a log before a repair or of another log: archive to an empty \
             folder",
            path.display()
        ),
    )
}
