//! Drystone beside other stores: the same workloads, data, cache budget and promises for each.
//!
//! `cargo xtask peers` builds it with all rivals and runs it. `docs/benchmarks/README.md` says what each workload does
//! in each engine, and where engines cannot be made equal.
//!
//! From what is measured to what is printed: `data`, `supply` (the rows), `peer`, `engines` (one file for each),
//! `work`, `workloads`, `task` (what is done), `measure` (one process), `rounds`, `results` (all of them), `comparison`,
//! `goals`, `report`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a comparison works on real files and real time"
)]

mod cgroup;
mod comparison;
mod data;
mod device;
mod draw;
mod engines;
mod figures;
mod files;
mod goals;
mod machine;
mod measure;
mod options;
mod pace;
mod peer;
mod process;
mod report;
mod results;
mod rounds;
mod statistics;
mod supply;
mod task;
mod verify;
mod versions;
mod work;
mod workloads;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::comparison::Comparison;
use crate::options::Options;
use crate::report::{chart, json, markdown};
use crate::rounds::Plan;

/// Drystone beside other stores
#[derive(Parser)]
#[command(name = "cargo xtask peers", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Command {
    /// Measure one task of one engine in this process, and print what was found as JSON
    #[command(hide = true)]
    Measure(measure::Order),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Measure(order)) => measure::run(order),
        None => compare(&arguments.options),
    }
}

fn compare(options: &Options) -> Result<()> {
    let figures = options.figures()?;
    let plan = options.plan(&figures)?;
    let results = rounds::run(&plan);
    let removed = fs::remove_dir_all(&plan.folder);
    let results = results?;
    removed.with_context(|| format!("remove {}", plan.folder.display()))?;
    let comparisons = comparison::compare(&results, &plan.engines, &figures);
    let report = markdown::report(&plan, &results, &comparisons)?;
    println!("{report}");
    if let Some(file) = &options.markdown {
        write(file, &report)?;
    }
    if let Some(file) = &options.json {
        write(file, &json::lines(&comparisons)?)?;
    }
    write(
        &options.chart(),
        &chart::draw(&comparisons, &note(&plan, results.rounds))?,
    )?;
    fail_for(&results, &comparisons)
}

fn note(plan: &Plan, rounds: u64) -> String {
    let rows = plan.rows;
    format!(
        "{rows} rows of 24 + 150 bytes, medians of {rounds} rounds; {}",
        machine::describe()
    )
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

/// Figures that could not be measured are in the report; whoever reads the exit status shall know, too.
fn fail_for(results: &results::Results, comparisons: &[Comparison]) -> Result<()> {
    let failures = results.failures().count();
    if failures > 0 {
        bail!("{failures} processes failed");
    }
    if comparisons.is_empty() {
        bail!("nothing was measured");
    }
    Ok(())
}
