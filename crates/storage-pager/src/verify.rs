//! A check of one state: every block is used once, or free, and every page is the one that its parent means.

use std::sync::Arc;

use bytes::Bytes;

use crate::block::{BlockNo, Extent};
use crate::error::{Malformed, PagerError};
use crate::extent_set::ExtentSet;
use crate::page_ref::PageRef;
use crate::pager::{Inner, read_free_list};
use crate::root::Root;
use crate::superblock::SUPERBLOCKS;

/// A check of one state under way. The caller walks the state's pages from the root payload down, and shows each one.
///
/// Reads go to the file, past the cache. Memory: some tens of bytes for each run of blocks.
#[derive(Debug)]
pub struct Verifier {
    inner: Arc<Inner>,
    root: Arc<Root>,
    used: ExtentSet,
    free: ExtentSet,
    report: VerifyReport,
}

/// What a check saw.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// Pages read, the free list included.
    pub pages: u64,
    /// Bytes read and proved.
    pub bytes: u64,
    /// Blocks that the state does not use.
    pub free_blocks: u64,
    /// What is wrong, in the order it was found. Empty for a sound file.
    pub findings: Vec<PagerError>,
}

impl Verifier {
    pub(crate) fn new(inner: Arc<Inner>, root: Arc<Root>) -> Result<Verifier, PagerError> {
        let mut verifier = Verifier {
            inner,
            root,
            used: ExtentSet::default(),
            free: ExtentSet::default(),
            report: VerifyReport::default(),
        };
        verifier.check_slots()?;
        verifier.check_free_list();
        Ok(verifier)
    }

    /// Checks one page of the state: its blocks, and its contents, which are returned so that the pages it names can be
    /// checked next. `None`: it cannot be read; the report says why.
    pub fn page(&mut self, page: &PageRef) -> Option<Bytes> {
        self.claim(page);
        let read = self.inner.file.read_page(page);
        self.report.pages += 1;
        match read {
            Ok(contents) => {
                self.report.bytes += u64::from(page.len);
                Some(contents.bytes)
            }
            Err(finding) => {
                self.report.findings.push(finding);
                None
            }
        }
    }

    /// Length of the state's file in blocks.
    pub(crate) fn blocks(&self) -> u64 {
        self.root.blocks
    }

    /// Adds what is wrong with the page at `block`.
    pub(crate) fn note(&mut self, block: BlockNo, why: Malformed) {
        let finding = self.inner.file.corrupt(block.offset(), why);
        self.report.findings.push(finding);
    }

    /// Ends the check, when every page was shown: blocks that are neither used nor free are findings.
    #[must_use]
    pub fn finish(mut self) -> VerifyReport {
        for run in self.free.iter() {
            if !self.used.overlaps(run) {
                self.used.insert(run);
            }
        }
        let mut end = SUPERBLOCKS;
        let behind = Extent::new(self.root.blocks, 0);
        for run in self.used.iter().chain([behind]) {
            if end < run.start {
                let why = Malformed::new(
                    "blocks",
                    "used or free",
                    format!("{} that are neither", run.start - end),
                );
                let finding = self.inner.file.corrupt(BlockNo(end).offset(), why);
                self.report.findings.push(finding);
            }
            end = end.max(run.end());
        }
        self.report
    }

    /// The copies of the superblocks, unless a writer is at work on them, or has failed there and is to come again.
    fn check_slots(&mut self) -> Result<(), PagerError> {
        if let Some(slots) = self.inner.quiet_slots()? {
            let findings = slots.into_findings(&self.inner.file);
            self.report.findings.extend(findings);
        }
        Ok(())
    }

    fn check_free_list(&mut self) {
        let root = Arc::clone(&self.root);
        if let Some(page) = &root.free_list {
            self.claim(page);
            self.report.pages += 1;
            self.report.bytes += u64::from(page.len);
        }
        match read_free_list(&self.inner.file, root.free_list.as_ref(), root.blocks) {
            Ok(free) => self.free = free,
            Err(finding) => self.report.findings.push(finding),
        }
        self.report.free_blocks = self.free.block_count();
    }

    /// Notes that a page uses its blocks, and that nothing else does.
    fn claim(&mut self, page: &PageRef) {
        if page.check().is_err() {
            return; // reading it says so
        }
        let extent = page.extent();
        let found = if extent.start < SUPERBLOCKS || extent.end() > self.root.blocks {
            "blocks outside the file"
        } else if self.used.overlaps(extent) {
            "blocks of another page"
        } else if self.free.overlaps(extent) {
            "free blocks"
        } else {
            self.used.insert(extent);
            return;
        };
        let why = Malformed::new("page", "blocks of its own", found);
        let finding = self.inner.file.corrupt(page.block.offset(), why);
        self.report.findings.push(finding);
    }
}
