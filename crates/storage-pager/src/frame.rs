//! Frame: the memory that holds one page, with its count of holders right before its first byte.
//!
//! A [`Bytes`] made of a vector keeps its count in an allocation of its own: to take a page was to miss the processor's
//! caches once for the count, and then once more for the page. Beside each other they are one miss. The length of an
//! owner that holds its bytes is fixed when it is compiled, so there is one for each multiple of [`FRAME_STEP_BYTES`].

use std::borrow::Cow;

use bytes::Bytes;

use crate::page_map::LOAN_BYTES;

/// Frames are multiples of this long.
const FRAME_STEP_BYTES: usize = 1024;

/// Longer pages are worth two misses: their count is not kept beside them.
const INLINE_PAGE_BYTES_MAX: usize = 16 * FRAME_STEP_BYTES;

/// A page in an array of `N` bytes, which comes first: what precedes it in memory is the count.
#[repr(C)]
struct Inline<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> AsRef<[u8]> for Inline<N> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// What stands before a page in its allocation, and behind it: its count of holders, its length, the allocator's share.
const INLINE_BYTES: usize = 32;

/// The same, of a page whose count is apart.
const APART_BYTES: usize = 64;

/// Allocations from here on are mapped by themselves, in whole pages.
const MAPPED_BYTES_MIN: usize = 128 * 1024;
const MAPPED_STEP_BYTES: usize = 4096;

/// A page's contents in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    pub(crate) bytes: Bytes,
    home: Home,
}

/// Whose memory a page's contents are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Home {
    /// This process's.
    #[default]
    Heap,
    /// The file's, mapped.
    File,
}

impl Contents {
    /// A frame with a copy of these contents; those of long pages that are owned are not copied.
    pub(crate) fn copy_of(page: Cow<'_, [u8]>) -> Contents {
        let bytes = match page {
            Cow::Owned(page) if !is_short(page.len()) => long_frame(page),
            page => frame_of(&page, page.len()),
        };
        Contents {
            bytes,
            home: Home::Heap,
        }
    }

    /// A frame with a copy of the first `len` bytes of `room`. What lies behind them may be copied as well, which is
    /// faster where there are [`room_for`] bytes of it, and is never seen.
    pub(crate) fn copy_front(room: &[u8], len: usize) -> Contents {
        Contents {
            bytes: frame_of(room, len),
            home: Home::Heap,
        }
    }

    /// Those of a page that is read where it lies in the file.
    pub(crate) fn lent(bytes: Bytes) -> Contents {
        Contents {
            bytes,
            home: Home::File,
        }
    }

    /// These bytes, in memory of their own: to put them beside their count takes more stack than models of threads have.
    #[cfg(test)]
    pub(crate) fn of(page: Vec<u8>) -> Contents {
        Contents {
            bytes: Bytes::from(page),
            home: Home::Heap,
        }
    }

    /// Whether the allocator gave the memory.
    pub(crate) fn is_on_heap(&self) -> bool {
        self.home == Home::Heap
    }

    /// How much memory they take.
    pub(crate) fn memory_bytes(&self) -> usize {
        match (self.home, self.bytes.len()) {
            (_, 0) => 0,
            (Home::Heap, len) => frame_bytes(len),
            (Home::File, _) => LOAN_BYTES,
        }
    }
}

/// Whether a page of `len` bytes has its count beside it, so that it has to be copied into its frame.
pub(crate) const fn is_short(len: usize) -> bool {
    len <= INLINE_PAGE_BYTES_MAX
}

/// How long the room is from which a page of `len` bytes is copied fastest.
pub(crate) const fn room_for(len: usize) -> usize {
    len.next_multiple_of(FRAME_STEP_BYTES)
}

/// A frame with the first `len` bytes of `room`.
fn frame_of(room: &[u8], len: usize) -> Bytes {
    macro_rules! inline {
        ($($steps:literal)*) => {
            match len.div_ceil(FRAME_STEP_BYTES) {
                $($steps => inline::<{ $steps * FRAME_STEP_BYTES }>(room, len),)*
                _ => long_frame(room[..len].to_vec()),
            }
        };
    }
    inline!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

/// A frame that is as long as it has to be: what it was made of may have had room to spare.
fn long_frame(page: Vec<u8>) -> Bytes {
    Bytes::from(page.into_boxed_slice())
}

/// How much memory the frame of a page of `len` bytes takes.
pub(crate) const fn frame_bytes(len: usize) -> usize {
    if is_short(len) {
        return len.next_multiple_of(FRAME_STEP_BYTES) + INLINE_BYTES;
    }
    let bytes = len + APART_BYTES;
    if bytes < MAPPED_BYTES_MIN {
        return bytes;
    }
    bytes.next_multiple_of(MAPPED_STEP_BYTES)
}

fn inline<const N: usize>(room: &[u8], len: usize) -> Bytes {
    if let Some(bytes) = room.first_chunk::<N>() {
        return Bytes::from_owner(Inline { bytes: *bytes, len });
    }
    let mut bytes = [0; N];
    bytes[..len].copy_from_slice(&room[..len]);
    Bytes::from_owner(Inline { bytes, len })
}

/// Reads one byte of each of a page's first cache lines, where what is searched first lies.
///
/// The processor fetches them side by side, where a search would fetch one, wait, and then know the next: point reads
/// of a million rows in random order took 1.5 µs without and 0.85 µs with it. It comes before the page's holders are
/// counted, since nothing behind a locked instruction starts before that has its line.
#[inline]
pub(crate) fn warm(page: &[u8]) {
    let lines = page[..page.len().min(WARM_BYTES)].iter().step_by(64);
    std::hint::black_box(lines.fold(0, |sum, byte| sum ^ byte));
}

pub(crate) const WARM_BYTES: usize = 12 * 64;

#[cfg(test)]
mod tests;
