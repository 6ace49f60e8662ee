//! WriteRange: the entries of a range as a write transaction sees them.

use std::collections::btree_map;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;
use drystone_engine::{Cursor, EngineError};

use crate::cursor::BTreeCursor;
use crate::snapshot::State;
use crate::write_transaction::{Own, OwnValues, Writes};

type OwnWrites<'a> = btree_map::Range<'a, Bytes, Own>;

/// What was written within bounds; nothing for bounds that end before they start.
fn own_writes<'a>(
    writes: Option<&'a Writes>,
    start: &Bound<Bytes>,
    end: &Bound<Bytes>,
) -> Option<OwnWrites<'a>> {
    let is_empty = match (start, end) {
        (Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start > end,
        _ => false,
    };
    let bounds = (start.as_ref(), end.as_ref());
    writes
        .filter(|_| !is_empty)
        .map(|writes| writes.range::<Bytes, _>(bounds))
}

/// The entries of a range, the transaction's own writes on top of the state it began on.
pub struct WriteRange<'a> {
    own: Option<OwnWrites<'a>>,
    own_next: Option<(&'a Bytes, &'a Own)>,
    values: OwnValues<'a>,
    /// `None` once it is through.
    base: Option<BTreeCursor>,
    base_is_on: bool,
    /// Where to begin; `None` once it has begun.
    start: Option<Bound<Bytes>>,
    end: Bound<Bytes>,
}

impl<'a> WriteRange<'a> {
    /// Of what a transaction wrote to a keyspace, over a state.
    pub(crate) fn new(
        keyspace: KeyspaceId,
        (start, end): (Bound<Bytes>, Bound<Bytes>),
        base: Option<&Arc<State>>,
        writes: Option<&'a Writes>,
        values: OwnValues<'a>,
    ) -> WriteRange<'a> {
        WriteRange {
            own: own_writes(writes, &start, &end),
            own_next: None,
            values,
            base: base.map(|state| BTreeCursor::new(Arc::clone(state), keyspace)),
            base_is_on: false,
            start: Some(start),
            end,
        }
    }

    fn pull(&mut self) -> Result<Option<(Bytes, Bytes)>, EngineError> {
        if let Some(start) = self.start.take() {
            self.own_next = self.own.as_mut().and_then(Iterator::next);
            self.base_is_on = match &mut self.base {
                Some(cursor) => seek(cursor, &start)?,
                None => false,
            };
            self.check_end();
        }
        loop {
            let base_key = self
                .base
                .as_ref()
                .filter(|_| self.base_is_on)
                .map(Cursor::key);
            let order = match (self.own_next, base_key) {
                (None, None) => return Ok(None),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((own, _)), Some(base)) => own[..].cmp(base),
            };
            let entry = if order.is_gt() {
                self.base_entry()?
            } else {
                self.own_entry()?
            };
            if order.is_le() {
                self.own_next = self.own.as_mut().and_then(Iterator::next);
            }
            if order.is_gt() || (order.is_eq() && !is_planted("btree-write-range-shows-replaced")) {
                self.advance_base()?;
            }
            if entry.is_some() {
                return Ok(entry);
            }
        }
    }

    fn own_entry(&self) -> Result<Option<(Bytes, Bytes)>, EngineError> {
        let Some((key, own)) = self.own_next else {
            return Ok(None);
        };
        let value = self.values.get(own)?;
        Ok(value.map(|value| (key.clone(), value)))
    }

    fn base_entry(&self) -> Result<Option<(Bytes, Bytes)>, EngineError> {
        let Some(cursor) = &self.base else {
            return Ok(None);
        };
        let key = Bytes::copy_from_slice(cursor.key());
        Ok(Some((key, cursor.value()?)))
    }

    fn advance_base(&mut self) -> Result<(), EngineError> {
        if let Some(cursor) = &mut self.base {
            self.base_is_on = cursor.next()?;
            self.check_end();
        }
        Ok(())
    }

    /// Leaves the state's entries when they are beyond the end.
    fn check_end(&mut self) {
        let Some(cursor) = self.base.as_ref().filter(|_| self.base_is_on) else {
            return;
        };
        self.base_is_on = match &self.end {
            Bound::Unbounded => true,
            Bound::Included(end) => cursor.key() <= &end[..],
            Bound::Excluded(end) => cursor.key() < &end[..],
        };
    }
}

fn seek(cursor: &mut BTreeCursor, start: &Bound<Bytes>) -> Result<bool, EngineError> {
    match start {
        Bound::Unbounded => cursor.first(),
        Bound::Included(key) => cursor.seek(key),
        Bound::Excluded(key) => {
            let is_on = cursor.seek(key)?;
            if is_on && cursor.key() == &key[..] {
                return cursor.next();
            }
            Ok(is_on)
        }
    }
}

impl Iterator for WriteRange<'_> {
    type Item = Result<(Bytes, Bytes), EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let pulled = self.pull().transpose();
        if matches!(pulled, Some(Err(_))) {
            (self.own, self.own_next, self.base) = (None, None, None);
            self.base_is_on = false;
        }
        pulled
    }
}

impl fmt::Debug for WriteRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteRange").finish_non_exhaustive()
    }
}
