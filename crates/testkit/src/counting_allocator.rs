//! An allocator that counts: what budgets of memory are held against.
#![expect(
    unsafe_code,
    reason = "to count what is allocated takes an allocator, whose methods are unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, with a count of the bytes that are allocated now. For a test that is alone in its process:
///
/// ```
/// use drystone_testkit::CountingAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator::new();
///
/// let before = ALLOCATOR.live_bytes();
/// let page = vec![0u8; 4096];
/// assert_eq!(ALLOCATOR.live_bytes(), before + 4096);
/// drop(page);
/// assert_eq!(ALLOCATOR.live_bytes(), before);
/// ```
///
/// What the system's allocator adds to each allocation is not counted. Threads: counts those of all.
#[derive(Debug, Default)]
pub struct CountingAllocator {
    live: AtomicUsize,
}

impl CountingAllocator {
    /// One that has counted nothing yet.
    #[must_use]
    pub const fn new() -> CountingAllocator {
        CountingAllocator {
            live: AtomicUsize::new(0),
        }
    }

    /// Bytes that are allocated now.
    #[must_use]
    pub fn live_bytes(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }
}

// SAFETY: all work is the system's, and nothing here depends on what it is asked for. What moves or is zeroed comes from
// `alloc` and goes to `dealloc`, by the trait's own methods.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.live.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.live.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[cfg(test)]
mod tests;
