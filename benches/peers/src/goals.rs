//! What Drystone is to reach, beside its rivals in the same run.

use crate::comparison::{Ratio, best_rival, ratio_of};
use crate::engines::Engine;
use crate::figures::{self, Figure};
use crate::results::Results;

/// Something to reach.
pub(crate) struct Goal {
    /// Whose figure.
    of: Engine,
    /// Which.
    figure: &'static str,
    /// What it is divided by.
    against: Against,
    bound: Bound,
}

/// What a figure is divided by.
#[derive(Clone, Copy)]
enum Against {
    /// The same figure of the best of these.
    BestOf(&'static [Engine]),
    /// Another figure of Drystone's.
    Own(&'static str),
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What became of a goal.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// What is divided by what.
    pub(crate) what: String,
    /// The bound.
    pub(crate) wanted: String,
    /// The ratio.
    pub(crate) found: f64,
    /// Whether it is within the bound.
    pub(crate) is_reached: bool,
}

const RIVALS: &[Engine] = &[
    Engine::Redb,
    Engine::Lmdb,
    Engine::Fjall,
    Engine::Sqlite,
    Engine::Rocksdb,
];
const B_TREES: &[Engine] = &[Engine::Redb, Engine::Lmdb, Engine::Sqlite];
const LMDB: &[Engine] = &[Engine::Lmdb];
const BARE: &[Engine] = &[Engine::Bare];

const fn goal(figure: &'static str, against: Against, bound: Bound) -> Goal {
    Goal {
        of: Engine::Drystone,
        figure,
        against,
        bound,
    }
}

use Against::{BestOf, Own};
use Bound::{AtLeast, AtMost};

const GOALS: [Goal; 16] = [
    goal("get_hot_1", BestOf(LMDB), AtLeast(2.0)),
    goal("get_hot_2", BestOf(LMDB), AtLeast(2.0)),
    goal("range_10", BestOf(RIVALS), AtLeast(1.3)),
    goal("scan", BestOf(RIVALS), AtLeast(1.2)),
    goal("get_cold_1", BestOf(RIVALS), AtLeast(1.2)),
    goal("commit_sync_1", BestOf(BARE), AtLeast(0.9)),
    goal("commit_sync_1_p99", BestOf(BARE), AtMost(1.5)),
    goal("commit_sync_8", Own("commit_sync_1"), AtLeast(4.0)),
    goal("batch_sync_1000", BestOf(RIVALS), AtLeast(4.0)),
    goal("commit_nosync_1", BestOf(RIVALS), AtLeast(2.0)),
    goal("bulk_random", BestOf(LMDB), AtLeast(1.5)),
    goal("bulk_sorted", BestOf(LMDB), AtLeast(1.2)),
    goal("remove", BestOf(RIVALS), AtLeast(1.5)),
    goal(figures::SIZE_LOADED, BestOf(LMDB), AtMost(0.85)),
    Goal {
        of: Engine::DrystoneLz4,
        ..goal(figures::SIZE_TEXT, BestOf(LMDB), AtMost(0.5))
    },
    goal("bytes_written", BestOf(B_TREES), AtMost(0.5)),
];

/// What became of each goal whose figures were measured.
pub(crate) fn outcomes(results: &Results) -> Vec<Outcome> {
    GOALS
        .iter()
        .filter_map(|goal| goal.outcome(results))
        .collect()
}

impl Goal {
    fn outcome(&self, results: &Results) -> Option<Outcome> {
        let (by, found) = match self.against {
            BestOf(engines) => self.by_best(results, engines)?,
            Own(figure) => self.by_own(results, figure)?,
        };
        let (wanted, is_reached) = match self.bound {
            AtLeast(least) => (format!(">= {least}"), found >= least),
            AtMost(most) => (format!("<= {most}"), found <= most),
        };
        Some(Outcome {
            what: match self.of {
                Engine::Drystone => format!("{} / {by}", self.figure),
                of => format!("{} of {} / {by}", self.figure, of.name()),
            },
            wanted,
            found,
            is_reached,
        })
    }

    fn by_best(&self, results: &Results, engines: &[Engine]) -> Option<(String, f64)> {
        let figure = Figure::named(self.figure)?;
        let best = best_rival(results, figure, engines)?;
        let Ratio { rival, value } = ratio_of(results, figure, self.of, best)?;
        Some((format!("that of {}", rival.name()), value))
    }

    fn by_own(&self, results: &Results, other: &str) -> Option<(String, f64)> {
        let ours = results.values(self.of, self.figure);
        let theirs = results.values(self.of, other);
        let value = crate::comparison::quotient(&ours, &theirs)?;
        Some((other.to_owned(), value))
    }
}

#[cfg(test)]
mod tests;
