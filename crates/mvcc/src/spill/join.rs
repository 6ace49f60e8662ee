//! Joining: where runs are too many, some of them are merged into one.
//!
//! Each run has an open file, a part of the memory with which all are read, and a turn in every search. So there is a
//! bound, and beyond it a few runs that lie side by side become one: those that cost least for each run that goes. Small
//! ones cost least, so runs grow together, and each byte is written again once for every fan-in that their number grows by:
//! not at all up to the bound.
//!
//! # Source
//! Knuth, "The Art of Computer Programming", volume 3, section 5.4.9, for what merging in several passes costs.

use std::ops::Range;
use std::sync::Arc;

use drystone_base::planted::is_planted;

use crate::error::StoreError;

use super::folder::SpillFolder;
use super::layer::{Layer, Layers};
use super::merge::{CHUNK_BYTES_MIN, LayerChanges};
use super::run::Run;
use super::run::writer::{Lookups, RunWriter};
use super::sort_buffer::KnownKeys;

/// Bounds of the bound: with fewer, runs would be written again and again; with more, files run out.
const RUNS: std::ops::RangeInclusive<usize> = 8..=128;

/// The most runs that are merged into one.
const FAN_IN_MAX: usize = 16;

/// Memory for reading runs that are joined, at most.
const READ_BYTES_MAX: u64 = 16 << 20;

/// How many runs there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunBound {
    memory_bytes: u64,
    runs_max: usize,
}

impl RunBound {
    /// As many as can be read at once with so much memory.
    pub(crate) fn new(memory_bytes: u64) -> RunBound {
        let readers = memory_bytes / CHUNK_BYTES_MIN as u64;
        let readers = usize::try_from(readers).unwrap_or(usize::MAX);
        RunBound {
            memory_bytes: memory_bytes.min(READ_BYTES_MAX),
            runs_max: readers.clamp(*RUNS.start(), *RUNS.end()),
        }
    }

    pub(crate) fn runs_max(self) -> usize {
        self.runs_max
    }

    /// The runs, side by side, that are best joined; `None` where no two may be. No run behind a place for which `is_end`
    /// holds is joined with one before it.
    pub(crate) fn cheapest(
        self,
        runs: &[Arc<Run>],
        is_end: &dyn Fn(usize) -> bool,
    ) -> Option<Range<usize>> {
        let fan_in = (self.runs_max / 2).min(FAN_IN_MAX);
        let mut best: Option<(u64, Range<usize>)> = None;
        for (start, first) in runs.iter().enumerate() {
            let mut bytes = first.bytes();
            let behind = (start + 1..).zip(&runs[start + 1..]);
            for (end, run) in behind.take(fan_in - 1) {
                if is_end(end) {
                    break;
                }
                bytes += run.bytes();
                let cost = bytes / (end - start) as u64;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, start..end + 1));
                }
            }
        }
        best.map(|(_, range)| range)
    }

    /// Joins runs, oldest first, until there are no more than may be.
    ///
    /// # Errors
    /// As [`RunBound::join`]. What was joined by then is.
    pub(crate) fn keep(
        self,
        folder: &SpillFolder,
        runs: &mut Vec<Arc<Run>>,
        known: KnownKeys,
    ) -> Result<(), StoreError> {
        while runs.len() > self.runs_max
            && let Some(cheapest) = self.cheapest(runs, &|_| false)
        {
            let joined = self.join(folder, &runs[cheapest.clone()], known)?;
            runs.splice(cheapest, [joined]);
        }
        Ok(())
    }

    /// Runs, oldest first, as one, in a file of its own. What is deleted stays deleted in it.
    ///
    /// # Errors
    /// [`StoreError::Spill`], [`StoreError::CorruptSpill`]; [`StoreError::KeyExists`] for a key that two of them have,
    /// where `known` keys are refused.
    pub(crate) fn join(
        self,
        folder: &SpillFolder,
        runs: &[Arc<Run>],
        known: KnownKeys,
    ) -> Result<Arc<Run>, StoreError> {
        let mut parts: Vec<_> = runs.iter().map(|run| Layer::Run(Arc::clone(run))).collect();
        if is_planted("mvcc-joined-runs-reversed") {
            parts.reverse();
        }
        let layers = Layers {
            parts,
            known,
            ..Layers::default()
        };
        let mut merged = LayerChanges::new(&layers, self.memory_bytes)?;
        let mut joined = RunWriter::create(folder, lookups(runs))?;
        while let Some(entry) = merged.entry() {
            joined.push_entry(entry.keyspace, entry.key, entry.value)?;
            merged.advance()?;
        }
        joined.finish()
    }
}

/// A filter for what had filters.
fn lookups(runs: &[Arc<Run>]) -> Lookups {
    match runs.iter().all(|run| run.has_filter()) {
        true => Lookups::Many {
            entries: runs.iter().map(|run| run.entries()).sum(),
        },
        false => Lookups::Few,
    }
}

#[cfg(test)]
mod tests;
