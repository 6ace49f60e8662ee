//! Files that keep the database's lock as long as any of them is open.
//!
//! Snapshots, iterators, transactions and sessions may outlive the database handle, and what they read lies in files that
//! an engine holds open. If the lock ended with the handle, another opening of the directory could reuse the pages under
//! them: they would get errors of damage that is none. So the lock is tied to what reading needs, an open file, and no
//! part of the database has to know of it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{Cached, Env, File, FileSystem, LockError, LockGuard, Mapping, OpenMode};

/// `env`, with files that hold `lock`.
pub(crate) fn under_lock(env: &Env, lock: Arc<dyn LockGuard>) -> Env {
    let files = LockedFiles {
        inner: Arc::clone(&env.files),
        lock,
    };
    Env {
        files: Arc::new(files),
        ..env.clone()
    }
}

#[derive(Debug)]
struct LockedFiles {
    inner: Arc<dyn FileSystem>,
    lock: Arc<dyn LockGuard>,
}

/// Fields are dropped in this order: the file is closed before the lock may end.
#[derive(Debug)]
struct LockedFile {
    inner: Arc<dyn File>,
    _lock: Arc<dyn LockGuard>,
}

impl FileSystem for LockedFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(LockedFile {
            inner: self.inner.open(path, mode)?,
            _lock: Arc::clone(&self.lock),
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        self.inner.list_dir(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.inner.exists(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.inner.remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        self.inner.try_lock(path, holder)
    }
}

impl File for LockedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buf, offset)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.inner.read_exact_at(buf, offset)
    }

    fn read_cached_at(&self, buf: &mut [u8], offset: u64) -> Cached {
        self.inner.read_cached_at(buf, offset)
    }

    fn map(&self, len: u64) -> io::Result<Option<Mapping>> {
        self.inner.map(len)
    }

    fn will_need(&self, offset: u64, len: u64) {
        self.inner.will_need(offset, len);
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.inner.write_all_at(buf, offset)
    }

    fn start_sync(&self, offset: u64, len: u64) {
        self.inner.start_sync(offset, len);
    }

    fn sync(&self) -> io::Result<()> {
        self.inner.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }
}
