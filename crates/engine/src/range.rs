//! Range: the entries between two bounds, as an iterator from both ends.

use std::ops::Bound;

use crate::cursor::Cursor;
use crate::error::EngineError;
use bytes::Bytes;

/// Entries in key order: an owned, double-ended iterator over keys and values, with a cursor at each end. Ends after its
/// first error.
#[derive(Debug)]
pub struct Range<C> {
    front: End<C>,
    back: End<C>,
    is_done: bool,
}

/// One end of what is left.
#[derive(Debug)]
struct End<C> {
    cursor: C,
    bound: Bound<Vec<u8>>,
    /// Whether the cursor is on the entry given last from this end.
    is_on: bool,
}

type Entry = (Bytes, Bytes);

impl<C: Cursor> Range<C> {
    /// The entries of one keyspace between two bounds, by two cursors in it.
    #[must_use]
    pub fn new(front: C, back: C, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Range<C> {
        let end_of = |cursor, bound| End {
            cursor,
            bound,
            is_on: false,
        };
        Range {
            front: end_of(front, start),
            back: end_of(back, end),
            is_done: false,
        }
    }

    fn step_front(&mut self) -> Result<Option<Entry>, EngineError> {
        let front = &mut self.front;
        let is_on = if front.is_on {
            front.cursor.next()?
        } else {
            front.seek_start()?
        };
        if !is_on || !self.back.is_above(self.front.cursor.key()) {
            return Ok(None);
        }
        self.front.is_on = true;
        self.front.entry().map(Some)
    }

    fn step_back(&mut self) -> Result<Option<Entry>, EngineError> {
        let back = &mut self.back;
        let is_on = if back.is_on {
            back.cursor.prev()?
        } else {
            back.seek_end()?
        };
        if !is_on || !self.front.is_below(self.back.cursor.key()) {
            return Ok(None);
        }
        self.back.is_on = true;
        self.back.entry().map(Some)
    }

    fn note_end(
        &mut self,
        step: Result<Option<Entry>, EngineError>,
    ) -> Option<Result<Entry, EngineError>> {
        let step = step.transpose();
        self.is_done = !matches!(step, Some(Ok(_)));
        step
    }
}

impl<C: Cursor> Iterator for Range<C> {
    type Item = Result<Entry, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.step_front();
        self.note_end(step)
    }
}

impl<C: Cursor> DoubleEndedIterator for Range<C> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.step_back();
        self.note_end(step)
    }
}

impl<C: Cursor> End<C> {
    fn seek_start(&mut self) -> Result<bool, EngineError> {
        match &self.bound {
            Bound::Unbounded => self.cursor.first(),
            Bound::Included(key) => self.cursor.seek(key),
            Bound::Excluded(key) => {
                let is_on = self.cursor.seek(key)?;
                if is_on && self.cursor.key() == key {
                    return self.cursor.next();
                }
                Ok(is_on)
            }
        }
    }

    fn seek_end(&mut self) -> Result<bool, EngineError> {
        match &self.bound {
            Bound::Unbounded => self.cursor.last(),
            Bound::Included(key) => self.cursor.seek_back(key),
            Bound::Excluded(key) => {
                let is_on = self.cursor.seek_back(key)?;
                if is_on && self.cursor.key() == key {
                    return self.cursor.prev();
                }
                Ok(is_on)
            }
        }
    }

    /// Whether this end, the back, is above `key`.
    fn is_above(&self, key: &[u8]) -> bool {
        if self.is_on {
            return key < self.cursor.key();
        }
        match &self.bound {
            Bound::Unbounded => true,
            Bound::Included(end) => key <= end.as_slice(),
            Bound::Excluded(end) => key < end.as_slice(),
        }
    }

    /// Whether this end, the front, is below `key`.
    fn is_below(&self, key: &[u8]) -> bool {
        if self.is_on {
            return key > self.cursor.key();
        }
        match &self.bound {
            Bound::Unbounded => true,
            Bound::Included(start) => key >= start.as_slice(),
            Bound::Excluded(start) => key > start.as_slice(),
        }
    }

    fn entry(&self) -> Result<Entry, EngineError> {
        let key = Bytes::copy_from_slice(self.cursor.key());
        Ok((key, self.cursor.value()?))
    }
}
