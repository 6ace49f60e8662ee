//! Limits of keys and values.

use drystone_engine::Limits;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 64 << 10;

/// The longest value, in bytes. A value lies in one block, which must fit into memory to be read.
pub const MAX_VALUE_BYTES: usize = 512 << 20;

pub(crate) const LIMITS: Limits = Limits {
    key_bytes_max: MAX_KEY_BYTES,
    value_bytes_max: MAX_VALUE_BYTES,
    long_value_bytes_max: MAX_VALUE_BYTES as u64,
};
