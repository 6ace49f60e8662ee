//! The scheduler: which task runs next, drawn from the seed.
//!
//! A call is never interrupted, and no task waits for another, so a schedule is a merge of the tasks' scripts.
//!
//! # Source
//! Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs" (ASPLOS 2010), for
//! priorities that change at a few random places.

use drystone_testkit::Draw;

use crate::operation::Operation;
use crate::plan::Step;

/// How tasks are chosen.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// Any, each time.
    Any,
    /// The one of the highest priority, which drops to the lowest at this many in a thousand steps.
    Priorities(u64),
    /// The same as before, nine times in ten.
    Bursts,
}

/// Merges scripts; the task of a script is its position, from 1.
pub(crate) fn merge(scripts: Vec<Vec<Operation>>, draw: &mut Draw) -> Vec<Step> {
    let choice = *draw.pick(&[
        Choice::Any,
        Choice::Any,
        Choice::Bursts,
        Choice::Priorities(30),
        Choice::Priorities(150),
    ]);
    let mut queues: Vec<_> = scripts
        .into_iter()
        .zip(1u8..)
        .map(|(script, task)| (task, script.into_iter()))
        .filter(|(_, script)| script.len() > 0)
        .collect();
    shuffle(&mut queues, draw);
    let mut steps = Vec::new();
    let mut last = 0;
    while !queues.is_empty() {
        last = next(choice, &mut queues, last, draw);
        let (task, script) = &mut queues[last];
        steps.extend(script.next().map(|operation| Step(*task, operation)));
        if script.len() == 0 {
            queues.remove(last);
        }
    }
    steps
}

/// The position of the task that runs next. The first has the highest priority.
fn next<T>(choice: Choice, queues: &mut Vec<T>, last: usize, draw: &mut Draw) -> usize {
    match choice {
        Choice::Any => draw.index(queues.len()),
        Choice::Bursts if last < queues.len() && draw.chance(90) => last,
        Choice::Bursts => draw.index(queues.len()),
        Choice::Priorities(changes) => {
            if draw.below(1000) < changes {
                let first = queues.remove(0);
                queues.push(first);
            }
            0
        }
    }
}

fn shuffle<T>(items: &mut [T], draw: &mut Draw) {
    for end in (1..items.len()).rev() {
        items.swap(end, draw.index(end + 1));
    }
}
