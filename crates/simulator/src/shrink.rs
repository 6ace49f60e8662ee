//! Failing plans made small: operations and faults dropped, then options moved towards their defaults.

use drystone_testkit::Shrink;

use crate::failure::Failure;
use crate::plan::{Plan, Step};
use crate::swarm::run_plan;

/// How often a plan is run again at most.
const TRIES_MAX: u64 = 3_000;

/// The smallest plan found that fails in the same way.
pub(crate) fn shrink(failure: Failure) -> Failure {
    let mut best = failure;
    let mut shrink = Shrink::new().tries_max(TRIES_MAX);
    // What comes after the failure is not needed to see it.
    let end = best.plan.steps.len().min(best.step + 1);
    let head = Plan {
        steps: best.plan.steps[..end].to_vec(),
        ..best.plan.clone()
    };
    if let Some(found) = fails_alike(&head, &best) {
        best = found;
    }
    loop {
        let before = best.plan.clone();
        best = fewer_steps(best, &mut shrink);
        best = simpler_options(best);
        if best.plan == before {
            return best;
        }
    }
}

fn fewer_steps(failure: Failure, shrink: &mut Shrink) -> Failure {
    let mut best = failure.clone();
    shrink.items(&failure.plan.steps, |steps: &[Step]| {
        let plan = Plan {
            steps: steps.to_vec(),
            ..failure.plan.clone()
        };
        match fails_alike(&plan, &failure) {
            Some(found) => {
                best = found;
                true
            }
            None => false,
        }
    });
    best
}

fn simpler_options(failure: Failure) -> Failure {
    let mut best = failure;
    for options in best.plan.options.towards_default() {
        let plan = Plan {
            options,
            ..best.plan.clone()
        };
        if let Some(found) = fails_alike(&plan, &best) {
            best = found;
        }
    }
    best
}

/// The failure of a plan, when it breaks the same promise.
fn fails_alike(plan: &Plan, failure: &Failure) -> Option<Failure> {
    let found = *run_plan(plan).err()?;
    (found.kind == failure.kind).then_some(found)
}
