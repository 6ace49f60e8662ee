//! Tests of the allocator that counts, which here serves nobody else.

use super::*;

#[test]
fn what_is_allocated_counts_until_it_is_freed() {
    let allocator = CountingAllocator::new();
    let layout = Layout::from_size_align(100, 8).unwrap();
    // SAFETY: the layout has a length.
    let memory = unsafe { allocator.alloc_zeroed(layout) };
    assert!(!memory.is_null());
    assert_eq!(allocator.live_bytes(), 100);
    // SAFETY: it is what was given for this layout, and the new length is not zero.
    let memory = unsafe { allocator.realloc(memory, layout, 300) };
    assert!(!memory.is_null());
    assert_eq!(allocator.live_bytes(), 300);
    let layout = Layout::from_size_align(300, 8).unwrap();
    // SAFETY: as above.
    unsafe { allocator.dealloc(memory, layout) };
    assert_eq!(allocator.live_bytes(), 0);
}
