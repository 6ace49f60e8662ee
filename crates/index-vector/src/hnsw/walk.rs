//! Walking the graph towards a query, best candidate first.
//!
//! Nearly all time goes into reading vectors at random places in memory. So the neighbors of a node are first gathered
//! and asked for, then ranked four at a time while the next ones are on their way.

use super::graph::Graph;
use super::pool::Pool;
use super::rank::Candidate;
use super::visited::Visited;
use crate::kernel::{Line, flatten, prefetch};

/// Nodes whose vectors are on their way while others are ranked.
const AHEAD: usize = 8;

/// What a walk needs besides the graph; used again by the next walk.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) pool: Pool,
    visited: Visited,
    fresh: Vec<u32>,
}

impl Graph {
    /// Goes down from the entry point to `level`, always to the nearest neighbor, and starts a walk there that keeps the
    /// `limit` nearest.
    pub(crate) fn enter(&self, query: &[Line], level: u8, limit: usize, scratch: &mut Scratch) {
        scratch.visited.reset(self.numbers());
        scratch.pool.reset(limit);
        let Some(entry) = self.entry else { return };
        let mut nearest = self.candidate(query, entry);
        for above in (level + 1..=self.node(entry).level).rev() {
            nearest = self.descend(query, nearest, above);
        }
        self.start(nearest, scratch);
    }

    /// Starts a walk on a level below, from what the walk above found.
    pub(crate) fn enter_below(&self, limit: usize, scratch: &mut Scratch) {
        let found = scratch.pool.entries().to_vec();
        scratch.visited.reset(self.numbers());
        scratch.pool.reset(limit);
        for candidate in found {
            self.start(Candidate::new(candidate.rank(), candidate.node()), scratch);
        }
    }

    /// Goes on with a walk that keeps more from now on. Nodes may have been added meanwhile, but none renumbered.
    pub(crate) fn resume(&self, limit: usize, scratch: &mut Scratch) {
        scratch.visited.grow(self.numbers());
        scratch.pool.grow(limit);
    }

    fn start(&self, from: Candidate, scratch: &mut Scratch) {
        scratch.visited.insert(from.node());
        scratch.pool.offer(from);
    }

    fn candidate(&self, query: &[Line], node: u32) -> Candidate {
        let rank = self.scorer.rank(flatten(query), self.vectors.padded(node));
        Candidate::new(rank, node)
    }

    /// The nearest that greedy steps on one level lead to.
    fn descend(&self, query: &[Line], from: Candidate, level: u8) -> Candidate {
        let mut nearest = from;
        loop {
            let here = nearest;
            let links = self.links(here.node(), level);
            self.rank_all(query, links, |candidate| nearest = nearest.min(candidate));
            if nearest == here {
                return here;
            }
        }
    }

    /// Expands candidates on `level` until none of those in the pool is left.
    pub(crate) fn walk(&self, query: &[Line], level: u8, scratch: &mut Scratch) {
        let Scratch {
            pool,
            visited,
            fresh,
        } = scratch;
        while let Some(node) = pool.expand() {
            if level == 0
                && let Some(next) = pool.peek()
            {
                prefetch(self.base_list(next));
            }
            visited.gather(self.links(node, level), fresh);
            self.rank_all(query, fresh, |candidate| pool.offer(candidate));
        }
    }

    /// Ranks nodes in order, four at a time, fetching ahead.
    #[inline]
    pub(crate) fn rank_all(&self, query: &[Line], nodes: &[u32], mut each: impl FnMut(Candidate)) {
        let query = flatten(query);
        for &node in nodes.iter().take(AHEAD) {
            prefetch(self.vectors.lines(node));
        }
        let (fours, rest) = nodes.as_chunks::<4>();
        for (idx, four) in fours.iter().enumerate() {
            for &node in nodes.iter().skip(4 * idx + AHEAD).take(4) {
                prefetch(self.vectors.lines(node));
            }
            let ranks = self
                .scorer
                .rank_four(query, four.map(|node| self.vectors.padded(node)));
            for (rank, &node) in ranks.into_iter().zip(four) {
                each(Candidate::new(rank, node));
            }
        }
        if let Some(last) = rest.last() {
            // Four at once take hardly longer than one: the last stands in for those that are missing.
            let four: [u32; 4] = std::array::from_fn(|idx| *rest.get(idx).unwrap_or(last));
            let ranks = self
                .scorer
                .rank_four(query, four.map(|node| self.vectors.padded(node)));
            for (rank, &node) in ranks.into_iter().zip(rest) {
                each(Candidate::new(rank, node));
            }
        }
    }
}
