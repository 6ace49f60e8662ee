//! The crash and damage tests of the facade, optimised, for longer than a test run has time for.

use xshell::{Shell, cmd};

/// Runs `rounds` workloads with power cut at every operation, then flips `flips` bits.
pub(crate) fn run(shell: &Shell, rounds: u64, flips: u64, seed: Option<u64>) -> anyhow::Result<()> {
    let seed = seed.map_or_else(|| "random".to_owned(), |seed| seed.to_string());
    let _seed = shell.push_env("DRYSTONE_SEED", seed);
    let _rounds = shell.push_env("DRYSTONE_CRASH_ROUNDS", rounds.to_string());
    let _flips = shell.push_env("DRYSTONE_BIT_FLIPS", flips.to_string());
    Ok(cmd!(
        shell,
        "cargo test --profile campaign --package drystone --test it -- --nocapture power_cuts flipped_bit"
    )
    .run()?)
}
