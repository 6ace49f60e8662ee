//! Fork: a state that has the pages of two, until it is decided which of them goes on.
//!
//! A writer that has made the next state calls [`Writer::fork`]: then the old one's pages stay in use beside the new
//! ones, and two lists in pages of their own say which belong to one of the two alone. The one who decides frees one of
//! the lists with [`Writer::free_listed`], and the page of the other.

use bytes::Bytes;
use drystone_base::planted::is_planted;

use crate::block::Extent;
use crate::error::{Malformed, PagerError};
use crate::extent_list;
use crate::extent_set::ExtentSet;
use crate::page_ref::PageRef;
use crate::verify::Verifier;

use super::{Writer, space_of};

/// Where the lists of a fork lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Lists the pages of the old state that the new one does without.
    pub replaced: PageRef,
    /// Lists the pages that were written for the new one.
    pub added: PageRef,
}

/// Pages that a list names.
#[derive(Debug, Default)]
pub struct ListedPages(ExtentSet);

impl ListedPages {
    /// Whether a page is one of them.
    #[must_use]
    pub fn has(&self, page: &PageRef) -> bool {
        page.check().is_ok() && self.0.contains(page.extent())
    }
}

impl Writer {
    /// Takes back that pages of the old state were freed, so that the next state has all pages of both, and writes the
    /// lists that tell them apart. To be called last before [`Writer::commit`].
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn fork(&mut self) -> Result<Fork, PagerError> {
        let space = space_of(&mut self.space);
        let mut replaced = space.keep_freed(&mut self.changes);
        replaced.sort_unstable();
        let added: Vec<Extent> = self.changes.fresh().collect();
        Ok(Fork {
            replaced: self.write(&extent_list::encode(&replaced))?,
            added: self.write(&extent_list::encode(&added))?,
        })
    }

    /// Frees all pages that a list names, and the list's own.
    ///
    /// # Errors
    /// [`PagerError::Io`]; [`PagerError::Corrupt`] for a page that is no list, or one that names what is no page of this
    /// state. The writer is then to be dropped.
    pub fn free_listed(&mut self, list: &PageRef) -> Result<(), PagerError> {
        let bytes = self.read(list)?;
        for extent in self.decode(list, &bytes)? {
            if is_planted("pager-forked-pages-leaked") {
                break;
            }
            let freed = space_of(&mut self.space).free(extent, &mut self.changes);
            freed.map_err(|_| {
                let why = Malformed::new("listed pages", "of this state", "free blocks");
                self.inner.file.corrupt(list.block.offset(), why)
            })?;
            // Where one run has many pages, only the first is found when its blocks are reused.
            for block in extent.start..extent.end() {
                self.inner.cache.remove(block);
            }
        }
        self.free(list)
    }

    fn decode(&mut self, list: &PageRef, bytes: &Bytes) -> Result<Vec<Extent>, PagerError> {
        let blocks = space_of(&mut self.space).end();
        let decoded = extent_list::decode(bytes, blocks);
        decoded.map_err(|why| self.inner.file.corrupt(list.block.offset(), why))
    }
}

impl Verifier {
    /// As [`Verifier::page`], of a list: the pages that it names, which are to be shown each by itself.
    pub fn list(&mut self, list: &PageRef) -> Option<ListedPages> {
        let bytes = self.page(list)?;
        match extent_list::decode(&bytes, self.blocks()) {
            Ok(extents) => {
                let mut listed = ExtentSet::default();
                extents.into_iter().for_each(|extent| listed.insert(extent));
                Some(ListedPages(listed))
            }
            Err(why) => {
                self.note(list.block, why);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
