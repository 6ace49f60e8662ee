//! Level: the nodes of one level of the tree that a merge is making, at most three of them in memory.
//!
//! ```text
//!             push                 overflow            hold              release
//!  entries ----------> front, back ---------> sealed ---------> held ---------------> written, and an entry of the
//!                           |                   ^                 |                   level above
//!                           +------ seal -------+                 +---- take_left: back into front (join)
//! ```
//!
//! `back` is in use only when `front` is full. So whenever entries are pending there is either one node that may still
//! be too small, or there are enough for one that is full or two that are at least half full. Where more follows, `back` is
//! left some room for entries that come later one by one, unless these come at the right end. The node sealed last is held
//! until the next is sealed, so that a small one that follows can still be joined with it without writing it twice.

use crate::merge::run::Run;
use crate::node::build::{Entry, encode, page_len, separator};
use drystone_base::planted::is_planted;

/// A node that is laid out and not yet written.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// Lower fence: all its keys are `>= low`, all before it `< low`.
    pub(crate) low: Vec<u8>,
    /// Its page.
    pub(crate) page: Vec<u8>,
    /// Entries below it.
    pub(crate) entries: u64,
    /// Whether some of their values lie in overflow pages.
    pub(crate) has_overflow: bool,
}

/// How pending entries are cut into nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Into halves: the next keys may come anywhere.
    Even,
    /// Full nodes, and what is left: keys come at the right end.
    Append,
}

/// Room that is left in nodes one behind the other, as a part of a page: for a row or two.
const ROOM_SHARE: usize = 20;

/// The nodes of one level in the making.
#[derive(Debug)]
pub(crate) struct Level {
    level: u8,
    /// Page length that a node stays within unless one key demands more.
    limit: usize,
    /// Lower fence of what is pushed next when nothing is pending.
    boundary: Vec<u8>,
    /// Lower fence of `front`.
    low: Vec<u8>,
    front: Run,
    back: Run,
    held: Option<Sealed>,
}

impl Level {
    pub(crate) fn new(level: u8, limit: usize) -> Level {
        Level {
            level,
            limit,
            boundary: Vec::new(),
            low: Vec::new(),
            front: Run::new(level),
            back: Run::new(level),
            held: None,
        }
    }

    /// Entries that are in no sealed node yet.
    pub(crate) fn pending(&self) -> usize {
        self.front.len() + self.back.len()
    }

    /// Whether the pending entries make too small a node: under 40% of a page, or an inner node with one child.
    pub(crate) fn is_underfull(&self) -> bool {
        self.is_lone_child() || (self.back.is_empty() && self.front.page_len() < self.limit * 2 / 5)
    }

    /// Whether one child is pending, which makes no inner node.
    pub(crate) fn is_lone_child(&self) -> bool {
        self.level > 0 && self.pending() == 1
    }

    /// Whether there is nothing: no pending entry, no held node.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending() == 0 && self.held.is_none()
    }

    /// Says the lower fence of what is pushed next. Of no effect while entries are pending.
    pub(crate) fn begin(&mut self, boundary: &[u8]) {
        self.boundary.clear();
        self.boundary.extend_from_slice(boundary);
    }

    /// Whether a key comes after all that are pending. Only what a damaged tree holds does not.
    pub(crate) fn is_next(&self, key: &[u8]) -> bool {
        let last = self.back.last_key().or_else(|| self.front.last_key());
        last.is_none_or(|last| last < key)
    }

    /// Adds an entry after all others ([`Level::is_next`]). Returns a full node when there are entries for more than two.
    pub(crate) fn push(&mut self, entry: &Entry<'_>, fill: Fill) -> Option<Sealed> {
        if self.front.is_empty() {
            let low = if self.level == 0 {
                &self.boundary
            } else {
                entry.key
            };
            self.low.clear();
            self.low.extend_from_slice(low);
        }
        let into_front = self.back.is_empty() && self.front.push(entry, self.limit);
        let limit = match fill {
            Fill::Even => self.limit - self.limit / ROOM_SHARE,
            Fill::Append => self.limit,
        };
        if into_front || self.back.push(entry, limit) {
            return None;
        }
        let full = self.seal_front();
        self.back.push(entry, limit);
        Some(full)
    }

    /// Takes the last pending entry off, and lends it.
    pub(crate) fn pop(&mut self) -> Option<Entry<'_>> {
        if self.back.is_empty() {
            self.front.pop()
        } else {
            self.back.pop()
        }
    }

    /// Forgets all pending entries.
    pub(crate) fn clear(&mut self) {
        self.front.clear();
        self.back.clear();
    }

    /// Takes all pending entries out.
    pub(crate) fn take_pending(&mut self) -> [Run; 2] {
        let runs = [Run::new(self.level), Run::new(self.level)];
        let [front, back] = runs;
        [
            std::mem::replace(&mut self.front, front),
            std::mem::replace(&mut self.back, back),
        ]
    }

    /// Seals all pending entries, into one node or two.
    pub(crate) fn seal(&mut self, fill: Fill) -> [Option<Sealed>; 2] {
        let entries: Vec<Entry<'_>> = self.front.iter().chain(self.back.iter()).collect();
        let cut = self.cut(&entries, fill);
        let (left, right) = entries.split_at(cut);
        let sealed = match (left.last(), right.first()) {
            (None, _) => [None, None],
            (Some(_), None) => [Some(self.sealed(&self.low, left)), None],
            (Some(last), Some(first)) => [
                Some(self.sealed(&self.low, left)),
                Some(self.sealed(self.fence(last.key, first.key), right)),
            ],
        };
        self.clear();
        sealed
    }

    /// Keeps a sealed node in hand; returns the one held before.
    pub(crate) fn hold(&mut self, sealed: Sealed) -> Option<Sealed> {
        self.held.replace(sealed)
    }

    /// Takes the held node.
    pub(crate) fn take_held(&mut self) -> Option<Sealed> {
        self.held.take()
    }

    /// Seals `front`, which is full, and moves `back` into its place.
    fn seal_front(&mut self) -> Sealed {
        let entries: Vec<Entry<'_>> = self.front.iter().collect();
        let sealed = self.sealed(&self.low, &entries);
        let last = entries.last().map_or(&[][..], |last| last.key);
        let next = self.back.iter().next().map_or(&[][..], |first| first.key);
        self.low = self.fence(last, next).to_vec();
        std::mem::swap(&mut self.front, &mut self.back);
        self.back.clear();
        sealed
    }

    fn sealed(&self, low: &[u8], entries: &[Entry<'_>]) -> Sealed {
        Sealed {
            low: low.to_vec(),
            page: encode(self.level, entries),
            entries: entries
                .iter()
                .fold(0, |sum, entry| entry.entries.saturating_add(sum)),
            has_overflow: entries.iter().any(|entry| entry.overflow)
                && !is_planted("btree-overflow-flag-lost"),
        }
    }

    /// What separates two neighbouring entries. A separator of an inner node is as short as can be already.
    fn fence<'k>(&self, last: &[u8], next: &'k [u8]) -> &'k [u8] {
        if self.level == 0 {
            separator(last, next)
        } else {
            next
        }
    }

    /// How many of the entries go into the left node. All of them where one node is enough.
    fn cut(&self, entries: &[Entry<'_>], fill: Fill) -> usize {
        if self.back.is_empty() || page_len(self.level, entries) <= self.limit {
            return entries.len();
        }
        let full = self.without_lone_child(self.front.len(), entries.len());
        match fill {
            Fill::Append => full,
            Fill::Even => self.even_cut(entries).unwrap_or(full),
        }
    }

    /// Moves a cut so that no inner node is left with one child.
    fn without_lone_child(&self, cut: usize, count: usize) -> usize {
        match (self.level, count - cut) {
            (1.., 1) if cut > 2 => cut - 1,
            (1.., 1) => count,
            _ => cut,
        }
    }

    /// The cut into halves by size, if both stay within the limit: behind a change of prefix they may not.
    fn even_cut(&self, entries: &[Entry<'_>]) -> Option<usize> {
        let weight = |entry: &Entry<'_>| entry.key.len() + entry.payload.len();
        let half = entries.iter().map(weight).sum::<usize>() / 2;
        let mut left = 0;
        let heavier = entries.iter().position(|entry| {
            left += weight(entry);
            left > half
        })?;
        let least = if self.level == 0 { 1 } else { 2 };
        let most = entries
            .len()
            .checked_sub(least)
            .filter(|&most| most >= least)?;
        let cut = heavier.clamp(least, most);
        let (left, right) = entries.split_at(cut);
        let fits = |half: &[Entry<'_>]| page_len(self.level, half) <= self.limit;
        (fits(left) && fits(right)).then_some(cut)
    }
}

#[cfg(test)]
mod tests;
