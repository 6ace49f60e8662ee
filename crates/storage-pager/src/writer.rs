//! One transition from a durable state to the next.
//!
//! # Order of a commit
//! 1. The new pages and the free list are written, to blocks that no state uses which is durable or held; the file is
//!    as long as the next superblock says. Sync.
//! 2. The superblock's copies, one after the other, each with a sync: `slots.rs` says what a crash between them leaves.
//! 3. The root is published. Only then may the blocks that were freed be written to, by a later writer.
//!
//! A failed write, up to that of the first copy, leaves the old state and a usable pager. A failed sync poisons, and so
//! does a failed write of the second copy: the state is the next one then.

mod fork;

pub use self::fork::{Fork, ListedPages};

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::checksum::crc64;
use drystone_base::planted::is_planted;
use drystone_compress::Codec;

use crate::block::{BLOCK_BYTES, BlockNo, Extent, blocks_for};
use crate::cache::Arrival;
use crate::compressed::Packer;
use crate::error::{Malformed, PagerError};
use crate::extent_set::ExtentSet;
use crate::frame::Contents;
use crate::free_list;
use crate::page_ref::{CODEC_NONE, MAX_PAGE_BYTES, PageRef};
use crate::pager::Inner;
use crate::root::Root;
use crate::slots;
use crate::space::{Changes, Headroom, NotLive, Space};
use crate::superblock::{MAX_PAYLOAD_BYTES, Superblock};

/// Consecutive pages are written together, up to about this many bytes.
const WRITE_BYTES: usize = 1 << 20;

/// The next state in the making. Dropping it without [`Writer::commit`] leaves the state as it is.
///
/// Threads: owned by one; may be sent to another. Memory: a buffer of 1 MiB, or of the longest page; while one is
/// compressed, as much again.
#[derive(Debug)]
pub struct Writer {
    inner: Arc<Inner>,
    /// `None` once it was given back, which dropping does.
    space: Option<Box<Space>>,
    changes: Changes,
    buffer: Buffer,
    packer: Packer,
}

/// What is left of the free blocks at the end of a file that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TailKept {
    /// One step of growth; the file is not cut for less than two.
    Step,
    /// None.
    Nothing,
}

/// Pages that lie one behind the other and are not in the file yet.
#[derive(Debug, Default)]
struct Buffer {
    start: u64,
    /// Whole blocks.
    bytes: Vec<u8>,
    pages: Vec<Buffered>,
    /// Memory for the frames of compressed pages.
    frame_bytes: usize,
}

#[derive(Debug)]
struct Buffered {
    page: PageRef,
    /// For the cache: the contents of a compressed page, unless it is too long to be kept there.
    frame: Option<Contents>,
}

impl Writer {
    pub(crate) fn new(inner: Arc<Inner>, space: Box<Space>) -> Writer {
        Writer {
            inner,
            space: Some(space),
            changes: Changes::default(),
            buffer: Buffer::default(),
            packer: Packer::default(),
        }
    }

    /// Adds a page with these contents, 1 to [`MAX_PAGE_BYTES`] bytes. Takes whole blocks. Nothing is durable, and most
    /// of it is not even written, before [`Writer::commit`].
    ///
    /// # Errors
    /// [`PagerError::PageLen`]; [`PagerError::Io`] when the file cannot grow or an earlier page cannot be written, with
    /// nothing added: trying again is allowed.
    pub fn write(&mut self, bytes: &[u8]) -> Result<PageRef, PagerError> {
        let page = self.place(bytes, CODEC_NONE)?;
        self.buffer.push(page, bytes, None);
        Ok(page)
    }

    /// As [`Writer::write`], compressed where that saves a block; as they are where it does not. Reading gives the same
    /// contents either way.
    ///
    /// # Errors
    /// As [`Writer::write`]; [`PagerError::Compress`] for a codec that this build lacks, with nothing added.
    pub fn write_compressed(
        &mut self,
        contents: &[u8],
        codec: Codec,
    ) -> Result<PageRef, PagerError> {
        let len = page_len(contents)? as usize;
        let mut packer = std::mem::take(&mut self.packer);
        let page = match packer.pack(contents, codec) {
            Ok(Some(stored)) => self.write_packed(stored, contents, codec),
            Ok(None) => self.write(contents),
            Err(why) => Err(PagerError::Compress { len, why }),
        };
        packer.shrink();
        self.packer = packer;
        page
    }

    fn write_packed(
        &mut self,
        stored: &[u8],
        contents: &[u8],
        codec: Codec,
    ) -> Result<PageRef, PagerError> {
        let page = self.place(stored, codec.id().byte())?;
        let is_kept = self.inner.cache.keeps(contents.len());
        let frame = is_kept.then(|| Contents::copy_of(contents.into()));
        self.buffer.push(page, stored, frame);
        Ok(page)
    }

    /// From here on pages are written as far to the front of the file as they fit, not one behind the other: for whoever
    /// wants the file's end to become free.
    pub fn place_low(&mut self) {
        self.changes.place_low();
    }

    /// Whether [`Writer::relocate`] would move a page: it ends behind `limit`, and there is room for it nearer to the front.
    #[must_use]
    pub fn would_move(&self, page: &PageRef, limit: BlockNo) -> bool {
        let space = self.space.as_ref();
        let has_room = |space: &Space| space.has_room_below(page.block.0, page.block_count());
        page.extent().end() > limit.0 && space.is_some_and(|space| has_room(space))
    }

    /// Moves a page that ends behind `limit` to free blocks nearer to the front, compressed as [`Writer::write_compressed`] does, and
    /// frees those that it leaves. The caller puts the new reference in the place of the old one. `None`: it stays where
    /// it is. To be called after [`Writer::place_low`].
    ///
    /// # Errors
    /// As [`Writer::write_compressed`], [`Writer::free`] and [`Pager::read`](crate::Pager::read).
    pub fn relocate(
        &mut self,
        page: &PageRef,
        codec: Codec,
        limit: BlockNo,
    ) -> Result<Option<PageRef>, PagerError> {
        if !self.would_move(page, limit) {
            return Ok(None);
        }
        let contents = self.read(page)?;
        let moved = self.write_compressed(&contents, codec)?;
        self.free(page)?;
        Ok(Some(moved))
    }

    /// Finds blocks for a page, and makes the buffer ready for it.
    fn place(&mut self, stored: &[u8], codec: u8) -> Result<PageRef, PagerError> {
        let len = page_len(stored)?;
        let extent = self.allocate(blocks_for(u64::from(len)))?;
        if !self.buffer.takes(extent, stored.len()) {
            self.flush().inspect_err(|_| self.spoil(extent))?;
        }
        Ok(PageRef {
            block: BlockNo(extent.start),
            len,
            codec,
            checksum: crc64(stored),
        })
    }

    /// A page is not part of the next state. Its blocks are used again once the commit is durable and no older root is
    /// held.
    ///
    /// # Errors
    /// [`PagerError::Corrupt`] when it is no page of the state: freed already, or not within the file. The tree that
    /// names it is damaged then. Nothing was freed.
    pub fn free(&mut self, page: &PageRef) -> Result<(), PagerError> {
        let space = space_of(&mut self.space);
        let is_page = page.check().map_err(|_| NotLive);
        let freed = is_page.and_then(|()| space.free(page.extent(), &mut self.changes));
        freed.map_err(|_| {
            let why = Malformed::new("page to be freed", "one of this state", "free blocks");
            self.inner.file.corrupt(page.block.offset(), why)
        })
    }

    /// The contents of a page of the old state, or of one that this writer has added.
    ///
    /// # Errors
    /// As [`Pager::read`](crate::Pager::read).
    pub fn read(&self, page: &PageRef) -> Result<Bytes, PagerError> {
        match self.buffer.page(page) {
            Some((_, Some(frame))) => Ok(frame.bytes.clone()),
            Some((stored, None)) => self.inner.file.contents_of(page, stored),
            None => self.inner.read_copied(page),
        }
    }

    /// Writes and syncs what was added so far, so that [`Writer::commit`] has less to wait for. Nothing is promised by it:
    /// the next state begins with the commit.
    ///
    /// # Errors
    /// [`PagerError::Io`] from a write, which may be tried again; [`PagerError::Failed`] from the sync: the pager is
    /// poisoned, and the state is the old one.
    pub fn sync_ahead(&mut self) -> Result<(), PagerError> {
        self.flush()?;
        let synced = self.inner.file.sync();
        synced.map_err(|error| self.inner.file.commit_error(error))
    }

    /// Makes the next state durable, with `payload` (up to [`MAX_PAYLOAD_BYTES`]) as its root record and all up to
    /// `lsn` in it, and publishes it. Three syncs.
    ///
    /// # Errors
    /// [`PagerError::PayloadTooLarge`] and [`PagerError::LsnBackwards`], with nothing done. [`PagerError::Io`] from a
    /// write: the old state stays, and the next writer may try again. [`PagerError::Failed`] from a sync, or from the
    /// write of the superblock's second copy: the pager is poisoned. Either way it is in one of the two states when it
    /// is opened again.
    pub fn commit(self, payload: &[u8], lsn: Lsn) -> Result<(), PagerError> {
        self.commit_with(payload, lsn, &mut |_| {})
    }

    /// As [`Writer::commit`], and shows the root to `publish` as soon as readers get it, before another writer can begin.
    /// So whoever keeps something beside the root, and looks at it only with a writer at hand, never finds it older.
    ///
    /// # Errors
    /// As [`Writer::commit`]; `publish` was not called then.
    pub fn commit_with(
        self,
        payload: &[u8],
        lsn: Lsn,
        publish: &mut dyn FnMut(&Arc<Root>),
    ) -> Result<(), PagerError> {
        self.commit_cut(payload, lsn, None, publish)
    }

    /// Commits the state as it is in a file with fewer free blocks at its end, or with its free list out of their way.
    /// Returns whether that was worth it. `publish` as in [`Writer::commit_with`].
    pub(crate) fn give_back_tail(
        mut self,
        kept: TailKept,
        publish: &mut dyn FnMut(&Arc<Root>),
    ) -> Result<bool, PagerError> {
        let root = self.inner.root();
        let space = space_of(&mut self.space);
        let length = match kept {
            TailKept::Step => space.shorter_end(),
            TailKept::Nothing => space.shortest_end(list_blocks(space.unused())),
        };
        let list = root.free_list.map(|page| page.extent());
        if length.is_none() && !list.is_some_and(|list| space.is_in_the_way(list)) {
            return self.cut_excess();
        }
        self.commit_cut(&root.payload, root.lsn, length, publish)?;
        Ok(true)
    }

    /// Cuts off what a crash, or a failed cut, has left behind the end. Returns whether there was anything.
    fn cut_excess(mut self) -> Result<bool, PagerError> {
        if !self.inner.file.has_excess()? {
            return Ok(false);
        }
        let end = space_of(&mut self.space).end();
        self.inner.file.set_blocks(end)?;
        Ok(true)
    }

    fn commit_cut(
        self,
        payload: &[u8],
        lsn: Lsn,
        cut: Option<u64>,
        publish: &mut dyn FnMut(&Arc<Root>),
    ) -> Result<(), PagerError> {
        let inner = Arc::clone(&self.inner);
        let committed = self.try_commit(payload, lsn, cut, publish);
        committed.map_err(|error| inner.file.commit_error(error))
    }

    fn try_commit(
        mut self,
        payload: &[u8],
        lsn: Lsn,
        cut: Option<u64>,
        publish: &mut dyn FnMut(&Arc<Root>),
    ) -> Result<(), PagerError> {
        let old = self.inner.root();
        check_commit(payload, lsn, old.lsn)?;
        let free_list = self.write_free_list(old.free_list.as_ref(), cut)?;
        self.flush()?;
        if !is_planted("pager-pages-unsynced") {
            self.inner.file.sync()?;
        }
        let superblock = Superblock {
            uuid: self.inner.uuid,
            generation: old.generation + 1,
            lsn,
            durable_lsn: old.lsn,
            blocks: space_of(&mut self.space).end(),
            free_list,
            payload: Bytes::copy_from_slice(payload),
        };
        if cut.is_some() && is_planted("pager-cut-before-switch") {
            self.inner.file.set_blocks(superblock.blocks)?;
        }
        self.changes.switch();
        slots::switch(&self.inner.file, &superblock)?;
        drop(old); // or it would pin its own state
        publish(&self.publish(&superblock));
        if cut.is_none() {
            return Ok(());
        }
        self.inner.file.admit_blocks(superblock.blocks); // also if cutting fails: it is excess from here on
        let too_far = u64::from(is_planted("pager-cut-too-far"));
        self.inner.file.set_blocks(superblock.blocks - too_far)
    }

    /// Readers get the next state from here on. The space is kept until the writer is dropped, so that no other writer
    /// makes the file longer while it is being cut.
    fn publish(&mut self, superblock: &Superblock) -> Arc<Root> {
        let root = self.inner.publish(superblock);
        let changes = std::mem::take(&mut self.changes);
        space_of(&mut self.space).commit(changes, &root);
        root
    }

    /// Lists what the next state does not use. The list's own blocks are taken first, as many as it can need then; the
    /// padding fills the rest, so that none is lost.
    fn write_free_list(
        &mut self,
        old: Option<&PageRef>,
        cut: Option<u64>,
    ) -> Result<Option<PageRef>, PagerError> {
        if old.is_some() && is_planted("pager-free-list-stale") {
            return Ok(old.copied());
        }
        if let Some(old) = old {
            self.free(old)?;
        }
        let unused = space_of(&mut self.space).unused();
        if unused.block_count() == 0 {
            return Ok(None);
        }
        let block_count = list_blocks(unused);
        let extent = self.allocate_low(block_count)?;
        if let Some(length) = cut {
            self.cut(length.max(extent.end()));
        }
        let page = self.encode_free_list(extent)?;
        Ok(Some(page))
    }

    fn encode_free_list(&mut self, extent: Extent) -> Result<PageRef, PagerError> {
        let mut bytes = Vec::new();
        free_list::encode(space_of(&mut self.space).unused(), &mut bytes);
        let needed = blocks_for(bytes.len() as u64);
        assert!(needed <= extent.count, "a free list outgrew its blocks");
        bytes.resize(extent_len(extent), 0);
        let page = PageRef {
            block: BlockNo(extent.start),
            len: page_len(&bytes)?,
            codec: CODEC_NONE,
            checksum: crc64(&bytes),
        };
        self.inner.file.write(&bytes, page.block.offset())?;
        Ok(page)
    }

    fn cut(&mut self, length: u64) {
        let space = space_of(&mut self.space);
        if length < space.end() {
            space.cut(length, &mut self.changes);
        }
    }

    fn allocate(&mut self, count: u64) -> Result<Extent, PagerError> {
        let space = space_of(&mut self.space);
        if let Some(extent) = space.allocate(count, &mut self.changes) {
            return Ok(extent);
        }
        // A reader that was there when this writer began may have gone: better its blocks than a longer file.
        if self.reclaim()
            && let Some(extent) = space_of(&mut self.space).allocate(count, &mut self.changes)
        {
            return Ok(extent);
        }
        self.grow(count)?;
        let space = space_of(&mut self.space);
        let extent = space.allocate(count, &mut self.changes);
        Ok(extent.expect("the file grew by as much as was needed"))
    }

    fn allocate_low(&mut self, count: u64) -> Result<Extent, PagerError> {
        let space = space_of(&mut self.space);
        if let Some(extent) = space.allocate_low(count, &mut self.changes) {
            return Ok(extent);
        }
        self.grow(count)?;
        let space = space_of(&mut self.space);
        let extent = space.allocate_low(count, &mut self.changes);
        Ok(extent.expect("the file grew by as much as was needed"))
    }

    /// Makes the blocks reusable that readers have let go; whether there were any.
    fn reclaim(&mut self) -> bool {
        self.inner.reclaim(space_of(&mut self.space))
    }

    /// Lengthens the file so that `count` blocks in a row are free; by just that much where a step does not fit.
    fn grow(&mut self, count: u64) -> Result<(), PagerError> {
        let stepped = self.grow_with(count, Headroom::Step);
        stepped.or_else(|_| self.grow_with(count, Headroom::None))
    }

    fn grow_with(&mut self, count: u64, headroom: Headroom) -> Result<(), PagerError> {
        let space = space_of(&mut self.space);
        let length = space.length_for(count, headroom);
        let length = length.ok_or_else(|| self.inner.file.too_long())?;
        match self.inner.file.set_blocks(length) {
            Err(_) if is_planted("pager-set-length-error-swallowed") => {
                self.inner.file.admit_blocks(length);
            }
            set => set?,
        }
        space.grow(length);
        Ok(())
    }

    /// Gives back what was allocated for a page that was not added after all.
    fn spoil(&mut self, extent: Extent) {
        let freed = space_of(&mut self.space).free(extent, &mut self.changes);
        freed.expect("a page that was just allocated is live");
    }

    /// Writes the buffer to the file. Its pages enter the cache.
    fn flush(&mut self) -> Result<(), PagerError> {
        if self.buffer.bytes.is_empty() {
            return Ok(());
        }
        let offset = BlockNo(self.buffer.start).offset();
        self.inner.file.write(&self.buffer.bytes, offset)?;
        if self.buffer.bytes.len() >= WRITE_BYTES / 2 {
            // What is long comes with more behind it: the medium works meanwhile, and the commit has the end to wait for.
            let len = self.buffer.bytes.len() as u64;
            self.inner.file.start_sync(offset, len);
        }
        for Buffered { page, .. } in &self.buffer.pages {
            let frame = match self.buffer.page(page) {
                Some((_, Some(frame))) => frame.clone(),
                Some((contents, None))
                    if page.codec == CODEC_NONE && self.inner.cache.keeps(contents.len()) =>
                {
                    Contents::copy_of(contents.into())
                }
                _ => continue, // too long for the cache
            };
            self.inner.cache.insert(page, frame, Arrival::Asked);
        }
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(mut space) = self.space.take() else {
            return;
        };
        for extent in space.roll_back(std::mem::take(&mut self.changes)) {
            for block in extent.start..extent.end() {
                self.inner.cache.remove(block);
            }
        }
        self.inner.return_space(space);
    }
}

impl Buffer {
    /// Whether a page of `len` bytes at `extent` may follow.
    fn takes(&self, extent: Extent, len: usize) -> bool {
        let end = self.start + blocks_for(self.bytes.len() as u64);
        let held = self.bytes.len().max(self.frame_bytes);
        self.bytes.is_empty() || (extent.start == end && held + len <= WRITE_BYTES)
    }

    fn push(&mut self, page: PageRef, bytes: &[u8], frame: Option<Contents>) {
        if self.bytes.is_empty() {
            self.start = page.block.0;
        }
        self.bytes.extend_from_slice(bytes);
        let whole = self.bytes.len().next_multiple_of(BLOCK_BYTES);
        self.bytes.resize(whole, 0);
        self.frame_bytes += frame.as_ref().map_or(0, |frame| frame.bytes.len());
        self.pages.push(Buffered { page, frame });
    }

    /// The stored bytes of a page that is in here, and its frame if it has one already.
    fn page(&self, page: &PageRef) -> Option<(&[u8], Option<&Contents>)> {
        let place = |buffered: &Buffered| buffered.page.block;
        let found = self.pages.binary_search_by_key(&page.block, place).ok()?;
        let buffered = &self.pages[found];
        let offset = BlockNo(page.block.0.checked_sub(self.start)?).offset();
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(usize::try_from(page.len).ok()?)?;
        let stored = self.bytes.get(start..end)?;
        (buffered.page == *page).then_some((stored, buffered.frame.as_ref()))
    }

    /// Empties it; memory for a longer page than usual is given back.
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(WRITE_BYTES);
        self.pages.clear();
        self.frame_bytes = 0;
    }
}

/// How many blocks the list of `unused` can need.
fn list_blocks(unused: &ExtentSet) -> u64 {
    blocks_for(free_list::encoded_len_max(unused))
}

/// A writer has the space until it commits or is dropped.
fn space_of(space: &mut Option<Box<Space>>) -> &mut Space {
    space.as_mut().expect("a writer in use has the space")
}

fn page_len(bytes: &[u8]) -> Result<u32, PagerError> {
    let is_allowed = (1..=MAX_PAGE_BYTES).contains(&bytes.len());
    let len = u32::try_from(bytes.len()).ok().filter(|_| is_allowed);
    len.ok_or(PagerError::PageLen {
        len: bytes.len(),
        max: MAX_PAGE_BYTES,
    })
}

fn extent_len(extent: Extent) -> usize {
    let count = usize::try_from(extent.count).expect("a list in memory has few blocks");
    count * BLOCK_BYTES
}

fn check_commit(payload: &[u8], lsn: Lsn, newest: Lsn) -> Result<(), PagerError> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(PagerError::PayloadTooLarge {
            len: payload.len(),
            max: MAX_PAYLOAD_BYTES,
        });
    }
    if lsn < newest {
        return Err(PagerError::LsnBackwards { lsn, newest });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
