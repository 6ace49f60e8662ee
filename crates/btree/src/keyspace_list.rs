//! KeyspaceList: the keyspaces of one state, ascending by number, in chunks that states share.
//!
//! A merge makes the next state's list. It costs what it changes, and a pointer for each chunk that it does not: with ten
//! thousand keyspaces less than a hundred pointers, where a plain list would copy ten thousand.
//!
//! # Invariants
//! - L1. Keyspaces ascend strictly by number, within chunks and across them.
//! - L2. A chunk has 1 to `CHUNK_LEN` keyspaces; a small one is joined with its right neighbour when a merge makes it.

use std::sync::Arc;

use drystone_base::KeyspaceId;

use crate::directory::Fate;
use crate::keyspace::Keyspace;
use crate::pin::PinBudget;

/// The most keyspaces of a chunk.
const CHUNK_LEN: usize = 128;
/// A chunk with fewer is joined with its right neighbour.
const CHUNK_LEN_MIN: usize = 32;

/// See the module. A clone costs a pointer for each chunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyspaceList {
    /// The number of each chunk's first keyspace, so that finding the chunk touches nothing else.
    firsts: Vec<KeyspaceId>,
    chunks: Vec<Arc<Chunk>>,
}

#[derive(Debug)]
struct Chunk {
    /// Numbers, apart: a search reads these alone.
    ids: Vec<KeyspaceId>,
    keyspaces: Vec<Arc<Keyspace>>,
}

/// Where in a list a keyspace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListPlace {
    chunk: usize,
    at: usize,
}

impl KeyspaceList {
    /// Of keyspaces that ascend by number.
    pub(crate) fn new(keyspaces: impl IntoIterator<Item = Arc<Keyspace>>) -> KeyspaceList {
        let mut maker = Maker::default();
        keyspaces
            .into_iter()
            .for_each(|keyspace| maker.push(keyspace));
        maker.finish()
    }

    /// Where the keyspace of a number is.
    #[inline]
    pub(crate) fn find(&self, id: KeyspaceId) -> Option<ListPlace> {
        let chunk = self
            .firsts
            .partition_point(|first| *first <= id)
            .checked_sub(1)?;
        let at = self.chunks[chunk].ids.binary_search(&id).ok()?;
        Some(ListPlace { chunk, at })
    }

    /// The keyspace at a place of this list.
    #[inline]
    pub(crate) fn at(&self, place: ListPlace) -> &Arc<Keyspace> {
        &self.chunks[place.chunk].keyspaces[place.at]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Keyspace>> {
        self.chunks.iter().flat_map(|chunk| &chunk.keyspaces)
    }

    /// The list after a merge with these fates, which ascend by number, too.
    pub(crate) fn with_fates(
        &self,
        fates: &[(KeyspaceId, Fate)],
        budget: &Arc<PinBudget>,
    ) -> KeyspaceList {
        let mut maker = Maker::default();
        let mut left = fates;
        for (idx, chunk) in self.chunks.iter().enumerate() {
            let end = self.firsts.get(idx + 1);
            let count = left.partition_point(|(id, _)| end.is_none_or(|end| id < end));
            let (here, behind) = left.split_at(count);
            left = behind;
            maker.push_chunk(chunk, here, budget);
        }
        // Of an empty list: of any other, the last chunk has taken them.
        maker.push_fates(left, budget);
        maker.finish()
    }
}

/// A list in the making.
#[derive(Default)]
struct Maker {
    list: KeyspaceList,
    /// The chunk that fills.
    filling: Vec<Arc<Keyspace>>,
}

impl Maker {
    fn push(&mut self, keyspace: Arc<Keyspace>) {
        if self.filling.len() == CHUNK_LEN {
            self.seal();
        }
        self.filling.push(keyspace);
    }

    /// A chunk with its fates; one without any is shared, unless the one before it is small.
    fn push_chunk(
        &mut self,
        chunk: &Arc<Chunk>,
        fates: &[(KeyspaceId, Fate)],
        budget: &Arc<PinBudget>,
    ) {
        if fates.is_empty() && (self.filling.is_empty() || self.filling.len() >= CHUNK_LEN_MIN) {
            self.seal();
            self.list.push(Arc::clone(chunk));
            return;
        }
        let mut left = fates;
        for keyspace in &chunk.keyspaces {
            let before = left.partition_point(|(id, _)| *id < keyspace.id());
            let (here, behind) = left.split_at(before);
            self.push_fates(here, budget);
            left = behind;
            match left.split_first() {
                Some((fate, behind)) if fate.0 == keyspace.id() => {
                    self.push_fates(std::slice::from_ref(fate), budget);
                    left = behind;
                }
                _ => self.push(Arc::clone(keyspace)),
            }
        }
        self.push_fates(left, budget);
    }

    fn push_fates(&mut self, fates: &[(KeyspaceId, Fate)], budget: &Arc<PinBudget>) {
        for (id, fate) in fates {
            if let Fate::Tree(tree) = fate {
                self.push(Keyspace::new(*id, *tree, budget));
            }
        }
    }

    fn seal(&mut self) {
        if !self.filling.is_empty() {
            let keyspaces = std::mem::take(&mut self.filling);
            let ids = keyspaces.iter().map(|keyspace| keyspace.id()).collect();
            self.list.push(Arc::new(Chunk { ids, keyspaces }));
        }
    }

    fn finish(mut self) -> KeyspaceList {
        self.seal();
        debug_assert!(self.list.iter().is_sorted_by(|a, b| a.id() < b.id()), "L1");
        self.list
    }
}

impl KeyspaceList {
    fn push(&mut self, chunk: Arc<Chunk>) {
        self.firsts.extend(chunk.ids.first());
        self.chunks.push(chunk);
    }
}

#[cfg(test)]
mod tests;
