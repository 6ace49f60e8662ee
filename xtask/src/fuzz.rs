//! Fuzzing: the package `crates/fuzz`, under libFuzzer or without it.
//!
//! Everything lies under the folder `fuzz` of the build folder: `corpus/TARGET` grows from run to run, `artifacts/TARGET`
//! keeps the inputs that are a find, `logs/TARGET` what libFuzzer says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use clap::Args;
use xshell::{Shell, cmd};

/// The package, from the workspace's root.
const PACKAGE: &str = "crates/fuzz";
const MANIFEST: &str = "crates/fuzz/Cargo.toml";

/// Seconds for one input, and memory of a process in MiB; as in the package's `limits.rs`.
const TIMEOUT: &str = "-timeout=10";
const MEMORY: &str = "-rss_limit_mb=2048";

/// What to fuzz, and how.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// One target; all in turn where none is given
    target: Option<String>,
    /// How long each target runs under libFuzzer
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Without libFuzzer, on the stable toolchain: seeds and random changes of them
    #[arg(long)]
    smoke: bool,
    /// How long each target runs with --smoke
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Decides all changes with --smoke; a random one where it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// Run the target on the bytes of this file, and nothing else
    #[arg(long)]
    pub(crate) replay: Option<PathBuf>,
    /// List the targets
    #[arg(long)]
    list: bool,
}

/// Does what the command line says.
pub(crate) fn run(shell: &Shell, root: &Path, fuzz: &Fuzz) -> anyhow::Result<()> {
    let place = Place::new(root);
    if fuzz.list {
        return place.stable(shell, &["list".to_owned()]);
    }
    match (&fuzz.replay, &fuzz.target) {
        (Some(file), Some(target)) => {
            let file = file.display().to_string();
            place.stable(shell, &["replay".to_owned(), target.clone(), file])
        }
        (Some(_), None) => bail!("which target is to run on the file?"),
        (None, target) if fuzz.smoke => {
            smoke(shell, root, target.as_deref(), fuzz.seconds, fuzz.seed)
        }
        (None, target) => campaign(shell, &place, target.as_deref(), fuzz.minutes),
    }
}

/// All targets, or one, on the stable toolchain.
pub(crate) fn smoke(
    shell: &Shell,
    root: &Path,
    target: Option<&str>,
    seconds: f64,
    seed: Option<u64>,
) -> anyhow::Result<()> {
    let place = Place::new(root);
    let mut arguments = vec!["smoke".to_owned()];
    arguments.extend(target.map(str::to_owned));
    arguments.push(format!("--seconds={seconds}"));
    arguments.extend(seed.map(|seed| format!("--seed={seed}")));
    arguments.push(format!("--artifacts={}", place.artifacts().display()));
    place.stable(shell, &arguments)
}

/// Runs the lists of SQLite that lie in a folder.
pub(crate) fn sqlite_corpus(shell: &Shell, root: &Path, folder: &Path) -> anyhow::Result<()> {
    let place = Place::new(root);
    let _environment = place.environment(shell);
    Ok(cmd!(
        shell,
        "cargo run --quiet --manifest-path {MANIFEST} --features sqlite -- sqlite-corpus {folder}"
    )
    .run()?)
}

/// Where things lie.
struct Place {
    /// The folder of builds and of everything else.
    fuzz: PathBuf,
}

impl Place {
    fn new(root: &Path) -> Place {
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| root.join("target"));
        Place {
            fuzz: target.join("fuzz"),
        }
    }

    fn artifacts(&self) -> PathBuf {
        self.fuzz.join("artifacts")
    }

    /// What the package is built with on the stable toolchain; cargo-fuzz sets the same and more.
    fn environment<'s>(&self, shell: &'s Shell) -> [xshell::PushEnv<'s>; 2] {
        [
            shell.push_env("RUSTFLAGS", "--cfg fuzzing"),
            shell.push_env("CARGO_TARGET_DIR", &self.fuzz),
        ]
    }

    /// Runs the package's own binary.
    fn stable(&self, shell: &Shell, arguments: &[String]) -> anyhow::Result<()> {
        let _environment = self.environment(shell);
        Ok(cmd!(
            shell,
            "cargo run --quiet --manifest-path {MANIFEST} -- {arguments...}"
        )
        .run()?)
    }
}

/// Each target under libFuzzer, for as many minutes.
fn campaign(shell: &Shell, place: &Place, only: Option<&str>, minutes: f64) -> anyhow::Result<()> {
    let fuzz = &place.fuzz;
    cmd!(
        shell,
        "cargo +nightly fuzz build --fuzz-dir {PACKAGE} --target-dir {fuzz} --features libfuzzer,sqlite"
    )
    .run()
    .context("cargo install cargo-fuzz, and rustup toolchain install nightly, give what this needs")?;
    let binaries = fuzz.join(host(shell)?).join("release");
    let list = cmd!(shell, "{binaries}/drystone-fuzz list")
        .quiet()
        .read()?;
    let mut summary = Vec::new();
    for line in list.lines() {
        let (target, len_max) = line.split_once(' ').context("a name and a length")?;
        if only.is_none_or(|only| only == target) {
            let run = Run {
                place,
                binaries: &binaries,
                target,
                len_max,
            };
            summary.push(run.run(shell, minutes)?);
        }
    }
    if summary.is_empty() {
        bail!("there is no target {}", only.unwrap_or_default());
    }
    println!("\n{}", summary.join("\n"));
    Ok(())
}

fn host(shell: &Shell) -> anyhow::Result<String> {
    let version = cmd!(shell, "rustc +nightly --verbose --version")
        .quiet()
        .read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names its host")?.to_owned())
}

/// One target under libFuzzer.
struct Run<'a> {
    place: &'a Place,
    binaries: &'a Path,
    target: &'a str,
    len_max: &'a str,
}

impl Run<'_> {
    /// Runs it; the line that says how much it did. An error names what it found.
    fn run(&self, shell: &Shell, minutes: f64) -> anyhow::Result<String> {
        let (target, binaries) = (self.target, self.binaries);
        let corpus = self.place.fuzz.join("corpus").join(target);
        let artifacts = self.place.artifacts().join(target);
        let logs = self.place.fuzz.join("logs");
        for folder in [&corpus, &artifacts, &logs] {
            fs::create_dir_all(folder)?;
        }
        cmd!(shell, "{binaries}/drystone-fuzz seeds {target} {corpus}")
            .quiet()
            .run()?;
        let log = logs.join(target);
        let seconds = (minutes * 60.0).round();
        let status = Command::new(binaries.join(target))
            .args([TIMEOUT, MEMORY, "-print_final_stats=1", "-detect_leaks=0"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={}", self.len_max))
            .args(dictionary(&corpus))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(&corpus)
            .env("ASAN_OPTIONS", "detect_odr_violation=0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .status()?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let line = summary(target, &said);
        println!("{line}");
        if status.success() {
            return Ok(line);
        }
        bail!("{}", found(target, &said, &log))
    }
}

/// What to say of a target that did not end well.
fn found(target: &str, said: &str, log: &Path) -> String {
    let mut lines = said.lines();
    let input = lines.find_map(|line| Some(line.split_once("Test unit written to ")?.1));
    match input {
        Some(input) => format!(
            "{target} found something; the input is {input}. Again:\n  cargo xtask fuzz {target} --replay {input}"
        ),
        None => format!(
            "{target} did not run; libFuzzer says why in {}",
            log.display()
        ),
    }
}

/// The words of a target, where it has any.
fn dictionary(corpus: &Path) -> Option<String> {
    let words = corpus.with_extension("dict");
    words.exists().then(|| format!("-dict={}", words.display()))
}

/// Executions, their rate, and the coverage reached, from what libFuzzer says.
fn summary(target: &str, said: &str) -> String {
    let figure = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("?", str::trim).to_owned()
    };
    let after = |line: &str, word: &str| {
        let rest = line.split_once(word)?.1.trim_start();
        Some(rest.split(' ').next()?.to_owned())
    };
    let covered = said.lines().rev().find_map(|line| after(line, " cov: "));
    format!(
        "{target:<20} {:>10} executions {:>7}/s, coverage {:>6}, {:>4} MiB",
        figure("stat::number_of_executed_units:"),
        figure("stat::average_exec_per_sec:"),
        covered.unwrap_or_else(|| "?".to_owned()),
        figure("stat::peak_rss_mb:"),
    )
}

#[cfg(test)]
mod tests;
