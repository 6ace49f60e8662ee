//! Batch: the changes of a commit, brought to their leaves together.
//!
//! One key's way down waits for memory at each level, and the next key's begins behind it. Here the keys of a batch, which
//! ascend, go down side by side, level by level: a node is looked at once for all keys that go through it, and what the
//! next level looks at is asked for while this one is searched.
//!
//! # Invariants
//! - K1. A leaf that a key of the batch was brought to is the key's leaf until it is replaced, and only a key that goes to
//!   that very leaf replaces it. So a place is good until a change in it says that its leaf went; from there on, the keys
//!   of that place are searched for from the root.
//!
//! # Source
//! Kim et al., "FAST: fast architecture sensitive tree search" (SIGMOD 2010), and Chen, Ailamaki, Gibbons and Mowry,
//! "Improving hash join performance through prefetching" (ICDE 2004): many searches in turns, so that their misses overlap.

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::Ordering;

use super::{Inner, Node, NodeRef, Target, Tree, Writer, fetch, head_of};

/// What becomes of one key; `None` is a tombstone.
pub(super) type Change<'a> = (&'a Bytes, Option<&'a Bytes>);

/// How many keys go down together: few enough for what was asked for to be at hand still when it is changed.
pub(super) const BATCH_KEYS: usize = 128;

/// Where some keys of a batch go: those from the end of the place before up to `end`.
struct Place {
    node: NodeRef,
    end: usize,
}

impl Tree {
    /// Adds a version of each key of a batch. Keys ascend strictly.
    pub(super) fn put_batch(&self, writer: &mut Writer, batch: &[Change<'_>], lsn: Lsn) {
        debug_assert!(batch.is_sorted_by(|a, b| a.0 < b.0), "keys ascend strictly");
        let mut start = 0;
        for place in self.places(batch) {
            let mut is_there = true;
            for (key, value) in &batch[start..place.end] {
                if is_there {
                    is_there = self.put_in_leaf(writer, place.node, key, lsn, *value);
                } else if !is_planted("mvcc-batch-ends-with-split") {
                    self.put_one(writer, key, lsn, *value);
                }
            }
            start = place.end;
        }
    }

    /// The leaves of the keys of a batch that has some.
    fn places(&self, batch: &[Change<'_>]) -> Vec<Place> {
        let mut places = vec![Place {
            node: self.root(),
            end: batch.len(),
        }];
        for _ in 0..self.node(places[0].node).level {
            let mut below = Vec::with_capacity(batch.len());
            let mut start = 0;
            for place in &places {
                self.spread(place.node, &batch[..place.end], start, &mut below);
                start = place.end;
            }
            places = below;
        }
        places
    }

    /// Finds the children of a node for the keys of `batch` from `start` on.
    fn spread(
        &self,
        node: NodeRef,
        batch: &[Change<'_>],
        mut start: usize,
        below: &mut Vec<Place>,
    ) {
        // One permutation for all of them; nobody else changes the node meanwhile.
        let order = self.order(node);
        let child_bytes = match self.node(node).level {
            1 => size_of::<Node>(),
            _ => size_of::<Inner>(),
        };
        while let Some((key, _)) = batch.get(start) {
            let at = self.child_position(node, order, Target::At(key));
            let child = self.child(node, order.slot(at));
            fetch(child.0, child_bytes);
            let end = match at + 1 < order.len() {
                false => batch.len(),
                true => {
                    let behind = &batch[start + 1..];
                    let separator = order.slot(at + 1);
                    let more = behind
                        .iter()
                        .take_while(|(key, _)| self.is_before(node, separator, key));
                    start + 1 + more.count()
                }
            };
            below.push(Place { node: child, end });
            start = end;
        }
    }

    /// Whether a key comes before that of a slot.
    fn is_before(&self, node: NodeRef, slot: usize, key: &[u8]) -> bool {
        let node = self.node(node);
        let (head, other) = (
            head_of(key, node.skip),
            node.heads[slot].load(Ordering::Relaxed),
        );
        head < other || (head == other && key < self.key_in(node, slot))
    }
}
