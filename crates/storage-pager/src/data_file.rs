//! The pager's file: reads, writes and syncs that say where they failed, and the poison that a failed sync leaves.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::checksum::{crc64, is_right};
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use drystone_base::{Cached, File};
use drystone_compress::CodecId;

use crate::block::{BLOCK_BYTES, BLOCK_BYTES_U64, BlockNo, Extent, blocks_for};
use crate::buffers::Buffers;
use crate::compressed::{Refused, Unpacker};
use crate::error::{Malformed, PagerError, bad_checksum};
use crate::frame::{Contents, is_short, room_for};
use crate::page_map::PageMap;
use crate::page_ref::PageRef;
use crate::read_around::ReadAround;

/// A way to fill a buffer with what the file has at an offset.
type Read = fn(&DataFile, &mut [u8], u64) -> Result<(), PagerError>;

/// An open file of pages.
#[derive(Debug)]
pub(crate) struct DataFile {
    path: PathBuf,
    file: Arc<dyn File>,
    /// Blocks that it has at least. Pages end before that.
    blocks: AtomicU64,
    poisoned: AtomicBool,
    written_bytes: AtomicU64,
    syncs: AtomicU64,
    unpacker: Unpacker,
    buffers: Buffers,
    around: ReadAround,
    /// Whether nobody says what the system has in memory: then nobody is asked again.
    is_blind: AtomicBool,
    /// `None`: pages are read.
    map: Option<PageMap>,
}

impl DataFile {
    pub(crate) fn new(path: PathBuf, file: Arc<dyn File>) -> DataFile {
        DataFile {
            path,
            file,
            blocks: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
            written_bytes: AtomicU64::new(0),
            syncs: AtomicU64::new(0),
            unpacker: Unpacker::default(),
            buffers: Buffers::default(),
            around: ReadAround::new(),
            is_blind: AtomicBool::new(false),
            map: None,
        }
    }

    /// The same, mapped into memory, if that can be.
    pub(crate) fn mapped(self) -> Result<DataFile, PagerError> {
        let map = PageMap::new(&self.file);
        let map = map.map_err(|source| self.io("map", 0, source))?;
        Ok(DataFile { map, ..self })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads up to `buf.len()` bytes; what lies behind the end of the file reads as zeros.
    pub(crate) fn read_or_zeros(&self, buf: &mut [u8], offset: u64) -> Result<(), PagerError> {
        let read = self.file.read_at(buf, offset);
        let count = read.map_err(|source| self.io("read", offset, source))?;
        buf[count..].fill(0);
        Ok(())
    }

    /// Reads a page and proves that it is the one meant. One read of the file.
    pub(crate) fn read_page(&self, page: &PageRef) -> Result<Contents, PagerError> {
        self.read_page_by(page, DataFile::read_or_zeros)
    }

    /// As [`DataFile::read_page`], for a reader: of a page that is stored as it is, the file's own memory, if it is mapped.
    pub(crate) fn borrow_page(&self, page: &PageRef) -> Result<Contents, PagerError> {
        self.check_place(page)?;
        let codec = self.codec_of(page)?;
        match self.map.as_ref().and_then(|map| map.lend(page)) {
            None => self.read_page_by(page, DataFile::read_around),
            Some(lent) => {
                self.prove(page, &lent)?;
                match codec {
                    CodecId::None => Ok(Contents::lent(lent)),
                    packed => self.unpack(packed, page, &lent),
                }
            }
        }
    }

    /// Whether a page that lies in these blocks is lent.
    pub(crate) fn is_lent(&self, blocks: Extent) -> bool {
        let map = self.map.as_ref();
        map.is_some_and(|map| map.is_lent(blocks))
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.map.is_some()
    }

    pub(crate) fn mapped_bytes(&self) -> u64 {
        self.map.as_ref().map_or(0, PageMap::mapped_bytes)
    }

    fn read_page_by(&self, page: &PageRef, read: Read) -> Result<Contents, PagerError> {
        self.check_place(page)?;
        let (codec, len) = (self.codec_of(page)?, page.len as usize);
        if codec == CodecId::None && !is_short(len) {
            // Into the memory of its frame.
            let mut bytes = vec![0; len];
            read(self, &mut bytes, page.block.offset())?;
            self.prove(page, &bytes)?;
            return Ok(Contents::copy_of(bytes.into()));
        }
        self.buffers.with(room_for(len), |buffer| {
            read(self, &mut buffer[..len], page.block.offset())?;
            self.open_page(page, buffer)
        })
    }

    /// As [`DataFile::read_or_zeros`]; what lies around comes into the system's memory along with it, where that is worth it.
    fn read_around(&self, buf: &mut [u8], offset: u64) -> Result<(), PagerError> {
        if self.is_blind.load(Ordering::Relaxed) {
            return self.read_or_zeros(buf, offset);
        }
        match self.file.read_cached_at(buf, offset) {
            Cached::Whole => {
                self.around.met(offset);
                return Ok(());
            }
            Cached::Not => {
                if let Some(window) = self.around.missed(offset) {
                    self.file.will_need(window.start, window.end - window.start);
                }
            }
            Cached::Unknown => {
                self.read_or_zeros(buf, offset)?; // or it is this place that does not read
                self.is_blind.store(true, Ordering::Relaxed);
                return Ok(());
            }
        }
        self.read_or_zeros(buf, offset)
    }

    /// Proves that `room` begins with the stored bytes of the page; returns its contents.
    ///
    /// # Panics
    /// When `room` is shorter than those.
    pub(crate) fn open_page(&self, page: &PageRef, room: &[u8]) -> Result<Contents, PagerError> {
        let codec = self.codec_of(page)?;
        self.prove(page, &room[..page.len as usize])?;
        self.unpack(codec, page, room)
    }

    fn prove(&self, page: &PageRef, stored: &[u8]) -> Result<(), PagerError> {
        let found = crc64(stored);
        if is_right(page.checksum, found) || is_planted("pager-checksum-skipped") {
            return Ok(());
        }
        Err(self.corrupt(page.block.offset(), bad_checksum(page.checksum, found)))
    }

    /// Reads blocks that the file has, and lends them to `work`.
    pub(crate) fn with_extent<T>(
        &self,
        extent: Extent,
        work: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, PagerError> {
        let count = usize::try_from(extent.count).map_err(|_| self.too_long())?;
        let len = count.saturating_mul(BLOCK_BYTES);
        self.buffers.with(len, |buffer| {
            self.read_or_zeros(&mut buffer[..len], BlockNo(extent.start).offset())?;
            Ok(work(&buffer[..len]))
        })
    }

    /// These blocks will be read soon.
    pub(crate) fn will_need(&self, extent: Extent) {
        let len = extent.count.saturating_mul(BLOCK_BYTES_U64);
        self.file.will_need(BlockNo(extent.start).offset(), len);
    }

    /// Whether such a page can be in the file.
    pub(crate) fn has(&self, page: &PageRef) -> bool {
        self.check_place(page).is_ok()
    }

    /// The contents of a page whose stored bytes are at hand, and proved.
    pub(crate) fn contents_of(&self, page: &PageRef, stored: &[u8]) -> Result<Bytes, PagerError> {
        let contents = self.unpack(self.codec_of(page)?, page, stored)?;
        Ok(contents.bytes)
    }

    /// A codec that is not here is found before anything is read.
    fn codec_of(&self, page: &PageRef) -> Result<CodecId, PagerError> {
        let (path, offset) = (&self.path, page.block.offset());
        let known = CodecId::from_byte(page.codec);
        let codec = known.map_err(|_| PagerError::UnknownCodec {
            path: path.clone(),
            offset,
            codec: page.codec,
        })?;
        let built = codec.check_built();
        built.map_err(|why| PagerError::CodecNotBuilt {
            path: path.clone(),
            offset,
            why,
        })?;
        Ok(codec)
    }

    /// The contents of a page whose stored bytes are what `room` begins with.
    fn unpack(&self, codec: CodecId, page: &PageRef, room: &[u8]) -> Result<Contents, PagerError> {
        let (len, offset) = (page.len as usize, page.block.offset());
        if codec == CodecId::None {
            return Ok(Contents::copy_front(room, len));
        }
        self.buffers.with(0, |contents| {
            let unpacked = self.unpacker.unpack_into(codec, &room[..len], contents);
            match unpacked {
                Ok(()) => Ok(frame_from(contents)),
                Err(Refused::Malformed(why)) => Err(self.corrupt(offset, why)),
                Err(Refused::Failed(why)) => {
                    Err(self.io("decompress", offset, io::Error::other(why)))
                }
            }
        })
    }

    /// No memory is set aside for a page that the file is too short for.
    fn check_place(&self, page: &PageRef) -> Result<(), PagerError> {
        page.check()
            .map_err(|why| self.corrupt(page.block.offset(), why))?;
        let blocks = self.blocks.load(Ordering::Relaxed);
        if page.extent().end() <= blocks {
            return Ok(());
        }
        let (expected, found) = (format!("up to {blocks}"), page.extent().end().to_string());
        let why = Malformed::new("last block of a page", expected, found);
        Err(self.corrupt(page.block.offset(), why))
    }

    /// Refuses to write to a page that is lent: see [`PageMap`].
    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<(), PagerError> {
        let blocks = Extent::new(offset / BLOCK_BYTES_U64, blocks_for(bytes.len() as u64));
        self.check_lent(blocks, "write", offset)?;
        let written = self.file.write_all_at(bytes, offset);
        written.map_err(|source| self.io("write", offset, source))?;
        self.written_bytes
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Lets what was written to `len` bytes at `offset` be on its way to the medium before it is synced.
    pub(crate) fn start_sync(&self, offset: u64, len: u64) {
        self.file.start_sync(offset, len);
    }

    /// Makes everything written durable. A failure poisons.
    pub(crate) fn sync(&self) -> Result<(), PagerError> {
        self.check_poison()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync().map_err(|source| {
            self.poison();
            self.io("sync", 0, source)
        })
    }

    /// Refuses to touch blocks in which a page is lent that somebody reads. One is there only where a page was read of a state
    /// that nobody held: the reader would see it change, or, where the file is cut, be ended with the process.
    fn check_lent(&self, blocks: Extent, op: &'static str, offset: u64) -> Result<(), PagerError> {
        if !self.is_lent(blocks) {
            return Ok(());
        }
        let why = "a page there was read of a state that is not held, and is still in use: hold the root of what is read, and \
                   give back the page";
        Err(self.io(op, offset, io::Error::new(io::ErrorKind::ResourceBusy, why)))
    }

    /// Cuts or extends to `blocks` blocks. Refuses to cut off a page that is lent.
    pub(crate) fn set_blocks(&self, blocks: u64) -> Result<(), PagerError> {
        let len = blocks.saturating_mul(BLOCK_BYTES_U64);
        self.check_lent(Extent::new(blocks, u64::MAX - blocks), "set length", len)?;
        let set = if is_planted("pager-length-not-set") {
            Ok(())
        } else {
            self.file.set_len(len)
        };
        set.map_err(|source| self.io("set length", len, source))?;
        self.blocks.store(blocks, Ordering::Relaxed);
        Ok(())
    }

    /// Pages may end at up to `blocks` blocks from now on: the file is that long.
    pub(crate) fn admit_blocks(&self, blocks: u64) {
        self.blocks.store(blocks, Ordering::Relaxed);
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> Result<u64, PagerError> {
        self.file
            .len()
            .map_err(|source| self.io("ask the length", 0, source))
    }

    /// Whether the file is longer than it needs to be.
    pub(crate) fn has_excess(&self) -> Result<bool, PagerError> {
        Ok(self.len()? > self.blocks().saturating_mul(BLOCK_BYTES_U64))
    }

    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn check_poison(&self) -> Result<(), PagerError> {
        if self.poisoned.load(Ordering::Relaxed) {
            return Err(PagerError::Poisoned {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    /// What a failure within a commit means for who called: where it poisoned, neither space nor another try mends it.
    pub(crate) fn commit_error(&self, error: PagerError) -> PagerError {
        match error {
            PagerError::Io {
                op,
                path,
                offset,
                source,
            } if self.check_poison().is_err() => PagerError::Failed {
                op,
                path,
                offset,
                source,
            },
            error => error,
        }
    }

    pub(crate) fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    pub(crate) fn corrupt(&self, offset: u64, why: Malformed) -> PagerError {
        PagerError::Corrupt {
            path: self.path.clone(),
            offset,
            why,
        }
    }

    /// More blocks were asked for than a file can have.
    pub(crate) fn too_long(&self) -> PagerError {
        let offset = self.blocks().saturating_mul(BLOCK_BYTES_U64);
        self.io("set length", offset, io::ErrorKind::FileTooLarge.into())
    }

    fn io(&self, op: &'static str, offset: u64, source: io::Error) -> PagerError {
        PagerError::Io {
            op,
            path: self.path.clone(),
            offset,
            source,
        }
    }
}

/// The frame of contents that lie in a buffer; those of a long page take the buffer's memory along.
fn frame_from(contents: &mut Vec<u8>) -> Contents {
    let len = contents.len();
    if !is_short(len) {
        return Contents::copy_of(std::mem::take(contents).into());
    }
    contents.resize(room_for(len), 0);
    Contents::copy_front(contents, len)
}
