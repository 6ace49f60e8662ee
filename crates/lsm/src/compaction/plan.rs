//! Plan: what is compacted into what.
//!
//! Level 0 goes into the deepest level that is not too long for it: no more than `level_ratio` times what comes down, with
//! all that lies between. So a byte is rewritten about `level_ratio / 2` times for each level that there is, and there are few:
//! with level 0 at 400 MiB, up to 4 GiB in one level, 40 GiB in two.
//!
//! # Source
//! O'Neil et al., "The log-structured merge-tree" (1996), for merging whole levels; the choice of the level is ours.

use std::sync::Arc;

use crate::level::{BOTTOM, LEVELS};
use crate::options::LsmOptions;
use crate::run::Run;
use crate::sst::Sst;
use crate::version::Version;

/// Upper runs, the newest first, and what of the level below they are merged with.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) upper: Vec<Run>,
    pub(crate) lower: Vec<Arc<Sst>>,
    pub(crate) output_level: usize,
}

/// What a version needs, if it needs something.
pub(crate) fn plan_due(version: &Version, options: &LsmOptions) -> Option<Plan> {
    if version.level0.len() < options.level0_runs {
        return None;
    }
    let levels = (1..LEVELS).rev();
    let plans = levels.map(|level| plan_into(version, level));
    let mut fitting = plans.filter(|plan| {
        let below = version.deeper[plan.output_level].bytes();
        let above = plan
            .upper
            .iter()
            .map(Run::bytes)
            .fold(0, u64::saturating_add);
        below <= above.saturating_mul(options.level_ratio)
    });
    Some(fitting.next().unwrap_or_else(|| plan_into(version, 1)))
}

/// What makes a version as small as it gets. `None`: it is.
pub(crate) fn plan_full(version: &Version) -> Option<Plan> {
    let plan = plan_into(version, BOTTOM);
    if !plan.upper.is_empty() {
        return Some(plan);
    }
    let bottom = &version.deeper[BOTTOM];
    let is_needed = bottom
        .ssts()
        .iter()
        .any(|sst| must_rewrite(version, BOTTOM, sst));
    is_needed.then(|| Plan {
        lower: bottom.ssts().to_vec(),
        ..plan
    })
}

/// Whether an SST of the output level holds what is better gone, also where nothing is merged with it.
pub(crate) fn must_rewrite(version: &Version, output_level: usize, sst: &Sst) -> bool {
    version.holds_dropped(sst) || (output_level == BOTTOM && sst.meta.tombstones > 0)
}

/// Everything above a level into it.
fn plan_into(version: &Version, level: usize) -> Plan {
    let between = version.deeper[1..level]
        .iter()
        .filter(|run| !run.is_empty());
    let upper: Vec<Run> = version.level0.iter().chain(between).cloned().collect();
    let lower = match hull(upper.iter().flat_map(Run::ssts)) {
        Some((smallest, largest)) => version.deeper[level]
            .overlapping(&smallest, &largest)
            .to_vec(),
        None => Vec::new(),
    };
    Plan {
        upper,
        lower,
        output_level: level,
    }
}

/// The first and the last key of SSTs.
pub(crate) fn hull<'a>(ssts: impl Iterator<Item = &'a Arc<Sst>>) -> Option<(Vec<u8>, Vec<u8>)> {
    ssts.map(|sst| (&sst.meta.smallest, &sst.meta.largest))
        .reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
        .map(|(smallest, largest)| (smallest.clone(), largest.clone()))
}
