//! Branch-free search among key heads.

use std::hint::select_unpredictable;

use crate::node::format::HEAD_BYTES;

/// A stored head, as it compares.
#[inline]
pub(crate) fn head_at(heads: &[[u8; HEAD_BYTES]], idx: usize) -> u64 {
    u64::from_le_bytes(heads[idx])
}

/// Index of the first head `>= probe`; `heads.len()` when there is none. `heads` ascend.
///
/// Halves without branching on what it reads: the outcome of a comparison moves the base by a conditional move, so
/// that the processor never guesses wrong and the loop takes the same steps for each key.
#[inline]
pub(crate) fn lower_bound(heads: &[[u8; HEAD_BYTES]], probe: u64) -> usize {
    let mut base = 0;
    let mut size = heads.len();
    while size > 1 {
        let half = size / 2;
        let below = head_at(heads, base + half - 1) < probe;
        base = select_unpredictable(below, base + half, base);
        size -= half;
    }
    match heads.get(base) {
        Some(last) if u64::from_le_bytes(*last) < probe => base + 1,
        _ => base,
    }
}

/// Index after the last head equal to `probe`, given that the one at `first` is the first such.
#[inline]
pub(crate) fn run_end(heads: &[[u8; HEAD_BYTES]], first: usize, probe: u64) -> usize {
    match heads.get(first + 1) {
        Some(next) if u64::from_le_bytes(*next) == probe => {
            first + heads[first..].partition_point(|head| u64::from_le_bytes(*head) <= probe)
        }
        _ => first + 1,
    }
}
