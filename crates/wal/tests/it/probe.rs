//! Files in memory that count reads, and hold syncs back while a gate is closed.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use drystone_base::{File, FileSystem, LockError, LockGuard, MemoryFileSystem, OpenMode};

/// A file system that tells what is asked of it. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    files: Arc<MemoryFileSystem>,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    reads: AtomicU64,
    /// Bytes of which somebody said that they are to be synced soon.
    started: AtomicU64,
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Gate {
    is_closed: bool,
    /// How many syncs came while it was closed.
    came: u64,
    /// How many of them may pass.
    passes: u64,
}

impl Probe {
    /// How many reads there were.
    pub(crate) fn reads(&self) -> u64 {
        self.seen.reads.load(Ordering::Relaxed)
    }

    /// Of how many bytes somebody said that they are to be synced soon.
    pub(crate) fn started(&self) -> u64 {
        self.seen.started.load(Ordering::Relaxed)
    }

    /// From here on, syncs wait at the gate.
    pub(crate) fn close_gate(&self) {
        *self.seen.gate.lock().unwrap() = Gate {
            is_closed: true,
            ..Gate::default()
        };
    }

    /// Lets one sync pass.
    pub(crate) fn pass_one(&self) {
        self.seen.gate.lock().unwrap().passes += 1;
        self.seen.changed.notify_all();
    }

    pub(crate) fn open_gate(&self) {
        self.seen.gate.lock().unwrap().is_closed = false;
        self.seen.changed.notify_all();
    }

    /// Returns once so many syncs came to the gate since it was closed.
    pub(crate) fn wait_for_syncs(&self, count: u64) {
        let mut gate = self.seen.gate.lock().unwrap();
        while gate.came < count {
            gate = self.seen.changed.wait(gate).unwrap();
        }
    }
}

impl Seen {
    fn pass_gate(&self) {
        let mut gate = self.gate.lock().unwrap();
        gate.came += 1;
        self.changed.notify_all();
        while gate.is_closed && gate.passes == 0 {
            gate = self.changed.wait(gate).unwrap();
        }
        gate.passes = gate.passes.saturating_sub(1);
    }
}

impl FileSystem for Probe {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(ProbeFile {
            file: self.files.open(path, mode)?,
            seen: Arc::clone(&self.seen),
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.files.create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> io::Result<Vec<String>> {
        self.files.list_dir(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.files.exists(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.files.remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.files.rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.files.sync_dir(path)
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        self.files.try_lock(path, holder)
    }
}

#[derive(Debug)]
struct ProbeFile {
    file: Arc<dyn File>,
    seen: Arc<Seen>,
}

impl File for ProbeFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.seen.reads.fetch_add(1, Ordering::Relaxed);
        self.file.read_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(buf, offset)
    }

    fn start_sync(&self, _offset: u64, len: u64) {
        self.seen.started.fetch_add(len, Ordering::Relaxed);
    }

    fn sync(&self) -> io::Result<()> {
        self.seen.pass_gate();
        self.file.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
}
