//! Page cache for others than a pager: the same code, for pages of files that somebody else keeps.

use std::borrow::Cow;

use bytes::Bytes;

use crate::cache::{Arrival, Cache, CachePolicy};
use crate::frame::Contents;
use crate::page_ref::PageRef;

/// Pages in memory within a budget of bytes, found by their references. Whoever has pages in several files gives each file
/// block numbers of its own; pages that agree in their number are told apart by checksum and length.
///
/// Threads: share it by reference. A hit waits for nobody but those who insert.
#[derive(Debug)]
pub struct PageCache(Cache);

impl PageCache {
    /// An empty one that takes up to `bytes_max` of memory, its own tables included.
    #[must_use]
    pub fn new(bytes_max: usize, policy: CachePolicy) -> PageCache {
        PageCache(Cache::new(bytes_max, policy))
    }

    /// The page, if it is here.
    #[must_use]
    pub fn get(&self, page: &PageRef) -> Option<Bytes> {
        self.0.get(page)
    }

    /// Keeps a page's contents, whose checksum the caller has proved, unless they are too long for the budget. Returns what
    /// to use: another reader may have been faster.
    pub fn insert(&self, page: &PageRef, contents: Vec<u8>) -> Bytes {
        let contents = Contents::copy_of(Cow::Owned(contents));
        self.0.insert(page, contents, Arrival::Asked)
    }

    /// Memory in use.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// The budget.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.0.bytes_max()
    }

    /// Reads answered, and reads not answered.
    #[must_use]
    pub fn hits_and_misses(&self) -> (u64, u64) {
        self.0.hits_and_misses()
    }
}
