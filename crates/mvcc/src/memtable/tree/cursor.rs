//! Cursor: a position in a tree.
//!
//! A cursor reads a leaf as it was when it came to it, and remembers the leaf's fences. At a fence it searches from the
//! root for the leaf beyond: leaves have no links to each other, which replacing them would have to keep up.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Lsn;

use super::{Entry, Fences, NodeRef, Target, Tree};
use crate::memtable::permutation::{Permutation, SLOTS};

/// A position in a tree: on an entry that has a version at the cursor's LSN, or on none. Later versions and entries do
/// not disturb it.
pub(crate) struct TreeCursor {
    tree: Arc<Tree>,
    lsn: Lsn,
    spot: Option<Spot>,
}

/// A position in a leaf as it was when the cursor came to it.
struct Spot {
    leaf: NodeRef,
    fences: Fences,
    order: Permutation,
    at: usize,
}

impl TreeCursor {
    pub(crate) fn new(tree: &Arc<Tree>, lsn: Lsn) -> TreeCursor {
        TreeCursor {
            tree: Arc::clone(tree),
            lsn,
            spot: None,
        }
    }

    /// To the first entry within `start`.
    pub(crate) fn seek(&mut self, start: Bound<&[u8]>) {
        self.spot = match start {
            Bound::Unbounded => Some(self.enter(Target::First, |_| 0)),
            Bound::Included(key) => {
                Some(self.enter(Target::At(key), |found| found.unwrap_or_else(|at| at)))
            }
            Bound::Excluded(key) => Some(self.enter(Target::At(key), |found| {
                found.map_or_else(|at| at, |at| at + 1)
            })),
        };
        self.settle_forward();
    }

    /// To the last entry within `end`.
    pub(crate) fn seek_back(&mut self, end: Bound<&[u8]>) {
        // One past the position meant, which `settle_back` then takes back.
        self.spot = match end {
            Bound::Unbounded => Some(self.enter(Target::Last, |_| SLOTS)),
            Bound::Included(key) => Some(self.enter(Target::At(key), |found| {
                found.map_or_else(|at| at, |at| at + 1)
            })),
            Bound::Excluded(key) => {
                Some(self.enter(Target::At(key), |found| found.unwrap_or_else(|at| at)))
            }
        };
        self.settle_back();
    }

    /// To the next entry.
    pub(crate) fn next(&mut self) {
        if let Some(spot) = &mut self.spot {
            spot.at += 1;
            self.settle_forward();
        }
    }

    /// To the entry before.
    pub(crate) fn prev(&mut self) {
        if self.spot.is_some() {
            self.settle_back();
        }
    }

    /// The key it is on.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        Some(self.entry()?.key())
    }

    /// What the key it is on has become: a value or a tombstone. `None` also on no entry.
    pub(crate) fn value(&self) -> Option<Bytes> {
        self.entry()?.version(self.lsn)?.value.to_bytes()
    }

    /// As [`TreeCursor::value`], where it lies.
    pub(crate) fn value_ref(&self) -> Option<&[u8]> {
        self.entry()?.version(self.lsn)?.value.bytes()
    }

    /// The LSN of the newest version of the key it is on, whatever the cursor's LSN.
    pub(crate) fn newest(&self) -> Option<Lsn> {
        Some(self.entry()?.newest().lsn)
    }

    fn entry(&self) -> Option<&Entry> {
        let spot = self.spot.as_ref()?;
        let entry = self.tree.entry_ref(spot.leaf, spot.order.slot(spot.at))?;
        Some(self.tree.entry(entry))
    }

    /// Comes to a leaf, at the position that `choose` makes of where the target's key is.
    fn enter(
        &self,
        target: Target<'_>,
        choose: impl FnOnce(Result<usize, usize>) -> usize,
    ) -> Spot {
        let (leaf, fences) = self.tree.descend(target);
        let order = self.tree.order(leaf);
        let found = match target {
            Target::At(key) => self.tree.search(leaf, order, key),
            Target::First => Err(0),
            Target::Before(_) | Target::Last => Err(order.len()),
        };
        Spot {
            leaf,
            fences,
            order,
            at: choose(found).min(order.len()),
        }
    }

    /// From the position on, to the first entry with a version.
    fn settle_forward(&mut self) {
        while let Some(spot) = &mut self.spot {
            if spot.at < spot.order.len() {
                if self.is_visible() {
                    return;
                }
                if let Some(spot) = &mut self.spot {
                    spot.at += 1;
                }
                continue;
            }
            let upper = spot.fences.upper;
            self.spot = upper.map(|upper| {
                let key = self.tree.entry(upper).key();
                self.enter(Target::At(key), |found| found.unwrap_or_else(|at| at))
            });
        }
    }

    /// From before the position on, to the last entry with a version.
    fn settle_back(&mut self) {
        while let Some(spot) = &mut self.spot {
            if spot.at > 0 {
                spot.at -= 1;
                if self.is_visible() {
                    return;
                }
                continue;
            }
            let lower = spot.fences.lower;
            self.spot = lower.map(|lower| {
                let key = self.tree.entry(lower).key();
                self.enter(Target::Before(key), |found| found.unwrap_or_else(|at| at))
            });
        }
    }

    fn is_visible(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.version(self.lsn).is_some())
    }
}
