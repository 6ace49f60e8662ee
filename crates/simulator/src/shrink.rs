//! Failing plans made small: operations and faults dropped, then options moved towards their defaults.

use drystone_testkit::Shrink;

use crate::failure::Failure;
use crate::plan::{Plan, Step};

/// How a plan is run again.
pub(crate) struct Shrinking<'a> {
    /// What is wrong with it, if anything is.
    pub(crate) run: &'a dyn Fn(&Plan) -> Option<Box<Failure>>,
    /// How often at most.
    pub(crate) tries_max: u64,
}

impl Shrinking<'_> {
    /// The smallest plan found that fails in the same way.
    pub(crate) fn shrink(&self, failure: Failure) -> Failure {
        let mut best = failure;
        let mut shrink = Shrink::new().tries_max(self.tries_max);
        // What comes after the failure is not needed to see it.
        let end = best.plan.steps.len().min(best.step + 1);
        let head = Plan {
            steps: best.plan.steps[..end].to_vec(),
            ..(*best.plan).clone()
        };
        if let Some(found) = self.fails_alike(&head, &best) {
            best = found;
        }
        loop {
            let before = best.plan.clone();
            best = self.fewer_steps(best, &mut shrink);
            best = self.simpler_options(best);
            if best.plan == before {
                return best;
            }
        }
    }

    fn fewer_steps(&self, failure: Failure, shrink: &mut Shrink) -> Failure {
        let mut best = failure.clone();
        shrink.items(&failure.plan.steps, |steps: &[Step]| {
            let plan = Plan {
                steps: steps.to_vec(),
                ..(*failure.plan).clone()
            };
            match self.fails_alike(&plan, &failure) {
                Some(found) => {
                    best = found;
                    true
                }
                None => false,
            }
        });
        best
    }

    fn simpler_options(&self, failure: Failure) -> Failure {
        let mut best = failure;
        for options in best.plan.options.towards_default() {
            let plan = Plan {
                options,
                ..(*best.plan).clone()
            };
            if let Some(found) = self.fails_alike(&plan, &best) {
                best = found;
            }
        }
        best
    }

    /// The failure of a plan, when it breaks the same promise.
    fn fails_alike(&self, plan: &Plan, failure: &Failure) -> Option<Failure> {
        let found = *(self.run)(plan)?;
        (found.kind == failure.kind).then_some(found)
    }
}

#[cfg(test)]
mod tests;
