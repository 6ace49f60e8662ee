//! Tests of the comparison.

use super::*;
use crate::figures;
use crate::measure::Measured;
use crate::results::Sample;
use crate::work::Outcome;

fn sample(round: u64, engine: Engine, figure: &str, value: f64) -> Sample {
    let measured = Measured {
        outcome: Outcome::of(figure, value),
        rss_peak: 1.0,
        bytes_written: 1.0,
    };
    Sample {
        round,
        engine,
        task: "get_hot_1",
        found: Ok(measured),
    }
}

fn results(figure: &str, values: &[(Engine, [f64; 3])]) -> Results {
    let mut results = Results::default();
    for round in 0..3 {
        for (engine, rounds) in values {
            results.add(sample(round as u64, *engine, figure, rounds[round]));
        }
    }
    results
}

const ENGINES: [Engine; 4] = [Engine::Bare, Engine::Drystone, Engine::Redb, Engine::Lmdb];

fn ratio_of(figure: &str, values: &[(Engine, [f64; 3])]) -> Option<Ratio> {
    let results = results(figure, values);
    let compared = compare(&results, &ENGINES, &figures::KEY_VALUE);
    assert_eq!(compared.len(), 1);
    compared[0].ratio
}

#[test]
fn the_best_rival_has_the_most_where_more_is_better() {
    let values = [
        (Engine::Bare, [900.0; 3]),
        (Engine::Drystone, [20.0, 40.0, 60.0]),
        (Engine::Redb, [5.0; 3]),
        (Engine::Lmdb, [10.0, 20.0, 20.0]),
    ];
    let ratio = ratio_of("get_hot_1", &values).unwrap();
    assert_eq!((ratio.rival, ratio.value), (Engine::Lmdb, 2.0));
}

#[test]
fn the_best_rival_has_the_least_where_less_is_better() {
    let values = [
        (Engine::Drystone, [6.0; 3]),
        (Engine::Redb, [24.0; 3]),
        (Engine::Lmdb, [12.0; 3]),
    ];
    let ratio = ratio_of("open", &values).unwrap();
    assert_eq!((ratio.rival, ratio.value), (Engine::Lmdb, 0.5));
}

#[test]
fn without_a_rival_there_is_no_ratio() {
    assert_eq!(ratio_of("scan", &[(Engine::Drystone, [1.0; 3])]), None);
    assert_eq!(ratio_of("scan", &[(Engine::Redb, [1.0; 3])]), None);
}

#[test]
fn the_peak_of_a_round_is_that_of_its_largest_process() {
    let mut results = Results::default();
    for value in [3.0, 7.0, 5.0] {
        results.add(sample(0, Engine::Redb, figures::RSS_PEAK, value));
    }
    assert_eq!(results.values(Engine::Redb, figures::RSS_PEAK), [(0, 7.0)]);
}
