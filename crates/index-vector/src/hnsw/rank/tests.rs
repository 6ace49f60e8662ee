//! Ranks as integers.

use super::*;

#[test]
fn integers_order_as_ranks_do() {
    let ascending = [
        f32::NEG_INFINITY,
        f32::MIN,
        -1.0,
        -f32::MIN_POSITIVE,
        0.0,
        f32::MIN_POSITIVE,
        1.0,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
    ];
    assert!(ascending.is_sorted_by(|a, b| order(*a) < order(*b)));
    assert_eq!(order(-0.0), order(0.0));
    assert_eq!(order(-f32::NAN), order(f32::NAN));
    for rank in &ascending[..9] {
        assert_eq!(Candidate::new(*rank, 3).rank(), *rank);
    }
    assert!(Candidate::new(f32::NAN, 3).rank().is_nan());
}

#[test]
fn a_candidate_keeps_its_node() {
    let candidate = Candidate::new(1.5, MAX_NODES - 1);
    assert_eq!(candidate.node(), MAX_NODES - 1);
    assert!(!candidate.is_expanded() && candidate.expanded().is_expanded());
    assert_eq!(candidate.expanded().node(), candidate.node());
    assert!(candidate < Candidate::new(1.6, 0));
}
