//! Link: a memtable and, once it is sealed, what followed it. A commit that no memtable takes has a link of its own; what
//! follows that is the active memtable again, which goes on.
//!
//! A transaction that may write holds the link of the memtable that was active when it began. From there it reaches
//! every memtable that took commits since, also those merged meanwhile; so a commit finds all later changes of a key
//! without anybody keeping a list of transactions. Views hold no link and so keep no memtable from being freed.
//!
//! What an idle transaction keeps in memory that way is bounded: the chain forgets its oldest memtables, and whoever
//! would have to ask one of them cannot commit any more.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use drystone_base::sync::{ArcSwapOption, OnceLock};

use drystone_base::Lsn;

use crate::memtable::Memtable;
use crate::spill::Layers;

pub(crate) struct Link {
    /// `None` once it was forgotten.
    commits: ArcSwapOption<Commits>,
    next: OnceLock<Arc<Link>>,
}

/// Commits, as a later one is checked against them.
#[derive(Clone)]
pub(crate) enum Commits {
    /// Those that a memtable took.
    Memtable(Arc<Memtable>),
    /// One that was too large for that.
    Staged(Arc<StagedCommit>),
}

/// A commit that went straight into the base.
pub(crate) struct StagedCommit {
    pub(crate) lsn: Lsn,
    pub(crate) layers: Arc<Layers>,
}

/// The links that are in use, as the store holds them. Guarded by the commit latch.
pub(crate) struct Chain {
    /// The active memtable's. The only one that the store itself keeps alive.
    last: Arc<Link>,
    /// Those before it that remember, oldest first, with the memory that each keeps. The first may be gone.
    sealed: VecDeque<(Weak<Link>, u64)>,
    sealed_bytes: u64,
}

impl Chain {
    pub(crate) fn new(active: Arc<Memtable>) -> Chain {
        Chain {
            last: Link::new(Commits::Memtable(active)),
            sealed: VecDeque::new(),
            sealed_bytes: 0,
        }
    }

    /// The active memtable's link.
    pub(crate) fn last(&self) -> &Arc<Link> {
        &self.last
    }

    /// Seals the active memtable, of `sealed_bytes`, and puts another in its place. The oldest are forgotten until
    /// sealed ones take no more than `bytes_max`.
    pub(crate) fn seal(&mut self, active: Arc<Memtable>, sealed_bytes: u64, bytes_max: u64) {
        self.push(Commits::Memtable(active), sealed_bytes, bytes_max);
    }

    /// Puts a commit in that no memtable took, and behind it the active memtable once more: it takes what follows.
    pub(crate) fn add_staged(
        &mut self,
        staged: Arc<StagedCommit>,
        active: Arc<Memtable>,
        bytes_max: u64,
    ) {
        let staged_bytes = staged.layers.memory_bytes();
        // The memtable is counted when it is sealed.
        self.push(Commits::Staged(staged), 0, bytes_max);
        self.push(Commits::Memtable(active), staged_bytes, bytes_max);
    }

    fn push(&mut self, commits: Commits, sealed_bytes: u64, bytes_max: u64) {
        let link = Link::new(commits);
        self.last.follow(&link);
        let sealed = Arc::downgrade(&self.last);
        self.sealed.push_back((sealed, sealed_bytes));
        self.sealed_bytes += sealed_bytes;
        self.last = link;
        self.forget(bytes_max);
    }

    /// A link that nobody holds is gone, and those before it too.
    fn forget(&mut self, bytes_max: u64) {
        while let Some((oldest, bytes)) = self.sealed.front() {
            match oldest.upgrade() {
                Some(_) if self.sealed_bytes <= bytes_max => return,
                Some(link) => link.commits.store(None),
                None => {}
            }
            self.sealed_bytes -= bytes;
            self.sealed.pop_front();
        }
    }
}

impl Link {
    fn new(commits: Commits) -> Arc<Link> {
        Arc::new(Link {
            commits: ArcSwapOption::new(Some(Arc::new(commits))),
            next: OnceLock::new(),
        })
    }

    /// Names the memtable that follows. Only under the commit latch, once.
    fn follow(&self, next: &Arc<Link>) {
        let result = self.next.set(Arc::clone(next));
        assert!(result.is_ok(), "a memtable is sealed once");
    }

    /// The commits of this link and of all that followed; `None` for those that were forgotten.
    pub(crate) fn commits(&self) -> impl Iterator<Item = Option<Arc<Commits>>> {
        std::iter::successors(Some(self), |link| link.next.get().map(Arc::as_ref))
            .map(|link| link.commits.load_full())
    }
}

/// One after the other: the chain may be long, and a drop within a drop would use the stack for each.
impl Drop for Link {
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut link) = next.and_then(Arc::into_inner) {
            next = link.next.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Commits {
        Commits::Memtable(Arc::new(Memtable::new(0)))
    }

    fn chain(len: usize) -> Arc<Link> {
        let first = Link::new(empty());
        let mut last = Arc::clone(&first);
        for _ in 1..len {
            let next = Link::new(empty());
            last.follow(&next);
            last = next;
        }
        first
    }

    #[test]
    fn a_link_reaches_all_that_followed() {
        assert_eq!(chain(5).commits().count(), 5);
    }

    #[test]
    fn a_long_chain_is_dropped_without_recursion() {
        drop(chain(50_000));
    }

    #[test]
    fn whoever_holds_the_end_keeps_no_beginning() {
        let first = chain(3);
        let commits = Arc::downgrade(&first.commits.load_full().unwrap());
        let second = first.next.get().map(Arc::clone);
        drop(first);
        assert!(commits.upgrade().is_none());
        assert_eq!(second.map(|second| second.commits().count()), Some(2));
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_unused_not_counted() {
        let memtable = || Arc::new(Memtable::new(0));
        let mut chain = Chain::new(memtable());
        // Nobody holds these: they are gone at once.
        (0..10).for_each(|_| chain.seal(memtable(), 100, 250));
        let oldest = Arc::clone(chain.last());
        chain.seal(memtable(), 100, 250);
        let second = Arc::clone(chain.last());
        chain.seal(memtable(), 100, 250);
        let remembered = |link: &Link| link.commits().map(|m| m.is_some()).collect::<Vec<_>>();
        assert_eq!(remembered(&oldest), [true, true, true]);
        chain.seal(memtable(), 100, 250);
        assert_eq!(remembered(&oldest), [false, true, true, true]);
        assert_eq!(remembered(&second), [true, true, true]);
        drop((oldest, second));
        chain.seal(memtable(), 100, 250);
        assert!(chain.sealed.is_empty() && chain.sealed_bytes == 0);
    }
}
