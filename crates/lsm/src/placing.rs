//! Placing: how deep the SSTs of a merge go.

use crate::compaction::Compaction;
use crate::level::LEVELS;
use crate::sst::meta::SstMeta;
use crate::version::Version;

/// The deepest level above which, and in which, nothing overlaps an SST: loads of what is new are written once, to the
/// bottom. Level 0 beside a compaction of the same keys, whose output would overlap it.
pub(crate) fn place(version: &Version, compaction: Option<&Compaction>, meta: &SstMeta) -> usize {
    let overlaps =
        |run: &crate::run::Run| !run.overlapping(&meta.smallest, &meta.largest).is_empty();
    let is_touched = compaction.is_some_and(|compaction| compaction.touches(meta));
    if is_touched || version.level0.iter().any(overlaps) {
        return 0;
    }
    let free = version.deeper[1..LEVELS]
        .iter()
        .take_while(|run| !overlaps(run));
    free.count()
}
