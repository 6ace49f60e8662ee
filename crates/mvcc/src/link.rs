//! Link: a memtable and, once it is sealed, the one that followed it.
//!
//! A transaction that may write holds the link of the memtable that was active when it began. From there it reaches
//! every memtable that took commits since, also those merged meanwhile; so a commit finds all later changes of a key
//! without anybody keeping a list of transactions. Views hold no link and so keep no memtable from being freed.

use std::sync::{Arc, OnceLock};

use crate::memtable::Memtable;

pub(crate) struct Link {
    memtable: Arc<Memtable>,
    next: OnceLock<Arc<Link>>,
}

impl Link {
    pub(crate) fn new(memtable: Arc<Memtable>) -> Arc<Link> {
        Arc::new(Link {
            memtable,
            next: OnceLock::new(),
        })
    }

    /// Names the memtable that follows. Only under the commit latch, once.
    pub(crate) fn follow(&self, next: &Arc<Link>) {
        let result = self.next.set(Arc::clone(next));
        assert!(result.is_ok(), "a memtable is sealed once");
    }

    /// This memtable and all that followed.
    pub(crate) fn memtables(&self) -> impl Iterator<Item = &Arc<Memtable>> {
        std::iter::successors(Some(self), |link| link.next.get().map(Arc::as_ref))
            .map(|link| &link.memtable)
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

    fn chain(len: usize) -> Arc<Link> {
        let first = Link::new(Arc::new(Memtable::new(0)));
        let mut last = Arc::clone(&first);
        for _ in 1..len {
            let next = Link::new(Arc::new(Memtable::new(0)));
            last.follow(&next);
            last = next;
        }
        first
    }

    #[test]
    fn a_link_reaches_all_that_followed() {
        assert_eq!(chain(5).memtables().count(), 5);
    }

    #[test]
    fn a_long_chain_is_dropped_without_recursion() {
        drop(chain(50_000));
    }

    #[test]
    fn whoever_holds_the_end_keeps_no_beginning() {
        let first = chain(3);
        let memtable = Arc::downgrade(&first.memtable);
        let second = first.next.get().map(Arc::clone);
        drop(first);
        assert!(memtable.upgrade().is_none());
        assert_eq!(second.map(|second| second.memtables().count()), Some(2));
    }
}
