//! A run: the workload once, then the check at point after point.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use drystone_base::{Clock, Env, OsClock};

use super::point::{CrashPoint, PowerCut};
use super::report::{CrashFailure, CrashReport};
use super::witness::{Notes, Promises, Witness};
use super::{Checked, CrashPoints};
use crate::draw::{Draw, mix};
use crate::sim::{CrashPolicy, Replay, SimFileSystem, Subsets, Trace};

/// How many operations before a power cut a failure shows.
const HISTORY_OPERATIONS: usize = 16;

/// What a run checks each disk with.
type Check<'a> = &'a dyn Fn(&Env, &Promises<'_>) -> Checked;

/// What subsets were tried last, and with how many promises.
struct Tried {
    promised: (usize, usize),
    subsets: Subsets,
}

/// A recorded workload, being crashed.
pub(super) struct Run<'a> {
    settings: &'a CrashPoints,
    seed: u64,
    trace: Trace,
    notes: Notes,
    check: Check<'a>,
    tried: Option<Tried>,
    clock: OsClock,
    report: CrashReport,
}

impl<'a> Run<'a> {
    pub(super) fn record(
        settings: &'a CrashPoints,
        seed: u64,
        workload: &dyn Fn(&Env, &Witness),
        check: Check<'a>,
    ) -> Run<'a> {
        let disk = settings.disk(seed);
        disk.start_recording();
        let witness = Witness::new(disk.clone());
        workload(&disk.env(), &witness);
        let trace = disk.take_trace().expect("nobody else ends the recording");
        let report = CrashReport {
            operations: trace.len(),
            ..CrashReport::default()
        };
        Run {
            settings,
            seed,
            trace,
            notes: witness.into_notes(),
            check,
            tried: None,
            clock: OsClock::new(),
            report,
        }
    }

    pub(super) fn into_report(mut self) -> CrashReport {
        self.report.elapsed = self.clock.monotonic();
        self.report
    }

    pub(super) fn every_point(&mut self) -> Result<(), Box<CrashFailure>> {
        let trace = self.trace.clone();
        let mut replay = trace.replay();
        for at in 0..=trace.len() {
            replay.advance_to(at);
            if at % self.settings.stride == 0 || at == trace.len() {
                self.every_policy(&replay)?;
                self.every_subset(&replay)?;
            }
        }
        Ok(())
    }

    fn every_subset(&mut self, replay: &Replay<'_>) -> Result<(), Box<CrashFailure>> {
        let Some(limit) = self.settings.exhaustive else {
            return Ok(());
        };
        let at = replay.at();
        let subsets = replay.subsets(limit);
        let tried = Tried {
            promised: self.notes.counts_at(at),
            subsets: subsets.clone(),
        };
        let before = self.tried.replace(tried);
        let known = before.filter(|before| before.promised == self.notes.counts_at(at));
        let first = known.map_or(0, |before| subsets.known_from(&before.subsets));
        for draw in first..subsets.count() {
            let policy = CrashPolicy::Subset(limit);
            let cuts = vec![PowerCut { at, policy, draw }];
            let seed = self.seed;
            self.check_at(replay, &CrashPoint { seed, cuts }, at)?;
        }
        Ok(())
    }

    fn every_policy(&mut self, replay: &Replay<'_>) -> Result<(), Box<CrashFailure>> {
        let at = replay.at();
        for policy in self.settings.policies.clone() {
            let draws = if policy.is_random() {
                self.settings.draws
            } else {
                1
            };
            for draw in 0..draws {
                let point = CrashPoint {
                    seed: self.seed,
                    cuts: vec![PowerCut { at, policy, draw }],
                };
                self.check_at(replay, &point, at)?;
                if replay.is_settled() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(super) fn one_point(&mut self, point: &CrashPoint) -> Result<(), Box<CrashFailure>> {
        let promised_at = point.cuts[0].at;
        let mut trace = self.trace.clone();
        for depth in 1..=point.cuts.len() {
            let reached = CrashPoint {
                seed: point.seed,
                cuts: point.cuts[..depth].to_vec(),
            };
            let mut replay = trace.replay();
            replay.advance_to(reached.cuts[depth - 1].at);
            trace = self.check_once(&replay, &reached, promised_at)?;
        }
        Ok(())
    }

    /// Checks a point, then cuts power again in its recovery.
    fn check_at(
        &mut self,
        replay: &Replay<'_>,
        point: &CrashPoint,
        promised_at: usize,
    ) -> Result<(), Box<CrashFailure>> {
        let recovery = self.check_once(replay, point, promised_at)?;
        if point.cuts.len() > self.settings.depth || recovery.is_empty() {
            return Ok(());
        }
        let mut draw = Draw::new(point_seed(point));
        for number in 0..self.settings.nested {
            let cut = PowerCut {
                at: draw.index(recovery.len() + 1),
                policy: *draw.pick(&self.settings.policies),
                draw: number,
            };
            let mut replay = recovery.replay();
            replay.advance_to(cut.at);
            self.check_at(&replay, &point.then(cut), promised_at)?;
        }
        Ok(())
    }

    /// Checks a point; what the check did to the disk.
    fn check_once(
        &mut self,
        replay: &Replay<'_>,
        point: &CrashPoint,
        promised_at: usize,
    ) -> Result<Trace, Box<CrashFailure>> {
        let cut = point.cuts.last().expect("a point has a cut");
        let disk = disk_after(replay, cut, point_seed(point));
        disk.start_recording();
        self.report.points += 1;
        self.report.nested_points += u64::from(point.cuts.len() > 1);
        let promises = self.notes.at(promised_at);
        let checked = catch_unwind(AssertUnwindSafe(|| (self.check)(&disk.env(), &promises)));
        let what = match checked {
            Ok(Ok(())) => return Ok(disk.take_trace().expect("nobody else ends the recording")),
            Ok(Err(error)) => with_sources(&*error),
            Err(panic) => panic_text(&*panic),
        };
        Err(Box::new(CrashFailure {
            name: self.settings.name.clone(),
            point: point.clone(),
            what,
            history: history(replay, &promises),
        }))
    }
}

/// What a power cut leaves. Of subsets, the draw says which.
fn disk_after(replay: &Replay<'_>, cut: &PowerCut, seed: u64) -> SimFileSystem {
    match cut.policy {
        CrashPolicy::Subset(limit) => replay.crash_to(&replay.subsets(limit), cut.draw, seed),
        policy => replay.crash(policy, seed),
    }
}

fn history(replay: &Replay<'_>, promises: &Promises<'_>) -> String {
    format!(
        "begun up to {}, acknowledged up to {}\n{}{}",
        promises.last_begun(),
        promises.last_acknowledged(),
        replay.describe(HISTORY_OPERATIONS),
        replay.describe_pending(),
    )
}

fn point_seed(point: &CrashPoint) -> u64 {
    point.cuts.iter().fold(point.seed, |seed, cut| {
        mix(seed, &[cut.at as u64, cut.policy.number(), cut.draw])
    })
}

fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "the check panicked".to_owned())
}
