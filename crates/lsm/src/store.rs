//! Store: the folder of an engine's files, the cache of their blocks, and what reading one block takes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::Mutex;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::{Env, File, FileSystem, Malformed, OpenMode, checksum};
use drystone_compress::{CodecId, Decompressor};
use drystone_engine::EngineError;
use drystone_storage_pager::{BlockNo, PageCache, PageRef};

use crate::error::{bad_checksum, corrupt, io_error, not_decompressed};
use crate::handle::Handle;

/// Decompressors that wait for work. More are dropped.
const IDLE_MAX: usize = 8;

/// What SSTs of one engine share.
#[derive(Debug)]
pub(crate) struct Store {
    files: Arc<dyn FileSystem>,
    dir: PathBuf,
    pub(crate) cache: PageCache,
    /// Latch: held for moments.
    idle: Mutex<Vec<Decompressor>>,
    pub(crate) tallies: Tallies,
}

/// Figures that many threads add to. Lost additions are borne.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) filter_checks: AtomicU64,
    pub(crate) filter_refusals: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
}

impl Store {
    pub(crate) fn new(env: &Env, dir: &Path, cache: PageCache) -> Store {
        Store {
            files: Arc::clone(&env.files),
            dir: dir.to_owned(),
            cache,
            idle: Mutex::new(Vec::new()),
            tallies: Tallies::default(),
        }
    }

    pub(crate) fn files(&self) -> &dyn FileSystem {
        &*self.files
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the SST of a number is.
    pub(crate) fn sst_path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:016x}.sst"))
    }

    pub(crate) fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>, EngineError> {
        let opened = self.files.open(path, mode);
        opened.map_err(|source| io_error("open", path, 0, source))
    }

    /// Makes the names in the folder durable.
    pub(crate) fn sync_dir(&self) -> std::io::Result<()> {
        self.files.sync_dir(&self.dir)
    }

    pub(crate) fn note_written(&self, bytes: usize) {
        let written = &self.tallies.written_bytes;
        written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The contents of a block: from the cache, or from the file and then in the cache.
    pub(crate) fn read_cached(
        &self,
        place: &Place<'_>,
        handle: &Handle,
    ) -> Result<Bytes, EngineError> {
        let page = place.page_ref(handle);
        if let Some(bytes) = self.cache.get(&page) {
            return Ok(bytes);
        }
        let contents = self.read(place, handle)?;
        Ok(self.cache.insert(&page, contents))
    }

    /// The contents of a block, from the file.
    pub(crate) fn read(&self, place: &Place<'_>, handle: &Handle) -> Result<Vec<u8>, EngineError> {
        place.check_within(handle)?;
        let len = usize::try_from(handle.stored_len).unwrap_or(usize::MAX);
        let mut stored = vec![0; len];
        let read = place.file.read_exact_at(&mut stored, handle.offset);
        read.map_err(|source| place.read_failed(handle.offset, source))?;
        self.unpack(place, handle, stored)
    }

    /// The contents of a block that was read.
    pub(crate) fn unpack(
        &self,
        place: &Place<'_>,
        handle: &Handle,
        stored: Vec<u8>,
    ) -> Result<Vec<u8>, EngineError> {
        let found = checksum::crc64(&stored);
        if !checksum::is_right(handle.checksum, found) {
            let why = bad_checksum(handle.checksum, found);
            return Err(corrupt(place.path, handle.offset, why));
        }
        if handle.codec == CodecId::None {
            return Ok(stored);
        }
        let contents_len = usize::try_from(handle.contents_len).unwrap_or(usize::MAX);
        let mut contents = Vec::new();
        let mut decompressor = self.idle.lock().pop().unwrap_or_default();
        let unpacked = decompressor.decompress(handle.codec, &stored, contents_len, &mut contents);
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(decompressor);
        }
        drop(idle);
        unpacked.map_err(|why| not_decompressed(place.path, handle.offset, why))?;
        Ok(contents)
    }
}

/// An SST's file, for reading.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) file: &'a dyn File,
    pub(crate) number: u64,
    pub(crate) file_len: u64,
}

impl Place<'_> {
    /// What the cache knows a block by. Offsets are below 2^32; where numbers are not, two blocks may be known by the same
    /// number, and are told apart by their checksums.
    fn page_ref(&self, handle: &Handle) -> PageRef {
        PageRef {
            block: BlockNo((self.number << 32) ^ handle.offset),
            len: handle.stored_len,
            codec: handle.codec.byte(),
            checksum: handle.checksum,
        }
    }

    fn check_within(&self, handle: &Handle) -> Result<(), EngineError> {
        if handle.end() <= self.file_len {
            return Ok(());
        }
        let expected = format!("at most {}", self.file_len);
        let why = Malformed::new("end of a block", expected, handle.end().to_string());
        Err(corrupt(self.path, handle.offset, why))
    }

    /// A file that ends early is damaged; any other failure is the storage's.
    pub(crate) fn read_failed(&self, offset: u64, source: std::io::Error) -> EngineError {
        if source.kind() == std::io::ErrorKind::UnexpectedEof {
            let expected = format!("{} bytes", self.file_len);
            let why = Malformed::new("length of an SST", expected, source.to_string());
            return corrupt(self.path, offset, why);
        }
        io_error("read", self.path, offset, source)
    }
}
