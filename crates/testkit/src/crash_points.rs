//! Crash points: power cut at every operation of a workload, under every policy, and again during recovery.
//!
//! The workload runs once, on a recording disk. The recording is then replayed an operation at a time; at each, each
//! policy gives a disk, and the check opens it. So a point costs what the check costs, not what the workload does.
//! Nothing here knows what the workload stores.

mod point;
mod witness;

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use drystone_base::{Clock, Env, OsClock};

pub use self::point::{CrashPoint, NoCrashPoint, PowerCut};
use self::witness::Notes;
pub use self::witness::{Promises, Witness};
use crate::draw::{Draw, mix};
use crate::seed::seed_of;
use crate::sim::{CrashPolicy, Replay, SimFileSystem, Subsets, Trace};

/// Names one crash point, as a failure prints it: a run then replays that point alone.
pub const POINT_VARIABLE: &str = "DRYSTONE_CRASH_POINT";

/// The folder that is there, and durable, before a workload begins.
pub const CRASH_FOLDER: &str = "/db";

/// What a check says: what is wrong, in words or as any error. It may as well panic.
pub type Checked = Result<(), Box<dyn Error + Send + Sync>>;

/// Runs a workload once, and a check after a power cut at each of its operations.
///
/// ```
/// use drystone_base::OpenMode;
/// use drystone_testkit::{CRASH_FOLDER, CrashPoints};
/// use std::path::Path;
///
/// let counter = Path::new(CRASH_FOLDER).join("counter");
/// let report = CrashPoints::new("a counter that is replaced by renaming").run(
///     |env, witness| {
///         for number in 1..=3u64 {
///             witness.begin(number);
///             let next = counter.with_extension("next");
///             let file = env.files.open(&next, OpenMode::Create).unwrap();
///             file.write_all_at(&number.to_le_bytes(), 0).unwrap();
///             file.sync().unwrap();
///             env.files.rename(&next, &counter).unwrap();
///             env.files.sync_dir(Path::new(CRASH_FOLDER)).unwrap();
///             witness.acknowledge(number);
///         }
///     },
///     |env, promises| {
///         let mut bytes = [0; 8];
///         if env.files.exists(&counter)? {
///             env.files.open(&counter, OpenMode::Read)?.read_exact_at(&mut bytes, 0)?;
///         }
///         let found = u64::from_le_bytes(bytes);
///         assert!((promises.last_acknowledged()..=promises.last_begun()).contains(&found));
///         Ok(())
///     },
/// );
/// assert!(report.points > 50);
/// ```
#[derive(Clone, Debug)]
pub struct CrashPoints {
    name: String,
    seed: u64,
    policies: Vec<CrashPolicy>,
    exhaustive: Option<u8>,
    draws: u64,
    stride: usize,
    depth: usize,
    nested: u64,
    start: Option<SimFileSystem>,
}

impl CrashPoints {
    /// All policies at every operation, and two more cuts in the recovery after each. The seed is that of
    /// [`crate::seed_of`]`(name)`.
    #[must_use]
    pub fn new(name: &str) -> CrashPoints {
        CrashPoints {
            name: name.to_owned(),
            seed: seed_of(name),
            policies: CrashPolicy::ALL.to_vec(),
            exhaustive: None,
            draws: 1,
            stride: 1,
            depth: 1,
            nested: 2,
            start: None,
        }
    }

    /// With this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> CrashPoints {
        self.seed = seed;
        self
    }

    /// Under these policies only.
    #[must_use]
    pub fn policies(mut self, policies: &[CrashPolicy]) -> CrashPoints {
        policies.clone_into(&mut self.policies);
        self
    }

    /// Tries every subset of what is pending at each operation, beside the policies: what was written since the last
    /// syncs, and names that no folder's sync has made durable. Cut into at most `parts` parts (14, say: 16384 subsets;
    /// 24 at most), as fine as fits: sectors of 512 bytes, of 4096, whole changes, runs of changes.
    ///
    /// Subsets that were tried an operation earlier, with the same promises, are not tried again.
    #[must_use]
    pub fn exhaustive(mut self, parts: u8) -> CrashPoints {
        self.exhaustive = Some(parts);
        self
    }

    /// Each policy in which chance has a part is tried `draws` times at each operation.
    #[must_use]
    pub fn draws(mut self, draws: u64) -> CrashPoints {
        self.draws = draws;
        self
    }

    /// Only at every `stride`-th operation (and at the end). For workloads too long to be tried in full.
    #[must_use]
    pub fn stride(mut self, stride: usize) -> CrashPoints {
        self.stride = stride.max(1);
        self
    }

    /// Cuts power again during recovery, at `count` random places of each, and so on up to `depth` recoveries deep.
    /// Depth 0 for never.
    #[must_use]
    pub fn nested(mut self, depth: usize, count: u64) -> CrashPoints {
        self.depth = depth;
        self.nested = count;
        self
    }

    /// The workload begins on what a power cut that loses nothing would leave of `disk`.
    #[must_use]
    pub fn starting_from(mut self, disk: &SimFileSystem) -> CrashPoints {
        self.start = Some(disk.crash(CrashPolicy::KeepAll));
        self
    }

    /// Runs `workload` once and `check` at every point, or at the one point that [`POINT_VARIABLE`] names.
    ///
    /// `check` gets the files that a crash left. All it does counts as recovery, in which power is cut again when
    /// depth allows, so it must be right to run it again on what it left half done: if it writes anything beyond
    /// what recovery writes, it must accept to find that the next time. Both must be deterministic from their `Env`.
    ///
    /// # Panics
    /// At the first point where `check` fails, with a message that tells how to replay it.
    pub fn run(
        &self,
        workload: impl Fn(&Env, &Witness),
        check: impl Fn(&Env, &Promises<'_>) -> Checked,
    ) -> CrashReport {
        let outcome = match std::env::var(POINT_VARIABLE) {
            Ok(text) => {
                let point: CrashPoint = text.parse().unwrap_or_else(|error| panic!("{error}"));
                self.replay(&point, workload, check)
            }
            Err(_) => self.try_run(workload, check),
        };
        outcome.unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// As [`CrashPoints::run`], without the variable, and with the failure as a value.
    ///
    /// # Errors
    /// The first point where `check` failed.
    pub fn try_run(
        &self,
        workload: impl Fn(&Env, &Witness),
        check: impl Fn(&Env, &Promises<'_>) -> Checked,
    ) -> Result<CrashReport, Box<CrashFailure>> {
        let mut run = Run::record(self, self.seed, &workload, &check);
        run.every_point()?;
        Ok(run.into_report())
    }

    /// Runs `workload`, then `check` at one point alone, with the seed that the point names.
    ///
    /// # Errors
    /// The failure, when `check` fails there.
    ///
    /// # Panics
    /// When the history has no such operation: the point is another workload's.
    pub fn replay(
        &self,
        point: &CrashPoint,
        workload: impl Fn(&Env, &Witness),
        check: impl Fn(&Env, &Promises<'_>) -> Checked,
    ) -> Result<CrashReport, Box<CrashFailure>> {
        let mut run = Run::record(self, point.seed, &workload, &check);
        run.one_point(point)?;
        Ok(run.into_report())
    }

    fn disk(&self, seed: u64) -> SimFileSystem {
        match &self.start {
            Some(disk) => disk.crash(CrashPolicy::KeepAll),
            None => SimFileSystem::with_folder(seed, CRASH_FOLDER),
        }
    }
}

/// What a run of [`CrashPoints`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrashReport {
    /// Operations of the workload.
    pub operations: usize,
    /// Power cuts that were checked, those in recoveries included.
    pub points: u64,
    /// Of these, power cuts in a recovery.
    pub nested_points: u64,
    /// Time that replays and checks took.
    pub elapsed: Duration,
}

impl CrashReport {
    /// How many points a minute were checked.
    #[must_use]
    pub fn points_per_minute(&self) -> u64 {
        let micros = self.elapsed.as_micros().max(1);
        u64::try_from(u128::from(self.points) * 60_000_000 / micros).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} crash points ({} in recoveries) over {} operations in {:?}: {} a minute",
            self.points,
            self.nested_points,
            self.operations,
            self.elapsed,
            self.points_per_minute()
        )
    }
}

/// A crash point where the check failed.
#[derive(Clone, Debug)]
pub struct CrashFailure {
    /// The name of the run.
    pub name: String,
    /// Where.
    pub point: CrashPoint,
    /// What the check said.
    pub what: String,
    /// What had happened up to there, for people.
    pub history: String,
}

impl fmt::Display for CrashFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CrashFailure {
            name,
            point,
            what,
            history,
        } = self;
        write!(
            f,
            "{name}: wrong after a crash: {what}\n{history}replay with {POINT_VARIABLE}={point}"
        )
    }
}

impl Error for CrashFailure {}

/// How many operations before a power cut a failure shows.
const HISTORY_OPERATIONS: usize = 16;

type Check<'a> = &'a dyn Fn(&Env, &Promises<'_>) -> Checked;

/// What subsets were tried last, and with how many promises.
struct Tried {
    promised: (usize, usize),
    subsets: Subsets,
}

/// A recorded workload, being crashed.
struct Run<'a> {
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
    fn record(
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

    fn into_report(mut self) -> CrashReport {
        self.report.elapsed = self.clock.monotonic();
        self.report
    }

    fn every_point(&mut self) -> Result<(), Box<CrashFailure>> {
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

    fn one_point(&mut self, point: &CrashPoint) -> Result<(), Box<CrashFailure>> {
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

#[cfg(test)]
mod tests;
