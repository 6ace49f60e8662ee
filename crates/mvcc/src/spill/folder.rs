//! The folder of runs: numbered files, each of which goes when the last who reads it does.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::{Env, File, FileSystem, OpenMode};

use crate::error::StoreError;

/// Where runs are made.
#[derive(Debug)]
pub(crate) struct SpillFolder {
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    next: AtomicU64,
}

impl SpillFolder {
    /// Takes over the folder, creates it if need be, and removes what a crash has left in it.
    pub(crate) fn open(env: &Env, path: &Path) -> Result<SpillFolder, StoreError> {
        let files = Arc::clone(&env.files);
        let failed = |op| move |source| spill_error(op, path, 0, source);
        files.create_dir_all(path).map_err(failed("create"))?;
        let names = files.list_dir(path).map_err(failed("list"))?;
        // What has no number is not from here.
        for name in names.iter().filter(|name| name.parse::<u64>().is_ok()) {
            let left = path.join(name);
            let removed = files.remove_file(&left);
            removed.map_err(|source| spill_error("remove", &left, 0, source))?;
        }
        Ok(SpillFolder {
            files,
            path: path.to_owned(),
            next: AtomicU64::new(0),
        })
    }

    /// A new, empty file.
    pub(crate) fn create(&self) -> Result<SpillFile, StoreError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{number:08}"));
        let file = self.files.open(&path, OpenMode::CreateNew);
        let file = file.map_err(|source| spill_error("create", &path, 0, source))?;
        Ok(SpillFile {
            file: Some(file),
            files: Arc::clone(&self.files),
            path,
            number,
        })
    }
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SpillFile {
    /// `None` only while it is dropped.
    file: Option<Arc<dyn File>>,
    files: Arc<dyn FileSystem>,
    path: PathBuf,
    number: u64,
}

impl SpillFile {
    /// What its blocks' checksums are seeded with: no two files of a process have the same.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<(), StoreError> {
        let written = self.file().write_all_at(bytes, offset);
        written.map_err(|source| spill_error("write", &self.path, offset, source))
    }

    pub(crate) fn read(&self, bytes: &mut [u8], offset: u64) -> Result<(), StoreError> {
        let read = self.file().read_exact_at(bytes, offset);
        read.map_err(|source| spill_error("read", &self.path, offset, source))
    }

    fn file(&self) -> &dyn File {
        self.file.as_deref().expect("open until it is dropped")
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        drop(self.file.take());
        // One that cannot be removed now goes with the next opening; nobody could be told here.
        let _ = self.files.remove_file(&self.path);
    }
}

fn spill_error(op: &'static str, path: &Path, offset: u64, source: io::Error) -> StoreError {
    StoreError::Spill {
        op,
        path: path.to_owned(),
        offset,
        source,
    }
}
