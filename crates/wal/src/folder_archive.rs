//! An archive that is a folder: segments are copied into it.

use std::io;
use std::path::{Path, PathBuf};

use drystone_base::{Env, File, OpenMode};

use crate::archive::{Archive, ClosedSegment};
use crate::segment::chunk_len;
use crate::segment::format::SEGMENT_HEADER_BYTES;

const NEW_SUFFIX: &str = ".new";

/// Copies closed segments into a folder, under their names, each whole and durable before it gets its name.
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

    /// Whether the segment is there; an error when another one is in its place.
    fn holds(&self, segment: &ClosedSegment, path: &Path) -> io::Result<bool> {
        if !self.env.files.exists(path)? {
            return Ok(false);
        }
        let file = self.env.files.open(path, OpenMode::Read)?;
        let [mut ours, mut theirs] = [[0; SEGMENT_HEADER_BYTES]; 2];
        file.read_exact_at(&mut theirs, 0)?;
        segment.read_at(&mut ours, 0).map_err(io::Error::other)?;
        // The header holds the number, the first LSN, and a random number that no other segment has.
        if ours == theirs && file.len()? == segment.len() {
            return Ok(true);
        }
        Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!(
                "{} is another segment of the same number, of a log before a repair or of another log: archive to an \
                 empty folder",
                path.display()
            ),
        ))
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
        file.sync()
    }
}

impl Archive for FolderArchive {
    fn take(&self, segment: &ClosedSegment) -> io::Result<()> {
        let name = segment.file_name();
        let path = self.dir.join(&name);
        if !self.holds(segment, &path)? {
            let unfinished = self.dir.join(name + NEW_SUFFIX);
            let file = self.env.files.open(&unfinished, OpenMode::Create)?;
            file.set_len(segment.len())?;
            self.copy(segment, &*file)?;
            self.env.files.rename(&unfinished, &path)?;
        }
        // Also where it was there: whoever put it there may not have come to that.
        self.env.files.sync_dir(&self.dir)
    }
}
