//! The bytes of one file, copied on write.
//!
//! An image is a table of chunks of 64 pages of 4 KiB, each behind an `Arc`. A clone costs one reference count. The
//! first write after a clone copies the table (8 bytes per 256 KiB), one chunk (512 bytes) and one page. So a crash
//! image costs in proportion to what is written, not to the length of the file. A page of zeros takes no memory.

use std::fmt;
use std::io;
use std::sync::Arc;

const PAGE_BYTES: usize = 4096;
const CHUNK_PAGES: usize = 64;
const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// The longest file: 1 TiB. Only pages that hold something other than zeros take memory.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 40;

type Page = Arc<[u8; PAGE_BYTES]>;
type Chunk = [Option<Page>; CHUNK_PAGES];

/// The bytes of one file. Clones share memory until one of them is written.
#[derive(Clone)]
pub struct Image {
    len: u64,
    chunks: Arc<Vec<Option<Arc<Chunk>>>>,
}

impl Default for Image {
    fn default() -> Self {
        Image {
            len: 0,
            chunks: Arc::new(Vec::new()),
        }
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} bytes)", self.len)
    }
}

impl Image {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes from `offset` on into `buf`; returns how many there were.
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> usize {
        let left = self.len.saturating_sub(offset);
        let count = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (page, within) = locate(offset);
        if within + count <= PAGE_BYTES {
            self.read_page(page, within, &mut buf[..count]);
            return count;
        }
        for span in spans(offset, count) {
            let out = &mut buf[span.start..span.start + span.len];
            self.read_page(span.page, span.within, out);
        }
        count
    }

    fn read_page(&self, page: usize, within: usize, out: &mut [u8]) {
        match self.page(page) {
            Some(page) => out.copy_from_slice(&page[within..within + out.len()]),
            None => out.fill(0),
        }
    }

    /// Where two images begin to differ: at a byte, or at the end of the shorter one. Cheap where one was cloned from the
    /// other.
    #[must_use]
    pub fn first_difference(&self, other: &Image) -> Option<u64> {
        let pages = self.len.max(other.len).div_ceil(PAGE_BYTES as u64);
        let differs = |page| self.difference_in(other, page);
        let byte = (0..index(pages)).find_map(differs);
        let end = (self.len != other.len).then_some(self.len.min(other.len));
        byte.into_iter().chain(end).min()
    }

    /// All bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; index(self.len)];
        self.read_at(&mut bytes, 0);
        bytes
    }

    pub(crate) fn write_at(&mut self, bytes: &[u8], offset: u64) {
        for span in spans(offset, bytes.len()) {
            self.write_span(&span, &bytes[span.start..span.start + span.len]);
        }
        if !bytes.is_empty() {
            self.len = self.len.max(offset + bytes.len() as u64);
        }
    }

    /// Cuts or extends with zeros.
    pub(crate) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.forget_after(len);
        }
        self.len = len;
    }

    fn page(&self, page: usize) -> Option<&Page> {
        let chunk = self.chunks.get(page / CHUNK_PAGES)?.as_ref()?;
        chunk[page % CHUNK_PAGES].as_ref()
    }

    /// Where a page differs from that of another image.
    fn difference_in(&self, other: &Image, page: usize) -> Option<u64> {
        let (mine, theirs) = (self.page(page), other.page(page));
        let is_shared = match (mine, theirs) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        };
        let mine: &[u8; PAGE_BYTES] = mine.map_or(&ZEROS, |page| page);
        let theirs: &[u8; PAGE_BYTES] = theirs.map_or(&ZEROS, |page| page);
        if is_shared || mine == theirs {
            return None;
        }
        let within = mine
            .iter()
            .zip(theirs)
            .position(|(one, other)| one != other)?;
        Some((page * PAGE_BYTES + within) as u64)
    }

    fn write_span(&mut self, span: &Span, bytes: &[u8]) {
        if bytes == &ZEROS[..bytes.len()] && self.page(span.page).is_none() {
            return;
        }
        let slot = self.slot_mut(span.page);
        if bytes == ZEROS {
            *slot = None;
            return;
        }
        let page = slot.get_or_insert_with(|| Arc::new(ZEROS));
        Arc::make_mut(page)[span.within..span.within + span.len].copy_from_slice(bytes);
    }

    fn slot_mut(&mut self, page: usize) -> &mut Option<Page> {
        let chunks = Arc::make_mut(&mut self.chunks);
        let idx = page / CHUNK_PAGES;
        if chunks.len() <= idx {
            chunks.resize(idx + 1, None);
        }
        let chunk = chunks[idx].get_or_insert_with(|| Arc::new([const { None }; CHUNK_PAGES]));
        &mut Arc::make_mut(chunk)[page % CHUNK_PAGES]
    }

    /// Zeros from `len` on, so that what was cut does not come back when the file grows again.
    fn forget_after(&mut self, len: u64) {
        let (page, within) = locate(len);
        let last = locate(self.len.min(len.saturating_add(index_limit(self)))).0;
        if within > 0 && self.page(page).is_some() {
            let slot = self.slot_mut(page);
            if let Some(page) = slot {
                Arc::make_mut(page)[within..].fill(0);
            }
        }
        let first = if within > 0 { page + 1 } else { page };
        for page in first..=last {
            if self.page(page).is_some() {
                *self.slot_mut(page) = None;
            }
        }
    }
}

/// Bytes that the chunk table can hold: nothing is stored past them.
fn index_limit(image: &Image) -> u64 {
    (image.chunks.len() * CHUNK_PAGES * PAGE_BYTES) as u64
}

/// The part of a range of bytes that lies in one page.
struct Span {
    page: usize,
    /// Where it begins in the page.
    within: usize,
    /// Where it begins in the range.
    start: usize,
    len: usize,
}

fn spans(offset: u64, count: usize) -> impl Iterator<Item = Span> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == count {
            return None;
        }
        let (page, within) = locate(offset + start as u64);
        let len = (PAGE_BYTES - within).min(count - start);
        let span = Span {
            page,
            within,
            start,
            len,
        };
        start += len;
        Some(span)
    })
}

fn locate(offset: u64) -> (usize, usize) {
    let page_bytes = PAGE_BYTES as u64;
    (index(offset / page_bytes), index(offset % page_bytes))
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("a file of the simulation fits in memory")
}

/// Whether a file may reach to the end of a write of `len` bytes at `offset`.
pub(crate) fn check_end(offset: u64, len: u64) -> io::Result<u64> {
    match offset.checked_add(len) {
        Some(end) if end <= FILE_BYTES_MAX => Ok(end),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}

#[cfg(test)]
mod tests;
