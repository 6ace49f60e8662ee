//! What a run says when the database broke a promise.

use std::fmt;

use crate::plan::{Plan, Step};

/// Which promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// A read, a query or a recovered state was wrong.
    WrongData,
    /// An acknowledged commit is gone.
    LostCommit,
    /// A commit went through that had to conflict, or the other way round.
    WrongConflict,
    /// A call failed that had no reason to.
    UnexpectedError,
    /// A call succeeded that had to fail.
    MissingError,
    /// A check of everything found something.
    NotSound,
    /// More memory than allowed.
    OverBudget,
    /// It did not come to life again.
    NotLive,
    /// It panicked.
    Panic,
    /// The same plan did something else the second time.
    NotDeterministic,
}

/// A broken promise, and how to see it again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which promise.
    pub kind: FailureKind,
    /// What was seen instead.
    pub what: String,
    /// The position of the step where it was seen; the number of steps when it was after them.
    pub step: usize,
    /// What was run.
    pub plan: Box<Plan>,
    /// The command that shows it again.
    pub replay: String,
}

/// How many steps before the failure are shown.
const LAST_STEPS: usize = 12;

impl Failure {
    /// What the swarm says.
    pub(crate) fn new(kind: FailureKind, what: String, step: usize, plan: &Plan) -> Failure {
        Failure {
            kind,
            what,
            step,
            plan: Box::new(plan.clone()),
            replay: format!("cargo xtask sim --seed {}", plan.seed),
        }
    }

    /// What a campaign says that is run by `mode`.
    pub(crate) fn of_campaign(mut self: Box<Failure>, mode: &str) -> Box<Failure> {
        let seed = self.plan.seed;
        self.replay = format!("cargo xtask sim {mode} --start {seed} --seeds 1");
        self
    }

    /// The steps before the failure, and the one in which it was seen.
    #[must_use]
    pub fn last_steps(&self) -> &[Step] {
        let end = self.plan.steps.len().min(self.step + 1);
        &self.plan.steps[end.saturating_sub(LAST_STEPS)..end]
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            kind,
            what,
            step,
            plan,
            replay,
        } = self;
        writeln!(f, "{kind:?} at step {step} of {}: {what}", plan.steps.len())?;
        writeln!(f, "options: {:?}", plan.options)?;
        writeln!(f, "last steps:")?;
        for step in self.last_steps() {
            writeln!(f, "  {step}")?;
        }
        write!(f, "replay with: {replay}")
    }
}

impl std::error::Error for Failure {}
