//! The pager: opens the file, hands out roots and pages, lets one writer in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::{ArcSwap, Mutex};
use drystone_base::{Env, Lsn, OpenMode};

use crate::block::{BLOCK_BYTES_U64, Extent};
use crate::cache::{Arrival, Cache};
use crate::data_file::DataFile;
use crate::error::{Malformed, PagerError};
use crate::extent_set::ExtentSet;
use crate::frame_pointers::{FramePointers, FrameRef};
use crate::free_list;
use crate::options::{PagerOptions, ReadMode};
use crate::page_ref::PageRef;
use crate::root::{Gone, Root};
use crate::slots::{Slots, SuperblockCopy};
use crate::space::{FREE_TAIL_BLOCKS_MIN, Space};
use crate::superblock::{SUPERBLOCKS, Superblock, copy_offset};
use crate::verify::Verifier;
use crate::writer::{TailKept, Writer};

/// Name of the file in its folder.
const FILE_NAME: &str = "data";

/// Name under which it is created; renamed when it is whole.
const NEW_FILE_NAME: &str = "data.new";

/// What opening found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Whether there was no file before.
    pub created: bool,
    /// Copies of superblocks that were damaged, or older than their twin, and were written anew. A power cut within a
    /// commit leaves one; any other is damage that was mended.
    pub mended: Vec<SuperblockCopy>,
}

/// Figures of a pager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PagerStats {
    /// Length of the file.
    pub file_bytes: u64,
    /// Bytes of it that the next writer may write to, as of when the last writer ended.
    pub free_bytes: u64,
    /// Bytes of it that only older states use, as of when the last writer ended.
    pub pinned_bytes: u64,
    /// Memory that the cache uses now.
    pub cache_bytes: u64,
    /// The cache's budget.
    pub cache_bytes_max: u64,
    /// Reads that the cache answered, but for those by a [`FramePointers`]. Concurrent ones may be counted as one.
    pub cache_hits: u64,
    /// Reads that went to the file. Concurrent ones may be counted as one.
    pub cache_misses: u64,
    /// Bytes written since it was opened.
    pub written_bytes: u64,
    /// Syncs since it was opened.
    pub syncs: u64,
    /// Bytes of the file that are mapped into memory; 0 where pages are read.
    pub mapped_bytes: u64,
}

/// Pages in a file. Clones share it; the last one, or the last writer or verifier, closes it.
///
/// Threads: rules P1 to P4 of the crate.
#[derive(Clone, Debug)]
pub struct Pager {
    inner: Arc<Inner>,
}

/// What every handle shares.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) file: DataFile,
    pub(crate) cache: Cache,
    pub(crate) uuid: [u8; 16],
    opened: Opened,
    root: ArcSwap<Root>,
    /// Latch: held for moments, except by `verify`, which reads the superblocks under it. `None` while a writer has it.
    space: Mutex<Option<Box<Space>>>,
    free_blocks: AtomicU64,
    pinned_blocks: AtomicU64,
}

impl Pager {
    /// Opens the file `data` in the folder `dir`, or creates both. Mends what one copy of a superblock has lost.
    ///
    /// The state is the one of the last commit that returned, or of one that was under way. It is durable when this
    /// returns: what a killed process had written and not yet synced is synced here.
    ///
    /// # Errors
    /// [`PagerError::Io`], [`PagerError::Corrupt`], [`PagerError::LostSuperblock`],
    /// [`PagerError::UnsupportedVersion`].
    pub fn open(env: &Env, dir: &Path, options: PagerOptions) -> Result<Pager, PagerError> {
        let created = create_if_missing(env, dir)?;
        let path = dir.join(FILE_NAME);
        let file = env
            .files
            .open(&path, OpenMode::ReadWrite)
            .map_err(|source| io_error("open", &path, source))?;
        let file = DataFile::new(path, file);
        file.sync()?;
        let slots = Slots::read(&file)?;
        slots.check(&file)?;
        let Some(newest) = slots.newest(options.lost_superblock).cloned() else {
            return Err(slots.into_error(&file));
        };
        check_length(&file, newest.blocks)?;
        let file = match options.reads {
            ReadMode::Copy => file,
            ReadMode::Map => file.mapped()?,
        };
        let opened = Opened {
            created,
            mended: slots.mend(&file)?,
        };
        Pager::from_state(file, newest, opened, &options)
    }

    fn from_state(
        file: DataFile,
        newest: Superblock,
        opened: Opened,
        options: &PagerOptions,
    ) -> Result<Pager, PagerError> {
        file.admit_blocks(newest.blocks);
        let unused = read_free_list(&file, newest.free_list.as_ref(), newest.blocks)?;
        let mut space = Box::new(Space::new(unused, newest.blocks));
        let root = Arc::new(root_of(&newest));
        space.publish(&root);
        let inner = Arc::new(Inner {
            file,
            cache: Cache::new(options.cache_bytes, options.cache_policy),
            uuid: newest.uuid,
            opened,
            root: ArcSwap::new(root),
            space: Mutex::new(None),
            free_blocks: AtomicU64::new(0),
            pinned_blocks: AtomicU64::new(0),
        });
        inner.return_space(space);
        Ok(Pager { inner })
    }

    /// The newest durable state. Waits for nothing; costs some tens of nanoseconds. Holding it pins its pages.
    #[must_use]
    pub fn root(&self) -> Arc<Root> {
        self.inner.root.load_full()
    }

    /// The contents of a page, which must be of a state that is held until this returns: by a [`Root`], or by being the newest
    /// while no writer is at work. A page of another state may be gone, which is an error; and where pages are mapped
    /// ([`ReadMode::Map`]), what is read of one keeps its blocks from nobody: writers that come to them, or to the end of the
    /// file before them, fail until it is given back. Proved by its checksum when it comes from the
    /// file, with one read; from the cache it costs no copy. Slices of it share its memory, and keep all of it.
    ///
    /// # Errors
    /// [`PagerError::Io`]; [`PagerError::Corrupt`] where the file does not hold this page;
    /// [`PagerError::UnknownCodec`].
    pub fn read(&self, page: &PageRef) -> Result<Bytes, PagerError> {
        self.inner.read(page)
    }

    /// The contents of child `idx` of a page that has these pointers, if there is a pointer to its frame, for the caller to
    /// keep.
    #[inline]
    #[must_use]
    pub fn child(&self, pointers: &FramePointers, idx: usize) -> Option<Bytes> {
        pointers.get(idx, self.inner.cache.touch())
    }

    /// As [`Pager::read`], for a page that is child `idx` of one that the caller keeps: straight from its frame, while
    /// the cache has it, from the second time on.
    ///
    /// # Errors
    /// As [`Pager::read`].
    #[inline]
    pub fn read_child(
        &self,
        page: &PageRef,
        pointers: &Arc<FramePointers>,
        idx: usize,
    ) -> Result<Bytes, PagerError> {
        if let Some(frame) = self.child(pointers, idx) {
            return Ok(frame);
        }
        let bytes = self.inner.read(page)?;
        self.inner.cache.point(page, pointers, idx);
        Ok(bytes)
    }

    /// The frame of child `idx` of a page that has these pointers, where it lies, if there is a pointer to it. It was proved
    /// when it was read.
    #[inline]
    #[must_use]
    pub fn child_frame<'a>(&self, pointers: &'a FramePointers, idx: usize) -> Option<FrameRef<'a>> {
        pointers.frame(idx, self.inner.cache.touch())
    }

    /// As [`Pager::read`], for a scan: where the page has to be read from the file, `next` names pages that will be wanted
    /// after it, the nearest first, and up to 64 KiB of them come with it. Nothing is asked of `next` otherwise.
    ///
    /// # Errors
    /// As [`Pager::read`]; of the pages ahead nothing is heard before they are read.
    pub fn read_ahead(
        &self,
        page: &PageRef,
        next: &mut dyn Iterator<Item = PageRef>,
    ) -> Result<Bytes, PagerError> {
        self.inner.read_ahead(page, next)
    }

    /// As [`Pager::read_child`] and [`Pager::read_ahead`].
    ///
    /// # Errors
    /// As [`Pager::read`].
    pub fn read_child_ahead(
        &self,
        page: &PageRef,
        pointers: &Arc<FramePointers>,
        idx: usize,
        next: &mut dyn Iterator<Item = PageRef>,
    ) -> Result<Bytes, PagerError> {
        if let Some(frame) = self.child(pointers, idx) {
            return Ok(frame);
        }
        let bytes = self.inner.read_ahead(page, next)?;
        self.inner.cache.point(page, pointers, idx);
        Ok(bytes)
    }

    /// Starts the next state. Nothing of it is seen before [`Writer::commit`]; dropping the writer forgets it.
    ///
    /// # Errors
    /// [`PagerError::Busy`], [`PagerError::Poisoned`].
    pub fn begin(&self) -> Result<Writer, PagerError> {
        self.inner.file.check_poison()?;
        let mut space = self.inner.take_space()?;
        self.inner.reclaim(&mut space);
        Ok(Writer::new(Arc::clone(&self.inner), space))
    }

    /// One slice of background work: gives the free blocks at the end of the file back, when they are many. It also asks
    /// the operating system to map the cache's memory in larger pages, some of it at a time: a hint.
    /// Returns whether it did something, and should be called again. What it gives back is a commit of the same state, and
    /// counts as a writer.
    ///
    /// # Errors
    /// As [`Pager::begin`] and [`Writer::commit`]. [`PagerError::Io`] for `set length` comes after the state was committed: the
    /// file is longer than it has to be, and the next call tries again.
    pub fn step(&self) -> Result<bool, PagerError> {
        self.step_with(&mut |_| {})
    }

    /// As [`Pager::step`], with a commit as [`Writer::commit_with`].
    ///
    /// # Errors
    /// As [`Pager::step`]; `publish` was called before a failure to set the length.
    pub fn step_with(&self, publish: &mut dyn FnMut(&Arc<Root>)) -> Result<bool, PagerError> {
        let inner = &self.inner;
        if inner.cache.step() {
            return Ok(true);
        }
        let free_at_most =
            inner.free_blocks.load(Ordering::Relaxed) + inner.pinned_blocks.load(Ordering::Relaxed);
        if free_at_most < FREE_TAIL_BLOCKS_MIN && !inner.file.has_excess()? {
            return Ok(false);
        }
        self.begin()?.give_back_tail(TailKept::Step, publish)
    }

    /// Gives all free blocks at the end of the file back, where [`Pager::step`] keeps some for what comes next. Returns
    /// whether it did something. A commit of the same state; counts as a writer.
    ///
    /// # Errors
    /// As [`Pager::begin`] and [`Writer::commit`]; for `set length` as [`Pager::step`].
    pub fn trim(&self) -> Result<bool, PagerError> {
        self.trim_with(&mut |_| {})
    }

    /// As [`Pager::trim`], with a commit as [`Writer::commit_with`].
    ///
    /// # Errors
    /// As [`Pager::trim`]; `publish` was called before a failure to set the length.
    pub fn trim_with(&self, publish: &mut dyn FnMut(&Arc<Root>)) -> Result<bool, PagerError> {
        self.begin()?.give_back_tail(TailKept::Nothing, publish)
    }

    /// Starts a check of the state `root`: the caller walks its pages. Writers may go on meanwhile.
    ///
    /// # Errors
    /// Only when checking cannot start: [`PagerError::Io`]. What is wrong is found by the [`Verifier`].
    pub fn verify(&self, root: Arc<Root>) -> Result<Verifier, PagerError> {
        Verifier::new(Arc::clone(&self.inner), root)
    }

    /// What opening found and did.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.inner.opened
    }

    /// The file's identity, drawn when it was created.
    #[must_use]
    pub fn uuid(&self) -> [u8; 16] {
        self.inner.uuid
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.inner.file.path()
    }

    /// Figures for people.
    #[must_use]
    pub fn stats(&self) -> PagerStats {
        let inner = &self.inner;
        let (cache_hits, cache_misses) = inner.cache.hits_and_misses();
        PagerStats {
            file_bytes: inner.file.blocks() * BLOCK_BYTES_U64,
            free_bytes: inner.free_blocks.load(Ordering::Relaxed) * BLOCK_BYTES_U64,
            pinned_bytes: inner.pinned_blocks.load(Ordering::Relaxed) * BLOCK_BYTES_U64,
            cache_bytes: inner.cache.bytes() as u64,
            cache_bytes_max: inner.cache.bytes_max() as u64,
            cache_hits,
            cache_misses,
            written_bytes: inner.file.written_bytes(),
            syncs: inner.file.syncs(),
            mapped_bytes: inner.file.mapped_bytes(),
        }
    }
}

impl Inner {
    pub(crate) fn read(&self, page: &PageRef) -> Result<Bytes, PagerError> {
        match self.cache.get(page) {
            Some(bytes) => Ok(bytes),
            None => self.read_missed(page),
        }
    }

    /// Reads a page that is not in the cache.
    pub(crate) fn read_missed(&self, page: &PageRef) -> Result<Bytes, PagerError> {
        let contents = self.file.borrow_page(page)?;
        Ok(self.cache.insert(page, contents, Arrival::Asked))
    }

    /// As [`Inner::read`], for the writer: a page that it has written is not lent, for it may take it back.
    pub(crate) fn read_copied(&self, page: &PageRef) -> Result<Bytes, PagerError> {
        if let Some(bytes) = self.cache.get(page) {
            return Ok(bytes);
        }
        let contents = self.file.read_page(page)?;
        Ok(self.cache.insert(page, contents, Arrival::Asked))
    }

    /// Makes the blocks reusable that nobody needs any more; whether there were any.
    pub(crate) fn reclaim(&self, space: &mut Space) -> bool {
        space.reclaim(&mut |extent| self.let_go(extent))
    }

    /// The cache lets go of what lies in blocks that no root needs. Returns whether nobody else reads it where it lies.
    fn let_go(&self, extent: Extent) -> bool {
        if !is_planted("pager-cache-stale") {
            self.cache.remove(extent.start);
        }
        if !self.file.is_lent(extent) {
            return true;
        }
        // Where one run has many pages.
        (extent.start..extent.end()).for_each(|block| self.cache.remove(block));
        !self.file.is_lent(extent)
    }

    pub(crate) fn root(&self) -> Arc<Root> {
        self.root.load_full()
    }

    /// Makes `superblock`, which is durable, the state that readers get.
    pub(crate) fn publish(&self, superblock: &Superblock) -> Arc<Root> {
        let root = Arc::new(root_of(superblock));
        self.root.store(Arc::clone(&root));
        root
    }

    pub(crate) fn return_space(&self, space: Box<Space>) {
        let free = space.reusable_count();
        let pinned = space.unused().block_count() - free;
        self.free_blocks.store(free, Ordering::Relaxed);
        self.pinned_blocks.store(pinned, Ordering::Relaxed);
        *self.space.lock() = Some(space);
    }

    fn take_space(&self) -> Result<Box<Space>, PagerError> {
        self.space.lock().take().ok_or_else(|| PagerError::Busy {
            path: self.file.path().to_owned(),
        })
    }

    /// Reads the superblocks while no writer can be at them. `None` while one is at work, or has failed there.
    pub(crate) fn quiet_slots(&self) -> Result<Option<Slots>, PagerError> {
        let space = self.space.lock();
        if space.as_ref().is_none_or(|space| space.is_in_doubt()) {
            return Ok(None);
        }
        Slots::read(&self.file).map(Some)
    }
}

/// Reads the free list of a state. `None`: no block is free.
pub(crate) fn read_free_list(
    file: &DataFile,
    page: Option<&PageRef>,
    blocks: u64,
) -> Result<ExtentSet, PagerError> {
    let Some(page) = page else {
        return Ok(ExtentSet::default());
    };
    let corrupt = |why| file.corrupt(page.block.offset(), why);
    let unused = free_list::decode(&file.read_page(page)?.bytes, blocks).map_err(corrupt)?;
    if unused.overlaps(page.extent()) {
        let why = Malformed::new("free list", "blocks other than its own", "its own");
        return Err(corrupt(why));
    }
    Ok(unused)
}

fn root_of(superblock: &Superblock) -> Root {
    Root {
        generation: superblock.generation,
        lsn: superblock.lsn,
        payload: superblock.payload.clone(),
        blocks: superblock.blocks,
        free_list: superblock.free_list,
        gone: Gone::default(),
    }
}

fn check_length(file: &DataFile, blocks: u64) -> Result<(), PagerError> {
    let (needed, found) = (blocks * BLOCK_BYTES_U64, file.len()?);
    if found >= needed {
        return Ok(());
    }
    let why = Malformed::new(
        "length of the file",
        format!("at least {needed}"),
        found.to_string(),
    );
    Err(file.corrupt(found, why))
}

/// Creates the file under another name, and gives it its own when it is whole and durable. So a file without a whole
/// superblock is damage, and never a creation that a crash cut short. Returns whether it was missing.
fn create_if_missing(env: &Env, dir: &Path) -> Result<bool, PagerError> {
    let path = dir.join(FILE_NAME);
    let exists = env.files.exists(&path);
    let is_missing = !exists.map_err(|source| io_error("look for", &path, source))?;
    if is_missing {
        create(env, dir, &path)?;
    }
    // Also when it was there: a killed process may have renamed it and not come to this.
    if !is_planted("pager-file-name-unsynced") {
        sync_dir(env, dir)?;
    }
    Ok(is_missing)
}

fn create(env: &Env, dir: &Path, path: &Path) -> Result<(), PagerError> {
    let dir_made = env.files.create_dir_durable(dir);
    dir_made.map_err(|source| io_error("create", dir, source))?;
    let new_path = dir.join(NEW_FILE_NAME);
    let file = env
        .files
        .open(&new_path, OpenMode::Create)
        .map_err(|source| io_error("create", &new_path, source))?;
    let file = DataFile::new(new_path.clone(), file);
    file.set_blocks(SUPERBLOCKS)?;
    let mut uuid = [0; 16];
    env.random.fill(&mut uuid);
    for generation in [0, 1] {
        let first = first_superblock(uuid, generation).encode();
        file.write(&first, copy_offset(generation, 0))?;
        file.write(&first, copy_offset(generation, 1))?;
    }
    file.sync()?;
    let renamed = env.files.rename(&new_path, path);
    renamed.map_err(|source| io_error("rename", &new_path, source))
}

/// Makes the names in a folder durable.
fn sync_dir(env: &Env, folder: &Path) -> Result<(), PagerError> {
    let synced = env.files.sync_dir(folder);
    synced.map_err(|source| io_error("sync", folder, source))
}

/// The two states of a new file: nothing, and nothing again.
fn first_superblock(uuid: [u8; 16], generation: u64) -> Superblock {
    Superblock {
        uuid,
        generation,
        lsn: Lsn::ZERO,
        durable_lsn: Lsn::ZERO,
        blocks: SUPERBLOCKS,
        free_list: None,
        payload: Bytes::new(),
    }
}

fn io_error(op: &'static str, path: &Path, source: io::Error) -> PagerError {
    PagerError::Io {
        op,
        path: PathBuf::from(path),
        offset: 0,
        source,
    }
}

#[cfg(test)]
mod tests;
