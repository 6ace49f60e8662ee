//! Distances as pgvector defines them.

use super::*;
use crate::kernel::flatten;

fn check(metric: Metric, a: &[f32], b: &[f32], expected: f32) {
    let found = metric.distance(a, b).expect("lengths agree");
    assert!(
        (found - expected).abs() <= 1e-6 * expected.abs().max(1.0) || found == expected,
        "{metric:?} of {a:?} and {b:?}: {found}, expected {expected}"
    );
}

/// Examples from pgvector's regression tests.
#[test]
fn distances_of_pgvector() {
    check(Metric::L2, &[0.0, 0.0], &[3.0, 4.0], 5.0);
    check(Metric::L2, &[3e38], &[-3e38], f32::INFINITY);
    check(Metric::InnerProduct, &[1.0, 2.0], &[3.0, 4.0], -11.0);
    check(Metric::Cosine, &[1.0, 2.0], &[2.0, 4.0], 0.0);
    check(Metric::Cosine, &[1.0, 1.0], &[1.0, 1.0], 0.0);
    check(Metric::Cosine, &[1.0, 0.0], &[0.0, 2.0], 1.0);
    check(Metric::Cosine, &[1.0, 1.0], &[-1.0, -1.0], 2.0);
    check(Metric::Cosine, &[1.0, 1.0], &[1.1, 1.1], 0.0);
    check(Metric::Cosine, &[1.0, 1.0], &[-1.1, -1.1], 2.0);
}

#[test]
fn a_zero_vector_has_no_angle() {
    assert!(
        Metric::Cosine
            .distance(&[1.0, 2.0], &[0.0, 0.0])
            .unwrap()
            .is_nan()
    );
    assert!(Metric::Cosine.distance(&[0.0], &[0.0]).unwrap().is_nan());
}

#[test]
fn angles_of_huge_and_tiny_vectors_are_found() {
    check(
        Metric::Cosine,
        &[3e38, 0.0],
        &[3e38, 3e38],
        1.0 - 0.5_f32.sqrt(),
    );
    check(
        Metric::Cosine,
        &[1e-40, 0.0],
        &[1e-40, 1e-40],
        1.0 - 0.5_f32.sqrt(),
    );
    check(Metric::Cosine, &[1e-30, 0.0], &[0.0, 1e30], 1.0);
}

#[test]
fn different_lengths_are_an_error() {
    let error = Metric::L2.distance(&[1.0], &[1.0, 2.0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "vector of 2 dimensions where 1 are expected"
    );
}

#[test]
fn ranks_stand_for_distances() {
    for metric in [Metric::L2, Metric::Cosine, Metric::InnerProduct] {
        let scorer = Scorer::new(metric, 3);
        let (a, b) = ([1.0, -2.0, 0.5], [0.25, 3.0, 1.0]);
        let (from, to) = (scorer.prepare(a), scorer.prepare(b));
        let found = scorer.distance(scorer.rank(flatten(&from), flatten(&to)));
        assert!((found - metric.distance(&a, &b).unwrap()).abs() < 1e-6);
    }
}

#[test]
fn a_vector_without_direction_is_filled_with_nan() {
    for bad in [
        [0.0, 0.0],
        [f32::NAN, 1.0],
        [1.0, f32::INFINITY],
        [-0.0, 0.0],
    ] {
        let mut vector = bad;
        assert!(!normalize(Kernel::detect(), &mut vector));
        assert!(vector.iter().all(|x| x.is_nan()));
    }
}
