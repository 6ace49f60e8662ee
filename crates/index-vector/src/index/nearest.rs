//! The `k` nearest of what is offered, one by one.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::hit::Hit;
use crate::hnsw::{order, rank_of};
use drystone_base::planted::is_planted;

/// A bounded set, sorted by distance, then key.
#[derive(Debug)]
pub(super) struct Nearest {
    k: usize,
    kept: BTreeSet<(u32, Bytes)>,
}

impl Nearest {
    pub(super) fn new(k: usize) -> Nearest {
        Nearest {
            k,
            kept: BTreeSet::new(),
        }
    }

    /// Whether an entry this far away would be kept.
    pub(super) fn has_room(&self, distance: f32, key: &[u8]) -> bool {
        if self.kept.len() < self.k {
            return true;
        }
        let farthest = self.kept.last();
        farthest
            .is_some_and(|(order_max, key_max)| (order(distance), key) < (*order_max, &key_max[..]))
    }

    /// Keeps an entry, if there is room for it.
    pub(super) fn offer(&mut self, key: Bytes, distance: f32) {
        if !self.has_room(distance, &key) {
            return;
        }
        self.kept.insert((order(distance), key));
        if self.kept.len() > self.k && is_planted("vector-nearest-given-up") {
            self.kept.pop_first();
        } else if self.kept.len() > self.k {
            self.kept.pop_last();
        }
    }

    pub(super) fn into_hits(self) -> Vec<Hit> {
        let kept = self.kept.into_iter();
        let hits = kept.map(|(order, key)| Hit {
            key,
            distance: rank_of(order),
        });
        hits.collect()
    }
}
