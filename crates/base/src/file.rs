//! The traits through which a database reaches files.
//!
//! # Contract
//! - F1. A write is visible to reads at once and survives a crash only after [`File::sync`] of that file returned.
//!   Unsynced writes may be lost, torn at any byte, or reach the medium in another order.
//! - F2. A file's length, when extended, is durable after `sync` of that file; its name (create, rename, remove) after
//!   [`FileSystem::sync_dir`] of its folder.
//! - F3. After a failed `sync` nothing is known about the writes before it. Callers must not retry and carry on.
//! - F4. Methods take `&self` and may be called from any thread.
//! - F5. Interruptions and short transfers end below these traits: an implementation goes on (see [`crate::transfer`])
//!   until all bytes are through, or the file ends, or the system says why not. Callers never see `Interrupted`.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::mapping::Mapping;

/// How [`FileSystem::open`] treats a file that is there, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Must exist; writes fail.
    Read,
    /// Must exist; may be written.
    ReadWrite,
    /// Created empty when missing; may be written.
    Create,
    /// Must not exist; created empty; may be written.
    CreateNew,
}

/// A folder tree of files. Contract: see the module's rules F1 to F5.
pub trait FileSystem: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists` (for [`OpenMode::CreateNew`]), `PermissionDenied` and whatever else the system says.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// Creates a folder and its missing parents. No error when it is there already.
    ///
    /// # Errors
    /// Whatever the system says.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// As [`FileSystem::create_dir_all`], and makes the names of the folder and of those parents durable that were
    /// missing; the folder's own also when it was there, for who made it may not have come to that.
    ///
    /// # Errors
    /// Whatever the system says; F3 holds.
    fn create_dir_durable(&self, path: &Path) -> io::Result<()> {
        let mut made = vec![path];
        for above in path.ancestors().skip(1) {
            if above.as_os_str().is_empty() || self.exists(above)? {
                break;
            }
            made.push(above);
        }
        self.create_dir_all(path)?;
        made.into_iter()
            .try_for_each(|folder| self.sync_dir(folder_of(folder)))
    }

    /// Names of the files and folders directly inside `path`, sorted.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder.
    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Whether a file or folder of this name exists.
    ///
    /// # Errors
    /// Whatever the system says, other than that it is not there.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Removes a file. Durable after [`FileSystem::sync_dir`].
    ///
    /// # Errors
    /// `NotFound` and whatever else the system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Renames a file, replacing `to` atomically. Durable after [`FileSystem::sync_dir`].
    ///
    /// # Errors
    /// `NotFound` and whatever else the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// Whatever the system says; F3 holds.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes the advisory lock on `path` (created when missing), and writes `holder` into it for others to read.
    /// The lock ends when the guard is dropped or the process dies.
    ///
    /// # Errors
    /// [`LockError::Held`] with the text of whoever holds it.
    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError>;
}

/// The folder whose names the last part of `path` is one of. A path of one part is in the current folder.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        None => path,
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
    }
}

/// Whether [`File::read_cached_at`] found what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// All of it, and it was read.
    Whole,
    /// Not, or not all of it: a read would wait for the medium.
    Not,
    /// The system does not say.
    Unknown,
}

/// An open file. Contract: see the module's rules F1 to F5.
#[expect(
    clippy::len_without_is_empty,
    reason = "asking a file's length can fail; emptiness is no separate question"
)]
pub trait File: Send + Sync + fmt::Debug {
    /// Reads up to `buf.len()` bytes at `offset`; returns how many. Fewer, or none, only at the end of the file.
    ///
    /// # Errors
    /// Whatever the system says.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let read = self.read_at(buf, offset)?;
        if read == buf.len() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!(
                "file ends at {}, needed up to {}",
                offset + read as u64,
                offset + buf.len() as u64
            ),
        ))
    }

    /// Fills `buf` from `offset`, if the system has all of it in memory. What is in `buf` otherwise, nobody knows.
    fn read_cached_at(&self, buf: &mut [u8], offset: u64) -> Cached {
        let _nobody_says = (buf, offset);
        Cached::Unknown
    }

    /// Says that `len` bytes at `offset` will be read soon, so that they may be fetched meanwhile. A hint: where nobody
    /// follows it, reads are as fast as before.
    fn will_need(&self, offset: u64, len: u64) {
        let _nobody_listens = (offset, len);
    }

    /// The first `len` bytes as memory. Only what the file has may be touched. `None`: there is no such way here, in memory, on the
    /// simulated disk, or without the feature `mmap`.
    ///
    /// # Errors
    /// Whatever the system says.
    fn map(&self, len: u64) -> io::Result<Option<Mapping>> {
        let _nowhere = len;
        Ok(None)
    }

    /// Writes all of `buf` at `offset`, extending the file where needed; a gap reads as zeros.
    ///
    /// # Errors
    /// `StorageFull`, or whatever the system says. An unknown part of `buf` may have been written.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;

    /// Says that what was written to `len` bytes at `offset` is to be durable soon, so that it may be on its way meanwhile. A
    /// hint: nothing is durable before [`File::sync`], and where nobody follows it, that has the more to do.
    fn start_sync(&self, offset: u64, len: u64) {
        let _nobody_listens = (offset, len);
    }

    /// Makes all completed writes to this file durable, its length included (`fdatasync`).
    ///
    /// # Errors
    /// Whatever the system says; F3 holds.
    fn sync(&self) -> io::Result<()>;

    /// Length in bytes.
    ///
    /// # Errors
    /// Whatever the system says.
    fn len(&self) -> io::Result<u64>;

    /// Cuts or extends (with zeros) to `len` bytes.
    ///
    /// # Errors
    /// `StorageFull`, or whatever the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;
}

/// A lock that is held until this is dropped.
pub trait LockGuard: Send + Sync + fmt::Debug {}

/// Why a lock was not taken.
#[derive(Debug)]
pub enum LockError {
    /// Somebody else holds it; the text that they wrote into it.
    Held {
        /// What the holder wrote of itself; empty when it could not be read.
        holder: String,
    },
    /// The lock file could not be opened, locked or written.
    Io(io::Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Held { holder } if holder.is_empty() => {
                f.write_str("held by another process")
            }
            LockError::Held { holder } => write!(f, "held by {holder}"),
            LockError::Io(_) => f.write_str("the lock file could not be used"),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            LockError::Held { .. } => None,
            LockError::Io(source) => Some(source),
        }
    }
}
