//! Page map: pages that are read where they lie in the file, mapped into memory, and who still reads one.
//!
//! A page that is lent is no copy: whoever has it reads the file's own blocks, also long after the state is gone that the
//! page was part of. So each loan is counted, and blocks are given out again only when no page in them is lent
//! (`Inner::reclaim`). Pages never change while they are part of a state that is held, so nothing else is needed.
//!
//! # Invariants
//! - L1. A loan counts from before its page is read until its last holder is gone. Only readers of a state that is held
//!   borrow from it.
//! - L2. No block is written to, or cut off the file, while a page that it is part of is lent: blocks of freed pages wait
//!   (`space.rs`: pending) until the cache has let go of them, and then for the last loan. A writer's own pages, which it
//!   may take back at any time, are not lent before they are committed. Where a caller broke L1, the write or the cut is refused
//!   (`DataFile`), for the page as a whole where it begins there.
//! - L3. Who opens the file knows of no loans of an opening before. So a loan keeps the file, and whatever lock comes with it.
#![expect(
    unsafe_code,
    reason = "a page that is lent is not copied: a read of what the system has cached takes half as long"
)]

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::sync::Mutex;
use drystone_base::sync::atomic::{AtomicUsize, Ordering};
use drystone_base::{File, Mapping};
use hashbrown::HashMap;

use crate::block::Extent;
use crate::page_ref::PageRef;

/// Latches for the counts, so that readers do not wait for one another.
const SHARDS: usize = 16;

/// The file as memory.
#[derive(Debug)]
pub(crate) struct PageMap {
    file: Arc<dyn File>,
    /// Latch: held for moments, and while a file that grew is mapped anew.
    mapped: Mutex<Mapped>,
    loans: Arc<Loans>,
}

/// A mapping, and how much of it may be touched.
#[derive(Debug)]
struct Mapped {
    mapping: Arc<Mapping>,
    /// How long the file is, at least. The mapping may be longer, and nothing is lent of what is behind.
    file_len: u64,
}

/// How often pages are lent, by their first block.
#[derive(Debug, Default)]
struct Loans {
    /// Latches `loans`: held for moments, under the cache's where a frame leaves.
    counts: [Mutex<HashMap<u64, usize>>; SHARDS],
    /// Of all. Changes under the latch of the shard.
    total: AtomicUsize,
}

/// One page that is lent.
struct Loan {
    /// Keeps the memory, also when a longer mapping has taken its place.
    mapping: Arc<Mapping>,
    /// Keeps the file open, and with it the lock that has other processes, and another opening by this one, leave it alone.
    _file: Arc<dyn File>,
    page: PageRef,
    loans: Arc<Loans>,
}

impl PageMap {
    /// Maps a file. `None`: that is not to be had here.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn new(file: &Arc<dyn File>) -> io::Result<Option<PageMap>> {
        let file_len = file.len()?;
        let mapping = file.map(room_for(file_len))?.map(Arc::new);
        Ok(mapping.map(|mapping| PageMap {
            file: Arc::clone(file),
            mapped: Mutex::new(Mapped { mapping, file_len }),
            loans: Arc::default(),
        }))
    }

    /// The stored bytes of a page of a state that is held, within the file. `None`: they are to be read.
    pub(crate) fn lend(&self, page: &PageRef) -> Option<Bytes> {
        let mapping = self.mapping_with(page)?;
        self.loans.add(page.block.0);
        let loan = Loan {
            mapping,
            _file: Arc::clone(&self.file),
            page: *page,
            loans: Arc::clone(&self.loans),
        };
        loan.bytes()?;
        Some(Bytes::from_owner(loan))
    }

    /// Whether a page that lies in these blocks is lent.
    pub(crate) fn is_lent(&self, blocks: Extent) -> bool {
        // A loan of a page in these blocks began while a root was held, and whoever asks has seen that it is gone.
        self.loans.has_any(blocks.start..blocks.end())
    }

    /// How much of the file is mapped, in bytes.
    pub(crate) fn mapped_bytes(&self) -> u64 {
        let mapped = self.mapped.lock();
        mapped.file_len.min(mapped.mapping.len())
    }

    /// A mapping that has all of a page.
    fn mapping_with(&self, page: &PageRef) -> Option<Arc<Mapping>> {
        let end = page.block.offset() + u64::from(page.len);
        let mut mapped = self.mapped.lock();
        if mapped.file_len < end {
            mapped.file_len = self.file.len().ok()?;
        }
        if mapped.file_len < end {
            return None;
        }
        if mapped.mapping.len() < end {
            // Where that fails, the page is read: nothing is lost but time.
            let longer = self.file.map(room_for(mapped.file_len)).ok()??;
            mapped.mapping = Arc::new(longer);
        }
        Some(Arc::clone(&mapped.mapping))
    }
}

/// How much is mapped of a file of this length. Loans keep the mappings that they were made from, each as long as the file was:
/// where each is twice as long as the one before, there are few however the file grows. Only on unix may a mapping reach
/// beyond the end of its file.
fn room_for(file_len: u64) -> u64 {
    match cfg!(unix) {
        true => file_len.checked_next_power_of_two().unwrap_or(file_len),
        false => file_len,
    }
}

impl Loans {
    fn shard(&self, block: u64) -> &Mutex<HashMap<u64, usize>> {
        let shard = usize::try_from(block % SHARDS as u64).expect("there are few shards");
        &self.counts[shard]
    }

    fn has(&self, block: u64) -> bool {
        self.shard(block).lock().contains_key(&block)
    }

    /// Whether a page that begins in these blocks is lent. One load where nothing is.
    fn has_any(&self, mut blocks: Range<u64>) -> bool {
        let total = self.total.load(Ordering::Acquire) as u64;
        if total == 0 {
            return false;
        }
        if blocks.end.saturating_sub(blocks.start) <= total {
            return blocks.any(|block| self.has(block));
        }
        let is_in = |counts: &Mutex<HashMap<u64, usize>>| {
            counts.lock().keys().any(|block| blocks.contains(block))
        };
        self.counts.iter().any(is_in)
    }

    fn add(&self, block: u64) {
        let mut counts = self.shard(block).lock();
        *counts.entry(block).or_default() += 1;
        self.total.fetch_add(1, Ordering::Release);
    }

    fn end(&self, block: u64) {
        let mut counts = self.shard(block).lock();
        if let Some(count) = counts.get_mut(&block) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&block);
            }
        }
        self.total.fetch_sub(1, Ordering::Release);
    }
}

impl Loan {
    fn bytes(&self) -> Option<&[u8]> {
        let len = usize::try_from(self.page.len).ok()?;
        // SAFETY: the loan is counted, so these blocks are neither written to nor cut off (L2).
        unsafe { self.mapping.bytes(self.page.block.offset(), len) }
    }
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        self.bytes().unwrap_or_default()
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.loans.end(self.page.block.0);
    }
}

/// What a loan takes of the process's own memory, about: itself, its count, and its place among the counts.
pub(crate) const LOAN_BYTES: usize = size_of::<Loan>() + 64;

#[cfg(test)]
mod tests;
