//! The command of the simulator: `cargo xtask sim` builds and runs it.
#![expect(
    clippy::disallowed_methods,
    reason = "a command reads plans from real files, and works on several threads"
)]

mod campaign;
mod canaries;
mod time;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use drystone_base::{OsRandom, Random};
use drystone_simulator::canary::{canary, put_in};
use drystone_simulator::{Plan, Settings, plan_of, run_plan, run_seed, workload_of};

use crate::campaign::Campaign;

/// Drystone on a simulated disk: a swarm of seeds, power cuts everywhere, damage.
#[derive(Parser)]
#[command(name = "cargo xtask sim")]
struct Arguments {
    #[command(subcommand)]
    mode: Option<Mode>,
    /// Give this process a planted bug first, to see what comes of it: in a build with `--cfg planted`
    #[arg(long, value_name = "NAME")]
    planted: Option<String>,
    #[command(flatten)]
    swarm: Swarm,
}

/// The swarm, which is what runs when no mode is named.
#[derive(Args)]
struct Swarm {
    /// How many seeds
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them; a random one where it is not given
    #[arg(long)]
    start: Option<u64>,
    /// Replay one seed, and say everything about it
    #[arg(long)]
    seed: Option<u64>,
    /// Run for so long instead of a number of seeds
    #[arg(long)]
    minutes: Option<f64>,
    /// Run a plan from a file, as a failure prints it
    #[arg(long)]
    plan: Option<PathBuf>,
    /// Threads, each with seeds of its own
    #[arg(long, default_value_t = 1)]
    jobs: u64,
}

#[derive(Subcommand)]
enum Mode {
    /// Cut power at every operation of small plans, and again in recoveries
    CrashPoints(Campaign),
    /// Flip bits, lose writes and misdirect writes, one at a time
    Damage(campaign::DamageArguments),
    /// Cut power at every operation of tiny plans, and try every subset of what is pending
    Exhaustive(campaign::ExhaustiveArguments),
    /// Look for planted bugs, one at a time: in a build with `--cfg planted`
    Canary(canaries::CanaryArguments),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(name) = &arguments.planted {
        put_in(canary(name).with_context(|| format!("there is no canary {name}"))?)?;
    }
    let passed = match arguments.mode {
        Some(Mode::CrashPoints(campaign)) => campaign::crash_points(&campaign),
        Some(Mode::Damage(arguments)) => campaign::damage(&arguments),
        Some(Mode::Exhaustive(arguments)) => campaign::exhaustive(&arguments),
        Some(Mode::Canary(arguments)) => canaries::run(&arguments)?,
        None => swarm(&arguments.swarm)?,
    };
    Ok(match passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn swarm(swarm: &Swarm) -> anyhow::Result<bool> {
    if let Some(seed) = swarm.seed {
        return Ok(replay(seed));
    }
    if let Some(path) = &swarm.plan {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("reading {}", path.display()))?;
        let plan: Plan = text.parse().context("this is not the text of a plan")?;
        return Ok(say(run_plan(&plan)));
    }
    let start = swarm.start.unwrap_or_else(|| OsRandom.next_u64() >> 24);
    let campaign = Campaign {
        start: Some(start),
        seeds: swarm.seeds,
        minutes: swarm.minutes,
        jobs: swarm.jobs,
    };
    Ok(campaign::swarm(&campaign))
}

/// One seed, twice, with all that was drawn for it.
fn replay(seed: u64) -> bool {
    println!("{:?}", workload_of(seed));
    print!("{}", plan_of(seed));
    let settings = Settings {
        twice_every: 1,
        ..Settings::default()
    };
    say(run_seed(seed, &settings))
}

fn say(outcome: Result<drystone_simulator::Report, Box<drystone_simulator::Failure>>) -> bool {
    match outcome {
        Ok(report) => {
            println!("{}trace hash {:#018x}", report.coverage, report.trace_hash);
            true
        }
        Err(failure) => {
            println!(
                "{failure}\n\nthe plan, to be saved and run by --plan FILE:\n{}",
                failure.plan
            );
            false
        }
    }
}
