//! Merge of what lies in memory: a transaction's writes and the memtables, as one sorted run.
//!
//! Sources are ordered newest first. Of several that have the same key, the first wins and all move on together, so
//! each key comes once, as what it is at the reader's LSN: a value or a tombstone.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, Lsn};

use crate::error::StoreError;
use crate::memtable::{Table, TreeCursor};
use crate::spill::{Run, RunCursor};
use crate::write_set::Writes;

/// Which way a merge moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// What is merged: taken once for a range, positioned once for each direction that is used.
#[derive(Default)]
pub(crate) struct MemorySources {
    pub(crate) writes: Option<Arc<Writes>>,
    /// What the transaction spilled, newest first, and the keyspace of which it is read.
    pub(crate) runs: Vec<(Arc<Run>, KeyspaceId)>,
    /// Newest first.
    pub(crate) tables: Vec<Arc<Table>>,
    pub(crate) lsn: Lsn,
}

impl MemorySources {
    fn is_empty(&self) -> bool {
        self.writes.is_none() && self.runs.is_empty() && self.tables.is_empty()
    }
}

pub(crate) struct MemoryMerge {
    direction: Direction,
    sources: Vec<Source>,
    /// The source whose key is next; none at the end.
    winner: Option<usize>,
    /// What kept a run from being read. The merge has ended then.
    failure: Option<Box<StoreError>>,
}

impl MemoryMerge {
    /// On the first key within `from`, seen in the direction of movement.
    pub(crate) fn new(
        sources: &MemorySources,
        direction: Direction,
        from: Bound<&[u8]>,
    ) -> MemoryMerge {
        let mut merge = MemoryMerge::nowhere(direction);
        merge.position(sources, from);
        merge
    }

    /// Of nothing.
    #[inline]
    pub(crate) fn nowhere(direction: Direction) -> MemoryMerge {
        MemoryMerge {
            direction,
            sources: Vec::new(),
            winner: None,
            failure: None,
        }
    }

    /// Of these, on the first key within `from`, seen in the direction of movement.
    #[inline]
    pub(crate) fn position(&mut self, sources: &MemorySources, from: Bound<&[u8]>) {
        if !sources.is_empty() {
            self.position_in(sources, from);
        }
    }

    fn position_in(&mut self, sources: &MemorySources, from: Bound<&[u8]>) {
        let writes = sources.writes.iter();
        let writes = writes.map(|writes| Source::Writes(WritesCursor::new(Arc::clone(writes))));
        let tables = sources.tables.iter();
        let tables = tables.map(|table| Source::Table(table.cursor(sources.lsn)));
        let runs = sources.runs.iter();
        let runs = runs.map(|(run, id)| Source::Run(Box::new(RunCursor::new(run, *id))));
        self.sources = writes.chain(runs).chain(tables).collect();
        for idx in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(idx) else {
                break; // one before it failed
            };
            let positioned = source.position(self.direction, from);
            self.note(positioned);
        }
        self.choose();
    }

    /// What ended it early, if anything did. Without runs there is nothing.
    #[inline]
    pub(crate) fn check(&mut self) -> Result<(), StoreError> {
        match self.failure.is_none() {
            true => Ok(()),
            false => self.failure.take().map_or(Ok(()), |failure| Err(*failure)),
        }
    }

    fn note(&mut self, moved: Result<(), StoreError>) {
        if let Err(failure) = moved {
            self.sources.clear();
            self.failure = Some(Box::new(failure));
        }
    }

    /// The key that is next.
    #[inline]
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.sources[self.winner?].key()
    }

    /// What the key that is next has become.
    ///
    /// # Panics
    /// At the end.
    pub(crate) fn value(&self) -> Option<Bytes> {
        self.sources[self.winner.expect("not at the end")].value()
    }

    /// As [`MemoryMerge::value`], where it lies; `None` also at the end.
    pub(crate) fn value_ref(&self) -> Option<&[u8]> {
        self.sources[self.winner?].value_ref()
    }

    /// To the next key.
    pub(crate) fn advance(&mut self) {
        let Some(winner) = self.winner else {
            return;
        };
        let (newer, older) = self.sources.split_at_mut(winner + 1);
        let winner = &mut newer[winner];
        let mut moved = Ok(());
        for source in older {
            if source.key() == winner.key() && !is_planted("mvcc-range-repeats-key") {
                moved = moved.and(source.advance(self.direction));
            }
        }
        moved = moved.and(winner.advance(self.direction));
        if moved.is_err() {
            self.note(moved);
        }
        self.choose();
    }

    fn choose(&mut self) {
        let mut best: Option<(usize, &[u8])> = None;
        for (idx, source) in self.sources.iter().enumerate() {
            let Some(key) = source.key() else {
                continue;
            };
            if best.is_none_or(|(_, other)| self.direction.precedes(key, other)) {
                best = Some((idx, key));
            }
        }
        self.winner = best.map(|(idx, _)| idx);
    }
}

impl Direction {
    /// Whether `a` is met before `b`.
    pub(crate) fn precedes(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Direction::Forward => a < b,
            Direction::Backward => a > b,
        }
    }
}

enum Source {
    Writes(WritesCursor),
    Run(Box<RunCursor>),
    Table(TreeCursor),
}

impl Source {
    fn position(&mut self, direction: Direction, from: Bound<&[u8]>) -> Result<(), StoreError> {
        match (self, direction) {
            (Source::Writes(cursor), _) => cursor.fill(direction, from),
            (Source::Run(cursor), _) => return cursor.position(direction, from),
            (Source::Table(cursor), Direction::Forward) => cursor.seek(from),
            (Source::Table(cursor), Direction::Backward) => cursor.seek_back(from),
        }
        Ok(())
    }

    fn advance(&mut self, direction: Direction) -> Result<(), StoreError> {
        match (self, direction) {
            (Source::Writes(cursor), _) => cursor.advance(direction),
            (Source::Run(cursor), _) => return cursor.advance(direction),
            (Source::Table(cursor), Direction::Forward) => cursor.next(),
            (Source::Table(cursor), Direction::Backward) => cursor.prev(),
        }
        Ok(())
    }

    fn key(&self) -> Option<&[u8]> {
        match self {
            Source::Writes(cursor) => cursor.ahead.front().map(|(key, _)| key.as_ref()),
            Source::Run(cursor) => cursor.key(),
            Source::Table(cursor) => cursor.key(),
        }
    }

    fn value(&self) -> Option<Bytes> {
        match self {
            Source::Writes(cursor) => cursor.ahead.front()?.1.clone(),
            Source::Run(cursor) => cursor.value(),
            Source::Table(cursor) => cursor.value(),
        }
    }

    fn value_ref(&self) -> Option<&[u8]> {
        match self {
            Source::Writes(cursor) => cursor.ahead.front()?.1.as_deref(),
            Source::Run(cursor) => cursor.value_ref(),
            Source::Table(cursor) => cursor.value_ref(),
        }
    }
}

/// The most writes that are looked up at once.
const AHEAD_MAX: usize = 64;

/// A position in a transaction's writes. It shares the map instead of borrowing it, so it looks up some writes at a
/// time, more each time.
struct WritesCursor {
    writes: Arc<Writes>,
    ahead: VecDeque<(Bytes, Option<Bytes>)>,
    batch_len: usize,
}

impl WritesCursor {
    fn new(writes: Arc<Writes>) -> WritesCursor {
        WritesCursor {
            writes,
            ahead: VecDeque::new(),
            batch_len: 4,
        }
    }

    fn fill(&mut self, direction: Direction, from: Bound<&[u8]>) {
        let owned = |(key, value): (&Bytes, &Option<Bytes>)| (key.clone(), value.clone());
        let len = self.batch_len;
        match direction {
            Direction::Forward => {
                let range = self.writes.range::<[u8], _>((from, Bound::Unbounded));
                self.ahead.extend(range.take(len).map(owned));
            }
            Direction::Backward => {
                let range = self.writes.range::<[u8], _>((Bound::Unbounded, from));
                self.ahead.extend(range.rev().take(len).map(owned));
            }
        }
        self.batch_len = (len * 2).min(AHEAD_MAX);
    }

    fn advance(&mut self, direction: Direction) {
        if let Some((last, _)) = self.ahead.pop_front()
            && self.ahead.is_empty()
        {
            self.fill(direction, Bound::Excluded(&last));
        }
    }
}
