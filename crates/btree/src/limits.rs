//! Limits of keys and values.

use drystone_engine::Limits;

pub use crate::node::child::MAX_VALUE_BYTES;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 64 << 10;

pub(crate) const LIMITS: Limits = Limits {
    key_bytes_max: MAX_KEY_BYTES,
    value_bytes_max: MAX_VALUE_BYTES,
};

/// Values longer than this share of `page_bytes` lie in pages of their own.
const INLINE_SHARE: usize = 4;

/// The longest value that is kept in its leaf.
pub(crate) fn max_inline_bytes(page_bytes: usize) -> usize {
    page_bytes / INLINE_SHARE
}
