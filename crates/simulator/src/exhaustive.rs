//! Power cuts of which everything is tried: at every operation of a tiny plan, all subsets of what is pending.

use drystone_testkit::{Replay, Subsets};

use crate::crash_points::reopen;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::report::Coverage;
use crate::run::{Recorded, Run, failure_of};
use crate::swarm::{caught, tiny_plan_of};

/// What came of one plan.
#[derive(Clone, Debug)]
pub struct Exhausted {
    /// What was tried.
    pub coverage: Coverage,
    /// A hash of what the plan did to its disk, to tell plans apart that do different things.
    pub trace_hash: u64,
}

/// Cuts power at every operation of the tiny plan of a seed, and tries every subset of what is pending there, cut into at
/// most `parts` parts: sectors, or whole writes, or runs of writes where there are too many.
///
/// # Errors
/// The first subset after which the database broke a promise.
pub fn exhaustive_of(seed: u64, parts: u8) -> Result<Exhausted, Box<Failure>> {
    let plan = tiny_plan_of(seed);
    let recorded = caught(&plan, || Run::new(&plan).record().map_err(Box::new))?;
    let mut trying = Trying {
        plan: &plan,
        recorded: &recorded,
        parts,
        before: None,
        coverage: Coverage::default(),
    };
    let mode = format!("exhaustive --parts {parts}");
    let tried = trying.every_operation();
    tried.map_err(|failure| failure.of_campaign(&mode))?;
    trying
        .coverage
        .add("operations", recorded.trace.len() as u64);
    Ok(Exhausted {
        coverage: trying.coverage,
        trace_hash: recorded.trace.hash(),
    })
}

struct Trying<'p> {
    plan: &'p Plan,
    recorded: &'p Recorded,
    parts: u8,
    /// What was tried at the operation before, and the step that it was in.
    before: Option<(usize, Subsets)>,
    coverage: Coverage,
}

impl Trying<'_> {
    fn every_operation(&mut self) -> Result<(), Box<Failure>> {
        let mut replay = self.recorded.trace.replay();
        for at in 0..=self.recorded.trace.len() {
            replay.advance_to(at);
            self.every_subset(&replay)?;
        }
        Ok(())
    }

    /// All subsets but those that were tried an operation earlier, when the same was promised.
    fn every_subset(&mut self, replay: &Replay<'_>) -> Result<(), Box<Failure>> {
        let subsets = replay.subsets(self.parts);
        let step = self.recorded.step_at(replay.at());
        let before = self.before.replace((step, subsets.clone()));
        let before = before.filter(|(earlier, _)| *earlier == step);
        let known = before.map_or(0, |(_, before)| subsets.known_from(&before));
        for number in known..subsets.count() {
            self.try_one(replay, &subsets, number)?;
        }
        self.coverage.add("subsets", subsets.count() - known);
        let parts = subsets.parts();
        let fits = if parts > usize::from(self.parts) {
            "more, in runs"
        } else {
            ""
        };
        match fits {
            "" => self
                .coverage
                .count(&format!("operations with {parts:>2} parts pending")),
            more => self.coverage.count(&format!("operations with {more}")),
        }
        Ok(())
    }

    fn try_one(
        &self,
        replay: &Replay<'_>,
        subsets: &Subsets,
        number: u64,
    ) -> Result<(), Box<Failure>> {
        let at = replay.at();
        let disk = replay.crash_to(subsets, number, self.plan.seed);
        let outcome = caught(self.plan, || {
            let step = self.recorded.step_at(at);
            let reopened = reopen(&disk, self.plan, self.recorded, at);
            reopened.map_err(|stop| Box::new(failure_of(stop, step, self.plan)))
        });
        outcome.map_err(|mut failure| {
            failure.what = format!(
                "{}\nafter subset {number:#b} of {} parts survived:\n{}{}",
                failure.what,
                subsets.parts(),
                replay.describe(16),
                replay.describe_pending()
            );
            failure
        })
    }
}
