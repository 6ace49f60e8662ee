//! The file that takes the room.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Takes all room of a file system but a little, until it is removed.
#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
}

impl Ballast {
    /// Fills the file system of `folder`, then gives `bytes_left` back.
    pub(crate) fn fill(folder: &Path, bytes_left: u64) -> io::Result<Ballast> {
        let path = folder.join("ballast");
        let mut file = File::create(&path)?;
        for chunk_bytes in [1 << 20, 4 << 10, 512] {
            write_until_full(&mut file, &vec![0xBA; chunk_bytes])?;
        }
        let len = file.metadata()?.len();
        file.set_len(len.saturating_sub(bytes_left))?;
        let ballast = Ballast { path };
        ballast.settle(folder)?;
        Ok(ballast)
    }

    /// Frees the room.
    pub(crate) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        match self.path.parent() {
            Some(folder) => self.settle(folder),
            None => Ok(()),
        }
    }

    /// Journalling file systems give freed blocks out again only once the journal has the change.
    fn settle(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

fn write_until_full(file: &mut File, chunk: &[u8]) -> io::Result<()> {
    loop {
        // Blocks may be taken as late as at the sync, so each chunk is synced.
        match file.write_all(chunk).and_then(|()| file.sync_data()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
