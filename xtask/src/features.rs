//! The facade, and what it passes features on to, build with none, each and all of their features: Cargo unites
//! features, so any mix may reach a user.

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

const FACADE: &str = "drystone";

/// Packages whose features are chosen by those who use them.
const PACKAGES: [&str; 2] = [FACADE, "drystone-compress"];

/// Checks each package with no feature, with each alone, and with all.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    for package in PACKAGES {
        check_each(shell, package)?;
    }
    small_builds_stay_small(shell)
}

fn check_each(shell: &Shell, package: &str) -> anyhow::Result<()> {
    let features = declared(shell, package)?;
    ensure!(
        !features.is_empty(),
        "the package {package} declares no feature"
    );
    check(shell, package, &[])?;
    for feature in &features {
        check(shell, package, &["--features", feature])?;
    }
    check(shell, package, &["--all-features"])
}

fn check(shell: &Shell, package: &str, selection: &[&str]) -> anyhow::Result<()> {
    eprintln!(
        "{package}: {}",
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
        "cargo check --quiet --package {package} --no-default-features {selection...}"
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

/// Names of a package's features, without `default`.
fn declared(shell: &Shell, package: &str) -> anyhow::Result<Vec<String>> {
    let json = cmd!(shell, "cargo metadata --format-version 1 --no-deps")
        .quiet()
        .read()?;
    let metadata: Value = serde_json::from_str(&json)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists packages")?;
    let found = packages.iter().find(|found| found["name"] == package);
    let found = found.with_context(|| format!("{package} is in the workspace"))?;
    let features = found["features"]
        .as_object()
        .context("a package lists its features")?;
    Ok(features
        .keys()
        .filter(|name| *name != "default")
        .cloned()
        .collect())
}
