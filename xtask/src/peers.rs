//! Drystone beside other stores: the package `benches/peers`, with a feature for each rival.
//!
//! It is built in a folder of its own, `peers` in the build folder: the rivals' C and C++ take long, and whoever waits for
//! them shall not hold up other builds.

use std::path::Path;

use clap::Args;
use xshell::{Shell, cmd};

use crate::build_folder;

const MANIFEST: &str = "benches/peers/Cargo.toml";
const PROGRAM: &str = "drystone-peers";
/// Of the folder for builds.
const NAME: &str = "peers";

/// The rivals, as the command line and the features (`peer-redb`) name them.
const RIVALS: [&str; 5] = ["redb", "lmdb", "fjall", "sqlite", "rocksdb"];

/// What is run.
#[derive(Args)]
pub(crate) struct Peers {
    /// What the comparison takes: `--quick`, `--engines drystone,lmdb,bare`, `--workloads get_hot_1,scan`, `--runs N`,
    /// `--rows N`, `--seed S`, `--json FILE`, `--help`. Only the rivals that are named are built, or else all
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    arguments: Vec<String>,
}

/// Builds the rivals that are asked for, and compares.
pub(crate) fn run(shell: &Shell, root: &Path, peers: &Peers) -> anyhow::Result<()> {
    let folder = build_folder(root, NAME);
    let _target = shell.push_env("CARGO_TARGET_DIR", &folder);
    let arguments = &peers.arguments;
    let features = features(arguments);
    cmd!(
        shell,
        "cargo build --quiet --release --manifest-path {MANIFEST} --features {features}"
    )
    .run()?;
    let program = folder.join("release").join(PROGRAM);
    // Where the command was given, so that its paths mean what they say.
    let _folder = shell.push_dir(std::env::current_dir()?);
    Ok(cmd!(shell, "{program} {arguments...}").run()?)
}

/// What a change must pass, without rivals: format, lints.
pub(crate) fn lint(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let _target = shell.push_env("CARGO_TARGET_DIR", build_folder(root, NAME));
    Ok(cmd!(
        shell,
        "cargo clippy --quiet --manifest-path {MANIFEST} --all-targets -- --deny warnings"
    )
    .run()?)
}

/// What a change must pass, without rivals: every workload on Drystone and a few rows, and the figures it makes.
pub(crate) fn test(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let _target = shell.push_env("CARGO_TARGET_DIR", build_folder(root, NAME));
    Ok(cmd!(shell, "cargo test --quiet --manifest-path {MANIFEST}").run()?)
}

/// Whether the package is formatted.
pub(crate) fn format(shell: &Shell) -> anyhow::Result<()> {
    Ok(cmd!(shell, "cargo fmt --check --manifest-path {MANIFEST}").run()?)
}

/// The features of the rivals that `--engines` names; of all rivals where it is not given.
fn features(arguments: &[String]) -> String {
    let named = engines(arguments);
    let rivals = RIVALS.iter().filter(|rival| match &named {
        Some(engines) => engines.split(',').any(|engine| engine == **rival),
        None => true,
    });
    let features: Vec<String> = rivals.map(|rival| format!("peer-{rival}")).collect();
    features.join(",")
}

/// What follows `--engines`.
fn engines(arguments: &[String]) -> Option<&str> {
    let place = arguments
        .iter()
        .position(|argument| argument == "--engines" || argument.starts_with("--engines="))?;
    match arguments[place].split_once('=') {
        Some((_, engines)) => Some(engines),
        None => arguments.get(place + 1).map(String::as_str),
    }
}

#[cfg(test)]
mod tests;
