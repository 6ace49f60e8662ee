//! Canaries of the models: planted bugs that they must find, to show that they would find others like them.
//!
//! Those of the simulator that threads meet as well, and those that only threads meet. `cargo xtask tidy` checks that
//! each bug in the code is in this list or in the simulator's (`crates/simulator/src/canary.rs`).

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{bail, ensure};
use xshell::Shell;

use super::models::Models;

/// A planted bug, and the model that finds it.
pub(super) struct Canary {
    name: &'static str,
    model: &'static str,
}

/// Found in orders of steps.
#[rustfmt::skip]
pub(super) const SHUTTLE: &[Canary] = &[
    bug("wal-archive-passed-over", "log_archive_beside_trim"), // segments are trimmed that the archive has not taken
    bug("wal-close-unsettled", "commits_beside_close"),
    bug("wal-hold-ignored", "log_hold_beside_trim"), // segments are trimmed that a hold needs
    bug("wal-marker-overstated", "log_marker_beside_writers"),
    bug("wal-poison-ignored", "log_failed_sync"),
    bug("wal-segment-name-unsynced", "log_group_commit"),
    bug("wal-sync-skipped", "log_group_commit"),
    bug("wal-tails-not-woken", "log_tail"), // readers that wait are not woken
    bug("pager-cache-stale", "pages_cache_beside_reuse"),
    bug("pager-free-list-stale", "pages_pinned_beside_step_and_verify"),
    bug("pager-freed-block-reused", "pages_root_switch_and_reuse"),
    bug("pager-length-not-set", "merges_beside_commits_and_readers"),
    bug("pager-pointer-set-late", "pages_frame_pointers_beside_eviction"), // when its frame may have left the cache
    bug("pager-reader-ignored", "pages_root_switch_and_reuse"),
    bug("btree-builds-on-older-state", "tree_changes_beside_merges_in_slices"),
    bug("btree-deletes-skipped", "tree_range_beside_merge"),
    bug("btree-drop-ignored", "keyspaces_dropped_beside_commits"),
    bug("btree-last-slot-dropped", "merges_beside_commits_and_readers"),
    bug("btree-same-length-unchanged", "tree_pins_beside_merges"),
    bug("mvcc-adopted-seen-early", "commits_staged_beside_others"), // its LSN is seen before what it did
    bug("mvcc-conflict-lost", "commits_first_committer_wins"),
    bug("mvcc-drop-not-logged", "keyspaces_dropped_beside_commits"),
    bug("mvcc-early-visibility", "commits_failed_sync"),
    bug("mvcc-filter-misses-deletes", "keyspaces_dropped_beside_commits"),
    bug("mvcc-guard-ignored", "commits_guards_prevent_write_skew"),
    bug("mvcc-keyspace-number-reused", "keyspaces_dropped_beside_commits"),
    bug("mvcc-later-memtables-unchecked", "keyspaces_dropped_beside_commits"),
    bug("mvcc-merge-lsn-too-new", "merges_beside_commits_and_readers"),
    bug("mvcc-newer-base-shown", "reads_beside_commits_and_merges"), // a view takes a base that is newer than its LSN
    bug("mvcc-range-end-included", "merges_by_writers_and_a_flush"),
    bug("mvcc-range-repeats-key", "keyspaces_dropped_beside_commits"),
    bug("mvcc-replay-misses-last", "commits_beside_close"),
    bug("mvcc-snapshot-sees-newest", "memtable_readers_beside_writer"),
    bug("mvcc-unmerged-memtable-dropped", "merges_beside_commits_and_readers"),
];

/// Found in orders and in the values that atomics may show.
#[rustfmt::skip]
pub(super) const LOOM: &[Canary] = &[
    bug("mvcc-early-visibility", "loom_what_is_seen_is_durable_and_stays"),
    bug("pager-pointer-set-late", "loom_a_pointer"),
    bug("base-hazard-not-looked-again", "loom_what_a_reader_follows"),
];

/// For each model: some bugs show in one schedule of hundreds.
const SCHEDULES: &str = "5000";

const fn bug(name: &'static str, model: &'static str) -> Canary {
    Canary { name, model }
}

/// Fails where a bug is not found by its model, or where the model fails without it.
pub(super) fn hunt(
    shell: &Shell,
    root: &Path,
    models: Models,
    canaries: &[Canary],
) -> anyhow::Result<()> {
    models.planted(shell, root).arg("--no-run").run()?;
    let mut sound = BTreeSet::new();
    let mut escaped = Vec::new();
    for Canary { name, model } in canaries {
        if sound.insert(model) {
            let fails = fails(shell, root, models, model, "")?;
            ensure!(!fails, "{model} fails without a bug");
        }
        let is_found = fails(shell, root, models, model, name)?;
        let verdict = if is_found { "found by" } else { "ESCAPED" };
        eprintln!("{name:<32} {verdict} {model}");
        if !is_found {
            escaped.push(*name);
        }
    }
    if escaped.is_empty() {
        eprintln!("{} planted bugs, all found", canaries.len());
        return Ok(());
    }
    bail!("not found: {}", escaped.join(", "))
}

/// Whether a model fails with this bug.
fn fails(
    shell: &Shell,
    root: &Path,
    models: Models,
    model: &str,
    bug: &str,
) -> anyhow::Result<bool> {
    let run = models.planted(shell, root).arg("--").arg(model);
    let run = run.env("DRYSTONE_SCHEDULES", SCHEDULES);
    let run = run.env("DRYSTONE_PLANTED", bug);
    let output = run.quiet().ignore_status().output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let results = printed
        .lines()
        .filter(|line| line.starts_with("test result"));
    let ran = results.filter(|line| !line.contains(" 0 passed; 0 failed"));
    ensure!(ran.count() > 0, "{model} did not run:\n{printed}");
    Ok(!output.status.success())
}
