//! Fuzz targets without libFuzzer: `list`, `seeds`, `smoke`, `replay`; driven by `cargo xtask fuzz`.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use drystone_fuzz::{Target, replay, seeds, smoke};

/// Fuzz targets of Drystone, without libFuzzer.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the names of all targets, the longest input of each, and which binary runs it under libFuzzer
    List,
    /// Write a target's seeds, and a dictionary of its words beside them
    Seeds {
        /// Its name
        target: String,
        /// The folder for them
        folder: PathBuf,
    },
    /// Run targets on their seeds and on random changes of them
    Smoke {
        /// Only these
        targets: Vec<String>,
        /// Decides all changes; a random one where it is not given
        #[arg(long)]
        seed: Option<u64>,
        /// Seconds for each target
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Where inputs are kept that are a find
        #[arg(long, default_value = "target/fuzz/artifacts")]
        artifacts: PathBuf,
    },
    /// Run one target within this process, as `smoke` asks its children to
    #[command(hide = true)]
    SmokeOne {
        target: String,
        seed: u64,
        seconds: f64,
        current: PathBuf,
    },
    /// Run a target on the bytes of a file
    Replay {
        /// Its name
        target: String,
        /// The file
        file: PathBuf,
    },
    /// Run SQLite's published lists of scripts and malformed databases, which lie in a folder
    #[cfg(feature = "sqlite")]
    SqliteCorpus {
        /// Holds fuzzdata1.db to fuzzdata8.db
        folder: PathBuf,
    },
    /// Run a part of the lists within this process
    #[cfg(feature = "sqlite")]
    #[command(hide = true)]
    SqliteCorpusPart { list: PathBuf, current: PathBuf },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::List => list(),
        Command::Seeds { target, folder } => seeds::write(&target, &folder)?,
        Command::Smoke {
            targets,
            seed,
            seconds,
            artifacts,
        } => smoke::run(&targets, seed, seconds, &artifacts)?,
        Command::SmokeOne {
            target,
            seed,
            seconds,
            current,
        } => smoke::run_one(&target, seed, seconds, &current)?,
        Command::Replay { target, file } => replay::run(&target, Path::new(&file))?,
        #[cfg(feature = "sqlite")]
        Command::SqliteCorpus { folder } => drystone_fuzz::sqlite_corpus::run(&folder)?,
        #[cfg(feature = "sqlite")]
        Command::SqliteCorpusPart { list, current } => {
            drystone_fuzz::sqlite_corpus::run_part(&list, &current)?;
        }
    }
    Ok(())
}

fn list() {
    for target in Target::all() {
        println!("{} {} {}", target.name, target.len_max, target.binary);
    }
}
