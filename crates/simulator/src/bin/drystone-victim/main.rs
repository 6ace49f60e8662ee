//! The program that the runs on real file systems let write, stop, kill and check: see `cargo xtask powercut`, `kill` and
//! `full-disk`.
//!
//! - `write` commits from several threads until it is killed, and acknowledges each commit on its standard output.
//! - `check` opens what is left and compares it with what the seed says must be there.
//! - `full-disk` fills the disk under an open database, and sees that it fails, reads on and recovers as it should.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program of its own, on the real file system"
)]

mod check;
mod full_disk;
mod parts;
mod workload;
mod write;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use drystone::Durability;

use crate::workload::Workload;

/// Writes to a database, for others to stop or kill it; checks what is left.
#[derive(Parser)]
#[command(name = "drystone-victim")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Decides what is written
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Decides the options with which the database is opened
    #[arg(long, global = true, default_value_t = 1)]
    life: u64,
    /// How many threads write
    #[arg(long, global = true, default_value_t = 3)]
    writers: u64,
}

#[derive(Subcommand)]
enum Command {
    /// Commit until killed. After each commit its writer and number stand on a line of the standard output
    Write {
        /// The database
        path: PathBuf,
        /// What a commit waits for before it is acknowledged
        #[arg(long, value_enum, default_value_t = Wait::Sync)]
        durability: Wait,
    },
    /// Open it, check all of it, and print how many commits of each writer are there
    Check {
        /// The database
        path: PathBuf,
        /// The last commit of each writer that was acknowledged, separated by commas
        #[arg(long, value_delimiter = ',')]
        acknowledged: Vec<u64>,
        /// The last commit of each writer that may be there
        #[arg(long, value_delimiter = ',')]
        begun: Vec<u64>,
    },
    /// Meet a full disk at one point of a workload, and print what failed
    FullDisk {
        /// An empty folder on the file system to fill
        folder: PathBuf,
    },
}

/// As [`Durability`], for the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Wait {
    Sync,
    Async,
    None,
}

impl From<Wait> for Durability {
    fn from(wait: Wait) -> Durability {
        match wait {
            Wait::Sync => Durability::Sync,
            Wait::Async => Durability::Async,
            Wait::None => Durability::None,
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let workload = Workload::new(arguments.seed, arguments.writers);
    let mut options = workload.options(arguments.life);
    match arguments.command {
        Command::Write { path, durability } => {
            options.durability = durability.into();
            write::run(&path, options, workload)
        }
        Command::Check {
            path,
            acknowledged,
            begun,
        } => {
            let found = check::run(&path, options, &workload, &acknowledged, &begun)?;
            println!("{}", list(&found));
            Ok(())
        }
        Command::FullDisk { folder } => {
            let report = full_disk::run(&folder, options, &workload, arguments.life)?;
            print!("{report}");
            Ok(())
        }
    }
}

fn list(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(",")
}
