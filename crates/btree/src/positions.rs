//! Positions: entries by their number in key order, found through the counts that inner nodes keep.
//!
//! A question costs one node a level, whatever lies between the keys it asks about: counts of ranges, the n-th entry,
//! samples, and bounds that cut a keyspace into parts of equal size.
//!
//! # Source
//! Sampling by position: Olken and Rotem, "Random Sampling from B+ Trees" (1989). With counts in the inner nodes no
//! attempt is ever rejected.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, Random, SeededRandom};
use drystone_engine::{EngineError, Snapshot};

use crate::keyspace::{Keyspace, Place};
use crate::node::{Node, Value};
use crate::pages::Pages;
use crate::snapshot::BTreeSnapshot;

/// An entry: key and value.
type Entry = (Bytes, Bytes);

impl BTreeSnapshot {
    /// How many entries of a keyspace lie within `bounds`. Reads two nodes a level, whatever the answer. 0 for a keyspace
    /// that is not there, and for bounds that end before they start.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn count_within<'k>(
        &self,
        keyspace: KeyspaceId,
        bounds: impl RangeBounds<&'k [u8]>,
    ) -> Result<u64, EngineError> {
        let (start, end) = (bounds.start_bound(), bounds.end_bound());
        self.count_range(keyspace, start.map(|key| *key), end.map(|key| *key))
    }

    /// The entry that has so many before it, in key order. Reads one node a level. `None`: there are not so many.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn nth(&self, keyspace: KeyspaceId, position: u64) -> Result<Option<Entry>, EngineError> {
        match self.state().keyspace(keyspace) {
            Some(keyspace) => keyspace.nth(self.state().pages(), position),
            None => Ok(None),
        }
    }

    /// `count` entries of a keyspace, each drawn from all of them with the same chance, and with no regard to the others:
    /// one may come twice. In key order. The same seed draws the same. Empty for a keyspace that is empty.
    ///
    /// For estimates: the share of the sample for which something holds is that of the keyspace, give or take
    /// 1 / sqrt(`count`).
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn sample(
        &self,
        keyspace: KeyspaceId,
        count: usize,
        seed: u64,
    ) -> Result<Vec<Entry>, EngineError> {
        let entries = self.count(keyspace)?;
        if entries == 0 {
            return Ok(Vec::new());
        }
        let random = SeededRandom::new(seed);
        let mut positions: Vec<u64> = (0..count)
            .map(|_| below(entries, random.next_u64()))
            .collect();
        positions.sort_unstable();
        let drawn = positions
            .into_iter()
            .map(|position| self.nth(keyspace, position));
        drawn.filter_map(Result::transpose).collect()
    }

    /// Keys that cut a keyspace into `parts` parts of about equal size, each with how many entries lie below it: at most
    /// `parts - 1`, ascending, and fewer where the keyspace is small. They need not be keys of entries. Reads inner nodes
    /// only, so a part may differ from its share by a leaf's entries.
    ///
    /// # Errors
    /// Damage or a failed read.
    pub fn equal_parts(
        &self,
        keyspace: KeyspaceId,
        parts: usize,
    ) -> Result<Vec<(Bytes, u64)>, EngineError> {
        let entries = self.count(keyspace)?;
        let Some(keyspace) = self.state().keyspace(keyspace) else {
            return Ok(Vec::new());
        };
        let mut cuts: Vec<(Bytes, u64)> = Vec::new();
        for part in 1..parts {
            let share = u128::from(entries) * part as u128 / parts as u128;
            let share = u64::try_from(share).unwrap_or(u64::MAX);
            if let Some((key, below)) = keyspace.separator_near(self.state().pages(), share)?
                && cuts.last().is_none_or(|(_, last)| *last < below)
            {
                cuts.push((key, below));
            }
        }
        Ok(cuts)
    }
}

/// How many entries lie below the start of a range, and below its end.
pub(crate) fn count_range(
    keyspace: &Keyspace,
    pages: &Pages,
    start: Bound<&[u8]>,
    end: Bound<&[u8]>,
) -> Result<u64, EngineError> {
    let below_start = match start {
        Bound::Unbounded => 0,
        Bound::Included(key) => keyspace.rank(pages, key)?,
        Bound::Excluded(key) => keyspace.rank_after(pages, key)?,
    };
    let below_end = match end {
        Bound::Unbounded => crate::tree::entries(keyspace.root()),
        Bound::Excluded(key) if is_planted("btree-count-end-included") => {
            keyspace.rank_after(pages, key)?
        }
        Bound::Excluded(key) => keyspace.rank(pages, key)?,
        Bound::Included(key) => keyspace.rank_after(pages, key)?,
    };
    Ok(below_end.saturating_sub(below_start))
}

impl Keyspace {
    /// How many keys are at or below `key`.
    fn rank_after(&self, pages: &Pages, key: &[u8]) -> Result<u64, EngineError> {
        // The next key in byte order.
        let mut next = Vec::with_capacity(key.len() + 1);
        next.extend_from_slice(key);
        next.push(0);
        self.rank(pages, &next)
    }

    fn nth(&self, pages: &Pages, position: u64) -> Result<Option<Entry>, EngineError> {
        let Some(top) = self.top(pages)? else {
            return Ok(None);
        };
        let (place, left) = descend_to(top, pages, position, 0)?;
        let leaf = place.node();
        let slot = usize::try_from(left).unwrap_or(usize::MAX);
        if slot >= leaf.key_count() {
            return Ok(None);
        }
        entry_at(pages, leaf, slot).map(Some)
    }

    /// The separator nearest above a position among those right above the leaves, and how many entries lie below it.
    fn separator_near(
        &self,
        pages: &Pages,
        position: u64,
    ) -> Result<Option<(Bytes, u64)>, EngineError> {
        let Some(top) = self.top(pages)? else {
            return Ok(None);
        };
        if top.node().level() == 0 {
            return Ok(None);
        }
        let (place, left) = descend_to(top, pages, position, 1)?;
        let node = place.node();
        let (idx, into) = child_at(pages, node, left)?;
        // Before the child, or behind it: whichever is nearer, where the node has a separator there.
        let child = pages.check(node, node.child(idx))?;
        let behind = into * 2 > child.entries;
        let (separator, below) = match (behind, idx.checked_sub(1)) {
            (false, Some(before)) => (before, position - into),
            _ if idx < node.key_count() => (idx, position - into + child.entries),
            (_, Some(before)) => (before, position - into),
            (_, None) => return Ok(None),
        };
        let mut key = Vec::new();
        pages.check(node, node.key_into(separator, &mut key))?;
        Ok(Some((key.into(), below)))
    }
}

/// From a node down to the one of this level that holds a position; what is left of the position there.
fn descend_to<'a>(
    mut place: Place<'a>,
    pages: &Pages,
    mut position: u64,
    level: u8,
) -> Result<(Place<'a>, u64), EngineError> {
    while place.node().level() > level {
        let (idx, left) = child_at(pages, place.node(), position)?;
        position = left;
        place = place.child(idx, pages)?;
    }
    Ok((place, position))
}

/// The child that holds a position of the node, the last one for those beyond; what is left of the position in it.
fn child_at(pages: &Pages, node: &Node, mut position: u64) -> Result<(usize, u64), EngineError> {
    for idx in 0..node.key_count() {
        let entries = pages.check(node, node.child(idx))?.entries;
        if position < entries {
            return Ok((idx, position));
        }
        position -= entries;
    }
    Ok((node.key_count(), position))
}

/// A number below `end`, by scaling one of 64 bits.
fn below(end: u64, drawn: u64) -> u64 {
    let scaled = (u128::from(drawn) * u128::from(end)) >> 64;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn entry_at(pages: &Pages, leaf: &Node, slot: usize) -> Result<Entry, EngineError> {
    let mut key = Vec::new();
    pages.check(leaf, leaf.key_into(slot, &mut key))?;
    let value = match pages.check(leaf, leaf.value(slot))? {
        Value::Inline(range) => leaf.page().slice(range),
        Value::Overflow(overflow) => pages.read_value(&overflow)?,
    };
    Ok((key.into(), value))
}
