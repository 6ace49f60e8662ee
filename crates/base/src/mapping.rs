//! Mapping: the bytes of a file as memory, to be read where they lie.
//!
//! # Invariants
//! - M1. The memory of a mapping stays where it is, and can be read, for as long as the mapping lives, as far as the file
//!   reaches.
#![expect(
    clippy::disallowed_types,
    reason = "part of the operating system's files, which are files of the standard library"
)]
#![cfg_attr(
    feature = "mmap",
    expect(
        unsafe_code,
        reason = "a page that is read where it lies is copied by nobody: reads of what the system has in its cache, and a \
                  database has not in its own, need no call and no memory of the process"
    )
)]

#[cfg(not(feature = "mmap"))]
use std::convert::Infallible;
use std::fs::File;
use std::io;

/// The first bytes of a file as memory, for reading. Made by [`File::map`](crate::File::map), in builds with the feature
/// `mmap`.
///
/// The memory shows what is in the file now. A read of bytes that the file does not have any more, or that the medium
/// cannot read, ends the process (SIGBUS): nobody else may cut the file meanwhile.
#[derive(Debug)]
pub struct Mapping {
    #[cfg(feature = "mmap")]
    memory: memmap2::MmapRaw,
    #[cfg(not(feature = "mmap"))]
    memory: Infallible,
}

#[cfg(feature = "mmap")]
impl Mapping {
    /// How many bytes of the file it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.memory.len() as u64
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.memory.len() == 0
    }

    /// `len` bytes at `offset`. `None`: it does not reach so far.
    ///
    /// # Safety
    /// As long as the bytes are borrowed, nobody writes to this part of the file, by whatever way, and the file is not cut
    /// to end before it.
    #[must_use]
    pub unsafe fn bytes(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(len)?;
        if end > self.memory.len() {
            return None;
        }
        // SAFETY: these bytes are within the memory, which stays (M1); by the caller's promise nobody changes them.
        Some(unsafe { std::slice::from_raw_parts(self.memory.as_ptr().add(start), len) })
    }
}

#[cfg(not(feature = "mmap"))]
#[expect(
    unsafe_code,
    reason = "the same interface in all builds; here there is no mapping"
)]
impl Mapping {
    /// How many bytes of the file it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self.memory {}
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.memory {}
    }

    /// `len` bytes at `offset`. `None`: it does not reach so far.
    ///
    /// # Safety
    /// As in builds with the feature `mmap`.
    #[must_use]
    pub unsafe fn bytes(&self, _offset: u64, _len: usize) -> Option<&[u8]> {
        match self.memory {}
    }
}

/// Maps the first `len` bytes of a file.
///
/// # Errors
/// Whatever the system says.
#[cfg(feature = "mmap")]
pub(crate) fn map(file: &File, len: u64) -> io::Result<Option<Mapping>> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let memory = memmap2::MmapOptions::new()
        .len(len)
        .map_raw_read_only(file)?;
    // What is read next is anybody's guess: neighbours of a page would push others out of the system's cache.
    #[cfg(unix)]
    memory.advise(memmap2::Advice::Random)?;
    Ok(Some(Mapping { memory }))
}

/// Maps nothing: this build lacks the feature `mmap`.
///
/// # Errors
/// None.
#[cfg(not(feature = "mmap"))]
pub(crate) fn map(_file: &File, _len: u64) -> io::Result<Option<Mapping>> {
    Ok(None)
}

#[cfg(all(test, feature = "mmap"))]
mod tests;
