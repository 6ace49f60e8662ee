//! The file systems there are keep the laws of file systems; the model engine those of engines.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drystone_base::{
    Clock, File, FileSystem, LockError, LockGuard, MemoryFileSystem, OpenMode, OsFileSystem,
};
use drystone_testkit::laws::{EngineLaws, FileSystemLaws};
use drystone_testkit::{Effect, Fault, Latency, ModelEngine, OpKind, SimFileSystem};

#[test]
fn the_operating_systems_files_are_lawful() {
    let folder = tempfile::tempdir().unwrap();
    FileSystemLaws::new(OsFileSystem, folder.path().join("laws")).check_all();
}

#[test]
fn files_in_memory_are_lawful() {
    FileSystemLaws::new(MemoryFileSystem::new(), "/laws").check_all();
}

#[test]
fn the_simulated_disk_is_lawful() {
    FileSystemLaws::new(SimFileSystem::new(7), "/laws").check_all();
}

#[test]
fn a_disk_that_is_slow_and_gives_all_in_pieces_is_lawful() {
    let disk = SimFileSystem::new(8);
    disk.start_hashing();
    disk.keep_generations(2);
    let slow = Duration::from_secs(1);
    disk.set_latency(Some(Latency {
        usual: slow,
        slow_percent: 5,
        slow: slow * 60,
    }));
    let pieces = Fault::new(OpKind::Write, Effect::Short).or(OpKind::Read);
    disk.inject(pieces.for_ever());
    FileSystemLaws::new(disk.clone(), "/laws").check_all();
    assert!(disk.faults_struck() > 5000 && disk.clock().monotonic() > slow * 5000);
}

#[test]
fn the_model_engine_is_lawful_on_another_seed() {
    let laws = EngineLaws::new(ModelEngine::open).seed(99);
    laws.reopening_changes_nothing();
    laws.cursors_find_every_place();
}

/// A file system that breaks one rule.
#[derive(Debug)]
struct Canary {
    inner: MemoryFileSystem,
    lists_in_reverse: bool,
}

impl FileSystem for Canary {
    fn open(&self, path: &Path, mode: OpenMode) -> std::io::Result<Arc<dyn File>> {
        let mode = match mode {
            OpenMode::CreateNew if !self.lists_in_reverse => OpenMode::Create,
            mode => mode,
        };
        self.inner.open(path, mode)
    }

    fn create_dir_all(&self, path: &Path) -> std::io::Result<()> {
        self.inner.create_dir_all(path)
    }

    fn list_dir(&self, path: &Path) -> std::io::Result<Vec<String>> {
        let mut names = self.inner.list_dir(path)?;
        if self.lists_in_reverse {
            names.reverse();
        }
        Ok(names)
    }

    fn exists(&self, path: &Path) -> std::io::Result<bool> {
        self.inner.exists(path)
    }

    fn remove_file(&self, path: &Path) -> std::io::Result<()> {
        self.inner.remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.inner.rename(from, to)
    }

    fn sync_dir(&self, path: &Path) -> std::io::Result<()> {
        self.inner.sync_dir(path)
    }

    fn try_lock(&self, path: &Path, holder: &str) -> Result<Box<dyn LockGuard>, LockError> {
        self.inner.try_lock(path, holder)
    }
}

fn canary(lists_in_reverse: bool) -> FileSystemLaws {
    let inner = MemoryFileSystem::new();
    FileSystemLaws::new(
        Canary {
            inner,
            lists_in_reverse,
        },
        "/laws",
    )
}

#[test]
#[should_panic(expected = "expected AlreadyExists")]
fn a_create_new_that_opens_what_exists_is_found() {
    canary(false).modes_do_as_they_say();
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_list_out_of_order_is_found() {
    canary(true).names_change_at_once();
}
