//! Files of the operating system: `pread`, `pwrite`, `fdatasync`, `flock`.
//!
//! The only module of the core that touches `std::fs`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the implementation that all others go through"
)]

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use crate::file::{Cached, File, FileSystem, LockError, LockGuard, OpenMode};
use crate::mapping::{Mapping, map};
use crate::read_hint::{read_cached, will_need};
use crate::transfer::{read_full, write_full};
use crate::write_hint::start_sync;

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsFileSystem;

impl FileSystem for OsFileSystem {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(mode != OpenMode::Read);
        match mode {
            OpenMode::Read | OpenMode::ReadWrite => {}
            OpenMode::Create => {
                options.create(true);
            }
            OpenMode::CreateNew => {
                options.create_new(true);
            }
        }
        Ok(Arc::new(OsFile(options.open(path)?)))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    #[cfg(unix)]
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    /// Windows keeps names durable by itself and cannot open a folder as a file.
    #[cfg(not(unix))]
    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(LockError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    holder: read_holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(LockError::Io(source)),
        }
        write_holder(&mut file, holder).map_err(LockError::Io)?;
        Ok(Box::new(OsLock(file)))
    }
}

/// The holder's note, or nothing where it cannot be read: the lock is held all the same.
fn read_holder(file: &mut fs::File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) => text.trim().to_owned(),
        Err(_) => String::new(),
    }
}

fn write_holder(file: &mut fs::File, holder: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{holder}")
}

/// An open file descriptor.
#[derive(Debug)]
struct OsFile(fs::File);

impl File for OsFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        read_full(buf, offset, |buf, offset| {
            read_some_at(&self.0, buf, offset)
        })
    }

    fn read_cached_at(&self, buf: &mut [u8], offset: u64) -> Cached {
        read_cached(&self.0, buf, offset)
    }

    fn will_need(&self, offset: u64, len: u64) {
        will_need(&self.0, offset, len);
    }

    fn map(&self, len: u64) -> io::Result<Option<Mapping>> {
        map(&self.0, len)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        write_full(buf, offset, |buf, offset| {
            write_some_at(&self.0, buf, offset)
        })
    }

    fn start_sync(&self, offset: u64, len: u64) {
        start_sync(&self.0, offset, len);
    }

    /// The standard library tries again when a signal interrupts it, as it does for opens and changes of length.
    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

#[cfg(unix)]
fn read_some_at(file: &fs::File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(unix)]
fn write_some_at(file: &fs::File, buf: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, buf, offset)
}

#[cfg(windows)]
fn read_some_at(file: &fs::File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

#[cfg(windows)]
fn write_some_at(file: &fs::File, buf: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, buf, offset)
}

/// Holds the `flock` for as long as the descriptor is open.
#[derive(Debug)]
struct OsLock(#[expect(dead_code, reason = "held for its drop, which unlocks")] fs::File);

impl LockGuard for OsLock {}

#[cfg(test)]
mod tests;
