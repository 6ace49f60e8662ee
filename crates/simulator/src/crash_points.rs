//! Crash points: power cut at every operation of a plan, under every policy, and again in the recoveries.
//!
//! The plan runs once, on a recording disk. Each point then costs an opening and a look at everything, not a run.

use drystone::Database;
use drystone_testkit::{CrashPolicy, Draw, Replay, SimFileSystem, Trace, mix};

use crate::failure::Failure;
use crate::plan::Plan;
use crate::report::Coverage;
use crate::run::{FOLDER, Recorded, Run, Stop, observe};
use crate::shrink::Shrinking;
use crate::swarm::{calm_plan_of, caught};

/// How many points are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashCampaign {
    /// How many recoveries deep power is cut again.
    pub depth: usize,
    /// How many power cuts in each first recovery; in deeper ones there is one.
    pub nested: u64,
}

impl Default for CrashCampaign {
    fn default() -> CrashCampaign {
        CrashCampaign {
            depth: 3,
            nested: 2,
        }
    }
}

/// How often all points of a failing plan are tried at most, to make it small.
const TRIES_MAX: u64 = 400;

/// Cuts power at every operation of the calm plan of a seed.
///
/// # Errors
/// The first point where the database broke a promise, in the smallest plan found that has such a point.
pub fn crash_points_of(seed: u64, campaign: &CrashCampaign) -> Result<Coverage, Box<Failure>> {
    let plan = calm_plan_of(seed);
    let outcome = crash_everywhere(&plan, campaign);
    outcome.map_err(|failure| small(*failure, campaign).of_campaign("crash-points"))
}

/// Cuts power at every operation of a plan.
fn crash_everywhere(plan: &Plan, campaign: &CrashCampaign) -> Result<Coverage, Box<Failure>> {
    caught(plan, || {
        let recorded = Run::new(plan).record().map_err(Box::new)?;
        let mut points = Points {
            plan,
            recorded: &recorded,
            campaign,
            coverage: Coverage::default(),
        };
        points.every_operation()?;
        Ok(points.coverage)
    })
}

/// The failure of the smallest plan found. Recoveries are left alone where that shows it, too: it is much faster.
fn small(failure: Failure, campaign: &CrashCampaign) -> Box<Failure> {
    let once = CrashCampaign {
        depth: 0,
        nested: 0,
    };
    let is_seen = |campaign: &CrashCampaign| {
        let found = crash_everywhere(&failure.plan, campaign).err();
        found.is_some_and(|found| found.kind == failure.kind)
    };
    let campaign = if is_seen(&once) { &once } else { campaign };
    let shrinking = Shrinking {
        run: &|plan| crash_everywhere(plan, campaign).err(),
        tries_max: TRIES_MAX,
    };
    Box::new(shrinking.shrink(failure))
}

struct Points<'p> {
    plan: &'p Plan,
    recorded: &'p Recorded,
    campaign: &'p CrashCampaign,
    coverage: Coverage,
}

/// A power cut, and those before it.
#[derive(Clone, Debug)]
struct Cuts {
    /// Operation and policy of each.
    cuts: Vec<(usize, CrashPolicy)>,
    seed: u64,
}

impl Points<'_> {
    fn every_operation(&mut self) -> Result<(), Box<Failure>> {
        let trace = &self.recorded.trace;
        let mut replay = trace.replay();
        for at in 0..=trace.len() {
            replay.advance_to(at);
            for (policy, number) in CrashPolicy::ALL.into_iter().zip(0..) {
                let cuts = Cuts {
                    cuts: vec![(at, policy)],
                    seed: mix(self.plan.seed, &[at as u64, number]),
                };
                self.point(&replay, &cuts)?;
                if replay.is_settled() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// One power cut, and those in its recovery.
    fn point(&mut self, replay: &Replay<'_>, cuts: &Cuts) -> Result<(), Box<Failure>> {
        let recovery = self.check(replay, cuts)?;
        let depth = cuts.cuts.len();
        if depth > self.campaign.depth || recovery.is_empty() {
            return Ok(());
        }
        let count = if depth == 1 { self.campaign.nested } else { 1 };
        let mut draw = Draw::new(cuts.seed);
        for number in 0..count {
            let cut = (
                draw.index(recovery.len() + 1),
                *draw.pick(&CrashPolicy::ALL),
            );
            let mut replay = recovery.replay();
            replay.advance_to(cut.0);
            let next = Cuts {
                cuts: [&cuts.cuts[..], &[cut]].concat(),
                seed: mix(cuts.seed, &[number]),
            };
            self.point(&replay, &next)?;
        }
        Ok(())
    }

    /// Opens what a power cut leaves; what that did to the disk.
    fn check(&mut self, replay: &Replay<'_>, cuts: &Cuts) -> Result<Trace, Box<Failure>> {
        let (at, policy) = cuts.cuts[cuts.cuts.len() - 1];
        let disk = replay.crash(policy, cuts.seed);
        disk.start_recording();
        self.coverage.count("crash points");
        if cuts.cuts.len() > 1 {
            self.coverage.count(&format!(
                "crash points in recovery, depth {}",
                cuts.cuts.len() - 1
            ));
        }
        let first = cuts.cuts.first().map_or(at, |(at, _)| *at);
        match reopen(&disk, self.plan, self.recorded, first) {
            Ok(()) => Ok(disk
                .take_trace()
                .unwrap_or_else(|| self.recorded.trace.clone())),
            Err(stop) => Err(self.failure(stop, replay, cuts)),
        }
    }

    fn failure(&self, stop: Stop, replay: &Replay<'_>, cuts: &Cuts) -> Box<Failure> {
        let (kind, what) = stop.into_parts();
        let what = format!(
            "{what}\nafter power cuts at {:?}, of which the last was here:\n{}{}",
            cuts.cuts,
            replay.describe(16),
            replay.describe_pending()
        );
        let step = self.recorded.step_at(cuts.cuts[0].0);
        Box::new(Failure::new(kind, what, step, self.plan)).of_campaign("crash-points")
    }
}

/// Opens a disk and holds what it shows against what may be there after a power cut at an operation.
pub(crate) fn reopen(
    disk: &SimFileSystem,
    plan: &Plan,
    recorded: &Recorded,
    at: usize,
) -> Result<(), Stop> {
    let opened = Database::open_in(&disk.env(), FOLDER, plan.options.database());
    let db = opened.map_err(|error| Stop::unexpected("open", &error))?;
    let found = observe(&db)?;
    recorded.identify(at, &found)?;
    let report = db.verify();
    let report = report.map_err(|error| Stop::unexpected("verify", &error))?;
    match report.findings.first() {
        None => Ok(()),
        Some(finding) => Err(Stop::unexpected("verify found", finding)),
    }
}
