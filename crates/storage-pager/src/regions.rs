//! Regions: which huge pages of memory the cache's frames fill, so that the operating system can be asked to map them as
//! such.
//!
//! A point read of a large cache touches memory at random: with pages of 4 KiB the processor walks page tables at each,
//! and random reads of a million rows take a quarter longer than with pages of 2 MiB. Frames come from the process's
//! allocator, which puts them side by side; a region that they fill is asked for once, by a background step.

use std::collections::BTreeSet;

use drystone_base::huge_pages::{HUGE_PAGE_BYTES, make_huge};
use drystone_base::sync::Mutex;
use hashbrown::HashMap;

/// A region is asked for when frames fill this much of it: the rest of it becomes resident, too.
const FULL_BYTES: usize = HUGE_PAGE_BYTES / 4 * 3;

/// With a cache smaller than this, the processor's own tables reach far enough.
const CACHE_BYTES_MIN: usize = 16 << 20;

/// How many regions one step asks for: each takes milliseconds.
const STEP_REGIONS_MAX: usize = 4;

/// The regions that frames are in. Latch: held for moments, under a shard's.
#[derive(Debug)]
pub(crate) struct Regions {
    /// `None` for a cache that is too small to be worth it.
    filled: Option<Mutex<Filled>>,
}

#[derive(Debug, Default)]
struct Filled {
    /// Bytes of frames by region. A frame counts where it begins.
    bytes: HashMap<usize, usize>,
    /// Regions that filled up and were not asked for yet.
    full: BTreeSet<usize>,
}

impl Regions {
    /// For a cache of `cache_bytes`.
    pub(crate) fn new(cache_bytes: usize) -> Regions {
        let is_worth_it = cache_bytes >= CACHE_BYTES_MIN;
        Regions {
            filled: is_worth_it.then(Mutex::default),
        }
    }

    /// A frame came into the cache.
    pub(crate) fn add(&self, frame: &[u8]) {
        let Some(filled) = &self.filled else { return };
        let mut filled = filled.lock();
        let region = region_of(frame);
        let bytes = filled.bytes.entry(region).or_default();
        let before = *bytes;
        *bytes += frame.len();
        if before < FULL_BYTES && *bytes >= FULL_BYTES {
            filled.full.insert(region);
        }
    }

    /// A frame left the cache.
    pub(crate) fn remove(&self, frame: &[u8]) {
        let Some(filled) = &self.filled else { return };
        let mut filled = filled.lock();
        let region = region_of(frame);
        let Some(bytes) = filled.bytes.get_mut(&region) else {
            return;
        };
        *bytes = bytes.saturating_sub(frame.len());
        if *bytes == 0 {
            filled.bytes.remove(&region);
            filled.full.remove(&region);
        }
    }

    /// Asks for some of the regions that filled up; whether others wait. Which are huge now shows nowhere but in the time
    /// that reads take.
    pub(crate) fn step(&self) -> bool {
        for _ in 0..STEP_REGIONS_MAX {
            let Some(region) = self.next_full() else {
                return false;
            };
            // It is a hint: where it is not followed, reads are as fast as before.
            let _is_huge = make_huge(region);
        }
        let filled = self.filled.as_ref();
        filled.is_some_and(|filled| !filled.lock().full.is_empty())
    }

    /// A region that filled up, and still is.
    fn next_full(&self) -> Option<usize> {
        let mut filled = self.filled.as_ref()?.lock();
        while let Some(region) = filled.full.pop_first() {
            if filled
                .bytes
                .get(&region)
                .is_some_and(|bytes| *bytes >= FULL_BYTES)
            {
                return Some(region);
            }
        }
        None
    }
}

fn region_of(frame: &[u8]) -> usize {
    frame.as_ptr().addr() / HUGE_PAGE_BYTES
}

#[cfg(test)]
mod tests;
