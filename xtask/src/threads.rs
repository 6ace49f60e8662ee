//! What checks how threads meet: models under `shuttle` and `loom`, the unsafe parts under Miri, a stress test under
//! ThreadSanitizer. Each is built with flags of its own, in a folder of its own below `target`.

mod canary;
mod models;

use std::path::Path;

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use self::models::Models;
use crate::build_folder;

/// The packages with `unsafe` code, and the modules that have it or call it closely. `cargo xtask tidy` demands that every
/// file with `unsafe` code is in one of them.
pub(crate) const UNSAFE_MODULES: [(&str, &[&str]); 5] = [
    (
        "drystone-base",
        &[
            "huge_pages",
            "mapping",
            "prefault",
            "read_hint",
            "write_hint",
            "sync::hazard",
            "sync::published",
        ],
    ),
    (
        "drystone-storage-pager",
        &["regions", "frame_pointers", "page_map"],
    ),
    ("drystone-mvcc", &["memtable"]),
    (
        "drystone-index-vector",
        &["kernel", "metric", "hnsw::graph"],
    ),
    ("drystone-testkit", &["counting_allocator"]),
];

/// For each model, where a change is checked.
const SCHEDULES_OF_A_CHANGE: u64 = 200;

/// Which models run under which schedules.
pub(crate) struct Schedules {
    /// How many schedules each model runs under.
    pub(crate) count: u64,
    /// How long each model may take, in seconds.
    pub(crate) seconds: Option<u64>,
    /// A part of the models' names.
    pub(crate) model: Option<String>,
    /// A schedule that a failure printed: the one model runs under it alone.
    pub(crate) replay: Option<String>,
}

/// Runs the models of `crates/facade/tests/shuttle`.
pub(crate) fn shuttle(shell: &Shell, root: &Path, schedules: Schedules) -> anyhow::Result<()> {
    ensure!(
        schedules.replay.is_none() || schedules.model.is_some(),
        "a schedule belongs to one model: name it with --model"
    );
    let _count = shell.push_env("DRYSTONE_SCHEDULES", schedules.count.to_string());
    let seconds = schedules.seconds.map(|seconds| seconds.to_string());
    let _seconds = shell.push_env("DRYSTONE_SCHEDULE_SECONDS", seconds.unwrap_or_default());
    let _replay = shell.push_env("DRYSTONE_SCHEDULE", schedules.replay.unwrap_or_default());
    Models::Shuttle.run(shell, root, schedules.model.as_deref())
}

/// Runs the models of the lock-free parts: every order, and every value that the memory model allows.
pub(crate) fn loom(shell: &Shell, root: &Path, model: Option<&str>) -> anyhow::Result<()> {
    Models::Loom.run(shell, root, model)
}

/// Builds the models with planted bugs in them, and sees that they find those.
pub(crate) fn shuttle_canary(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    canary::hunt(shell, root, Models::Shuttle, canary::SHUTTLE)
}

/// As [`shuttle_canary`], of the lock-free parts.
pub(crate) fn loom_canary(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    canary::hunt(shell, root, Models::Loom, canary::LOOM)
}

/// All models, under the same few schedules every time.
pub(crate) fn run_part(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let schedules = Schedules {
        count: SCHEDULES_OF_A_CHANGE,
        seconds: None,
        model: None,
        replay: None,
    };
    shuttle(shell, root, schedules)?;
    loom(shell, root, None)
}

/// Interprets the tests of every module with `unsafe` code, and of those that call it closely.
pub(crate) fn miri(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    // Miri knows these, and so interprets the kernels that use them as well as the portable one.
    let features = if cfg!(target_arch = "x86_64") {
        "-Ctarget-feature=+avx2,+fma"
    } else {
        ""
    };
    let _flags = shell.push_env("RUSTFLAGS", features);
    let folder = build_folder(root, "miri");
    for (package, modules) in UNSAFE_MODULES {
        cmd!(
            shell,
            "cargo +nightly miri test --target-dir {folder} --package {package} --lib -- {modules...}"
        )
        .run()?;
    }
    Ok(())
}

/// Runs the facade's stress test for `seconds` seconds under ThreadSanitizer, standard library and all.
pub(crate) fn tsan(shell: &Shell, root: &Path, seconds: u64) -> anyhow::Result<()> {
    let _flags = shell.push_env("RUSTFLAGS", "-Zsanitizer=thread");
    let _seconds = shell.push_env("DRYSTONE_STRESS_SECONDS", seconds.to_string());
    // The sanitizer instruments what is built for a named target: build scripts must not be.
    let host = host(shell)?;
    let folder = build_folder(root, "tsan");
    Ok(cmd!(
        shell,
        "cargo +nightly test -Zbuild-std --target {host} --target-dir {folder} --package drystone
         --test it -- --nocapture stress::"
    )
    .run()?)
}

/// The target that the compiler runs on.
fn host(shell: &Shell) -> anyhow::Result<String> {
    let version = cmd!(shell, "rustc +nightly -vV").quiet().read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names its host")?.to_owned())
}
