//! How a pager works.

use crate::cache::CachePolicy;
use crate::slots::LostSuperblock;

/// How pages come from the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadMode {
    /// They are read into memory of the process (`pread`), which the cache's budget pays for.
    #[default]
    Copy,
    /// They are read where they lie, in the file mapped into memory: for work that reads much more than it writes, of data
    /// that the operating system's cache has room for. A page is proved when it is first touched, and again after the
    /// cache has dropped it; compressed pages, and what a writer or a check reads, are copied all the same.
    ///
    /// - The cache's budget pays for what it keeps beside a page, about 300 bytes; the page itself lies in the
    ///   operating system's cache, which takes memory that nobody else wants. So far fewer pages are proved twice.
    /// - What a caller keeps of a page keeps its blocks from being used again, also when no state needs them any more; and it
    ///   keeps the file open and, where a database has it, its directory locked. The file must not be opened for writing
    ///   again before that is given back.
    /// - A medium that cannot be read any more ends the process (SIGBUS) where a read would have given an error; and so does
    ///   a file that another program cuts short. What the medium makes of a page between two looks at it, while the
    ///   operating system had dropped it from its own cache, is not noticed.
    ///
    /// It takes the feature `mmap`, and a file system that can: the simulated disk and files in memory cannot, and are read
    /// as by [`ReadMode::Copy`]. `PagerStats::mapped_bytes` tells.
    Map,
}

/// How a pager works.
#[derive(Clone, Debug)]
pub struct PagerOptions {
    /// Memory for pages, in bytes, with all that the cache needs to keep them. Beside it up to 2 MiB are kept of what pages pass
    /// through on their way from the file: at most sixteen buffers of up to 128 KiB, as many as threads read at once. Pages that a caller holds after they were
    /// evicted are not counted, nor are pages longer than a quarter of a shard of it, which are not kept: of 4 MiB or
    /// more, those are the ones longer than 1 MiB.
    pub cache_bytes: usize,
    /// Which pages leave the cache first.
    pub cache_policy: CachePolicy,
    /// How pages come from the file.
    pub reads: ReadMode,
    /// What to do when both copies of a superblock are damaged.
    pub lost_superblock: LostSuperblock,
}

impl Default for PagerOptions {
    /// A cache of 64 MiB, by S3-FIFO; pages read into it; a lost superblock refused.
    fn default() -> PagerOptions {
        PagerOptions {
            cache_bytes: 64 << 20,
            cache_policy: CachePolicy::default(),
            reads: ReadMode::default(),
            lost_superblock: LostSuperblock::default(),
        }
    }
}
