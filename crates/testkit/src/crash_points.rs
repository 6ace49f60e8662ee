//! Crash points: power cut at every operation of a workload, under every policy, and again during recovery.
//!
//! The workload runs once, on a recording disk. The recording is then replayed an operation at a time; at each, each
//! policy gives a disk, and the check opens it. So a point costs what the check costs, not what the workload does.
//! Nothing here knows what the workload stores.

mod point;
mod report;
mod run;
mod witness;

use std::error::Error;

use drystone_base::Env;

pub use self::point::{CrashPoint, NoCrashPoint, PowerCut};
pub use self::report::{CrashFailure, CrashReport};
use self::run::Run;
pub use self::witness::{Promises, Witness};
use crate::seed::seed_of;
use crate::sim::{CrashPolicy, SimFileSystem};

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

#[cfg(test)]
mod tests;
