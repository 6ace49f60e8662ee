//! Runs one model under many schedules, or again under the one that failed.

use std::time::{Duration, Instant};

use drystone_base::checksum::crc64;
use drystone_testkit::{SEED_VARIABLE, seed_of};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

/// How many schedules each model runs under.
const SCHEDULES_VARIABLE: &str = "DRYSTONE_SCHEDULES";
/// How many seconds each model may take at most; without it, as many as it needs.
const SECONDS_VARIABLE: &str = "DRYSTONE_SCHEDULE_SECONDS";
/// A schedule to run again, as the failure printed it.
const REPLAY_VARIABLE: &str = "DRYSTONE_SCHEDULE";
/// A planted bug to have, in a build with `--cfg planted`.
#[cfg(planted)]
const PLANTED_VARIABLE: &str = "DRYSTONE_PLANTED";

/// How many schedules where nothing is said.
const SCHEDULES: usize = 100;
/// How often the second scheduler takes the turn from the thread that it prefers. Most bugs of threads need few.
const CHANGES_MAX: usize = 3;

/// Runs `model` under half as many random schedules as were asked for, and under as many in which threads have
/// priorities that change seldom ("A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
///
/// A failure prints the schedule, which replays it.
pub(crate) fn check(name: &str, model: fn()) {
    #[cfg(planted)]
    plant();
    if let Some(schedule) = variable(REPLAY_VARIABLE) {
        run(ReplayScheduler::new_from_encoded(&schedule), None, model);
        return;
    }
    let schedules = number(SCHEDULES_VARIABLE).unwrap_or(SCHEDULES);
    let each = schedules.div_ceil(2).max(1);
    let seconds = number(SECONDS_VARIABLE).map(|seconds| Duration::from_secs(seconds as u64) / 2);
    let seed = seed_for(name);
    let started = Instant::now();
    let random = RandomScheduler::new_from_seed(seed, each);
    let random = run(random, seconds, model);
    let pct = PctScheduler::new_from_seed(seed, CHANGES_MAX, each);
    let pct = run(pct, seconds, model);
    let took = started.elapsed().as_secs_f64();
    let rate = (random + pct) as f64 / took;
    println!("{name}: {random} + {pct} schedules in {took:.1} s, {rate:.0}/s, seed {seed:#x}");
}

/// Runs `model` under random schedules until one fails; returns what it printed to replay it.
pub(crate) fn find_failure(schedules: usize, model: fn()) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.failure_persistence = FailurePersistence::File(Some(folder.path().to_owned()));
    let runner = Runner::new(RandomScheduler::new_from_seed(1, schedules), config);
    let run = std::panic::AssertUnwindSafe(|| runner.run(model));
    std::panic::catch_unwind(run).err()?;
    let mut files = std::fs::read_dir(folder.path()).unwrap();
    let file = files.next().unwrap().unwrap();
    Some(std::fs::read_to_string(file.path()).unwrap())
}

/// Runs `model` under one schedule; whether it failed.
pub(crate) fn fails_under(schedule: &str, model: fn()) -> bool {
    let runner = Runner::new(ReplayScheduler::new_from_encoded(schedule), config());
    let run = std::panic::AssertUnwindSafe(|| runner.run(model));
    std::panic::catch_unwind(run).is_err()
}

/// Chooses the bug that was asked for, once for all models.
#[cfg(planted)]
fn plant() {
    static CHOSEN: std::sync::Once = std::sync::Once::new();
    CHOSEN.call_once(|| {
        if let Some(bug) = variable(PLANTED_VARIABLE) {
            drystone_base::planted::plant(&bug);
        }
    });
}

fn run(scheduler: impl Scheduler + 'static, time_max: Option<Duration>, model: fn()) -> usize {
    let mut config = config();
    config.max_time = time_max;
    Runner::new(scheduler, config).run(model)
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 256 << 10;
    config.failure_persistence = FailurePersistence::Print;
    config.silence_warnings = true;
    config
}

/// As for other tests, only that the one for a name is not drawn: that takes a latch, which works within a model alone.
fn seed_for(name: &str) -> u64 {
    match variable(SEED_VARIABLE) {
        Some(_) => seed_of(name),
        None => crc64(name.as_bytes()),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str) -> Option<usize> {
    variable(name).map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}
