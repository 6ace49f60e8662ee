//! The files that take the room.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Takes all room of a file system but a little, until it is removed: a folder of files.
#[derive(Debug)]
pub(crate) struct Ballast {
    folder: PathBuf,
}

impl Ballast {
    /// Takes all blocks of the file system of `folder`, then gives `bytes_left` back.
    pub(crate) fn of_blocks(folder: &Path, bytes_left: u64) -> io::Result<Ballast> {
        let ballast = Ballast::new(folder)?;
        let mut file = File::create(ballast.folder.join("blocks"))?;
        for chunk_bytes in [1 << 20, 4 << 10, 512] {
            write_until_full(&mut file, &vec![0xBA; chunk_bytes])?;
        }
        let len = file.metadata()?.len();
        file.set_len(len.saturating_sub(bytes_left))?;
        ballast.settle()?;
        Ok(ballast)
    }

    /// Takes all places for files, then gives `files_left` back. There is room in the files that are there.
    pub(crate) fn of_files(folder: &Path, files_left: u64) -> io::Result<Ballast> {
        let ballast = Ballast::new(folder)?;
        let path = |number: u64| ballast.folder.join(number.to_string());
        let mut count = 0;
        while is_done(File::create(path(count)).map(drop))? {
            count += 1;
        }
        for number in count.saturating_sub(files_left)..count {
            fs::remove_file(path(number))?;
        }
        ballast.settle()?;
        Ok(ballast)
    }

    fn new(folder: &Path) -> io::Result<Ballast> {
        let folder = folder.join("ballast");
        fs::create_dir(&folder)?;
        Ok(Ballast { folder })
    }

    /// Frees the room.
    pub(crate) fn remove(self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            fs::remove_file(entry?.path())?;
        }
        self.settle()?;
        fs::remove_dir(&self.folder)
    }

    /// Journalling file systems give freed blocks out again only once the journal has the change.
    fn settle(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

fn write_until_full(file: &mut File, chunk: &[u8]) -> io::Result<()> {
    // Blocks may be taken as late as at the sync, so each chunk is synced.
    while is_done(file.write_all(chunk).and_then(|()| file.sync_data()))? {}
    Ok(())
}

/// Whether there was room for it.
fn is_done(outcome: io::Result<()>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::StorageFull => Ok(false),
        Err(error) => Err(error),
    }
}
