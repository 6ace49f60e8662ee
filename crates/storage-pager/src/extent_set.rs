//! A set of blocks, kept as runs.
//!
//! # Invariants
//! - X1. Runs do not touch or overlap, and none is empty.
//! - X2. `block_count` is the sum of the runs' lengths.
//! - X3. Class c of `classes` holds the starts of exactly the runs of 2^c to 2^(c+1) - 1 blocks.

use std::collections::{BTreeMap, BTreeSet};

use crate::block::Extent;

/// A set of blocks. All operations are O(log runs), unless they say otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExtentSet {
    /// Start to length.
    runs: BTreeMap<u64, u64>,
    classes: Vec<BTreeSet<u64>>,
    block_count: u64,
}

impl ExtentSet {
    /// Adds blocks none of which is in the set.
    ///
    /// # Panics
    /// When one is: two owners of one block end in lost data.
    pub(crate) fn insert(&mut self, extent: Extent) {
        assert!(
            !self.overlaps(extent),
            "{extent:?} is in the set in part already"
        );
        let mut joined = extent;
        if let Some(before) = self.run_before(extent.start)
            && before.end() == extent.start
        {
            self.drop_run(before);
            joined = Extent::between(before.start, extent.end());
        }
        if let Some(&count) = self.runs.get(&extent.end()) {
            self.drop_run(Extent::new(extent.end(), count));
            joined.count += count;
        }
        self.add_run(joined);
    }

    /// Takes out blocks all of which are in the set.
    ///
    /// # Panics
    /// When one is not.
    pub(crate) fn remove(&mut self, extent: Extent) {
        let run = self
            .run_around(extent)
            .unwrap_or_else(|| panic!("{extent:?} is not in the set"));
        self.drop_run(run);
        if run.start < extent.start {
            self.add_run(Extent::between(run.start, extent.start));
        }
        if extent.end() < run.end() {
            self.add_run(Extent::between(extent.end(), run.end()));
        }
    }

    /// Whether every block of `extent` is in the set.
    pub(crate) fn contains(&self, extent: Extent) -> bool {
        self.run_around(extent).is_some()
    }

    /// Whether any block of `extent` is in the set.
    pub(crate) fn overlaps(&self, extent: Extent) -> bool {
        let last_before_end = self.runs.range(..extent.end()).next_back();
        last_before_end.is_some_and(|(start, count)| start + count > extent.start)
    }

    /// The rest of the run that `block` is in, from `block` on.
    pub(crate) fn run_from(&self, block: u64) -> Option<Extent> {
        let run = self.run_around(Extent::new(block, 1))?;
        Some(Extent::between(block, run.end()))
    }

    /// The last run that starts before `block`.
    pub(crate) fn run_before(&self, block: u64) -> Option<Extent> {
        let (&start, &count) = self.runs.range(..block).next_back()?;
        Some(Extent::new(start, count))
    }

    /// The run that reaches furthest.
    pub(crate) fn last_run(&self) -> Option<Extent> {
        let (&start, &count) = self.runs.last_key_value()?;
        Some(Extent::new(start, count))
    }

    /// A run of at least `count` blocks: the lowest of those whose size class promises that many. Where there is none, a
    /// few of the class below are looked at, and the run that reaches furthest. O(classes).
    pub(crate) fn find(&self, count: u64) -> Option<Extent> {
        let promising = class_that_promises(count);
        let starts = self
            .classes
            .iter()
            .skip(promising)
            .filter_map(BTreeSet::first);
        let lowest = starts.min().or_else(|| {
            let below = self.classes.get(promising.checked_sub(1)?)?;
            below.iter().take(8).find(|start| self.runs[start] >= count)
        });
        match lowest {
            Some(start) => Some(Extent::new(*start, self.runs[start])),
            None => self.last_run().filter(|run| run.count >= count),
        }
    }

    /// The lowest run of at least `count` blocks, or nearly so: of runs that may just have as many, the lowest few hundred
    /// are looked at. O(classes).
    pub(crate) fn find_low(&self, count: u64) -> Option<Extent> {
        const LOOKS_MAX: usize = 256;
        let promising = class_that_promises(count);
        let classes = self.classes.iter().skip(promising);
        let promised = classes.filter_map(BTreeSet::first).min().copied();
        let below = promising
            .checked_sub(1)
            .and_then(|class| self.classes.get(class));
        let below = below.into_iter().flatten().take(LOOKS_MAX);
        let just = below.copied().find(|start| self.runs[start] >= count);
        let start = promised.into_iter().chain(just).min();
        match start {
            Some(start) => Some(Extent::new(start, self.runs[&start])),
            None => self.find(count),
        }
    }

    /// The runs, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Extent> + '_ {
        self.runs
            .iter()
            .map(|(&start, &count)| Extent::new(start, count))
    }

    pub(crate) fn run_count(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn block_count(&self) -> u64 {
        self.block_count
    }

    /// Panics where an invariant of this module does not hold. O(runs).
    pub(crate) fn check(&self) {
        let mut block_count = 0;
        let mut end = None;
        for run in self.iter() {
            assert!(run.count > 0, "X1: {run:?} is empty");
            assert!(end < Some(run.start), "X1: {run:?} touches the run before");
            let class = self.classes.get(class_of(run.count));
            assert!(
                class.is_some_and(|class| class.contains(&run.start)),
                "X3: {run:?} is in no class"
            );
            block_count += run.count;
            end = Some(run.end());
        }
        assert_eq!(block_count, self.block_count, "X2");
        let in_classes: usize = self.classes.iter().map(BTreeSet::len).sum();
        assert_eq!(in_classes, self.runs.len(), "X3");
    }

    /// The run that all of `extent` is in.
    fn run_around(&self, extent: Extent) -> Option<Extent> {
        let (&start, &count) = self.runs.range(..=extent.start).next_back()?;
        let run = Extent::new(start, count);
        (extent.end() <= run.end()).then_some(run)
    }

    fn add_run(&mut self, run: Extent) {
        let class = class_of(run.count);
        if self.classes.len() <= class {
            self.classes.resize_with(class + 1, BTreeSet::new);
        }
        self.classes[class].insert(run.start);
        self.runs.insert(run.start, run.count);
        self.block_count += run.count;
    }

    fn drop_run(&mut self, run: Extent) {
        self.classes[class_of(run.count)].remove(&run.start);
        self.runs.remove(&run.start);
        self.block_count -= run.count;
    }
}

/// The class of runs of `count` blocks: floor of the binary logarithm.
fn class_of(count: u64) -> usize {
    count.ilog2() as usize
}

/// The lowest class all of whose runs have `count` blocks.
fn class_that_promises(count: u64) -> usize {
    class_of(count.next_power_of_two())
}

#[cfg(test)]
mod tests;
