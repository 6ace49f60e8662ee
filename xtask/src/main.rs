//! The project's own tooling, run as `cargo xtask COMMAND`.
//!
//! - `ci`: everything that a change must pass.
//! - `tidy`: the rules of the house that no compiler knows.
//! - `crash`: power cuts and bit flips over fresh seeds, for as many rounds as asked.
//! - `features`: the facade builds with none, each and all of its features.
//! - `slt`: SQL logic tests, of which `ci` runs a part.
#![expect(
    clippy::disallowed_methods,
    reason = "tooling works on the real file system and the real clock"
)]

mod ci;
mod crash;
mod features;
mod slt;
mod tidy;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Parser, Subcommand};
use xshell::Shell;

/// Tooling of the Drystone workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Format, lints, tidy, licences, tests, doc tests, docs and features: all that a change must pass
    Ci,
    /// Check layers, module headers, stray and dead files
    Tidy,
    /// Cut power at every operation of many workloads on the simulated disk, and flip bits
    Crash {
        /// How many workloads, each with a seed of its own and about 10,000 crash points
        #[arg(long, default_value_t = 20)]
        rounds: u64,
        /// How many bits to flip, one at a time
        #[arg(long, default_value_t = 20_000)]
        flips: u64,
        /// The first seed; a random one where it is not given
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Build the facade with none, each and all of its features
    Features,
    /// Run SQL logic tests: the files named and those in the folders named, each against a database of its own
    Slt {
        /// Files in the format of SQLite's suite, and folders of them; the whole corpus where none are given
        paths: Vec<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let shell = Shell::new()?;
    let root = workspace_root()?;
    shell.change_dir(&root);
    match arguments.command {
        Command::Ci => ci::run(&shell, &root),
        Command::Tidy => tidy::run(&shell, &root),
        Command::Crash {
            rounds,
            flips,
            seed,
        } => crash::run(&shell, rounds, flips, seed),
        Command::Features => features::run(&shell),
        Command::Slt { paths } => slt::run(&shell, &root, &absolute(paths)?),
    }
}

/// As meant where the command was given: it runs at the workspace's root.
fn absolute(paths: Vec<PathBuf>) -> anyhow::Result<Vec<PathBuf>> {
    let absolute = paths.into_iter().map(std::path::absolute);
    Ok(absolute.collect::<Result<_, _>>()?)
}

/// The folder that holds the workspace's `Cargo.toml`.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = xtask.parent().context("xtask lies in the workspace")?;
    Ok(root.to_owned())
}
