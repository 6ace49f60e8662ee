//! Tail: what is newer than the base.

use std::fmt;
use std::ops::Bound;

use bytes::Bytes;

use crate::memory_merge::{Direction, MemoryMerge, MemorySources};

/// The keys of a keyspace that changed after the base, ascending, each with what it is now: a value, or `None` where it
/// was deleted. Owns what it reads from.
pub struct Tail {
    merge: MemoryMerge,
}

impl Tail {
    pub(crate) fn new(sources: &MemorySources) -> Tail {
        Tail {
            merge: MemoryMerge::new(sources, Direction::Forward, Bound::Unbounded),
        }
    }

    pub(crate) fn empty() -> Tail {
        Tail::new(&MemorySources::default())
    }
}

impl Iterator for Tail {
    type Item = (Bytes, Option<Bytes>);

    fn next(&mut self) -> Option<(Bytes, Option<Bytes>)> {
        let key = Bytes::copy_from_slice(self.merge.key()?);
        let value = self.merge.value();
        self.merge.advance();
        Some((key, value))
    }
}

impl std::iter::FusedIterator for Tail {}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").finish_non_exhaustive()
    }
}
