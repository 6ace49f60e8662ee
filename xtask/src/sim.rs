//! The simulator: the whole database on a simulated disk, from seeds; and the planted bugs that it must find.

use clap::Args;
use xshell::{Shell, cmd};

/// What is run.
#[derive(Args)]
pub(crate) struct Sim {
    /// Look for planted bugs instead, each in a process of its own: for all of them, or for the one that is named
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    canary: Option<String>,
    /// What the simulator takes: `--seeds N`, `--start S`, `--seed S`, `--minutes M`, `--jobs N`, `crash-points`,
    /// `exhaustive`, `damage`, `--help`
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    arguments: Vec<String>,
}

/// Builds the simulator and runs it.
pub(crate) fn run(shell: &Shell, sim: &Sim) -> anyhow::Result<()> {
    let Sim { canary, arguments } = sim;
    match canary {
        None => simulate(shell, arguments),
        Some(name) => hunt(shell, name, arguments),
    }
}

/// The same seeds every time, of the swarm and of power cuts everywhere, then power cuts in fresh ones. What fails prints
/// the command that shows it again. (Fresh seeds of the swarm come with `--minutes 1.5`, once 100,000 of them were clean:
/// see ADR 4.)
pub(crate) fn run_part(shell: &Shell) -> anyhow::Result<()> {
    let parts = [
        "--start 20000 --seeds 4900",
        "crash-points --start 1 --seeds 8",
        "exhaustive --start 1 --seeds 10",
        "damage --start 1 --seeds 10",
        "crash-points --minutes 0.5",
    ];
    for part in parts {
        let arguments = part.split(' ').chain(JOBS);
        let arguments: Vec<String> = arguments.map(str::to_owned).collect();
        simulate(shell, &arguments)?;
    }
    Ok(())
}

/// As many threads as the smallest machine has that runs this.
const JOBS: [&str; 2] = ["--jobs", "2"];

fn simulate(shell: &Shell, arguments: &[String]) -> anyhow::Result<()> {
    let simulator = [
        "--package",
        "drystone-simulator",
        "--bin",
        "drystone-simulator",
    ];
    let run = cmd!(
        shell,
        "cargo run --quiet --profile campaign {simulator...} -- {arguments...}"
    );
    Ok(run.run()?)
}

/// Builds with planted bugs, in a folder of its own: the flag changes every crate.
fn hunt(shell: &Shell, name: &str, arguments: &[String]) -> anyhow::Result<()> {
    let _flags = shell.push_env("RUSTFLAGS", "--cfg planted");
    let build = ["--profile", "campaign", "--target-dir", "target/planted"];
    let simulator = [
        "--package",
        "drystone-simulator",
        "--bin",
        "drystone-simulator",
    ];
    let name = Some(name).filter(|name| !name.is_empty());
    let run = cmd!(
        shell,
        "cargo run --quiet {build...} {simulator...} -- canary {name...} {arguments...}"
    );
    Ok(run.run()?)
}
