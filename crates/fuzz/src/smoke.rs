//! Targets without libFuzzer: for some seconds each, on their seeds and random changes of them.
//!
//! Each target runs in a process of its own, which writes each input to a file before it runs it. So what kills the
//! process, an overflow of the stack included, leaves the input behind; and a watch ends what hangs or takes too much
//! memory.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use drystone_base::{OsRandom, Random};

use crate::mutation::Mutation;
use crate::{Target, watch};

/// Runs all targets, or those of these names, for `seconds` each.
///
/// # Errors
/// An unknown name. The first find, with the file of its input and the command that runs it again.
pub fn run(
    names: &[String],
    seed: Option<u64>,
    seconds: f64,
    artifacts: &Path,
) -> anyhow::Result<()> {
    let targets = targets(names)?;
    let seed = seed.unwrap_or_else(|| OsRandom.next_u64());
    println!("seed {seed}; again with --seed {seed}");
    fs::create_dir_all(artifacts).with_context(|| artifacts.display().to_string())?;
    for target in &targets {
        run_in_child(target, seed, seconds, artifacts)?;
    }
    Ok(())
}

fn targets(names: &[String]) -> anyhow::Result<Vec<Target>> {
    if names.is_empty() {
        return Ok(Target::all().collect());
    }
    let named =
        |name: &String| Target::named(name).with_context(|| format!("there is no target {name}"));
    names.iter().map(named).collect()
}

fn run_in_child(target: &Target, seed: u64, seconds: f64, artifacts: &Path) -> anyhow::Result<()> {
    let current = artifacts.join(format!("{}-current", target.name));
    let status = Command::new(std::env::current_exe()?)
        .args(["smoke-one", target.name])
        .args([seed.to_string(), seconds.to_string()])
        .arg(&current)
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        fs::remove_file(&current).with_context(|| current.display().to_string())?;
        return Ok(());
    }
    let kept = artifacts.join(format!("{}-{seed}", target.name));
    fs::rename(&current, &kept).with_context(|| current.display().to_string())?;
    bail!(
        "{} found something ({status}) with seed {seed}; the input is {}. Again:\n  cargo xtask fuzz {} --replay {}",
        target.name,
        kept.display(),
        target.name,
        kept.display()
    )
}

/// One target, in this process.
///
/// # Errors
/// An unknown name, or a file that cannot be written.
pub fn run_one(name: &str, seed: u64, seconds: f64, current: &Path) -> anyhow::Result<()> {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    let target = Target::named(name).with_context(|| format!("there is no target {name}"))?;
    watch::start(name, &STARTED);
    let mut mutation = Mutation::new(target, seed);
    let started = Instant::now();
    let end = started + Duration::from_secs_f64(seconds);
    let mut count = 0_u64;
    let mut file = File::create(current).with_context(|| current.display().to_string())?;
    while count == 0 || Instant::now() < end {
        let input = mutation.next_input();
        file.rewind()?;
        file.write_all(&input)?;
        file.set_len(input.len() as u64)?;
        (target.run)(&input);
        count = STARTED.fetch_add(1, Ordering::Relaxed) + 1;
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    println!("{name:<20} {count:>9} inputs {rate:>9.0}/s");
    Ok(())
}
