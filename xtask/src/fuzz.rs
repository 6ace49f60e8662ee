//! Fuzzing: the package `crates/fuzz`, under libFuzzer or without it.
//!
//! Everything lies under the folder `fuzz` of the build folder: `corpus/TARGET` grows from run to run, `artifacts/TARGET`
//! keeps the inputs that are a find, `logs/TARGET` what libFuzzer says, and `ledger` has a line for each turn of a target.

#[cfg(unix)]
mod campaign;
mod ledger;
mod said;
#[cfg(unix)]
mod turn;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use xshell::{Shell, cmd};

/// The package, from the workspace's root.
const PACKAGE: &str = "crates/fuzz";
const MANIFEST: &str = "crates/fuzz/Cargo.toml";

/// What to fuzz, and how.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// These targets; all where none is given
    targets: Vec<String>,
    /// Minutes of processor time that each target gets under libFuzzer
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// No more for a target than these minutes, those of earlier runs counted in
    #[arg(long)]
    up_to: Option<f64>,
    /// How many targets run at once
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Take libFuzzer's binaries from this folder, and build none
    #[arg(long)]
    pub(crate) binaries: Option<PathBuf>,
    /// Say what all runs so far have come to, and run nothing
    #[arg(long)]
    totals: bool,
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
    if fuzz.totals {
        print!("{}", ledger::Ledger::read(&place.fuzz)?);
        return Ok(());
    }
    match (&fuzz.replay, &fuzz.targets[..]) {
        (Some(file), [target]) => {
            let file = file.display().to_string();
            place.stable(shell, &["replay".to_owned(), target.clone(), file])
        }
        (Some(_), _) => bail!("which target is to run on the file?"),
        (None, targets) if fuzz.smoke => smoke(shell, root, targets, fuzz.seconds, fuzz.seed),
        (None, _) => campaign::run(shell, &place, fuzz),
    }
}

/// All targets, or these, on the stable toolchain.
pub(crate) fn smoke(
    shell: &Shell,
    root: &Path,
    targets: &[String],
    seconds: f64,
    seed: Option<u64>,
) -> anyhow::Result<()> {
    let place = Place::new(root);
    let mut arguments = vec!["smoke".to_owned()];
    arguments.extend(targets.iter().cloned());
    arguments.push(format!("--seconds={seconds}"));
    arguments.extend(seed.map(|seed| format!("--seed={seed}")));
    arguments.push(format!("--artifacts={}", place.artifacts().display()));
    place.stable(shell, &arguments)
}

/// Lints the package, as it is built on the stable toolchain.
pub(crate) fn clippy(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    let place = Place::new(root);
    let _environment = place.environment(shell);
    Ok(cmd!(
        shell,
        "cargo clippy --quiet --manifest-path {MANIFEST} --all-targets -- --deny warnings"
    )
    .run()?)
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

#[cfg(not(unix))]
mod campaign {
    //! libFuzzer is stopped by a signal.
    pub(super) fn run(_: &xshell::Shell, _: &super::Place, _: &super::Fuzz) -> anyhow::Result<()> {
        anyhow::bail!("a campaign needs signals as Unix has them")
    }
}
