//! Campaigns: many seeds, on one thread or several, and what came of them.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use drystone_base::{OsRandom, Random};
use drystone_simulator::{
    Coverage, CrashCampaign, DamageCampaign, Failure, Settings, crash_points_of, damage_of,
    exhaustive_of, run_seed,
};

use crate::time::{processor_time, seconds};

/// How many failures a campaign collects before it ends.
const FAILURES_MAX: usize = 10;
/// How often a long campaign says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Which seeds to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Campaign {
    /// The first seed; a random one where it is not given
    #[arg(long)]
    pub(crate) start: Option<u64>,
    /// How many seeds
    #[arg(long, default_value_t = 100)]
    pub(crate) seeds: u64,
    /// Run for so long instead of a number of seeds
    #[arg(long)]
    pub(crate) minutes: Option<f64>,
    /// Threads, each with seeds of its own
    #[arg(long, default_value_t = 1)]
    pub(crate) jobs: u64,
}

/// How much damage to do.
#[derive(Args, Clone, Debug)]
pub(crate) struct DamageArguments {
    #[command(flatten)]
    campaign: Campaign,
    /// Bits to flip in each seed's database, one at a time
    #[arg(long, default_value_t = 1_000)]
    flips: u64,
    /// Writes of each seed's run to lose, one at a time
    #[arg(long, default_value_t = 100)]
    lost: u64,
    /// Writes of each seed's run to misdirect, one at a time
    #[arg(long, default_value_t = 100)]
    misdirected: u64,
    /// How often to run each seed with a write lost while it is in use, and with one misdirected
    #[arg(long, default_value_t = 1)]
    in_use: u64,
}

/// How much to try of small plans.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExhaustiveArguments {
    #[command(flatten)]
    campaign: Campaign,
    /// Into how many parts to cut what is pending, at most: 14 have 16384 subsets
    #[arg(long, default_value_t = 14)]
    parts: u8,
}

/// The swarm.
pub(crate) fn swarm(campaign: &Campaign) -> bool {
    let settings = Settings::default();
    campaign.run("seeds", |seed| {
        let report = run_seed(seed, &settings)?;
        Ok(report.coverage)
    })
}

/// Power cuts at every operation.
pub(crate) fn crash_points(campaign: &Campaign) -> bool {
    campaign.run("workloads", |seed| {
        crash_points_of(seed, &CrashCampaign::default())
    })
}

/// Damage.
pub(crate) fn damage(arguments: &DamageArguments) -> bool {
    let damage = DamageCampaign {
        flips: arguments.flips,
        lost: arguments.lost,
        misdirected: arguments.misdirected,
        in_use: arguments.in_use,
    };
    arguments
        .campaign
        .run("databases", |seed| damage_of(seed, &damage))
}

/// All subsets of what is pending at every operation.
pub(crate) fn exhaustive(arguments: &ExhaustiveArguments) -> bool {
    let different = Mutex::new(BTreeSet::new());
    let passed = arguments.campaign.run("traces", |seed| {
        let exhausted = exhaustive_of(seed, arguments.parts)?;
        if let Ok(mut different) = different.lock() {
            different.insert(exhausted.trace_hash);
        }
        Ok(exhausted.coverage)
    });
    let different = different.into_inner();
    let different = different.unwrap_or_else(|poison| poison.into_inner());
    println!("{} different traces", different.len());
    passed
}

/// What the threads of a campaign share.
struct Progress {
    next: AtomicU64,
    done: AtomicU64,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    coverage: Coverage,
    failures: Vec<Failure>,
    said: Duration,
}

impl Found {
    /// How many steps the plans of the failures have, in the median.
    fn median_steps(&self) -> Option<usize> {
        let failures = self.failures.iter();
        let mut steps: Vec<usize> = failures.map(|failure| failure.plan.steps.len()).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied()
    }
}

impl Campaign {
    /// Runs `work` over the seeds; whether all went well.
    fn run(&self, unit: &str, work: impl Fn(u64) -> Result<Coverage, Box<Failure>> + Sync) -> bool {
        let start = self.start.unwrap_or_else(|| OsRandom.next_u64() >> 24);
        println!("{unit} from --start {start} on");
        let started = Instant::now();
        let progress = Progress {
            next: AtomicU64::new(0),
            done: AtomicU64::new(0),
            found: Mutex::default(),
        };
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| self.worker(start, started, unit, &progress, &work));
            }
        });
        let done = progress.done.into_inner();
        let found = progress
            .found
            .into_inner()
            .unwrap_or_else(|poison| poison.into_inner());
        print!("{}", found.coverage);
        say_rates(unit, done, &found.coverage, started.elapsed());
        match found.median_steps() {
            None => println!("0 failures"),
            Some(steps) => {
                let failures = found.failures.len();
                println!("{failures} failures, with plans of {steps} steps in the median");
            }
        }
        found.failures.is_empty()
    }

    fn worker(
        &self,
        start: u64,
        started: Instant,
        unit: &str,
        progress: &Progress,
        work: &(impl Fn(u64) -> Result<Coverage, Box<Failure>> + Sync),
    ) {
        loop {
            let number = progress.next.fetch_add(1, Ordering::Relaxed);
            if self.is_over(number, started.elapsed()) {
                return;
            }
            let outcome = work(start.wrapping_add(number));
            let done = progress.done.fetch_add(1, Ordering::Relaxed) + 1;
            let Ok(mut found) = progress.found.lock() else {
                return;
            };
            if started.elapsed() > found.said + SAY_EVERY {
                found.said = started.elapsed();
                println!("{}", rate(unit, done, started.elapsed()));
            }
            match outcome {
                Ok(coverage) => found.coverage.absorb(&coverage),
                Err(failure) => {
                    println!(
                        "\n{failure}\n\nthe plan, to be saved and run by --plan FILE:\n{}",
                        failure.plan
                    );
                    found.failures.push(*failure);
                }
            }
            if found.failures.len() >= FAILURES_MAX {
                return;
            }
        }
    }

    fn is_over(&self, number: u64, elapsed: Duration) -> bool {
        match self.minutes {
            Some(minutes) => elapsed.as_secs_f64() >= minutes * 60.0,
            None => number >= self.seeds,
        }
    }
}

/// What the rates of these counts are, too: by the clock, and by the processor's time.
const COUNTED: [&str; 5] = [
    "crash points",
    "subsets",
    "bit flips",
    "lost writes",
    "misdirected writes",
];

fn say_rates(unit: &str, done: u64, coverage: &Coverage, elapsed: Duration) {
    println!("{}", rate(unit, done, elapsed));
    for counter in COUNTED {
        let count = coverage.of(counter);
        if count > 0 {
            println!("{}", rate(counter, count, elapsed));
        }
    }
    if let Some(time) = processor_time() {
        println!("{} of the processor's time", seconds(time));
    }
}

fn rate(unit: &str, count: u64, elapsed: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let a_minute = count as f64 / elapsed.as_secs_f64().max(1e-9) * 60.0;
    format!(
        "{count} {unit} in {}: {a_minute:.0} a minute",
        seconds(elapsed)
    )
}
