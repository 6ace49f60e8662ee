//! A contiguous part of a keyspace.

use std::ops::{self, Bound};

use bytes::Bytes;
use drystone_base::planted::is_planted;

/// All keys between two bounds, in byte order.
///
/// Made from Rust's ranges over anything that is bytes:
///
/// ```
/// use drystone_mvcc::KeyRange;
///
/// let range = KeyRange::from("apple".."cherry");
/// assert!(range.contains(b"banana"));
/// assert!(KeyRange::prefix(b"ap").contains(b"apple"));
/// assert!(KeyRange::all().contains(b""));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it starts.
    pub start: Bound<Bytes>,
    /// Where it ends. A range that ends before it starts is empty.
    pub end: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub fn all() -> KeyRange {
        KeyRange {
            start: Bound::Unbounded,
            end: Bound::Unbounded,
        }
    }

    /// Every key that starts with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> KeyRange {
        KeyRange {
            start: Bound::Included(Bytes::copy_from_slice(prefix)),
            end: after_prefix(prefix),
        }
    }

    /// Whether `key` lies inside.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        !is_before(&self.start, key) && !is_after(&self.end, key)
    }
}

/// Whether `key` lies before a range that starts at `start`.
pub(crate) fn is_before(start: &Bound<Bytes>, key: &[u8]) -> bool {
    match start {
        Bound::Included(start) => key < start.as_ref(),
        Bound::Excluded(start) => key <= start.as_ref(),
        Bound::Unbounded => false,
    }
}

/// Whether `key` lies after a range that ends at `end`.
pub(crate) fn is_after(end: &Bound<Bytes>, key: &[u8]) -> bool {
    match end {
        Bound::Included(end) => key > end.as_ref(),
        Bound::Excluded(end) if is_planted("mvcc-range-end-included") => key > end.as_ref(),
        Bound::Excluded(end) => key >= end.as_ref(),
        Bound::Unbounded => false,
    }
}

/// The bound right after the last key that starts with `prefix`: its last byte below 255 counted up, the rest cut off.
fn after_prefix(prefix: &[u8]) -> Bound<Bytes> {
    let Some(last) = prefix.iter().rposition(|&byte| byte < u8::MAX) else {
        return Bound::Unbounded;
    };
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Bound::Excluded(end.into())
}

impl From<ops::RangeFull> for KeyRange {
    fn from(_: ops::RangeFull) -> KeyRange {
        KeyRange::all()
    }
}

/// Ranges of a standard type, by their own bounds.
macro_rules! from_range {
    ($($range:ty),*) => {$(
        impl<K: AsRef<[u8]>> From<$range> for KeyRange {
            fn from(range: $range) -> KeyRange {
                KeyRange {
                    start: owned(ops::RangeBounds::<K>::start_bound(&range)),
                    end: owned(ops::RangeBounds::<K>::end_bound(&range)),
                }
            }
        }
    )*};
}

from_range!(
    ops::Range<K>,
    ops::RangeInclusive<K>,
    ops::RangeFrom<K>,
    ops::RangeTo<K>,
    ops::RangeToInclusive<K>,
    (Bound<K>, Bound<K>)
);

fn owned<K: AsRef<[u8]>>(bound: Bound<&K>) -> Bound<Bytes> {
    bound.map(|key| Bytes::copy_from_slice(key.as_ref()))
}

#[cfg(test)]
mod tests;
