//! Range: the entries of a part of a keyspace, from both ends.
//!
//! # Invariants
//! - R1. Each end stands on the entry it gives next, tombstones included, or on none when it is through.
//! - R2. Once both ends were used, what is left lies between where they stand, both included. So neither remembers what
//!   the other gave: they compare positions.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::{Cursor, EngineError, Snapshot};

use crate::error::StoreError;
use crate::key_range::{KeyRange, is_after, is_before};
use crate::memory_merge::{Direction, MemoryMerge, MemorySources};

/// The entries of a key range as they were when it was made, ascending from the front and descending from the back.
///
/// Owns what it reads from: it outlives the view or transaction it came from and may move to another thread. After an
/// error it ends.
pub struct Range {
    /// `None` once the range ended, and for a keyspace that is empty.
    sources: Option<Sources>,
    range: KeyRange,
    front: Option<End>,
    back: Option<End>,
}

struct Sources {
    keyspace: KeyspaceId,
    memory: MemorySources,
    base: Arc<dyn Snapshot>,
}

impl Range {
    pub(crate) fn new(
        keyspace: KeyspaceId,
        range: KeyRange,
        memory: MemorySources,
        base: Arc<dyn Snapshot>,
    ) -> Range {
        Range {
            sources: Some(Sources {
                keyspace,
                memory,
                base,
            }),
            range,
            front: None,
            back: None,
        }
    }

    pub(crate) fn empty() -> Range {
        Range {
            sources: None,
            range: KeyRange::all(),
            front: None,
            back: None,
        }
    }

    /// The next entry in a direction; `None` ends the range for both.
    fn pull(&mut self, direction: Direction) -> Option<Result<(Bytes, Bytes), StoreError>> {
        self.sources.as_ref()?;
        let pulled = self.try_pull(direction).transpose();
        if !matches!(pulled, Some(Ok(_))) {
            self.sources = None;
            self.front = None;
            self.back = None;
        }
        pulled
    }

    fn try_pull(&mut self, direction: Direction) -> Result<Option<(Bytes, Bytes)>, StoreError> {
        self.open_end(direction)?;
        let (mine, other) = match direction {
            Direction::Forward => (self.front.as_mut(), self.back.as_ref()),
            Direction::Backward => (self.back.as_mut(), self.front.as_ref()),
        };
        let Some(mine) = mine else {
            return Ok(None);
        };
        loop {
            let Some((key, from)) = mine.next() else {
                return Ok(None);
            };
            if is_outside(&self.range, direction, key) || other.is_some_and(|end| end.passed(key)) {
                return Ok(None);
            }
            let value = mine.value(from)?;
            let entry = value.map(|value| (Bytes::copy_from_slice(key), value));
            mine.advance(from)?;
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }

    /// Positions the end that moves in `direction`, at its first use.
    fn open_end(&mut self, direction: Direction) -> Result<(), StoreError> {
        let (end, from) = match direction {
            Direction::Forward => (&mut self.front, &self.range.start),
            Direction::Backward => (&mut self.back, &self.range.end),
        };
        if end.is_none()
            && let Some(sources) = &self.sources
        {
            *end = Some(End::new(
                sources,
                direction,
                from.as_ref().map(Bytes::as_ref),
            )?);
        }
        Ok(())
    }
}

/// Whether `key` lies beyond the bound that movement in `direction` runs into.
fn is_outside(range: &KeyRange, direction: Direction, key: &[u8]) -> bool {
    match direction {
        Direction::Forward => is_after(&range.end, key),
        Direction::Backward => is_before(&range.start, key),
    }
}

impl Iterator for Range {
    type Item = Result<(Bytes, Bytes), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pull(Direction::Forward)
    }
}

impl DoubleEndedIterator for Range {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.pull(Direction::Backward)
    }
}

impl std::iter::FusedIterator for Range {}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range")
            .field("range", &self.range)
            .field("is_ended", &self.sources.is_none())
            .finish_non_exhaustive()
    }
}

/// One end of a range: the memory and the base, merged in one direction.
struct End {
    direction: Direction,
    memory: MemoryMerge,
    base: Box<dyn Cursor>,
    base_is_on: bool,
}

/// Where the next key of an end comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Memory,
    Base,
    /// Both have it; the memory is newer.
    Both,
}

impl End {
    fn new(
        sources: &Sources,
        direction: Direction,
        from: Bound<&[u8]>,
    ) -> Result<End, EngineError> {
        let mut base = sources.base.cursor(sources.keyspace)?;
        let base_is_on = match direction {
            Direction::Forward => seek(base.as_mut(), from)?,
            Direction::Backward => seek_back(base.as_mut(), from)?,
        };
        Ok(End {
            direction,
            memory: MemoryMerge::new(&sources.memory, direction, from),
            base,
            base_is_on,
        })
    }

    /// The key that is next, and where it comes from.
    fn next(&self) -> Option<(&[u8], From)> {
        if !self.base_is_on {
            return Some((self.memory.key()?, From::Memory));
        }
        let base_key = self.base.key();
        match self.memory.key() {
            Some(key) if key == base_key => Some((key, From::Both)),
            Some(key) if self.direction.precedes(key, base_key) => Some((key, From::Memory)),
            _ => Some((base_key, From::Base)),
        }
    }

    fn value(&self, from: From) -> Result<Option<Bytes>, EngineError> {
        match from {
            From::Base => self.base.value().map(Some),
            From::Memory | From::Both => Ok(self.memory.value()),
        }
    }

    fn advance(&mut self, from: From) -> Result<(), EngineError> {
        if from != From::Base {
            self.memory.advance();
        }
        if from != From::Memory {
            self.base_is_on = match self.direction {
                Direction::Forward => self.base.next()?,
                Direction::Backward => self.base.prev()?,
            };
        }
        Ok(())
    }

    /// Whether this end already gave `key`, or is through.
    fn passed(&self, key: &[u8]) -> bool {
        self.next()
            .is_none_or(|(next, _)| self.direction.precedes(key, next))
    }
}

fn seek(cursor: &mut dyn Cursor, from: Bound<&[u8]>) -> Result<bool, EngineError> {
    match from {
        Bound::Unbounded => cursor.first(),
        Bound::Included(key) => cursor.seek(key),
        Bound::Excluded(key) => {
            let is_on = cursor.seek(key)?;
            if is_on && cursor.key() == key {
                return cursor.next();
            }
            Ok(is_on)
        }
    }
}

fn seek_back(cursor: &mut dyn Cursor, from: Bound<&[u8]>) -> Result<bool, EngineError> {
    match from {
        Bound::Unbounded => cursor.last(),
        Bound::Included(key) => cursor.seek_back(key),
        Bound::Excluded(key) => {
            let is_on = cursor.seek_back(key)?;
            if is_on && cursor.key() == key {
                return cursor.prev();
            }
            Ok(is_on)
        }
    }
}
