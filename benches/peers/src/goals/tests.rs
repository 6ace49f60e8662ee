//! Tests of the goals.

use super::*;
use crate::measure::Measured;
use crate::results::Sample;
use crate::work;

fn results(values: &[(Engine, &str, f64)]) -> Results {
    let mut results = Results::default();
    for (engine, figure, value) in values {
        results.add(Sample {
            round: 0,
            engine: *engine,
            task: "get_hot_1",
            found: Ok(Measured {
                outcome: work::Outcome::of(figure, *value),
                rss_peak: 1.0,
                bytes_written: 1.0,
            }),
        });
    }
    results
}

#[track_caller]
fn check(values: &[(Engine, &str, f64)], what: &str, found: f64, is_reached: bool) {
    let outcomes = outcomes(&results(values));
    let outcome = outcomes.iter().find(|outcome| outcome.what == what);
    let outcome = outcome.unwrap_or_else(|| panic!("{what} is not in {outcomes:?}"));
    assert_eq!((outcome.found, outcome.is_reached), (found, is_reached));
}

#[test]
fn a_rate_is_divided_by_that_of_the_rival_that_is_named() {
    let values = [
        (Engine::Drystone, "get_hot_1", 6.0),
        (Engine::Lmdb, "get_hot_1", 3.0),
        (Engine::Redb, "get_hot_1", 60.0),
    ];
    check(&values, "get_hot_1 / that of lmdb", 2.0, true);
}

#[test]
fn bytes_are_divided_by_those_of_the_best_b_tree() {
    let values = [
        (Engine::Drystone, "bytes_written", 6.0),
        (Engine::Lmdb, "bytes_written", 30.0),
        (Engine::Redb, "bytes_written", 10.0),
        (Engine::Fjall, "bytes_written", 1.0),
    ];
    check(&values, "bytes_written / that of redb", 0.6, false);
}

#[test]
fn the_size_of_text_is_that_of_the_engine_that_compresses() {
    let values = [
        (Engine::Drystone, "size_text", 9.0),
        (Engine::DrystoneLz4, "size_text", 4.0),
        (Engine::Lmdb, "size_text", 10.0),
    ];
    check(
        &values,
        "size_text of drystone-lz4 / that of lmdb",
        0.4,
        true,
    );
}

#[test]
fn a_commit_is_held_against_the_bare_loop_and_against_one_thread() {
    let values = [
        (Engine::Bare, "commit_sync_1", 10.0),
        (Engine::Drystone, "commit_sync_1", 8.0),
        (Engine::Drystone, "commit_sync_8", 40.0),
    ];
    check(&values, "commit_sync_1 / that of bare", 0.8, false);
    check(&values, "commit_sync_8 / commit_sync_1", 5.0, true);
}

#[test]
fn what_was_not_measured_is_no_outcome() {
    assert_eq!(outcomes(&results(&[(Engine::Lmdb, "scan", 1.0)])), []);
}

#[test]
fn every_goal_is_about_figures() {
    assert!(
        GOALS
            .iter()
            .all(|goal| Figure::named(goal.figure).is_some())
    );
}
