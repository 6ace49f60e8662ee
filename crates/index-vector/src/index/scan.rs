//! Looking at entries: all of the tail, and where it must be all of a base.

use bytes::Bytes;
use drystone_engine::Snapshot;
use hashbrown::HashSet;

use super::VectorIndexOptions;
use super::nearest::Nearest;
use super::reader::Reader;
use super::source::decode;
use crate::error::VectorError;
use crate::hit::Hit;
use crate::kernel::{Line, flatten};
use crate::metric::Scorer;

/// A search that looks at entries one by one, and keeps the nearest.
pub(super) struct Scan {
    options: VectorIndexOptions,
    scorer: Scorer,
    query: Vec<Line>,
    /// The entry that is looked at.
    vector: Vec<Line>,
    nearest: Nearest,
}

impl Scan {
    pub(super) fn new(
        options: VectorIndexOptions,
        scorer: Scorer,
        query: Vec<Line>,
        k: usize,
    ) -> Scan {
        Scan {
            options,
            scorer,
            query,
            vector: Vec::new(),
            nearest: Nearest::new(k),
        }
    }

    /// Takes in what was found elsewhere.
    pub(super) fn take_hits(&mut self, hits: Vec<Hit>) {
        for hit in hits {
            self.nearest.offer(hit.key, hit.distance);
        }
    }

    pub(super) fn into_hits(self) -> Vec<Hit> {
        self.nearest.into_hits()
    }

    /// Looks at all that is newer than the base; returns those keys, which hide what the base has.
    pub(super) fn take_tail<E: From<VectorError>>(
        &mut self,
        reader: &impl Reader,
        accept: &mut impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<HashSet<Bytes>, E> {
        let mut keys = HashSet::new();
        for (key, value) in reader.tail(self.options.source) {
            if let Some(value) = value {
                self.take(&key, &value, accept)?;
            }
            keys.insert(key);
        }
        Ok(keys)
    }

    /// Looks at all entries of a base that are not in `hidden`.
    pub(super) fn take_base<E: From<VectorError>>(
        &mut self,
        base: &dyn Snapshot,
        hidden: &HashSet<Bytes>,
        accept: &mut impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut cursor = base
            .cursor(self.options.source)
            .map_err(VectorError::from)?;
        let mut is_on = cursor.first().map_err(VectorError::from)?;
        while is_on {
            if !hidden.contains(cursor.key()) {
                let value = cursor.value().map_err(VectorError::from)?;
                self.take(cursor.key(), &value, accept)?;
            }
            is_on = cursor.next().map_err(VectorError::from)?;
        }
        Ok(())
    }

    /// Keeps an entry, if it is near enough and accepted.
    fn take<E: From<VectorError>>(
        &mut self,
        key: &[u8],
        value: &[u8],
        accept: &mut impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let Some(vector) = decode(&self.options, value) else {
            return Ok(());
        };
        self.scorer.prepare_into(vector, &mut self.vector);
        let rank = self
            .scorer
            .rank(flatten(&self.query), flatten(&self.vector));
        let distance = self.scorer.distance(rank);
        if self.nearest.has_room(distance, key) && accept(key)? {
            self.nearest.offer(Bytes::copy_from_slice(key), distance);
        }
        Ok(())
    }
}
