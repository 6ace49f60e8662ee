//! What a run found, in figures or as a failure.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::POINT_VARIABLE;
use super::point::CrashPoint;

/// What a run of [`super::CrashPoints`] did.
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
