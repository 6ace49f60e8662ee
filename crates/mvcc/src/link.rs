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
