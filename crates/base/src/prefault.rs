//! Prefault: memory that is about to be filled gets its pages at once, not one by one as it is written to.
#![cfg_attr(
    all(target_os = "linux", not(miri)),
    expect(
        unsafe_code,
        reason = "a third of the time of an insert into a memtable went into faults of fresh pages"
    )
)]

use std::mem::MaybeUninit;

/// Length of a page, in bytes. Where pages are longer, the hint is refused.
const PAGE_BYTES: usize = 4096;

/// Says of memory that all of it will be written to soon. What is in it stays; it takes the pages that lie in it whole. A
/// hint: where the system cannot or will not, they come as they are written to.
pub fn prefault(memory: &mut [MaybeUninit<u8>]) {
    let skipped = memory.as_ptr().align_offset(PAGE_BYTES);
    if let Some(pages) = memory.get_mut(skipped..)
        && pages.len() >= PAGE_BYTES
    {
        let len = pages.len() - pages.len() % PAGE_BYTES;
        populate(&mut pages[..len]);
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
fn populate(pages: &mut [MaybeUninit<u8>]) {
    // SAFETY: the advice maps pages as a write to each would, and changes nothing that is in them.
    let _refused = unsafe {
        libc::madvise(
            pages.as_mut_ptr().cast(),
            pages.len(),
            libc::MADV_POPULATE_WRITE,
        )
    };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn populate(_pages: &mut [MaybeUninit<u8>]) {}

#[cfg(test)]
mod tests;
