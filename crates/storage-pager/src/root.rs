//! A durable state, as its holder sees it.

use bytes::Bytes;
use drystone_base::Lsn;

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
}
