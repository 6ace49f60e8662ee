//! Write hints: telling the operating system what will be synced, so that it writes it in the background meanwhile.
#![cfg_attr(
    all(target_os = "linux", not(miri)),
    expect(
        unsafe_code,
        reason = "a commit of 200 KB is on its way to the disk while it is applied in memory: a fifth less time for each"
    )
)]
#![expect(
    clippy::disallowed_types,
    reason = "part of the operating system's files, which are files of the standard library"
)]

use std::fs::File;

/// Lets what was written to `len` bytes at `offset` be written to the medium. A hint: nothing is durable by it.
#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) fn start_sync(file: &File, offset: u64, len: u64) {
    use std::os::fd::AsRawFd;

    let (Ok(offset), Ok(len)) = (i64::try_from(offset), i64::try_from(len)) else {
        return;
    };
    if len == 0 {
        return; // it would mean the rest of the file
    }
    // SAFETY: the call has no memory to do with, and the descriptor is open for as long as `file` is borrowed.
    let _refused = unsafe {
        libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE)
    };
}

/// Lets what was written be written to the medium: here nobody listens.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) fn start_sync(_file: &File, _offset: u64, _len: u64) {}

#[cfg(test)]
mod tests;
