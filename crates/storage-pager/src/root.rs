//! A durable state, as its holder sees it.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::sync::atomic::{AtomicBool, Ordering};

use crate::page_ref::PageRef;

/// A durable state. Holding it pins every page of it: their blocks are not reused before it is dropped.
#[derive(Debug)]
pub struct Root {
    /// Number of the commit that made it, one more than the one before.
    pub generation: u64,
    /// Everything up to here is in it, as the committer said.
    pub lsn: Lsn,
    /// What the committer keeps in the superblock: its topmost page references, up to `MAX_PAYLOAD_BYTES`.
    pub payload: Bytes,
    /// Length of the file in blocks. Beyond it lies nothing of this state.
    pub(crate) blocks: u64,
    /// The page that lists the blocks which this state does not use.
    pub(crate) free_list: Option<PageRef>,
    /// Tells when nobody holds it any more.
    pub(crate) gone: Gone,
}

/// Whether nobody holds a root any more. Who sees that it is so sees all that its holders did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gone(Arc<AtomicBool>);

impl Gone {
    pub(crate) fn is_gone(&self) -> bool {
        // Pairs with `Drop`.
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.gone.0.store(true, Ordering::Release);
    }
}
