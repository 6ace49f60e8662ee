//! Vectors laid out in whole cache lines, and fetching them ahead of their use.
//!
//! # Invariants
//! - I1. A `Line` is 64 bytes, 16 numbers without padding between or after them, so that a run of lines is a run of
//!   numbers.
//! - I2. Fetching ahead is a hint: the processor may read no address wrongly by it, valid or not.
#![expect(
    unsafe_code,
    reason = "26,000 queries a second where 18,400 are answered without fetching whole lines ahead (`examples/recall.rs`, ef 30)"
)]

/// Numbers in one line.
pub(crate) const LANES: usize = 16;

/// Sixteen numbers that start on a cache line's boundary.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Line([f32; LANES]);

const _: () = assert!(size_of::<Line>() == LANES * size_of::<f32>());

/// The numbers of a run of lines.
pub(crate) fn flatten(lines: &[Line]) -> &[f32] {
    // SAFETY: by I1 the run holds exactly this many numbers, each initialised; the borrow is the same.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * LANES) }
}

/// The numbers of a run of lines, to be changed.
pub(crate) fn flatten_mut(lines: &mut [Line]) -> &mut [f32] {
    // SAFETY: as in `flatten`; the borrow is exclusive, and any number is a valid number.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * LANES) }
}

/// Asks for `lines` to be in the nearest cache soon.
#[inline]
pub(crate) fn prefetch<T>(items: &[T]) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = items.as_ptr().cast::<i8>();
        for offset in (0..size_of_val(items)).step_by(64) {
            // SAFETY: I2. The offset is within the slice.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(offset)) };
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = items;
}
