//! The project's own tooling, run as `cargo xtask COMMAND`.
//!
//! - `ci`: everything that a change must pass.
//! - `tidy`: the rules of the house that no compiler knows.
//! - `crash`: power cuts and bit flips over fresh seeds, for as many rounds as asked.
//! - `features`: the facade builds with none, each and all of its features.
//! - `fuzz`: every decoder and every input from outside under libFuzzer, or for seconds without it.
//! - `sqlite-corpus`: SQLite's published scripts and malformed files.
//! - `peers`: Drystone beside other stores.
//! - `powercut`, `kill`, `full-disk`: real file systems lose power, processes die, disks are full.
//! - `sim`: the simulator, from seeds; with `--canary`, whether it finds planted bugs.
//! - `shuttle`, `loom`, `miri`, `tsan`: how threads meet, and what `unsafe` code does; the first two with `--canary`,
//!   whether they find planted bugs.
//! - `mutants`: changes to the code that no test notices.
//! - `steady-update`: how long the files are while data is overwritten over and over.
//! - `slt`: SQL logic tests, of which `ci` runs a part.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tooling works on the real file system and the real clock"
)]

mod ci;
mod crash;
mod features;
#[cfg(unix)]
mod full_disk;
mod fuzz;
#[cfg(unix)]
mod kill;
mod mutants;
mod peers;
#[cfg(unix)]
mod powercut;
#[cfg(unix)]
mod real;
mod sim;
mod slt;
mod sqlite_corpus;
mod steady_update;
mod threads;
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
    /// Cut power under a database on ext4, as root on Linux: stop the writer, copy the disk, mount the copy, check it
    Powercut {
        /// How many cuts
        #[arg(long, default_value_t = 100)]
        cuts: u64,
        /// Decides what is written and when power goes
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Write without waiting for the disk instead: it must be found out
        #[arg(long)]
        canary: bool,
    },
    /// Kill a writing process with signal 9, and check what is left
    Kill {
        /// How many kills
        #[arg(long, default_value_t = 100)]
        rounds: u64,
        /// Decides what is written and when the process dies
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Write without waiting for the disk instead: it must be found out
        #[arg(long)]
        canary: bool,
    },
    /// Fill the disk under a database, on a tmpfs and on ext4, as root on Linux
    FullDisk {
        /// How many points of a workload at which the disk is full
        #[arg(long, default_value_t = 200)]
        points: u64,
        /// Decides what is written and how much room is left
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The first point, to run one again
        #[arg(long, default_value_t = 0)]
        first: u64,
    },
    /// Fuzz every decoder and every input from outside
    Fuzz(fuzz::Fuzz),
    /// Run SQLite's published lists of SQL scripts and malformed database files, which are fetched
    SqliteCorpus,
    /// Run the simulator: seeds of the swarm, power cuts everywhere, damage; or look for planted bugs
    Sim(sim::Sim),
    /// Run models of the core under many schedules; a failure prints the schedule, which replays it
    Shuttle {
        /// How many schedules each model runs under
        #[arg(long, default_value_t = 100)]
        schedules: u64,
        /// How many seconds each model may take; without it, as many as it needs
        #[arg(long)]
        seconds: Option<u64>,
        /// A part of the models' names
        #[arg(long)]
        model: Option<String>,
        /// Run the one model under this schedule, which a failure printed
        #[arg(long)]
        replay: Option<String>,
        /// Build them with planted bugs instead: each must be found
        #[arg(long)]
        canary: bool,
    },
    /// Run models of the lock-free parts under every order, with every value that weak memory may show
    Loom {
        /// A part of the models' names
        #[arg(long)]
        model: Option<String>,
        /// Build them with planted bugs instead: each must be found
        #[arg(long)]
        canary: bool,
    },
    /// Interpret the tests of the modules with `unsafe` code (needs a nightly toolchain with Miri)
    Miri,
    /// Run the stress test under ThreadSanitizer (needs a nightly toolchain with rust-src)
    Tsan {
        /// How many seconds it goes on for
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Change the code of log, pager and transactions in small ways, one at a time: their tests must notice
    Mutants {
        /// Packages to change; those three where none are given
        packages: Vec<String>,
        /// Try a share of the mutants: `1/8` is the second of eight
        #[arg(long)]
        shard: Option<String>,
    },
    /// Measure Drystone beside redb, LMDB, fjall, SQLite and RocksDB, on the same work (RocksDB needs libclang to build)
    Peers(peers::Peers),
    /// Overwrite a data set over and over with a reader always open, and say how long the files are
    SteadyUpdate(steady_update::SteadyUpdate),
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
        #[cfg(unix)]
        Command::Powercut { cuts, seed, canary } => {
            real::stop::listen()?;
            let wanted = powercut::Wanted { cuts, seed };
            match canary {
                true => powercut::canary(&shell, &root, wanted),
                false => powercut::run(&shell, &root, wanted),
            }
        }
        #[cfg(unix)]
        Command::Kill {
            rounds,
            seed,
            canary,
        } => {
            real::stop::listen()?;
            let wanted = kill::Wanted { rounds, seed };
            match canary {
                true => kill::canary(&shell, &root, wanted),
                false => kill::run(&shell, &root, wanted),
            }
        }
        #[cfg(unix)]
        Command::FullDisk {
            points,
            seed,
            first,
        } => {
            real::stop::listen()?;
            full_disk::run(
                &shell,
                &root,
                full_disk::Wanted {
                    points,
                    seed,
                    first,
                },
            )
        }
        #[cfg(not(unix))]
        Command::Powercut { .. } | Command::Kill { .. } | Command::FullDisk { .. } => {
            anyhow::bail!("this needs signals and mounts as Unix has them")
        }
        Command::Mutants { packages, shard } => {
            mutants::run(&shell, &root, &packages, shard.as_deref())
        }
        Command::Features => features::run(&shell),
        Command::Fuzz(mut order) => {
            order.replay = order.replay.map(std::path::absolute).transpose()?;
            order.binaries = order.binaries.map(std::path::absolute).transpose()?;
            fuzz::run(&shell, &root, &order)
        }
        Command::SqliteCorpus => sqlite_corpus::run(&shell, &root),
        Command::Sim(sim) => sim::run(&shell, &sim),
        Command::Shuttle { canary: true, .. } => threads::shuttle_canary(&shell, &root),
        Command::Shuttle {
            schedules,
            seconds,
            model,
            replay,
            canary: false,
        } => {
            let schedules = threads::Schedules {
                count: schedules,
                seconds,
                model,
                replay,
            };
            threads::shuttle(&shell, &root, schedules)
        }
        Command::Loom { canary: true, .. } => threads::loom_canary(&shell, &root),
        Command::Loom { model, .. } => threads::loom(&shell, &root, model.as_deref()),
        Command::Miri => threads::miri(&shell, &root),
        Command::Tsan { seconds } => threads::tsan(&shell, &root, seconds),
        Command::Peers(peers) => peers::run(&shell, &root, &peers),
        Command::SteadyUpdate(wanted) => steady_update::run(&shell, &wanted),
        Command::Slt { paths } => slt::run(&shell, &root, &absolute(paths)?),
    }
}

/// As meant where the command was given: it runs at the workspace's root.
fn absolute(paths: Vec<PathBuf>) -> anyhow::Result<Vec<PathBuf>> {
    let absolute = paths.into_iter().map(std::path::absolute);
    Ok(absolute.collect::<Result<_, _>>()?)
}

/// The folder for what is built with flags of its own: below the one for everything else.
fn build_folder(root: &Path, name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| root.join("target")).join(name)
}

/// The folder that holds the workspace's `Cargo.toml`.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = xtask.parent().context("xtask lies in the workspace")?;
    Ok(root.to_owned())
}
