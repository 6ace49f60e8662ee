//! The simulated disk behind the traits of files.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::transfer::{read_full, uninterrupted, write_full};
use drystone_base::{File, FileSystem, LockError, LockGuard, OpenMode};
use parking_lot::Mutex;

use super::disk::SimFileSystem;
use super::fault::OpKind;
use super::operation::Disk;
use super::step::{FileId, Step};

impl FileSystem for SimFileSystem {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let file = uninterrupted(|| self.disk.lock().open(path, mode))?;
        Ok(Arc::new(SimFile {
            disk: Arc::clone(&self.disk),
            file,
            path: path.to_owned(),
            mode,
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        disk.create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut disk = self.disk.lock();
        disk.look(OpKind::Look, path)?;
        disk.check_folder(Some(path))?;
        Ok(disk.volume.names.list(path))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut disk = self.disk.lock();
        disk.look(OpKind::Look, path)?;
        Ok(disk.volume.names.get(path).is_some())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        disk.find(path)?;
        disk.check_writable(path)?;
        let step = Step::Remove {
            path: Arc::from(path),
        };
        disk.change(OpKind::Remove, path, step)?;
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.check_power()?;
        disk.find(from)?;
        disk.check_folder(to.parent())?;
        if disk.volume.names.has_folder(to) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        disk.check_writable(from)?;
        disk.check_writable(to)?;
        let step = Step::Rename {
            from: Arc::from(from),
            to: Arc::from(to),
        };
        disk.change(OpKind::Rename, from, step)?;
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        uninterrupted(|| {
            let mut disk = self.disk.lock();
            disk.check_power()?;
            disk.check_folder(Some(path))?;
            let step = Step::SyncFolder {
                path: Arc::from(path),
            };
            disk.change(OpKind::SyncDir, path, step)?;
            Ok(())
        })
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        let opened = uninterrupted(|| self.disk.lock().open(path, OpenMode::Create));
        opened.map_err(LockError::Io)?;
        let disk = self.disk.lock();
        let locks = Arc::clone(&disk.locks);
        let shared = disk.limits.shares_locks;
        drop(disk);
        let mut held = locks.lock();
        if let Some(holder) = held.get(path).filter(|_| !shared) {
            let holder = holder.clone();
            return Err(LockError::Held { holder });
        }
        held.insert(path.to_owned(), holder.to_owned());
        drop(held);
        Ok(Box::new(SimLock {
            path: path.to_owned(),
            locks,
        }))
    }
}

/// An open file of a simulated disk.
pub(super) struct SimFile {
    disk: Arc<Mutex<Disk>>,
    pub(super) file: FileId,
    /// The name it was opened by, which faults go by.
    pub(super) path: PathBuf,
    mode: OpenMode,
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimFile({}, {:?})", self.path.display(), self.mode)
    }
}

impl SimFile {
    fn check_mode(&self) -> io::Result<()> {
        if self.mode == OpenMode::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let disk = self.disk.lock();
        if disk.is_undisturbed() {
            disk.check_power()?;
            return disk.read_bytes(self, buf, offset);
        }
        drop(disk);
        let mut ended = false;
        read_full(buf, offset, |buf, offset| {
            // The end of the file shows in the first read; asking again would count as another operation.
            if ended {
                return Ok(0);
            }
            let mut disk = self.disk.lock();
            let read = disk.read_some(self, buf, offset)?;
            ended = offset + read as u64 >= disk.volume.file(self.file).cached.len();
            Ok(read)
        })
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.check_mode()?;
        write_full(buf, offset, |buf, offset| {
            self.disk.lock().write_some(self, buf, offset)
        })
    }

    fn sync(&self) -> io::Result<()> {
        uninterrupted(|| self.disk.lock().sync(self))
    }

    fn len(&self) -> io::Result<u64> {
        let mut disk = self.disk.lock();
        disk.look(OpKind::Look, &self.path)?;
        Ok(disk.volume.file(self.file).cached.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_mode()?;
        uninterrupted(|| self.disk.lock().set_len(self, len))
    }
}

/// Holds a name in the table of locks.
#[derive(Debug)]
struct SimLock {
    path: PathBuf,
    locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.path);
    }
}
