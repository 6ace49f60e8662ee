//! Merge of what lies in memory: a transaction's writes and the memtables, as one sorted run.
//!
//! Sources are ordered newest first. Of several that have the same key, the first wins and all move on together, so
//! each key comes once, as what it is at the reader's LSN: a value or a tombstone.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use crate::memtable::{Table, TreeCursor};
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
    /// Newest first.
    pub(crate) tables: Vec<Arc<Table>>,
    pub(crate) lsn: Lsn,
}

pub(crate) struct MemoryMerge {
    direction: Direction,
    sources: Vec<Source>,
    /// The source whose key is next; none at the end.
    winner: Option<usize>,
}

impl MemoryMerge {
    /// On the first key within `from`, seen in the direction of movement.
    pub(crate) fn new(
        sources: &MemorySources,
        direction: Direction,
        from: Bound<&[u8]>,
    ) -> MemoryMerge {
        let writes = sources.writes.iter();
        let writes = writes.map(|writes| Source::Writes(WritesCursor::new(Arc::clone(writes))));
        let tables = sources.tables.iter();
        let tables = tables.map(|table| Source::Table(table.cursor(sources.lsn)));
        let mut merge = MemoryMerge {
            direction,
            sources: writes.chain(tables).collect(),
            winner: None,
        };
        for source in &mut merge.sources {
            source.position(direction, from);
        }
        merge.choose();
        merge
    }

    /// The key that is next.
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

    /// To the next key.
    pub(crate) fn advance(&mut self) {
        let Some(winner) = self.winner else {
            return;
        };
        let (newer, older) = self.sources.split_at_mut(winner + 1);
        let winner = &mut newer[winner];
        for source in older {
            if source.key() == winner.key() && !is_planted("mvcc-range-repeats-key") {
                source.advance(self.direction);
            }
        }
        winner.advance(self.direction);
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
    Table(TreeCursor),
}

impl Source {
    fn position(&mut self, direction: Direction, from: Bound<&[u8]>) {
        match (self, direction) {
            (Source::Writes(cursor), _) => cursor.fill(direction, from),
            (Source::Table(cursor), Direction::Forward) => cursor.seek(from),
            (Source::Table(cursor), Direction::Backward) => cursor.seek_back(from),
        }
    }

    fn advance(&mut self, direction: Direction) {
        match (self, direction) {
            (Source::Writes(cursor), _) => cursor.advance(direction),
            (Source::Table(cursor), Direction::Forward) => cursor.next(),
            (Source::Table(cursor), Direction::Backward) => cursor.prev(),
        }
    }

    fn key(&self) -> Option<&[u8]> {
        match self {
            Source::Writes(cursor) => cursor.ahead.front().map(|(key, _)| key.as_ref()),
            Source::Table(cursor) => cursor.key(),
        }
    }

    fn value(&self) -> Option<Bytes> {
        match self {
            Source::Writes(cursor) => cursor.ahead.front()?.1.clone(),
            Source::Table(cursor) => cursor.value(),
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
