//! What every file system must keep: the contract F1, F2 and F4 of `drystone_base::FileSystem`, its modes and locks.
//!
//! F3 and what a crash may take cannot be seen from outside; the simulated disk is where they are tried.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::{File, FileSystem, LockError, OpenMode};

use super::SeedNote;
use crate::draw::Draw;
use crate::seed::seed_of;

/// Threads that use one file at a time.
const THREADS: u64 = 4;
/// Random operations on one file.
const OPERATIONS: usize = 300;

/// The laws of [`drystone_base::FileSystem`], for one kind of file system.
///
/// ```
/// use drystone_base::MemoryFileSystem;
/// use drystone_testkit::laws::FileSystemLaws;
///
/// FileSystemLaws::new(MemoryFileSystem::new(), "folder").bytes_read_as_written();
/// ```
#[derive(Debug)]
pub struct FileSystemLaws {
    files: Arc<dyn FileSystem>,
    folder: PathBuf,
    seed: u64,
}

impl FileSystemLaws {
    /// The laws for `files`, tried in `folder`, which is created when missing.
    ///
    /// # Panics
    /// When the folder cannot be created.
    pub fn new(files: impl FileSystem + 'static, folder: impl Into<PathBuf>) -> FileSystemLaws {
        let folder = folder.into();
        ok("create the folder", files.create_dir_all(&folder));
        FileSystemLaws {
            files: Arc::new(files),
            folder,
            seed: seed_of("file system laws"),
        }
    }

    /// With this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> FileSystemLaws {
        self.seed = seed;
        self
    }

    /// Every law, one after another.
    ///
    /// # Panics
    /// At the first that is broken.
    pub fn check_all(&self) {
        self.bytes_read_as_written();
        self.modes_do_as_they_say();
        self.names_change_at_once();
        self.locks_exclude();
        self.threads_share_a_file();
    }

    /// F1 and F2 without a crash: reads see each write at once, through every handle; gaps and extensions are zeros;
    /// what was cut does not come back; reads end where the file does.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn bytes_read_as_written(&self) {
        let _note = SeedNote::new("bytes read as written", self.seed);
        let path = self.folder.join("bytes");
        let writer = ok("create", self.files.open(&path, OpenMode::CreateNew));
        let reader = ok("open", self.files.open(&path, OpenMode::Read));
        let mut draw = Draw::new(self.seed);
        let mut model = Vec::new();
        for _ in 0..OPERATIONS {
            edit(&*writer, &mut model, &mut draw);
            check_bytes(&*reader, &model, &mut draw);
        }
        ok("remove", self.files.remove_file(&path));
    }

    /// Each [`OpenMode`] opens, creates or refuses as its doc says; a file opened to read refuses writes.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn modes_do_as_they_say(&self) {
        let path = self.folder.join("modes");
        let open = |mode| self.files.open(&path, mode);
        refused(ErrorKind::NotFound, open(OpenMode::Read));
        refused(ErrorKind::NotFound, open(OpenMode::ReadWrite));
        let file = ok("create", open(OpenMode::Create));
        assert_eq!(ok("length", file.len()), 0, "a new file is empty");
        ok("write", file.write_all_at(b"stone", 0));
        refused(ErrorKind::AlreadyExists, open(OpenMode::CreateNew));
        for mode in [OpenMode::Create, OpenMode::ReadWrite, OpenMode::Read] {
            let file = ok("open", open(mode));
            assert_eq!(contents(&*file), b"stone", "{mode:?} keeps what is there");
        }
        let reader = ok("open", open(OpenMode::Read));
        let refusals = [
            ("write", reader.write_all_at(b"x", 0)),
            ("set_len", reader.set_len(0)),
        ];
        for (what, refusal) in refusals {
            assert!(
                refusal.is_err(),
                "{what} of a file that was opened to read is refused"
            );
        }
        assert_eq!(contents(&*file), b"stone");
        ok("remove", self.files.remove_file(&path));
    }

    /// Names are listed in order, folders among them; a rename replaces its target; what is removed or renamed away
    /// is not found, and handles that are open go on.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn names_change_at_once(&self) {
        let folder = self.folder.join("names");
        let missing = |path: &Path| assert!(!ok("exists", self.files.exists(path)), "{path:?}");
        missing(&folder);
        refused(ErrorKind::NotFound, self.files.list_dir(&folder));
        ok(
            "create folder",
            self.files.create_dir_all(&folder.join("b/inner")),
        );
        ok(
            "create folder again",
            self.files.create_dir_all(&folder.join("b/inner")),
        );
        for name in ["c", "a", "d"] {
            self.write(&folder.join(name), name.as_bytes());
        }
        self.check_names(&folder, &["a", "b", "c", "d"]);
        let moved = ok(
            "open",
            self.files.open(&folder.join("c"), OpenMode::ReadWrite),
        );
        ok(
            "rename",
            self.files.rename(&folder.join("c"), &folder.join("a")),
        );
        missing(&folder.join("c"));
        ok("write", moved.write_all_at(b"C", 0));
        let target = ok("open", self.files.open(&folder.join("a"), OpenMode::Read));
        assert_eq!(
            contents(&*target),
            b"C",
            "a handle follows its file, not its name"
        );
        ok(
            "rename",
            self.files
                .rename(&folder.join("a"), &folder.join("b/inner/a")),
        );
        ok("remove", self.files.remove_file(&folder.join("d")));
        self.check_names(&folder, &["b"]);
        self.check_names(&folder.join("b/inner"), &["a"]);
        for gone in ["a", "d"] {
            let path = folder.join(gone);
            missing(&path);
            refused(ErrorKind::NotFound, self.files.remove_file(&path));
            refused(
                ErrorKind::NotFound,
                self.files.rename(&path, &folder.join("z")),
            );
            refused(ErrorKind::NotFound, self.files.open(&path, OpenMode::Read));
        }
        ok("sync folder", self.files.sync_dir(&folder));
        assert!(ok("exists", self.files.exists(&folder)));
    }

    /// A lock excludes others and names its holder, until its guard is dropped; other locks are not concerned.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn locks_exclude(&self) {
        let path = self.folder.join("LOCK");
        let guard = locked(self.files.try_lock(&path, "the first"));
        for _ in 0..2 {
            match self.files.try_lock(&path, "the second") {
                Err(LockError::Held { holder }) => assert_eq!(holder, "the first"),
                other => panic!("a held lock is refused, with its holder: {other:?}"),
            }
        }
        drop(locked(
            self.files.try_lock(&self.folder.join("LOCK2"), "another"),
        ));
        drop(guard);
        let guard = locked(self.files.try_lock(&path, "the second"));
        drop(guard);
    }

    /// F4: threads write and read their own parts of one file, with syncs in between.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn threads_share_a_file(&self) {
        let path = self.folder.join("shared");
        let file = ok("create", self.files.open(&path, OpenMode::CreateNew));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let file = &*file;
                scope.spawn(move || write_own_part(file, thread));
            }
        });
        assert_eq!(ok("length", file.len()), THREADS * 100 * PART_BYTES);
        ok("remove", self.files.remove_file(&path));
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        let file = ok("create", self.files.open(path, OpenMode::CreateNew));
        ok("write", file.write_all_at(bytes, 0));
        ok("sync", file.sync());
    }

    fn check_names(&self, folder: &Path, expected: &[&str]) {
        assert_eq!(ok("list", self.files.list_dir(folder)), expected);
    }
}

const PART_BYTES: u64 = 100;

fn write_own_part(file: &dyn File, thread: u64) {
    for round in 0..100u64 {
        let offset = (round * THREADS + thread) * PART_BYTES;
        let bytes = [(round + thread).to_le_bytes()[0]; 100];
        ok("write", file.write_all_at(&bytes, offset));
        if round % 25 == 0 {
            ok("sync", file.sync());
        }
        let mut found = [0; 100];
        ok("read", file.read_exact_at(&mut found, offset));
        assert_eq!(found, bytes, "each thread reads what it wrote");
    }
}

fn edit(file: &dyn File, model: &mut Vec<u8>, draw: &mut Draw) {
    let at = draw.index(20_000);
    match draw.below(10) {
        0 => {
            ok("set length", file.set_len(at as u64));
            model.resize(at, 0);
        }
        1 => ok("sync", file.sync()),
        _ => {
            let len = draw.index(6000);
            let bytes = draw.bytes(len);
            ok("write", file.write_all_at(&bytes, at as u64));
            if len > 0 {
                model.resize(model.len().max(at + len), 0);
                model[at..at + len].copy_from_slice(&bytes);
            }
        }
    }
}

fn check_bytes(file: &dyn File, model: &[u8], draw: &mut Draw) {
    assert_eq!(ok("length", file.len()), model.len() as u64);
    let at = draw.index(25_000);
    let mut found = vec![0; draw.index(8000)];
    let expected =
        &model[at.min(model.len())..model.len().min(at + found.len()).max(at.min(model.len()))];
    let read = ok("read", file.read_at(&mut found, at as u64));
    assert!(
        found[..read] == *expected,
        "read of {} bytes at {at}",
        found.len()
    );
    let exact = file.read_exact_at(&mut found, at as u64);
    if read < found.len() {
        refused(ErrorKind::UnexpectedEof, exact);
    } else {
        ok("read exactly", exact);
    }
}

fn contents(file: &dyn File) -> Vec<u8> {
    let len = usize::try_from(ok("length", file.len())).expect("a short file");
    let mut bytes = vec![0; len];
    ok("read", file.read_exact_at(&mut bytes, 0));
    bytes
}

fn ok<T>(what: &str, result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}

fn locked<T>(result: Result<T, LockError>) -> T {
    result.unwrap_or_else(|error| panic!("a free lock is given: {error}"))
}

fn refused<T>(kind: ErrorKind, result: io::Result<T>) {
    match result {
        Ok(_) => panic!("expected {kind:?}, and it was done"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}
