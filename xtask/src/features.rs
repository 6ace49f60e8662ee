//! The facade builds with none, each and all of its features: Cargo unites features, so any mix may reach a user.

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

const FACADE: &str = "drystone";

/// Checks the facade with no feature, with each alone, and with all.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    let features = declared(shell)?;
    ensure!(
        !features.is_empty(),
        "the package {FACADE} declares no feature"
    );
    check(shell, &[])?;
    for feature in &features {
        check(shell, &["--features", feature])?;
    }
    check(shell, &["--all-features"])?;
    small_builds_stay_small(shell)
}

fn check(shell: &Shell, selection: &[&str]) -> anyhow::Result<()> {
    eprintln!(
        "{FACADE}: {}",
        if selection.is_empty() {
            "no feature".to_owned()
        } else {
            selection.join(" ")
        }
    );
    let _flags = shell.push_env("RUSTFLAGS", "--deny warnings");
    let _target = shell.push_env("CARGO_TARGET_DIR", "target/features");
    Ok(cmd!(
        shell,
        "cargo check --quiet --package {FACADE} --no-default-features {selection...}"
    )
    .run()?)
}

/// A key-value store alone pulls in no SQL parser: what users of embedded databases complain of most is build weight.
fn small_builds_stay_small(shell: &Shell) -> anyhow::Result<()> {
    let tree = cmd!(
        shell,
        "cargo tree --package {FACADE} --no-default-features --features btree --edges normal --prefix none"
    )
    .read()?;
    for heavy in ["sqlparser", "jiff", "serde_json", "zstd-sys"] {
        ensure!(
            !tree
                .lines()
                .any(|line| line.split(' ').next() == Some(heavy)),
            "{FACADE} with only the feature btree pulls in {heavy}"
        );
    }
    Ok(())
}

/// Names of the facade's features, without `default`.
fn declared(shell: &Shell) -> anyhow::Result<Vec<String>> {
    let json = cmd!(shell, "cargo metadata --format-version 1 --no-deps")
        .quiet()
        .read()?;
    let metadata: Value = serde_json::from_str(&json)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists packages")?;
    let facade = packages
        .iter()
        .find(|package| package["name"] == FACADE)
        .context("the facade is in the workspace")?;
    let features = facade["features"]
        .as_object()
        .context("a package lists its features")?;
    Ok(features
        .keys()
        .filter(|name| *name != "default")
        .cloned()
        .collect())
}
