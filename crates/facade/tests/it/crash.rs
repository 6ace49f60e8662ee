//! Power is cut at every operation of a mixed workload, and again during recovery: what was acknowledged is there, and
//! what is there is one state of the history.

use std::path::Path;

use drystone::{Database, Options};
use drystone_testkit::{CRASH_FOLDER, CrashPoints, CrashReport};

use crate::workload::History;

/// How many workloads to run, each with a seed of its own: `cargo xtask crash --rounds N` sets it.
const ROUNDS_VARIABLE: &str = "DRYSTONE_CRASH_ROUNDS";

fn rounds() -> u64 {
    std::env::var(ROUNDS_VARIABLE).map_or(1, |rounds| rounds.parse().expect("a number of rounds"))
}

#[test]
fn power_cuts_lose_no_acknowledged_commit() {
    let first = drystone_testkit::seed_of("power_cuts_lose_no_acknowledged_commit");
    let mut total = CrashReport::default();
    for round in 0..rounds() {
        let report = crash_everywhere(first.wrapping_add(round));
        total.operations += report.operations;
        total.points += report.points;
        total.nested_points += report.nested_points;
        total.elapsed += report.elapsed;
        println!("round {round}: {report}");
    }
    println!("in all: {total}");
    assert!(total.points > 1_000, "only {total}");
}

fn crash_everywhere(seed: u64) -> CrashReport {
    let history = History::new(seed, 24);
    let folder = Path::new(CRASH_FOLDER);
    CrashPoints::new("power cuts over a mixed workload")
        .seed(seed)
        .run(
            |env, witness| {
                let begin = |number| witness.begin(number);
                let acknowledge = |number| witness.acknowledge(number);
                history
                    .run(env, folder, begin, acknowledge)
                    .close()
                    .unwrap();
            },
            |env, promises| {
                let db = Database::open_in(env, folder, Options::simulated())?;
                let found = history.state_of(&db)?;
                let expected = promises.last_acknowledged()..=promises.last_begun();
                if !expected.contains(&found) {
                    return Err(format!(
                        "found the state of commit {found}; expected one of {expected:?}"
                    )
                    .into());
                }
                let report = db.verify()?;
                match report.findings.first() {
                    Some(finding) => Err(finding.report().into()),
                    None => Ok(()),
                }
            },
        )
}
