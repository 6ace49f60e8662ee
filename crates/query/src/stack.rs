//! Room on the stack for what recurses over syntax trees and expressions.

/// Bytes that one level of recursion may need.
const RED_ZONE_BYTES: usize = 128 << 10;

/// Bytes of a new piece of stack.
const PIECE_BYTES: usize = 1 << 20;

/// Runs `work` on a stack that has room for it.
pub(crate) fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE_BYTES, PIECE_BYTES, work)
}
