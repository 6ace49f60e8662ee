//! Arena: memory that is handed out piece by piece and freed at once.
//!
//! # Invariants
//! - A1. A chunk's memory neither moves nor is freed before the arena is dropped.
//! - A2. Pieces do not overlap: each begins at or after the end of the one before it.
#![expect(
    unsafe_code,
    reason = "the tree over it answers 3 times as many gets as a BTreeMap behind a latch; see tree.rs"
)]

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// The unit of memory, and so the alignment of every piece.
type Word = MaybeUninit<u64>;

const WORD_BYTES: usize = size_of::<Word>();
const CHUNK_WORDS_MIN: usize = 1024 / WORD_BYTES;
const CHUNK_WORDS_MAX: usize = (256 << 10) / WORD_BYTES;

/// Hands out pieces of memory. Runs no destructors: whoever puts something in that needs one sees to it.
pub(crate) struct Arena {
    /// Raw, because the memory is shared with whoever got pieces of it.
    chunks: Vec<NonNull<[Word]>>,
    /// Words of the newest chunk that are handed out.
    used: usize,
    bytes: u64,
}

// SAFETY: the arena owns its chunks, and nothing in it is tied to a thread. What is put into its pieces is the
// business of whoever puts it there.
unsafe impl Send for Arena {}

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

    /// Puts `value` into a piece, and `bytes` right after it, so that one cache line may serve both.
    pub(crate) fn put_with_bytes<T>(
        &mut self,
        bytes: &[u8],
        value: impl FnOnce(NonNull<u8>) -> T,
    ) -> NonNull<T> {
        let array = Layout::array::<u8>(bytes.len());
        let array = array.expect("a slice's own layout");
        let (layout, offset) = Layout::new::<T>()
            .extend(array)
            .expect("a key and a few words fit in memory");
        let piece = self.piece(layout);
        // SAFETY: `offset` lies within the piece, whose layout ends with `bytes.len()` bytes, and the piece is nobody
        // else's (A2), so not the one that `bytes` lies in.
        let tail = unsafe {
            let tail = piece.add(offset);
            tail.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            tail
        };
        // SAFETY: the piece begins with the layout of `T`, and is nobody else's (A2).
        unsafe { piece.cast::<T>().write(value(tail)) };
        piece.cast()
    }

    fn piece(&mut self, layout: Layout) -> NonNull<u8> {
        assert!(
            layout.align() <= align_of::<Word>(),
            "pieces are aligned to words"
        );
        let words = layout.size().div_ceil(WORD_BYTES);
        self.bytes += (words * WORD_BYTES) as u64;
        if self.left() < words {
            self.grow(words);
        }
        let chunk = self.chunks.last().expect("grown above");
        // SAFETY: `used + words` is at most the chunk's length.
        let piece = unsafe { chunk.cast::<Word>().add(self.used) };
        self.used += words;
        piece.cast()
    }

    fn left(&self) -> usize {
        self.chunks.last().map_or(0, |chunk| chunk.len()) - self.used
    }

    /// Adds a chunk, twice as large as the one before, that has room for `words`.
    fn grow(&mut self, words: usize) {
        let before = self.chunks.last().map_or(0, |chunk| chunk.len());
        let len = (before * 2)
            .clamp(CHUNK_WORDS_MIN, CHUNK_WORDS_MAX)
            .max(words);
        let chunk = Box::leak(Box::<[u64]>::new_uninit_slice(len));
        self.chunks.push(NonNull::from(chunk));
        self.used = 0;
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            // SAFETY: it was leaked from a box of this type in `grow`, and is freed here alone.
            drop(unsafe { Box::from_raw(chunk.as_ptr()) });
        }
    }
}
