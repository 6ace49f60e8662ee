//! Compaction: merging runs into the level below them, in slices.
//!
//! What was merged takes the place of the SSTs of the lower level bit by bit, wherever one of those ends; the upper runs
//! stay until the end. Meanwhile they hide what was merged from them already, and say the same. So a compaction of any length
//! needs space for little more than one SST besides, and what a crash costs is work.
//!
//! # Invariants
//! - D1. The output level has, at any time, SSTs that do not overlap: those that were merged so far, then those that were not.
//! - D2. No entry or tombstone of an upper run goes before all of them go.
//! - D3. A tombstone goes when no level below the output's can hold its key.

pub(crate) mod plan;
pub(crate) mod run_scan;

use std::sync::Arc;

use drystone_base::{KeyspaceId, Malformed};
use drystone_compress::Codec;
use drystone_engine::{Budget, EngineError};

use self::plan::{Plan, hull, must_rewrite};
use self::run_scan::RunScan;
use crate::key;
use crate::options::LsmOptions;
use crate::run::Run;
use crate::sst::meta::SstMeta;
use crate::sst::run_writer::RunWriter;
use crate::version::Version;

/// What a slice has led to.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// SSTs to add to the output level, and the numbers of those whose place they take.
    pub(crate) add: Vec<SstMeta>,
    pub(crate) remove: Vec<u64>,
    pub(crate) is_done: bool,
    /// Bytes read and written.
    pub(crate) moved_bytes: u64,
}

/// A compaction under way.
#[derive(Debug)]
pub(crate) struct Compaction {
    /// The version when it began.
    version: Arc<Version>,
    /// The upper runs, the newest first; then the lower one.
    sources: Vec<RunScan>,
    output_level: usize,
    output: RunWriter,
    codec: Codec,
    /// SSTs of the lower level that were merged since the last edit.
    merged: Vec<u64>,
    hull: (Vec<u8>, Vec<u8>),
    sst_bytes: u64,
    /// The full key that was merged last; empty before the first.
    key: Vec<u8>,
}

impl Compaction {
    pub(crate) fn new(
        version: Arc<Version>,
        plan: Plan,
        output: RunWriter,
        options: &LsmOptions,
    ) -> Compaction {
        let inputs = plan.upper.iter().flat_map(Run::ssts).chain(&plan.lower);
        let hull = hull(inputs).unwrap_or_default();
        let upper = plan
            .upper
            .iter()
            .map(|run| RunScan::new(run.ssts().to_vec()));
        let mut sources: Vec<RunScan> = upper.collect();
        sources.push(RunScan::new(plan.lower));
        Compaction {
            version,
            sources,
            output_level: plan.output_level,
            output,
            codec: options.codec_of_level(plan.output_level),
            merged: Vec::new(),
            hull,
            sst_bytes: options.sst_bytes,
            key: Vec::new(),
        }
    }

    /// Whether an SST has keys among those that are merged, so that it must not be put into a level below.
    pub(crate) fn touches(&self, meta: &SstMeta) -> bool {
        meta.overlaps(&self.hull.0, &self.hull.1)
    }

    /// Whether one of these SSTs is merged by it.
    pub(crate) fn reads_any(&self, numbers: &[u64]) -> bool {
        let mut ssts = self.sources.iter().flat_map(RunScan::ssts);
        ssts.any(|sst| numbers.contains(&sst.meta.number))
    }

    /// Merges until about `budget` is spent, the output can take some SSTs' place, or all is done.
    pub(crate) fn step(&mut self, budget: Budget) -> Result<Slice, EngineError> {
        let mut slice = Slice::default();
        let before = self.output.bytes();
        let mut read = 0;
        // A block that fills counts as long as it is; compressed it is shorter.
        while read + self.output.bytes().saturating_sub(before) < budget.bytes.max(1) {
            self.open_upper()?;
            let mut replaced = None;
            if self.stops_at_boundary() {
                self.output.cut()?;
                replaced = Some(std::mem::take(&mut self.merged));
            }
            // Until nothing can fail any more the output owns what it has made: dropped, it removes that.
            self.pass_or_open_lower()?;
            if let Some(replaced) = replaced {
                slice.add = self.output.take_done();
                slice.remove = replaced;
            }
            if !slice.remove.is_empty() || !slice.add.is_empty() {
                break;
            }
            if !self.merge_next()? {
                slice.is_done = self.lower().is_some_and(|lower| lower.waiting().is_none());
                if slice.is_done {
                    self.finish(&mut slice)?;
                    break;
                }
            }
            read += self.take_read_bytes();
        }
        read += self.take_read_bytes();
        slice.moved_bytes = read + self.output.bytes().saturating_sub(before);
        Ok(slice)
    }

    fn finish(&mut self, slice: &mut Slice) -> Result<(), EngineError> {
        self.output.cut()?;
        slice.add.append(&mut self.output.take_done());
        slice.remove.append(&mut self.merged);
        let upper = self.sources.len() - 1;
        let ssts = self.sources[..upper].iter().flat_map(RunScan::ssts);
        slice.remove.extend(ssts.map(|sst| sst.meta.number));
        Ok(())
    }

    fn lower(&self) -> Option<&RunScan> {
        self.sources.last()
    }

    /// Every upper run on an entry, or at its end.
    fn open_upper(&mut self) -> Result<(), EngineError> {
        let upper = self.sources.len() - 1;
        let mut sources = self.sources[..upper].iter_mut();
        sources.try_for_each(|source| match source.waiting() {
            Some(_) => source.open(),
            None => Ok(()),
        })
    }

    /// Whether the lower run is before an SST that starts above all that was merged, and what was merged is worth an edit.
    fn stops_at_boundary(&self) -> bool {
        let Some(waiting) = self.lower().and_then(RunScan::waiting) else {
            return false;
        };
        let filling = self.output.filling_bytes();
        match self.sources.iter().filter_map(RunScan::key).min() {
            // Nothing is left that could be merged with it.
            None => filling > 0,
            Some(next) => {
                next >= &waiting.meta.smallest[..] && filling >= (self.sst_bytes / 2).max(1)
            }
        }
    }

    /// Leaves SSTs of the lower run where they are, if nothing is merged with them and they fit there; opens the one that is
    /// next. After this no key of the lower run is below the next one of all others and yet unseen.
    fn pass_or_open_lower(&mut self) -> Result<(), EngineError> {
        let next = self
            .sources
            .iter()
            .filter_map(RunScan::key)
            .min()
            .map(<[u8]>::to_vec);
        let is_between = self.output.filling_bytes() == 0;
        let Some(lower) = self.sources.last_mut() else {
            return Ok(());
        };
        while let Some(sst) = lower.waiting() {
            if next
                .as_ref()
                .is_some_and(|next| next[..] < sst.meta.smallest[..])
            {
                break;
            }
            let is_apart = next
                .as_ref()
                .is_none_or(|next| next[..] > sst.meta.largest[..]);
            if is_apart && is_between && !must_rewrite(&self.version, self.output_level, sst) {
                lower.pass();
            } else {
                self.merged.push(sst.meta.number);
                lower.open()?;
            }
        }
        Ok(())
    }

    /// Merges the next key; `false`: no source is on an entry.
    fn merge_next(&mut self) -> Result<bool, EngineError> {
        let mut first: Option<(usize, &[u8])> = None;
        for (idx, source) in self.sources.iter().enumerate() {
            if let Some(key) = source.key()
                && first.is_none_or(|(_, least)| key < least)
            {
                first = Some((idx, key));
            }
        }
        let Some((newest, key)) = first else {
            return Ok(false);
        };
        if !self.key.is_empty() && *key <= self.key[..] {
            let why = Malformed::new("keys of a run", "ascending ones", "others");
            return Err(self.sources[newest].corrupt(why));
        }
        self.key.clear();
        self.key.extend_from_slice(key);
        if let Some(entry) = self.sources[newest].entry() {
            self.keep(newest, entry.is_tombstone())?;
        }
        for source in &mut self.sources[newest..] {
            if source.key() == Some(&self.key[..]) {
                source.next()?;
            }
        }
        Ok(true)
    }

    /// Writes the entry that a source is on, if it counts.
    fn keep(&mut self, source: usize, is_tombstone: bool) -> Result<(), EngineError> {
        let keyspace = key::keyspace_of(&self.key).unwrap_or(KeyspaceId::CATALOG);
        if self.version.dropped.contains(&keyspace) {
            return Ok(());
        }
        let hides = self.version.may_hold_below(self.output_level, &self.key);
        if is_tombstone && !hides {
            return Ok(());
        }
        let own = self.version.keyspaces.get(&keyspace).copied().flatten();
        let value = self.sources[source].entry().and_then(|entry| entry.value());
        self.output.add(&self.key, value, own.unwrap_or(self.codec))
    }

    fn take_read_bytes(&mut self) -> u64 {
        self.sources.iter_mut().map(RunScan::take_read_bytes).sum()
    }
}

#[cfg(test)]
mod tests;
