//! Arena: memory that is handed out piece by piece and freed at once.
//!
//! # Invariants
//! - A1. A chunk's memory neither moves nor is freed before the arena is dropped.
//! - A2. Pieces do not overlap: each begins at or after the end of the one before it.
//! - A3. Chunks are aligned to lines, so a piece is aligned when its offset in the chunk is.
#![expect(
    unsafe_code,
    reason = "the tree over it answers twice as many gets as a BTreeMap behind a latch; see tree.rs"
)]

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use drystone_base::prefault::prefault;

/// What chunks are made of: a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE_BYTES]);

const LINE_BYTES: usize = 64;
/// Little, because many tables of a memtable may hold a key or two.
const CHUNK_LINES_MIN: usize = 256 / LINE_BYTES;
const CHUNK_LINES_MAX: usize = (1 << 20) / LINE_BYTES;
/// Chunks from here on get their pages at once: what comes before was filled, so this will be.
const PREFAULT_LINES_MIN: usize = (64 << 10) / LINE_BYTES;

/// Hands out pieces of memory. Runs no destructors: whoever puts something in that needs one sees to it.
pub(crate) struct Arena {
    /// Raw, because the memory is shared with whoever got pieces of it.
    chunks: Vec<NonNull<[MaybeUninit<Line>]>>,
    /// Bytes of the newest chunk that are handed out.
    used: usize,
    bytes: u64,
}

// SAFETY: the arena owns its chunks, and nothing in it is tied to a thread. What is put into its pieces is the
// business of whoever puts it there.
unsafe impl Send for Arena {}

/// Bytes in an arena. They are written before anybody gets the span, and never again (A1, A2).
pub(crate) struct Span {
    start: NonNull<u8>,
    len: usize,
}

impl Span {
    /// Copies `bytes` to `start`.
    ///
    /// # Safety
    /// `start` must be writable for `bytes.len()` bytes that do not overlap `bytes`.
    unsafe fn write(start: NonNull<u8>, bytes: &[u8]) -> Span {
        // SAFETY: as this function asks.
        unsafe { start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        Span {
            start,
            len: bytes.len(),
        }
    }

    /// The bytes.
    ///
    /// # Safety
    /// The arena must outlive what is returned.
    #[inline]
    pub(crate) unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: A1, and as this function asks.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Arena {
    pub(crate) fn new() -> Arena {
        Arena {
            chunks: Vec::new(),
            used: 0,
            bytes: 0,
        }
    }

    /// How many bytes were handed out.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts `value` into a piece of its own. It is never dropped.
    pub(crate) fn put<T>(&mut self, value: T) -> NonNull<T> {
        let piece = self.piece(Layout::new::<T>()).cast::<T>();
        // SAFETY: the piece has the layout of `T` and is nobody else's (A2).
        unsafe { piece.write(value) };
        piece
    }

    /// Puts two runs of bytes and a value that refers to them into one piece, so that a cache line may serve all. The
    /// value is never dropped.
    pub(crate) fn put_with_bytes<T>(
        &mut self,
        runs: [&[u8]; 2],
        value: impl FnOnce([Span; 2]) -> T,
    ) -> NonNull<T> {
        let [first, second] = runs;
        let head = Layout::new::<T>();
        let bytes = Layout::array::<u8>(first.len() + second.len());
        let bytes = bytes.expect("two slices fit in memory");
        let (layout, offset) = head
            .extend(bytes)
            .expect("two slices and a few words fit in memory");
        let piece = self.piece(layout);
        // SAFETY: the piece holds a `T`, and from `offset` on the two runs one after the other, by its layout. It is
        // nobody else's (A2), so it overlaps neither run.
        unsafe {
            let start = piece.add(offset);
            let spans = [
                Span::write(start, first),
                Span::write(start.add(first.len()), second),
            ];
            piece.cast::<T>().write(value(spans));
        }
        piece.cast()
    }

    fn piece(&mut self, layout: Layout) -> NonNull<u8> {
        assert!(layout.align() <= LINE_BYTES, "chunks are aligned to lines");
        let layout = layout.pad_to_align();
        let mut start = self.used.next_multiple_of(layout.align());
        if start + layout.size() > self.chunk_bytes() {
            self.grow(layout.size());
            start = 0;
        }
        self.bytes += (start + layout.size() - self.used) as u64;
        self.used = start + layout.size();
        let chunk = self.chunks.last().expect("grown when there was none");
        // SAFETY: `start + layout.size()` is at most the chunk's length.
        unsafe { chunk.cast::<u8>().add(start) }
    }

    fn chunk_bytes(&self) -> usize {
        self.chunks
            .last()
            .map_or(0, |chunk| chunk.len() * LINE_BYTES)
    }

    /// Adds a chunk, twice as large as the one before, that has room for `bytes`.
    fn grow(&mut self, bytes: usize) {
        let before = self.chunks.last().map_or(0, |chunk| chunk.len());
        let len = (before * 2).clamp(CHUNK_LINES_MIN, CHUNK_LINES_MAX);
        let len = len.max(bytes.div_ceil(LINE_BYTES));
        let chunk = Box::leak(Box::<[Line]>::new_uninit_slice(len));
        if len >= PREFAULT_LINES_MIN {
            prefault(as_bytes(chunk));
        }
        self.chunks.push(NonNull::from(chunk));
        self.used = 0;
    }
}

fn as_bytes(lines: &mut [MaybeUninit<Line>]) -> &mut [MaybeUninit<u8>] {
    let len = size_of_val(lines);
    // SAFETY: the same memory for as long; any bytes are `MaybeUninit`, which need no alignment.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), len) }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            // SAFETY: it was leaked from a box of this type in `grow`, and is freed here alone.
            drop(unsafe { Box::from_raw(chunk.as_ptr()) });
        }
    }
}
