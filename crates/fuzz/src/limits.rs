//! What a target may take before that is a find.

/// Seconds for one input.
pub const HANG_SECONDS: u64 = 10;

/// Memory of the whole process, in bytes.
pub const MEMORY_BYTES_MAX: u64 = 2 << 30;
