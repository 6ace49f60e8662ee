//! How a tree is opened.

use drystone_storage_pager::{Codec, PagerOptions};

/// Options of [`BTree::open`](crate::BTree::open).
#[derive(Clone, Debug)]
pub struct BTreeOptions {
    /// About how long a node's page is, in bytes, for a tree that is created: [`MIN_PAGE_BYTES`] to [`MAX_PAGE_BYTES`].
    /// An existing one keeps what it was created with.
    pub page_bytes: u32,
    /// How the pages of keyspaces that begin from now on are compressed; others keep what they began with, or
    /// [`BTree::set_codec`](crate::BTree::set_codec) gives them. A page that would not take a block of 4 KiB less is
    /// stored as it is, so compression wants longer pages than it would be without: 16 or 32 KiB.
    pub codec: Codec,
    /// Memory for inner nodes that are kept at hand beside the cache, in bytes, over all snapshots.
    pub pinned_bytes_max: u64,
    /// Options of the pager below; the size of its cache above all.
    pub pager: PagerOptions,
}

/// The least `page_bytes`.
pub const MIN_PAGE_BYTES: u32 = 512;
/// The most `page_bytes`.
pub const MAX_PAGE_BYTES: u32 = 1 << 20;

impl Default for BTreeOptions {
    fn default() -> BTreeOptions {
        BTreeOptions {
            page_bytes: 8192,
            codec: Codec::None,
            pinned_bytes_max: 16 << 20,
            pager: PagerOptions::default(),
        }
    }
}
