//! One task of one engine, in this process: what the process that compares starts again and again.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

use crate::cgroup;
use crate::data::DataSet;
use crate::device::Meter;
use crate::engines::Engine;
use crate::process;
use crate::task::{Ending, Task};
use crate::work::{Outcome, Work};

/// What to measure.
#[derive(Args)]
pub(crate) struct Order {
    #[arg(long)]
    task: String,
    #[arg(long)]
    engine: Engine,
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    rows: u64,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    cache_bytes: u64,
    #[arg(long)]
    millis: u64,
    #[arg(long)]
    warm_up_millis: u64,
    #[arg(long)]
    version: u64,
    /// The group of processes whose memory is limited
    #[arg(long)]
    group: Option<PathBuf>,
}

/// What a process says of itself, as one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// What the workload found.
    pub(crate) outcome: Outcome,
    /// The most memory that the process had, in bytes.
    pub(crate) rss_peak: f64,
    /// What it caused to be written, in bytes.
    pub(crate) bytes_written: f64,
}

/// Measures, and prints what was found.
pub(crate) fn run(order: Order) -> Result<()> {
    if let Some(group) = &order.group {
        cgroup::enter(group)?;
    }
    let task = Task::named(&order.task).with_context(|| format!("no task {}", order.task))?;
    let work = work(order);
    let outcome = (task.run)(&work)?;
    let measured = Measured {
        outcome,
        rss_peak: process::rss_peak()?,
        bytes_written: work.meter.bytes_written()?,
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&measured)?)?;
    out.flush()?;
    match task.ending {
        Ending::Exit => Ok(()),
        Ending::Kill => Ok(kill_process(getpid(), Signal::KILL)?),
    }
}

fn work(order: Order) -> Work {
    Work {
        meter: Meter::new(&order.folder),
        engine: order.engine,
        folder: order.folder,
        data: DataSet::new(order.rows, order.seed),
        cache_bytes: order.cache_bytes,
        time: Duration::from_millis(order.millis),
        warm_up: Duration::from_millis(order.warm_up_millis),
        seed: order.seed,
        version: order.version,
    }
}
