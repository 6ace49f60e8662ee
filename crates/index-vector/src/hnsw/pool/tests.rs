//! The pool against a sorted list of everything offered.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn keeps_the_nearest(ranks in prop::collection::vec(0u8..50, 0..200), limit in 1usize..40, more in 0usize..200) {
        let offered: Vec<_> = (0u32..).zip(&ranks).map(|(node, rank)| Candidate::new(f32::from(*rank), node)).collect();
        let mut sorted = offered.clone();
        sorted.sort_unstable();
        let mut pool = Pool::default();
        pool.reset(limit);
        offered.iter().for_each(|candidate| pool.offer(*candidate));
        prop_assert_eq!(pool.entries(), &sorted[..sorted.len().min(limit)]);
        pool.grow(limit + more);
        prop_assert_eq!(pool.entries(), &sorted[..sorted.len().min(limit + more)]);
    }
}

#[test]
fn expands_the_nearest_first_and_each_once() {
    let mut pool = Pool::default();
    pool.reset(3);
    for (rank, node) in [(5.0, 1), (1.0, 2), (3.0, 3), (9.0, 4)] {
        pool.offer(Candidate::new(rank, node));
    }
    assert_eq!(pool.expand(), Some(2));
    pool.offer(Candidate::new(0.5, 5));
    assert_eq!(pool.peek(), Some(5));
    assert_eq!(pool.expand(), Some(5));
    assert_eq!(pool.expand(), Some(3));
    assert_eq!(pool.expand(), None);
    pool.grow(10);
    assert_eq!(pool.expand(), Some(1));
    assert_eq!(pool.expand(), Some(4));
    assert_eq!(pool.expand(), None);
}
