//! Mutation testing: small changes to a crate's code, one at a time, each of which its tests should notice.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use xshell::{Shell, cmd};

/// What decides whether acknowledged commits survive.
const PACKAGES: [&str; 3] = ["drystone-wal", "drystone-storage-pager", "drystone-mvcc"];

/// At least so many of a hundred mutants must be noticed.
const KILLED_PERCENT_MIN: usize = 85;

/// What became of the mutants of a package.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// A test failed.
    failed: usize,
    /// The tests did not end.
    hung: usize,
    /// What no test noticed.
    missed: Vec<String>,
}

impl Outcome {
    /// Reads what `cargo mutants` left.
    fn read(folder: &Path) -> anyhow::Result<Outcome> {
        let lines = |name: &str| {
            let path = folder.join("mutants.out").join(name);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            anyhow::Ok(text.lines().map(str::to_owned).collect::<Vec<_>>())
        };
        Ok(Outcome {
            failed: lines("caught.txt")?.len(),
            hung: lines("timeout.txt")?.len(),
            missed: lines("missed.txt")?,
        })
    }

    fn killed(&self) -> usize {
        self.failed + self.hung
    }

    fn count(&self) -> usize {
        self.killed() + self.missed.len()
    }

    /// Whether enough of them were noticed; not when there were none.
    fn is_enough(&self) -> bool {
        self.count() > 0 && self.killed() * 100 >= self.count() * KILLED_PERCENT_MIN
    }

    fn line(&self, package: &str) -> String {
        format!(
            "{package}: {} of {} mutants killed ({} by a test that did not end)",
            self.killed(),
            self.count(),
            self.hung
        )
    }
}

/// Tries the mutants of packages, or a share of them, `1/8` say. An error when too many live.
pub(crate) fn run(
    shell: &Shell,
    root: &Path,
    packages: &[String],
    shard: Option<&str>,
) -> anyhow::Result<()> {
    let known = cmd!(shell, "cargo mutants --version")
        .quiet()
        .ignore_stdout();
    ensure!(
        known.ignore_stderr().run().is_ok(),
        "cargo-mutants is not installed: cargo install --locked cargo-mutants"
    );
    let default = PACKAGES.map(str::to_owned);
    let packages = if packages.is_empty() {
        &default
    } else {
        packages
    };
    let mut weak = Vec::new();
    for package in packages {
        let outcome = try_mutants(shell, root, package, shard)?;
        println!("{}", outcome.line(package));
        for mutant in &outcome.missed {
            println!("  lives: {mutant}");
        }
        if !outcome.is_enough() {
            weak.push(package.as_str());
        }
    }
    if !weak.is_empty() {
        bail!(
            "fewer than {KILLED_PERCENT_MIN} in a hundred mutants are killed in {}",
            weak.join(", ")
        );
    }
    Ok(())
}

/// One at a time: their builds use all cores already, and tests that compete for them would pass their time limit.
fn try_mutants(
    shell: &Shell,
    root: &Path,
    package: &str,
    shard: Option<&str>,
) -> anyhow::Result<Outcome> {
    let output = root.join("target").join("mutants").join(package);
    fs::create_dir_all(&output)?;
    let shard: Vec<String> = shard
        .map(|shard| format!("--shard={shard}"))
        .into_iter()
        .collect();
    // Its exit code also says that mutants live, which is judged here.
    cmd!(
        shell,
        "cargo mutants --package {package} {shard...} --jobs 1 --profile mutants --output {output}
         --minimum-test-timeout 20 --timeout-multiplier 4
         --cargo-test-arg=--lib --cargo-test-arg=--tests"
    )
    .ignore_status()
    .run()?;
    Outcome::read(&output)
}

#[cfg(test)]
mod tests;
