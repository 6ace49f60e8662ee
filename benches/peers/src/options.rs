//! The command line, and the plan that comes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::engines::Engine;
use crate::figures::{self, Figure};
use crate::rounds::Plan;
use crate::task;

/// What to compare, and how thoroughly.
#[derive(Args)]
pub(crate) struct Options {
    /// Shorter measurements, and no large loads; fewer rounds where all would take more than 14 minutes
    #[arg(long)]
    quick: bool,
    /// Engines, separated by commas; where none are given, all that this is built with but drystone-lz4
    #[arg(long, value_enum, value_delimiter = ',')]
    engines: Vec<Engine>,
    /// Workloads, separated by commas, by the names of the report; all where none are given
    #[arg(long, value_delimiter = ',')]
    workloads: Vec<String>,
    /// How often each is measured; the report has medians
    #[arg(long, default_value_t = 5)]
    runs: u64,
    /// Rows of the data
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Rows of the large loads
    #[arg(long, default_value_t = 10_000_000)]
    large_rows: u64,
    /// Decides all data and all orders
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The cache budget of each engine, in MiB
    #[arg(long, default_value_t = 1024)]
    cache_mib: u64,
    /// How long to measure what has no end of its own
    #[arg(long)]
    seconds: Option<f64>,
    /// Where databases are made and removed again; a folder below the build folder where it is not given
    #[arg(long)]
    folder: Option<PathBuf>,
    /// A memory control group, within which a group with a limit is made for reads of data larger than memory
    #[arg(long)]
    cgroup: Option<PathBuf>,
    /// Write the medians to this file, one JSON object a line
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Write the report to this file, too
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// Draw the chart into this file
    #[arg(long)]
    chart: Option<PathBuf>,
}

const TIME: Duration = Duration::from_secs(3);
const WARM_UP: Duration = Duration::from_secs(1);
const QUICK_TIME: Duration = Duration::from_millis(400);
const QUICK_WARM_UP: Duration = Duration::from_millis(100);
/// No round begins that would end later.
const QUICK_MINUTES_MAX: u64 = 14;

impl Options {
    /// The figures that are wanted, in the order of reports.
    pub(crate) fn figures(&self) -> Result<Vec<Figure>> {
        let known = figures::KEY_VALUE;
        for name in &self.workloads {
            if !known.iter().any(|figure| figure.name == name) {
                let names: Vec<&str> = known.iter().map(|figure| figure.name).collect();
                bail!("no workload {name}; there are: {}", names.join(", "));
            }
        }
        let wanted = known.into_iter().filter(|figure| self.wants(figure.name));
        Ok(wanted.collect())
    }

    fn wants(&self, name: &str) -> bool {
        match self.workloads.is_empty() {
            true => !(self.quick && name.ends_with("_large")),
            // Whoever asks for a workload also wants to know how long its steps take.
            false => self.workloads.iter().any(|wanted| {
                let step = name.strip_prefix(wanted.as_str());
                matches!(step, Some("" | "_p50" | "_p99"))
            }),
        }
    }

    /// What is run for these figures. Makes the folder.
    pub(crate) fn plan(&self, figures: &[Figure]) -> Result<Plan> {
        ensure!(self.runs > 0 && self.rows > 0, "nothing is to be done");
        let names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
        let (time, warm_up) = match self.quick {
            true => (QUICK_TIME, QUICK_WARM_UP),
            false => (TIME, WARM_UP),
        };
        let seconds = self.seconds.map(Duration::try_from_secs_f64).transpose()?;
        Ok(Plan {
            engines: self.engines()?,
            tasks: Plan::select(&task::KEY_VALUE, &names),
            rounds: self.runs,
            rows: self.rows,
            large_rows: self.large_rows,
            seed: self.seed,
            cache_bytes: self.cache_mib << 20,
            time: seconds.unwrap_or(time),
            warm_up,
            time_max: self
                .quick
                .then(|| Duration::from_secs(60 * QUICK_MINUTES_MAX)),
            folder: self.make_folder()?,
            group: self.cgroup.clone(),
        })
    }

    /// Where the chart goes.
    pub(crate) fn chart(&self) -> PathBuf {
        let name = match self.quick {
            true => "peers-quick.svg",
            false => "peers.svg",
        };
        let default = || workspace().join("docs/benchmarks").join(name);
        self.chart.clone().unwrap_or_else(default)
    }

    fn engines(&self) -> Result<Vec<Engine>> {
        let all = <Engine as clap::ValueEnum>::value_variants();
        if self.engines.is_empty() {
            return Ok(all.iter().copied().filter(|one| one.is_default()).collect());
        }
        for engine in &self.engines {
            let name = engine.name();
            ensure!(
                engine.is_built(),
                "built without {name}; it needs the feature peer-{name}"
            );
        }
        Ok(self.engines.clone())
    }

    fn make_folder(&self) -> Result<PathBuf> {
        let default = || workspace().join("target/peers");
        let parent = self.folder.clone().unwrap_or_else(default);
        let folder = parent.join(format!("data-{}", process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(folder)
    }
}

/// The root of the workspace beside which this package lies.
fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}
