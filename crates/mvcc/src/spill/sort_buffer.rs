//! Sort buffer: entries of one keyspace in the order in which they came, then in order of their keys.
//!
//! Entries lie one behind the other in one piece of memory, as runs store them, and are never moved; what is sorted are
//! 16 bytes for each, eight of which are the first bytes of the key in which keys of the buffer can differ. So most
//! comparisons touch no key, and an entry costs no allocation.
//!
//! # Source
//! Nyberg, Barclay, Cvetanovic, Gray and Lomet, "AlphaSort: A cache-sensitive parallel external sort" (1995): sorting
//! pointers beside key prefixes.

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;

use crate::error::StoreError;

use super::run::format;
use super::run::writer::RunWriter;

/// Memory of an entry beside its bytes.
const SLOT_BYTES: u64 = size_of::<Slot>() as u64;

/// Entries in the order in which they came.
#[derive(Debug)]
pub(crate) struct SortBuffer {
    keyspace: KeyspaceId,
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    /// How many bytes all keys share from the start.
    prefix_len: usize,
    /// Whether keys have come ascending so far; equal ones too.
    is_sorted: bool,
}

/// What becomes of a key that is there already, in the same load or in the base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KnownKeys {
    /// The entry that came last counts.
    #[default]
    Replaced,
    /// They are an error.
    Refused,
}

/// One entry.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Eight bytes of the key behind the shared prefix, with zeros behind a shorter one. Set when it is sorted.
    head: u64,
    /// Where in the bytes the entry begins. Of two entries of one key the later one has the higher place.
    at: usize,
}

/// Entries in order of their keys, each key once.
#[derive(Debug)]
pub(crate) struct Sorted {
    keyspace: KeyspaceId,
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

/// An entry as it is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lent<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: Option<&'a [u8]>,
    /// Both, as runs store them.
    pub(crate) record: &'a [u8],
}

impl SortBuffer {
    pub(crate) fn new(keyspace: KeyspaceId) -> SortBuffer {
        SortBuffer {
            keyspace,
            bytes: Vec::new(),
            slots: Vec::new(),
            prefix_len: 0,
            is_sorted: true,
        }
    }

    /// Adds an entry; of several with one key the last counts. Returns the memory that it takes.
    pub(crate) fn push(&mut self, key: &[u8], value: Option<&[u8]>) -> u64 {
        self.note_order(key);
        let before = self.bytes.len();
        self.slots.push(Slot {
            head: 0,
            at: self.bytes.len(),
        });
        format::encode_entry(key, value, &mut self.bytes);
        (self.bytes.len() - before) as u64 + SLOT_BYTES
    }

    fn note_order(&mut self, key: &[u8]) {
        let (Some(first), Some(last)) = (self.slots.first(), self.slots.last()) else {
            self.prefix_len = key.len();
            return;
        };
        let prefix = &key_at(&self.bytes, first.at)[..self.prefix_len];
        if !key.starts_with(prefix) {
            self.prefix_len = prefix.iter().zip(key).take_while(|(a, b)| a == b).count();
        }
        self.is_sorted = self.is_sorted && key_at(&self.bytes, last.at) <= key;
    }

    /// Sorts what came. O(n log n), or O(n) where it came in order.
    ///
    /// # Errors
    /// [`StoreError::KeyExists`] for a key that came twice and may not.
    pub(crate) fn sort(mut self, known: KnownKeys) -> Result<Sorted, StoreError> {
        self.sort_slots();
        if known == KnownKeys::Refused {
            self.check_apart()?;
        }
        self.keep_last();
        Ok(Sorted {
            keyspace: self.keyspace,
            bytes: self.bytes,
            slots: self.slots,
        })
    }

    /// Of keys that came more than once, what came last stands in place of what came first.
    fn keep_last(&mut self) {
        let bytes = &self.bytes;
        self.slots.dedup_by(|later, earlier| {
            let is_same = key_at(bytes, later.at) == key_at(bytes, earlier.at);
            if is_same && !is_planted("mvcc-bulk-keeps-first") {
                earlier.at = later.at;
            }
            is_same
        });
    }

    fn check_apart(&self) -> Result<(), StoreError> {
        let key = |slot: &Slot| key_at(&self.bytes, slot.at);
        let mut pairs = self.slots.iter().zip(self.slots.iter().skip(1));
        match pairs.find(|(one, next)| key(one) == key(next)) {
            None => Ok(()),
            Some((twice, _)) => Err(StoreError::KeyExists {
                keyspace: self.keyspace,
                key: Bytes::copy_from_slice(key(twice)),
            }),
        }
    }

    fn sort_slots(&mut self) {
        let bytes = &self.bytes;
        if !self.is_sorted {
            for slot in &mut self.slots {
                slot.head = head_of(&key_at(bytes, slot.at)[self.prefix_len..]);
            }
            self.slots.sort_unstable_by(|a, b| {
                a.head.cmp(&b.head).then_with(|| {
                    let (left, right) = (key_at(bytes, a.at), key_at(bytes, b.at));
                    left.cmp(right).then(a.at.cmp(&b.at))
                })
            });
        }
    }
}

impl Sorted {
    /// Writes all of it to a run, behind what that has.
    pub(crate) fn write_to(&self, run: &mut RunWriter) -> Result<(), StoreError> {
        (0..self.len()).try_for_each(|idx| {
            let entry = self.entry(idx);
            run.push(self.keyspace, entry.key, entry.record)
        })
    }

    pub(crate) fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn memory_bytes(&self) -> u64 {
        self.bytes.len() as u64 + self.slots.len() as u64 * SLOT_BYTES
    }

    /// The entry at this place in the order.
    #[inline]
    pub(crate) fn entry(&self, idx: usize) -> Lent<'_> {
        lend(&self.bytes, self.slots[idx].at)
    }

    /// The place of the first entry from `idx` on that is not below `key`. Costs more the further that is.
    pub(crate) fn lower_bound_from(&self, idx: usize, key: &[u8]) -> usize {
        let is_below = |slot: &Slot| key_at(&self.bytes, slot.at) < key;
        let rest = &self.slots[idx..];
        let mut step = 1;
        while rest.get(step - 1).is_some_and(is_below) {
            step *= 2;
        }
        let (low, high) = (step / 2, (step - 1).min(rest.len()));
        idx + low + rest[low..high].partition_point(is_below)
    }
}

fn lend(bytes: &[u8], at: usize) -> Lent<'_> {
    let entry = format::entry_at(bytes, at).expect("an entry that the buffer encoded");
    Lent {
        key: entry.key.of(bytes),
        value: entry.value.map(|value| value.of(bytes)),
        record: &bytes[at..entry.end],
    }
}

#[inline]
fn key_at(bytes: &[u8], at: usize) -> &[u8] {
    lend(bytes, at).key
}

/// The first eight bytes as a number that orders as they do.
#[inline]
pub(super) fn head_of(bytes: &[u8]) -> u64 {
    if let Some(head) = bytes.first_chunk::<8>() {
        return u64::from_be_bytes(*head);
    }
    let mut head = [0; 8];
    head[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(head)
}

#[cfg(test)]
mod tests;
