//! Files in memory: what an in-memory database and fast tests run on. Nothing survives a crash, because there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::file::{File, FileSystem, LockError, LockGuard, OpenMode};
use crate::sync::{Mutex, RwLock};

/// A tree of files in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryFileSystem {
    tree: Arc<Mutex<Tree>>,
}

#[derive(Debug, Default)]
struct Tree {
    files: BTreeMap<PathBuf, Arc<RwLock<Vec<u8>>>>,
    folders: BTreeSet<PathBuf>,
    locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

impl MemoryFileSystem {
    /// An empty tree.
    #[must_use]
    pub fn new() -> MemoryFileSystem {
        MemoryFileSystem::default()
    }
}

impl FileSystem for MemoryFileSystem {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut tree = self.tree.lock();
        let creates = matches!(mode, OpenMode::Create | OpenMode::CreateNew);
        let bytes = match tree.files.get(path) {
            Some(_) if mode == OpenMode::CreateNew => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            Some(bytes) => Arc::clone(bytes),
            None if creates => Arc::clone(tree.files.entry(path.to_owned()).or_default()),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(MemoryFile {
            bytes,
            writable: mode != OpenMode::Read,
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        tree.folders.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        let tree = self.tree.lock();
        if !tree.folders.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = tree
            .files
            .keys()
            .chain(&tree.folders)
            .filter(|entry| entry.parent() == Some(path));
        let mut names: Vec<String> = inside
            .filter_map(|entry| Some(entry.file_name()?.to_string_lossy().into_owned()))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let tree = self.tree.lock();
        Ok(tree.files.contains_key(path) || tree.folders.contains(path))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        match self.tree.lock().files.remove(path) {
            Some(_) => Ok(()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.tree.lock();
        let file = tree.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        tree.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        let locks = Arc::clone(&self.tree.lock().locks);
        let mut held = locks.lock();
        if let Some(holder) = held.get(path) {
            return Err(LockError::Held {
                holder: holder.clone(),
            });
        }
        held.insert(path.to_owned(), holder.to_owned());
        drop(held);
        Ok(Box::new(MemoryLock {
            path: path.to_owned(),
            locks,
        }))
    }
}

#[derive(Debug)]
struct MemoryLock {
    path: PathBuf,
    locks: Arc<Mutex<BTreeMap<PathBuf, String>>>,
}

impl LockGuard for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.locks.lock().remove(&self.path);
    }
}

/// An open file: its bytes are shared with the tree and with other handles.
#[derive(Debug)]
struct MemoryFile {
    bytes: Arc<RwLock<Vec<u8>>>,
    writable: bool,
}

impl MemoryFile {
    fn check_writable(&self) -> io::Result<()> {
        if self.writable {
            return Ok(());
        }
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

/// A file's offset as an index into memory, or the error of a file that cannot be that long.
fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl File for MemoryFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes.read();
        let start = index(offset)?.min(bytes.len());
        let count = buf.len().min(bytes.len() - start);
        buf[..count].copy_from_slice(&bytes[start..start + count]);
        Ok(count)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.check_writable()?;
        let start = index(offset)?;
        let end = start
            .checked_add(buf.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        let mut bytes = self.bytes.write();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(buf);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.read().len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check_writable()?;
        self.bytes.write().resize(index(len)?, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
