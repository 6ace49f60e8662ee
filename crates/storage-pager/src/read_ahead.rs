//! Read-ahead: the pages that a scan comes to next, read together with the one that it asks for.
//!
//! Only a miss reads ahead, so a scan of what is in the cache costs what it did. Pages that lie behind one another, as
//! merges and loads leave them, come with one read; the file is told about others, so that they are fetched side by
//! side while the scan goes on. Where a page that nobody asked for yet is damaged or cannot be read, nothing is said:
//! whoever asks for it hears of it.
//!
//! What was read ahead comes into the cache as such: the scan that then reads it is no sign that anybody will read it
//! again, so a scan that reads ahead leaves the cache's hot pages where they are, as one that does not.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::block::{BLOCK_BYTES_U64, Extent};
use crate::cache::Arrival;
use crate::error::PagerError;
use crate::page_ref::PageRef;
use crate::pager::Inner;

/// The most that is read, or told, at once: 64 KiB, which stay in the processor's caches until they are frames. With
/// 256 KiB, reads from the operating system's cache took longer than page by page.
const RUN_BLOCKS_MAX: u64 = 16;

/// To read so many blocks in vain, of a page that is here already, say, costs less than another read.
const GAP_BLOCKS_MAX: u64 = 2;

/// Pages, in the order in which they lie in the file.
type Run = SmallVec<[PageRef; 32]>;

impl Inner {
    /// The contents of a page. Where it has to be read from the file, `next` is asked for pages that will be wanted
    /// next, the nearest first, and as many as fit into [`RUN_BLOCKS_MAX`] are read, too.
    pub(crate) fn read_ahead(
        &self,
        page: &PageRef,
        next: &mut dyn Iterator<Item = PageRef>,
    ) -> Result<Bytes, PagerError> {
        if let Some(bytes) = self.cache.get(page) {
            return Ok(bytes);
        }
        let wanted = self.choose(page, next);
        let run = run_around(page, &wanted);
        if self.file.is_mapped() {
            // They are read where they lie, once the system has fetched them.
            self.hint(&wanted, &[]);
            return self.read_missed(page);
        }
        if run.len() > 1
            && let Some(bytes) = self.read_run(page, run)
        {
            self.hint(&wanted, run);
            return Ok(bytes);
        }
        self.hint(&wanted, std::slice::from_ref(page));
        self.read_missed(page)
    }

    /// The page and those after it that are worth reading now, in the order in which they lie in the file.
    fn choose(&self, page: &PageRef, next: &mut dyn Iterator<Item = PageRef>) -> Run {
        let mut blocks = page.block_count();
        let mut wanted = Run::new();
        wanted.push(*page);
        let sound = |next: &PageRef| self.file.has(next) && self.cache.keeps(next.len as usize);
        for next in next.take_while(sound) {
            blocks += next.block_count();
            if blocks > RUN_BLOCKS_MAX {
                break;
            }
            if !self.cache.has(&next) {
                wanted.push(next);
            }
        }
        wanted.sort_unstable_by_key(|page| page.block);
        wanted.dedup_by_key(|page| page.block);
        wanted
    }

    /// Reads pages that lie right behind one another; returns the contents of `page`, one of them. `None`: it could not
    /// be had in this way, and reading it alone says why.
    fn read_run(&self, page: &PageRef, run: &[PageRef]) -> Option<Bytes> {
        let extent = extent_of(run);
        let opened = self.file.with_extent(extent, |stored| {
            self.open_run(page, run, extent.start, stored)
        });
        opened.ok().flatten()
    }

    /// As [`Inner::read_run`], of pages whose blocks are at hand, from block `start` on.
    fn open_run(
        &self,
        page: &PageRef,
        run: &[PageRef],
        start: u64,
        stored: &[u8],
    ) -> Option<Bytes> {
        let mut found = None;
        for one in run {
            let at = usize::try_from((one.block.0 - start) * BLOCK_BYTES_U64).ok()?;
            let room = stored.get(at..)?;
            room.get(..one.len as usize)?;
            let contents = self.file.open_page(one, room);
            let arrival = if one == page {
                Arrival::Asked
            } else {
                Arrival::Ahead
            };
            match contents {
                Ok(contents) => {
                    let bytes = self.cache.insert(one, contents, arrival);
                    if one == page {
                        found = Some(bytes);
                    }
                }
                Err(_) if one == page => return None,
                Err(_) => {} // whoever asks for it hears of it
            }
        }
        found
    }

    /// Tells the file of the pages that are not in `run`, together where they lie together.
    fn hint(&self, wanted: &[PageRef], run: &[PageRef]) {
        let outside = |page: &PageRef| !run.contains(page);
        let mut rest = wanted;
        while let Some(first) = rest.first() {
            let (together, others) = rest.split_at(behind_one_another(rest));
            if outside(first) {
                self.file.will_need(extent_of(together));
            }
            rest = others;
        }
    }
}

/// The part of `wanted`, in the file's order, in which pages lie right behind one another and of which `page` is one.
fn run_around<'a>(page: &PageRef, wanted: &'a [PageRef]) -> &'a [PageRef] {
    let mut rest = wanted;
    while !rest.is_empty() {
        let (together, others) = rest.split_at(behind_one_another(rest));
        if together.contains(page) {
            return together;
        }
        rest = others;
    }
    &[]
}

/// How many pages from the first on lie one behind the other, or nearly so.
fn behind_one_another(pages: &[PageRef]) -> usize {
    let is_near = |pair: &&[PageRef]| {
        let gap = pair[1].block.0.checked_sub(pair[0].extent().end());
        gap.is_some_and(|gap| gap <= GAP_BLOCKS_MAX)
    };
    1 + pages.windows(2).take_while(is_near).count()
}

/// From the first page's first block to the last one's last.
fn extent_of(run: &[PageRef]) -> Extent {
    match (run.first(), run.last()) {
        (Some(first), Some(last)) => Extent::between(first.block.0, last.extent().end()),
        _ => Extent::new(0, 0),
    }
}

#[cfg(test)]
mod tests;
