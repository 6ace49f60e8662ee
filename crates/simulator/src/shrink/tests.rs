//! Plans are made small by whatever runs them.

use super::*;
use crate::failure::FailureKind;
use crate::operation::Operation;
use crate::plan_of;

/// Fails in one way for a plan that flushes and then syncs, and in another for one that only does the first.
fn run(plan: &Plan) -> Option<Box<Failure>> {
    let position = |wanted: &Operation| plan.steps.iter().position(|step| step.1 == *wanted);
    let flush = position(&Operation::Flush)?;
    let syncs = plan.steps[flush..]
        .iter()
        .any(|step| step.1 == Operation::Sync);
    let kind = match syncs {
        true => FailureKind::LostCommit,
        false => FailureKind::NotSound,
    };
    let end = plan.steps.len();
    Some(Box::new(Failure::new(kind, String::new(), end, plan)))
}

fn failing() -> Failure {
    let mut failing = (0..).filter_map(|seed| run(&plan_of(seed)));
    let found = failing
        .find(|failure| failure.kind == FailureKind::LostCommit && failure.plan.steps.len() > 60);
    *found.expect("long plans flush and sync")
}

#[test]
fn a_long_plan_becomes_the_steps_that_matter_with_default_options() {
    let shrinking = Shrinking {
        run: &run,
        tries_max: 1_000,
    };
    let small = shrinking.shrink(failing());
    let left: Vec<&Operation> = small.plan.steps.iter().map(|step| &step.1).collect();
    assert_eq!(left, [&Operation::Flush, &Operation::Sync]);
    assert_eq!(small.plan.options, crate::SimOptions::default());
    assert_eq!(small.kind, FailureKind::LostCommit);
}

#[test]
fn tries_have_an_end() {
    let shrinking = Shrinking {
        run: &run,
        tries_max: 3,
    };
    let small = shrinking.shrink(failing());
    assert!(small.plan.steps.len() > 2);
}
