//! The swarm: a plan from a seed, a run of it, and a small plan where it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use drystone_testkit::{Draw, mix};

use crate::failure::{Failure, FailureKind};
use crate::log_run::{self, LogRun};
use crate::options::{SimOptions, Subject};
use crate::plan::{Plan, Step};
use crate::report::Report;
use crate::run::Run;
use crate::scheduler;
use crate::shrink::Shrinking;
use crate::tasks;
use crate::tree_run::{self, TreeRun};
use crate::workload::{Weather, Workload};

/// How often a failing plan is run again at most, to make it small.
const TRIES_MAX: u64 = 3_000;

/// Of a hundred seeds so many are of a log that is used alone; and those up to there, of that or of a tree.
const LOG_PERCENT: u64 = 10;
const ALONE_PERCENT: u64 = 20;

/// How seeds are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether a failing plan is made small.
    pub shrinks: bool,
    /// Of so many seeds one is run twice, and must do the same both times. 0 for none.
    pub twice_every: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            shrinks: true,
            twice_every: 16,
        }
    }
}

/// The plan of a seed.
#[must_use]
pub fn plan_of(seed: u64) -> Plan {
    match Draw::of(seed, &[12]).below(100) {
        0..LOG_PERCENT => plan_alone(seed, Subject::Log),
        LOG_PERCENT..ALONE_PERCENT => plan_alone(seed, Subject::Tree),
        _ => draw_plan(seed, &workload_of(seed), &mut Draw::of(seed, &[1])),
    }
}

/// A plan of a log or a tree that is used alone.
fn plan_alone(seed: u64, subject: Subject) -> Plan {
    let mut draw = Draw::of(seed, &[13]);
    let drawn = SimOptions::draw(&mut draw, &mut Draw::of(seed, &[14]));
    let options = SimOptions {
        archives: draw.chance(50),
        subject,
        ..drawn
    };
    let steps = match subject {
        Subject::Log => log_run::draw_steps(&mut draw),
        _ => tree_run::draw_steps(&mut draw),
    };
    Plan {
        seed,
        options,
        steps,
    }
}

fn draw_plan(seed: u64, workload: &Workload, draw: &mut Draw) -> Plan {
    let options = SimOptions::draw(draw, &mut Draw::of(seed, &[8]));
    let setting = tasks::setting(workload, draw).into_iter();
    let mut steps: Vec<Step> = setting.map(|operation| Step(0, operation)).collect();
    let scripts = tasks::scripts(workload, draw);
    steps.extend(scheduler::merge(scripts, draw));
    tasks::add_later_ones(workload, &options, &mut steps, &mut Draw::of(seed, &[11]));
    let finale = tasks::finale(workload, &mut Draw::of(seed, &[9]));
    steps.extend(finale.into_iter().map(|operation| Step(0, operation)));
    Plan {
        seed,
        options,
        steps,
    }
}

/// A short plan of a seed, in which nothing goes wrong: to be crashed and damaged everywhere.
pub(crate) fn calm_plan_of(seed: u64) -> Plan {
    let mut draw = Draw::of(seed, &[6]);
    let drawn = workload_of(seed);
    let workload = Workload {
        steps: 50,
        weather: Weather::Calm,
        large_bytes_max: drawn.large_bytes_max.min(9_000),
        value_bytes_max: drawn.value_bytes_max.min(400),
        ..drawn
    };
    draw_plan(seed, &workload, &mut draw)
}

/// A plan of a seed that is so short that all subsets of what is pending can be tried.
pub(crate) fn tiny_plan_of(seed: u64) -> Plan {
    let mut draw = Draw::of(seed, &[7]);
    let workload = Workload {
        steps: 12,
        weather: Weather::Calm,
        large_bytes_max: 0,
        value_bytes_max: 100,
        ..workload_of(seed)
    };
    draw_plan(seed, &workload, &mut draw)
}

/// What the plan of a seed was drawn with.
#[must_use]
pub fn workload_of(seed: u64) -> Workload {
    Workload::draw(&mut Draw::of(seed, &[2]))
}

/// Runs one seed.
///
/// # Errors
/// The first promise that the database broke, with the plan that shows it: small, where the settings say so.
pub fn run_seed(seed: u64, settings: &Settings) -> Result<Report, Box<Failure>> {
    let plan = plan_of(seed);
    let report = run_plan(&plan).map_err(|failure| small(failure, settings))?;
    if settings.twice_every > 0 && mix(seed, &[4]).is_multiple_of(settings.twice_every) {
        let again = run_plan(&plan)?;
        if again != report {
            let what = format!(
                "trace hash {:#x}, then {:#x}",
                report.trace_hash, again.trace_hash
            );
            let kind = FailureKind::NotDeterministic;
            return Err(Box::new(Failure::new(kind, what, plan.steps.len(), &plan)));
        }
    }
    Ok(report)
}

fn small(failure: Box<Failure>, settings: &Settings) -> Box<Failure> {
    if !settings.shrinks {
        return failure;
    }
    let shrinking = Shrinking {
        run: &|plan| run_plan(plan).err(),
        tries_max: TRIES_MAX,
    };
    Box::new(shrinking.shrink(*failure))
}

/// Runs one plan, as it is.
///
/// # Errors
/// The first promise that the database broke.
pub fn run_plan(plan: &Plan) -> Result<Report, Box<Failure>> {
    caught(plan, || match plan.options.subject {
        Subject::Database => Run::new(plan).run().map_err(Box::new),
        Subject::Log => LogRun::new(plan).run().map_err(Box::new),
        Subject::Tree => TreeRun::new(plan).run().map_err(Box::new),
    })
}

/// Does something of a plan. A panic is a broken promise as well.
pub(crate) fn caught<T>(
    plan: &Plan,
    work: impl FnOnce() -> Result<T, Box<Failure>>,
) -> Result<T, Box<Failure>> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    outcome.unwrap_or_else(|panic| {
        let what = panic_text(&*panic);
        let step = plan.steps.len();
        Err(Box::new(Failure::new(FailureKind::Panic, what, step, plan)))
    })
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked without a word".to_owned())
}
