//! Huge pages: memory that the operating system maps in pieces of 2 MiB in place of 4 KiB, so that the processor finds it
//! without walking page tables.
#![cfg_attr(
    all(target_os = "linux", not(miri)),
    expect(
        unsafe_code,
        reason = "random point reads of a cache of hundreds of megabytes are a quarter faster"
    )
)]

/// Length and alignment of a huge page, in bytes.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Asks for huge page number `number`, the addresses from `number * HUGE_PAGE_BYTES` on, to be made one. Takes some
/// milliseconds, and no lock of ours. What is in the memory stays as it is; where the system cannot or will not, nothing
/// happens. Returns whether it is one now.
#[must_use]
pub fn make_huge(number: usize) -> bool {
    let Some(address) = number.checked_mul(HUGE_PAGE_BYTES) else {
        return false;
    };
    collapse(address)
}

#[cfg(all(target_os = "linux", not(miri)))]
fn collapse(address: usize) -> bool {
    let start = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: this advice neither changes nor unmaps memory, whoever owns it: the kernel copies what is mapped there to
    // one larger page and maps that in its place. Addresses that are not mapped give an error.
    unsafe { libc::madvise(start, HUGE_PAGE_BYTES, libc::MADV_COLLAPSE) == 0 }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn collapse(_address: usize) -> bool {
    false
}

#[cfg(test)]
mod tests;
