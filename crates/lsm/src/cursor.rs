//! Cursor: a position in one keyspace of a state, over all runs that may hold a part of it.
//!
//! # Invariants
//! - C1. Going up, every run's cursor is on its first entry at or above the key it is on, or above all; going down, on its
//!   last at or below. A change of direction moves all of them.
//! - C2. `heap` has those that are on an entry of the keyspace, as a heap: the next key first; of the same key the newest.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::{Cursor, EngineError};

use crate::block::cursor::BlockCursor;
use crate::key::{self, PREFIX_BYTES};
use crate::run_cursor::RunCursor;
use crate::version::Version;

/// A position in one keyspace of a state, moving both ways. It owns what it reads.
#[derive(Debug)]
pub struct LsmCursor {
    /// Keeps the SSTs.
    _version: Arc<Version>,
    prefix: [u8; PREFIX_BYTES],
    keyspace: KeyspaceId,
    /// The newest run first.
    runs: Vec<RunCursor>,
    heap: Vec<usize>,
    way: Way,
    /// The full key of the entry it is on, or was on last.
    key: Vec<u8>,
    is_on: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl LsmCursor {
    pub(crate) fn new(version: Arc<Version>, keyspace: KeyspaceId) -> LsmCursor {
        let prefix = keyspace.0.to_be_bytes();
        let is_there = version.has(keyspace);
        let may_hold = |run: &&crate::run::Run| {
            let at = run.at_or_above(&prefix);
            let first = run.ssts().get(at).map(|sst| &sst.meta.smallest[..]);
            is_there && first.is_some_and(|first| first.get(..PREFIX_BYTES) <= Some(&prefix[..]))
        };
        let runs = version
            .runs()
            .filter(may_hold)
            .map(|run| RunCursor::new(run.clone()));
        LsmCursor {
            prefix,
            keyspace,
            runs: runs.collect(),
            heap: Vec::new(),
            way: Way::Up,
            key: Vec::new(),
            is_on: false,
            _version: version,
        }
    }

    /// Moves every run's cursor, and settles on the first entry in that direction.
    fn begin(
        &mut self,
        way: Way,
        mut go: impl FnMut(&mut RunCursor) -> Result<bool, EngineError>,
    ) -> Result<bool, EngineError> {
        self.is_on = false;
        self.way = way;
        self.heap.clear();
        for idx in 0..self.runs.len() {
            if go(&mut self.runs[idx])? && self.is_within(idx) {
                self.heap.push(idx);
            }
        }
        for at in (0..self.heap.len() / 2).rev() {
            self.sift_down(at);
        }
        self.settle()
    }

    /// To the top of the heap, or past it while that is a tombstone.
    fn settle(&mut self) -> Result<bool, EngineError> {
        while let Some(top) = self.heap.first() {
            let Some(entry) = self.runs[*top].entry() else {
                break;
            };
            self.key.clear();
            self.key.extend_from_slice(entry.key());
            if !entry.is_tombstone() {
                self.is_on = true;
                return Ok(true);
            }
            self.leave_key()?;
        }
        Ok(false)
    }

    /// Moves every run's cursor that is on the key beyond it.
    fn leave_key(&mut self) -> Result<(), EngineError> {
        while let Some(&top) = self.heap.first() {
            if self.runs[top].key() != Some(&self.key[..]) {
                break;
            }
            let is_on = match self.way {
                Way::Up => self.runs[top].next()?,
                Way::Down => self.runs[top].prev()?,
            };
            if !is_on || !self.is_within(top) {
                self.heap.swap_remove(0);
            }
            self.sift_down(0);
        }
        Ok(())
    }

    fn step(&mut self, way: Way) -> Result<bool, EngineError> {
        if !self.is_on {
            return Ok(false);
        }
        self.is_on = false;
        if self.way == way {
            self.leave_key()?;
            return self.settle();
        }
        let key = std::mem::take(&mut self.key);
        self.begin(way, |run| match way {
            Way::Up => run.seek_above(&key),
            Way::Down => run.seek_below(&key),
        })
    }

    fn is_within(&self, idx: usize) -> bool {
        let key = self.runs[idx].key();
        key.is_some_and(|key| key.starts_with(&self.prefix))
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let left = 2 * at + 1;
            if left >= self.heap.len() {
                return;
            }
            let right = left + 1;
            let is_right = right < self.heap.len() && self.is_before(right, left);
            let child = if is_right { right } else { left };
            if !self.is_before(child, at) {
                return;
            }
            self.heap.swap(child, at);
            at = child;
        }
    }

    #[inline]
    fn is_before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.heap[a], self.heap[b]);
        let order = self.runs[a].key().cmp(&self.runs[b].key());
        let order = match self.way {
            Way::Up => order,
            Way::Down => order.reverse(),
        };
        order.then(a.cmp(&b)) == Ordering::Less
    }

    fn entry(&self) -> &BlockCursor {
        assert!(self.is_on, "the cursor is on an entry");
        let top = self.heap.first().and_then(|top| self.runs[*top].entry());
        top.expect("C2: the top of the heap is on an entry")
    }
}

impl Cursor for LsmCursor {
    fn first(&mut self) -> Result<bool, EngineError> {
        self.seek(&[])
    }

    fn last(&mut self) -> Result<bool, EngineError> {
        match self.keyspace.0.checked_add(1) {
            Some(next) => self.begin(Way::Down, |run| run.seek_below(&next.to_be_bytes())),
            None => self.begin(Way::Down, RunCursor::last),
        }
    }

    fn seek(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let full = key::full(self.keyspace, key);
        self.begin(Way::Up, |run| run.seek(&full))
    }

    fn seek_back(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        let full = key::full(self.keyspace, key);
        self.begin(Way::Down, |run| run.seek_back(&full))
    }

    fn next(&mut self) -> Result<bool, EngineError> {
        self.step(Way::Up)
    }

    fn prev(&mut self) -> Result<bool, EngineError> {
        self.step(Way::Down)
    }

    fn key(&self) -> &[u8] {
        assert!(self.is_on, "the cursor is on an entry");
        &self.key[PREFIX_BYTES..]
    }

    fn value(&self) -> Result<Bytes, EngineError> {
        Ok(self.entry().value_bytes())
    }

    fn value_ref(&self) -> Option<&[u8]> {
        self.entry().value()
    }
}
