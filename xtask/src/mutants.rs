//! Mutation testing: small changes to a crate's code, one at a time, each of which its tests should notice.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use xshell::{Shell, cmd};

/// What decides whether acknowledged commits survive.
const PACKAGES: [&str; 3] = ["drystone-wal", "drystone-storage-pager", "drystone-mvcc"];

/// At least so many of a hundred mutants must be noticed.
const KILLED_PERCENT_MIN: usize = 85;

/// What nextest says of a test that it ended.
const TIMEOUT: &str = "\n     TIMEOUT [";

/// What became of the mutants of a package.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// A test failed.
    failed: usize,
    /// A test did not end.
    hung: usize,
    /// The compiler noticed.
    unviable: usize,
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
        let caught = lines("caught.txt")?.len();
        let ended = count_ended(&folder.join("mutants.out").join("log"))?;
        Ok(Outcome {
            failed: caught.saturating_sub(ended),
            hung: ended + lines("timeout.txt")?.len(),
            unviable: lines("unviable.txt")?.len(),
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
            "{package}: {} of {} mutants killed ({} by a test that did not end); {} did not compile",
            self.killed(),
            self.count(),
            self.hung,
            self.unviable
        )
    }
}

/// In how many logs a test did not end, which counts as a failure for `cargo mutants`.
fn count_ended(logs: &Path) -> anyhow::Result<usize> {
    let mut ended = 0;
    for log in fs::read_dir(logs).with_context(|| logs.display().to_string())? {
        let text = fs::read(log?.path())?;
        ended += usize::from(String::from_utf8_lossy(&text).contains(TIMEOUT));
    }
    Ok(ended)
}

/// Tries the mutants of packages, or a share of them, `1/8` say. An error when too many live.
pub(crate) fn run(
    shell: &Shell,
    root: &Path,
    packages: &[String],
    shard: Option<&str>,
) -> anyhow::Result<()> {
    for tool in ["mutants", "nextest"] {
        let known = cmd!(shell, "cargo {tool} --version")
            .quiet()
            .ignore_stdout();
        ensure!(
            known.ignore_stderr().run().is_ok(),
            "cargo-{tool} is not installed: cargo install --locked cargo-{tool}"
        );
    }
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

/// One at a time: their builds use all cores already, and tests that compete for them would pass their time limit. The
/// rest of what `cargo mutants` is told is in `.cargo/mutants.toml`.
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
        "cargo mutants --package {package} {shard...} --sharding round-robin --jobs 1 --output {output}"
    )
    .ignore_status()
    .run()?;
    Outcome::read(&output)
}

#[cfg(test)]
mod tests;
