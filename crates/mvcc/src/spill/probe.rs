//! Probe: says which of many ascending keys large changes touch.
//!
//! It walks beside the keys: in each part it stands where the key before lay, so that no block is read twice, and those
//! that cannot have any of the keys are not read at all. So k keys cost k searches in memory for each part, whose number is
//! bounded, and at most one read of all that the parts have.

use drystone_base::KeyspaceId;

use crate::error::StoreError;
use crate::memtable::KeyHash;

use super::layer::{Layer, Layers};
use super::run::probe::RunProbe;
use super::sort_buffer::Sorted;

/// A position in all parts of large changes.
#[derive(Debug)]
pub(crate) struct LayersProbe<'a> {
    layers: &'a Layers,
    parts: Vec<Part<'a>>,
}

#[derive(Debug)]
enum Part<'a> {
    Run(RunProbe<'a>),
    Sorted {
        sorted: &'a Sorted,
        /// Entries before it lie before the key before.
        idx: usize,
    },
}

impl<'a> LayersProbe<'a> {
    pub(crate) fn new(layers: &'a Layers) -> LayersProbe<'a> {
        let parts = layers.parts.iter().map(|part| match part {
            Layer::Run(run) => Part::Run(RunProbe::new(run)),
            Layer::Sorted(sorted) => Part::Sorted { sorted, idx: 0 },
        });
        LayersProbe {
            layers,
            parts: parts.collect(),
        }
    }

    /// Whether `key` was written or deleted, or may have been. Keys are asked for in ascending order, by keyspace first.
    pub(crate) fn has(&mut self, keyspace: KeyspaceId, key: &[u8]) -> Result<bool, StoreError> {
        if self.layers.may_have_in_span(keyspace, key) {
            return Ok(true);
        }
        let hash = KeyHash::new(keyspace, key);
        for part in &mut self.parts {
            if part.has(keyspace, key, hash)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Part<'_> {
    fn has(&mut self, keyspace: KeyspaceId, key: &[u8], hash: KeyHash) -> Result<bool, StoreError> {
        match self {
            Part::Run(run) => run.has(keyspace, key, hash),
            Part::Sorted { sorted, idx } if sorted.keyspace() == keyspace => {
                *idx = sorted.lower_bound_from(*idx, key);
                Ok(*idx < sorted.len() && sorted.entry(*idx).key == key)
            }
            Part::Sorted { .. } => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
