//! The nearest candidates that a walk has met so far: a sorted array of at most `limit`.
//!
//! For the sizes that searches use, an array that is kept sorted beats two heaps: it lies in few cache lines, and most
//! candidates are turned away by one comparison with its last entry.
//!
//! # Invariants
//! - I1. `entries` ascend strictly and are at most `limit`.
//! - I2. All entries before `next` are expanded.
//! - I3. A candidate that was offered is in `entries` or in `spill`, once.

use super::rank::Candidate;

#[derive(Debug, Default)]
pub(crate) struct Pool {
    entries: Vec<Candidate>,
    limit: usize,
    next: usize,
    /// What did not fit: taken back when the limit grows.
    spill: Vec<Candidate>,
}

impl Pool {
    /// Empties it.
    pub(crate) fn reset(&mut self, limit: usize) {
        self.entries.clear();
        self.spill.clear();
        self.limit = limit.max(1);
        self.next = 0;
    }

    /// The nearest first.
    pub(crate) fn entries(&self) -> &[Candidate] {
        &self.entries
    }

    /// Takes a candidate in, if it is near enough.
    pub(crate) fn offer(&mut self, candidate: Candidate) {
        if self.entries.len() == self.limit {
            let last = self.entries[self.limit - 1];
            if candidate > last {
                self.spill.push(candidate);
                return;
            }
            self.spill.push(last);
            self.entries.pop();
        }
        let at = self.entries.partition_point(|entry| *entry < candidate);
        self.entries.insert(at, candidate);
        self.next = self.next.min(at);
    }

    /// The nearest that was not expanded yet; marks it so.
    pub(crate) fn expand(&mut self) -> Option<u32> {
        let at = self.next_unexpanded(self.next)?;
        self.entries[at] = self.entries[at].expanded();
        self.next = at + 1;
        Some(self.entries[at].node())
    }

    /// What [`Pool::expand`] will give next, as things stand.
    pub(crate) fn peek(&self) -> Option<u32> {
        self.next_unexpanded(self.next)
            .map(|at| self.entries[at].node())
    }

    fn next_unexpanded(&self, from: usize) -> Option<usize> {
        let found = self.entries[from..]
            .iter()
            .position(|entry| !entry.is_expanded());
        found.map(|at| from + at)
    }

    /// Makes room for more, and takes back what did not fit before.
    pub(crate) fn grow(&mut self, limit: usize) {
        debug_assert!(limit >= self.limit);
        self.limit = limit;
        self.entries.append(&mut self.spill);
        self.entries.sort_unstable();
        let kept = self.entries.len().min(limit);
        self.spill.extend(self.entries.drain(kept..));
        self.next = 0;
    }
}

#[cfg(test)]
mod tests;
