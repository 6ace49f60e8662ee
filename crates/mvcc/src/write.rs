//! Write: changes that are committed as one, by somebody who read nothing.
//!
//! A transaction keeps what it writes in maps, which it can read, take back and check. None of that is of use here: the
//! writes are sorted where they are, encoded, and applied. Nothing can conflict with them either, for they are as if begun
//! at the moment of their commit; only their keyspaces must still be there.

use std::borrow::Cow;

use bytes::Bytes;
use drystone_base::KeyspaceId;

/// One change of one key.
#[derive(Clone, Debug)]
pub struct Write {
    /// Where the key is.
    pub keyspace: KeyspaceId,
    /// What is changed.
    pub key: Bytes,
    /// What it becomes; `None` removes it.
    pub value: Option<Bytes>,
}

/// What one write costs beside its key and value, about: as in a transaction.
const WRITE_BYTES: u64 = 64;

impl Write {
    /// Memory it takes, about.
    pub(crate) fn bytes(&self) -> u64 {
        (self.key.len() + self.value.as_ref().map_or(0, Bytes::len)) as u64 + WRITE_BYTES
    }
}

/// Writes in the order in which a commit has them: by keyspace, then by key. Of several of one key, the last one given.
pub(crate) struct SortedWrites<'a> {
    writes: &'a [Write],
    order: Cow<'static, [u32]>,
}

/// The writes to one keyspace, ascending by key. Never none.
#[derive(Clone, Copy)]
pub(crate) struct Group<'a> {
    writes: &'a [Write],
    order: &'a [u32],
}

impl<'a> SortedWrites<'a> {
    /// `None` where there are more than can be numbered.
    pub(crate) fn new(writes: &'a [Write]) -> Option<SortedWrites<'a>> {
        let count = u32::try_from(writes.len()).ok()?;
        let order = match count {
            1 => Cow::Borrowed(&[0][..]),
            _ => Cow::Owned(sorted(writes, count)),
        };
        Some(SortedWrites { writes, order })
    }

    /// Ascending by keyspace.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let keyspace = |idx: &u32| self.writes[*idx as usize].keyspace;
        let groups = self.order.chunk_by(move |a, b| keyspace(a) == keyspace(b));
        groups.map(|order| Group {
            writes: self.writes,
            order,
        })
    }

    /// Memory they take, about.
    pub(crate) fn bytes(&self) -> u64 {
        self.writes.iter().map(Write::bytes).sum()
    }
}

impl<'a> Group<'a> {
    pub(crate) fn keyspace(&self) -> KeyspaceId {
        self.writes[self.order[0] as usize].keyspace
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn changes(&self) -> impl Iterator<Item = (&'a Bytes, Option<&'a Bytes>)> + use<'a> {
        let Group { writes, order } = *self;
        order.iter().map(move |idx| {
            let write = &writes[*idx as usize];
            (&write.key, write.value.as_ref())
        })
    }
}

/// The order of writes. Most comparisons end with the first eight bytes of the keys, which are kept at hand.
fn sorted(writes: &[Write], count: u32) -> Vec<u32> {
    let of = |idx: u32| &writes[idx as usize];
    let head = |key: &[u8]| {
        let mut head = [0; 8];
        let len = key.len().min(8);
        head[..len].copy_from_slice(&key[..len]);
        u64::from_be_bytes(head)
    };
    let numbered = (0..count).map(|idx| (of(idx).keyspace, head(&of(idx).key), idx));
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort_unstable_by(|a, b| {
        let by_head = (a.0, a.1).cmp(&(b.0, b.1));
        by_head.then_with(|| of(a.2).key.cmp(&of(b.2).key).then(a.2.cmp(&b.2)))
    });
    let is_same = |a: u32, b: u32| of(a).keyspace == of(b).keyspace && of(a).key == of(b).key;
    let mut order: Vec<u32> = Vec::with_capacity(numbered.len());
    for (_, _, idx) in numbered {
        match order.last_mut() {
            Some(last) if is_same(*last, idx) => *last = idx,
            _ => order.push(idx),
        }
    }
    order
}

#[cfg(test)]
mod tests;
