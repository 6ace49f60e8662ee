//! Limits of keys and values.

use drystone_engine::{EngineError, Limits};

pub use crate::node::child::{MAX_LONG_VALUE_BYTES, MAX_VALUE_BYTES};

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 64 << 10;

pub(crate) const LIMITS: Limits = Limits {
    key_bytes_max: MAX_KEY_BYTES,
    value_bytes_max: MAX_VALUE_BYTES,
    long_value_bytes_max: MAX_LONG_VALUE_BYTES,
};

/// Whether a value may be so long that comes piece by piece.
pub(crate) fn check_long(byte_len: u64) -> Result<(), EngineError> {
    LIMITS.check_long(byte_len)
}

/// Values longer than this share of `page_bytes` lie in pages of their own.
const INLINE_SHARE: usize = 4;

/// The longest value that is kept in its leaf.
pub(crate) fn max_inline_bytes(page_bytes: usize) -> usize {
    page_bytes / INLINE_SHARE
}
