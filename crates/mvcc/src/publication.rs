//! Publication: which commits readers see.
//!
//! # Invariants
//! - P1. A `Sync` commit is visible only once it is durable, and no commit is visible before those with lower LSNs.
//!   So a reader never sees what a crash could undo under `Sync`.
//! - P2. The visible LSN never goes back.

use std::collections::VecDeque;

use drystone_base::Lsn;
use drystone_base::sync::Mutex;

use crate::options::Durability;
use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Publication {
    visible: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// Guarded by the publication latch.
struct Waiting {
    /// The newest commit in the memtable.
    applied: Lsn,
    /// `Sync` commits that are not durable yet, oldest first.
    barriers: VecDeque<Lsn>,
}

impl Publication {
    pub(crate) fn new(visible: Lsn) -> Publication {
        Publication {
            visible: AtomicU64::new(visible.0),
            waiting: Mutex::new(Waiting {
                applied: visible,
                barriers: VecDeque::new(),
            }),
        }
    }

    /// The newest commit that readers see. `Acquire`: pairs with the `Release` in `publish`, so that whoever sees an
    /// LSN finds all its versions in the memtable.
    pub(crate) fn visible(&self) -> Lsn {
        Lsn(self.visible.load(Ordering::Acquire))
    }

    /// Takes in a commit that is in the memtable now; shows it if nothing `Sync` at or before it waits. Returns the
    /// `Sync` commit that must become durable before this one can be seen. Called in LSN order, under the commit latch.
    pub(crate) fn applied(&self, lsn: Lsn, durability: Durability) -> Option<Lsn> {
        let mut waiting = self.waiting.lock();
        debug_assert!(waiting.applied < lsn);
        waiting.applied = lsn;
        if durability == Durability::Sync && !is_planted("mvcc-early-visibility") {
            waiting.barriers.push_back(lsn);
        }
        self.publish(&waiting);
        waiting.barriers.back().copied()
    }

    /// Shows what recovery applied, all of which is durable.
    pub(crate) fn replayed(&self, lsn: Lsn) {
        let mut waiting = self.waiting.lock();
        waiting.applied = lsn;
        self.publish(&waiting);
    }

    /// Shows what waited for the log to be durable up to `durable`.
    pub(crate) fn durable(&self, durable: Lsn) {
        let mut waiting = self.waiting.lock();
        while waiting.barriers.front().is_some_and(|&lsn| lsn <= durable) {
            waiting.barriers.pop_front();
        }
        self.publish(&waiting);
    }

    fn publish(&self, waiting: &Waiting) {
        let visible = match waiting.barriers.front() {
            Some(barrier) => Lsn(barrier.0 - 1),
            None => waiting.applied,
        };
        if visible > self.visible() {
            self.visible.store(visible.0, Ordering::Release);
        }
    }
}

#[cfg(all(test, loom))]
mod loom;
#[cfg(test)]
mod tests;
