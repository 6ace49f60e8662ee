//! Steady update: how long the files are while a data set is overwritten over and over, by the facade's example.

use clap::Args;
use xshell::{Shell, cmd};

/// What is overwritten, and how.
#[derive(Args)]
pub(crate) struct SteadyUpdate {
    /// What the example takes: `--bytes 1GiB`, `--rounds 100`, `--memtable 64MiB`, `--reader-seconds 60`,
    /// `--order random|sorted`, `--folder PATH`
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    arguments: Vec<String>,
}

/// Builds it and runs it.
pub(crate) fn run(shell: &Shell, wanted: &SteadyUpdate) -> anyhow::Result<()> {
    let arguments = &wanted.arguments;
    Ok(cmd!(
        shell,
        "cargo run --quiet --release --package drystone --example steady_update -- {arguments...}"
    )
    .run()?)
}
