//! The rules of the house that no compiler knows.
//!
//! - T1. A crate depends only on crates above it in [`LAYERS`]. Dev-dependencies are free.
//! - T2. Every Rust file opens with `//!`, and is a module of its crate.
//! - T3. The top level holds what [`TOP_LEVEL`] lists, and nothing else.
//! - T4. No file is named for being a drawer (`utils.rs`), and none passes [`LINES_MAX`] lines.
//! - T5. No open end is left in the text, and no test is switched off, except for one tool and with the reason:
//!   `cfg_attr(miri, ignore = "why")`.
//! - T6. Every feature has a comment that says what it adds.
//! - T7. The core takes latches, atomics and cells from `drystone_base::sync`, where model checkers stand in for them.
//! - T8. A bug that is planted (`is_planted("name")`) is in the list of `crates/simulator/src/canary.rs` or of
//!   `xtask/src/threads/canary.rs`, and the other way around.
//! - T9. A file of a crate with `unsafe` code is in a module that Miri runs over: `UNSAFE_MODULES` of
//!   `xtask/src/threads.rs`.

mod planted;
mod unsafe_code;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;
use xshell::{Shell, cmd};

use self::planted::Planted;

/// The crates, from the bottom of the wall to its top. A crate may depend on those before it.
const LAYERS: [&str; 20] = [
    "drystone-base",
    "drystone-compress",
    "drystone-crypto",
    "drystone-engine",
    "drystone-wal",
    "drystone-storage-pager",
    "drystone-btree",
    "drystone-lsm",
    "drystone-mvcc",
    "drystone-record",
    "drystone-index-vector",
    "drystone-query",
    "drystone",
    "drystone-cli",
    "drystone-testkit",
    "drystone-simulator",
    "drystone-fuzz",
    "drystone-benches",
    "drystone-peers",
    "xtask",
];

/// Packages by themselves, outside the workspace.
const APART: [&str; 2] = ["crates/fuzz/Cargo.toml", "benches/peers/Cargo.toml"];

const TOP_LEVEL: [&str; 21] = [
    ".cargo",
    ".ci",
    ".config",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "benches",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "fuzz",
    "rust-toolchain.toml",
    "xtask",
];

/// The core, whose threads meet in what `drystone_base::sync` names.
const CORE: [&str; 11] = [
    "crates/base/src",
    "crates/engine/src",
    "crates/wal/src",
    "crates/storage-pager/src",
    "crates/btree/src",
    "crates/lsm/src",
    "crates/mvcc/src",
    "crates/record/src",
    "crates/index-vector/src",
    "crates/query/src",
    "crates/facade/src",
];

const DRAWERS: [&str; 6] = [
    "utils.rs",
    "util.rs",
    "common.rs",
    "helpers.rs",
    "helper.rs",
    "misc.rs",
];

/// A file that passes this usually holds two concepts.
const LINES_MAX: usize = 1000;

/// Checks all rules; the error lists every breach.
pub(crate) fn run(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let tracked = tracked_files(shell)?;
    let metadata = cmd!(shell, "cargo metadata --format-version 1 --no-deps")
        .quiet()
        .read()?;
    let mut breaches = layer_breaches(&serde_json::from_str(&metadata)?)?;
    for manifest in APART {
        let metadata = cmd!(
            shell,
            "cargo metadata --format-version 1 --no-deps --manifest-path {manifest}"
        )
        .quiet()
        .read()?;
        breaches.extend(layer_breaches(&serde_json::from_str(&metadata)?)?);
    }
    breaches.extend(top_level_breaches(&tracked));
    let mut planted = Planted::default();
    for path in &tracked {
        let Ok(text) = fs::read_to_string(root.join(path)) else {
            continue;
        };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => {
                breaches.extend(source_breaches(root, path, &text));
                planted.read(path, &text);
            }
            Some("toml") => breaches.extend(manifest_breaches(path, &text)),
            _ => {}
        }
    }
    breaches.extend(planted.breaches());
    if breaches.is_empty() {
        eprintln!("tidy: {} files, no breach", tracked.len());
        return Ok(());
    }
    bail!(
        "{} breaches of the rules in xtask/src/tidy.rs:\n{}",
        breaches.len(),
        breaches.join("\n")
    )
}

/// Files that git tracks, and new ones that it does not ignore.
fn tracked_files(shell: &Shell) -> anyhow::Result<Vec<PathBuf>> {
    let list = cmd!(shell, "git ls-files --cached --others --exclude-standard")
        .quiet()
        .read()?;
    Ok(list.lines().map(PathBuf::from).collect())
}

/// T1.
fn layer_breaches(metadata: &Value) -> anyhow::Result<Vec<String>> {
    let mut breaches = Vec::new();
    for package in metadata["packages"]
        .as_array()
        .context("cargo metadata lists packages")?
    {
        let name = package["name"].as_str().context("a package has a name")?;
        let Some(layer) = layer_of(name) else {
            breaches.push(format!("T1 {name}: is not listed in LAYERS"));
            continue;
        };
        for dependency in package["dependencies"]
            .as_array()
            .context("a package lists its dependencies")?
        {
            let target = dependency["name"]
                .as_str()
                .context("a dependency has a name")?;
            let is_dev = dependency["kind"] == "dev";
            if !is_dev && layer_of(target).is_some_and(|below| below >= layer) {
                breaches.push(format!(
                    "T1 {name}: depends on {target}, which is not above it in the table"
                ));
            }
        }
    }
    Ok(breaches)
}

fn layer_of(package: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == package)
}

/// T3.
fn top_level_breaches(tracked: &[PathBuf]) -> Vec<String> {
    let present: BTreeSet<String> = tracked
        .iter()
        .filter_map(|path| path.components().next())
        .map(|first| first.as_os_str().to_string_lossy().into_owned())
        .collect();
    let stray = present
        .iter()
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()));
    stray
        .map(|name| format!("T3 {name}: has no place at the top level"))
        .collect()
}

/// T2, T4 and T5.
fn source_breaches(root: &Path, path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut breaches = Vec::new();
    if !text.starts_with("//!") {
        breaches.push(format!("T2 {shown}: does not open with //!"));
    }
    if !is_module(root, path) {
        breaches.push(format!("T2 {shown}: no file declares it as a module"));
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    if DRAWERS.contains(&name.as_str()) {
        breaches.push(format!("T4 {shown}: name the concept that it holds"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        breaches.push(format!(
            "T4 {shown}: {lines} lines; the limit is {LINES_MAX}"
        ));
    }
    if !path.starts_with("xtask") {
        breaches.extend(open_ends(path, text));
    }
    if path.starts_with("crates") {
        breaches.extend(unsafe_code::breach(path, text));
    }
    if CORE.iter().any(|core| path.starts_with(core)) {
        breaches.extend(foreign_latches(path, text));
    }
    breaches
}

/// T5.
fn open_ends(path: &Path, text: &str) -> Vec<String> {
    let marks = ["TODO", "FIXME", "XXX", "#[ignore"];
    let mut breaches = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        for mark in marks.iter().filter(|mark| line.contains(**mark)) {
            breaches.push(format!("T5 {}:{}: holds {mark}", path.display(), idx + 1));
        }
        if line.contains("#[cfg_attr(") && line.contains("ignore)]") {
            breaches.push(format!("T5 {}:{}: says not why", path.display(), idx + 1));
        }
    }
    breaches
}

/// T7. Tests may use what they like, and comments may name it.
fn foreign_latches(path: &Path, text: &str) -> Vec<String> {
    let is_test = path.ends_with("tests.rs")
        || path.ends_with("loom.rs")
        || path.iter().any(|part| part == "tests");
    let is_source = path.starts_with("crates/base/src/sync") || path.ends_with("base/src/sync.rs");
    // What a planted bug is chosen with is set before the first thread.
    let is_source = is_source || path.ends_with("base/src/planted.rs");
    if is_test || is_source {
        return Vec::new();
    }
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with("//") && names_foreign_latch(line))
        .map(|(idx, _)| {
            let place = path.display();
            format!("T7 {place}:{}: import it from drystone_base::sync", idx + 1)
        })
        .collect()
}

/// Whether a line names a latch, an atomic or a cell of another crate. `Arc` and `Weak` are `std`'s everywhere.
fn names_foreign_latch(line: &str) -> bool {
    let crates = [
        "parking_lot::",
        "arc_swap::",
        "std::sync::atomic",
        "core::sync",
    ];
    let from_std = line.split("std::sync::").skip(1).any(|after| {
        let names = after.trim_start_matches('{');
        let end = names.find([';', '}', '(', '<', ':']).unwrap_or(names.len());
        let mut names = names[..end].split(',').map(str::trim);
        !names.all(|name| matches!(name, "Arc" | "Weak" | ""))
    });
    from_std || crates.iter().any(|name| line.contains(name))
}

/// Whether a file is a crate's root, or declared by the file above it.
fn is_module(root: &Path, path: &Path) -> bool {
    let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else {
        return false;
    };
    let Some(folder) = path.parent() else {
        return false;
    };
    let is_target = matches!(stem, "lib" | "main" | "build")
        || ["benches", "examples", "bin", "fuzz_targets"]
            .iter()
            .any(|targets| folder.ends_with(targets));
    if is_target {
        return true;
    }
    let declaration = format!("mod {stem};");
    let owner = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let parents = [
        folder.join("lib.rs"),
        folder.join("main.rs"),
        folder.join("mod.rs"),
        folder.with_file_name(format!("{owner}.rs")),
    ];
    parents
        .iter()
        .filter_map(|parent| fs::read_to_string(root.join(parent)).ok())
        .any(|text| {
            text.lines()
                .any(|line| line.trim_end().ends_with(&declaration))
        })
}

/// T6.
fn manifest_breaches(path: &Path, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut in_features = false;
    let mut previous = "";
    for line in text.lines() {
        if line.starts_with('[') {
            in_features = line == "[features]";
        } else if in_features && is_feature(line) && !previous.starts_with('#') {
            breaches.push(format!("T6 {}: no comment above {line}", path.display()));
        }
        previous = line;
    }
    breaches
}

fn is_feature(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_lowercase()) && line.contains('=')
}

#[cfg(test)]
mod tests;
