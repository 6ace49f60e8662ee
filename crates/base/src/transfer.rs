//! Transfers that go on until all is through: what stands between a system, which may do less than it was asked for or
//! be interrupted, and [`crate::File`], which never is.
//!
//! [`crate::OsFileSystem`] and the simulated disk go through here alike, so that the simulation tries this too.

use std::io;

/// Reads at `offset` until `buf` is full or the file ends (a read of 0 bytes); returns how many bytes there were.
///
/// # Errors
/// The first error other than `Interrupted`.
pub fn read_full(
    buf: &mut [u8],
    offset: u64,
    mut read_some: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        let rest = &mut buf[filled..];
        match uninterrupted(|| read_some(rest, offset + filled as u64))? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Writes all of `buf` at `offset`.
///
/// # Errors
/// The first error other than `Interrupted`; `WriteZero` where a write takes nothing. A beginning may be written.
pub fn write_full(
    buf: &[u8],
    offset: u64,
    mut write_some: impl FnMut(&[u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    let mut written = 0;
    while written < buf.len() {
        let rest = &buf[written..];
        match uninterrupted(|| write_some(rest, offset + written as u64))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => written += count,
        }
    }
    Ok(())
}

/// Tries again whenever a signal got in the way.
///
/// # Errors
/// The first error other than `Interrupted`.
pub fn uninterrupted<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
