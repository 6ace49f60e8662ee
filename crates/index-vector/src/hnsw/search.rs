//! Searching the graph, under a filter, as of a state.
//!
//! A walk keeps the `ef` nearest nodes it met. From nearest to farthest, those that the state sees are put to the
//! caller's filter, outside the latch, until `k` are accepted. When they run out before that, or when so much was turned
//! away that the `k`-th lies near the edge of what the walk knows, the walk goes on where it stopped, with twice the
//! width. Once looking at every node costs less than walking, every node is looked at: then the answer is exact and
//! complete. So a filter never costs answers, however selective it is.

use drystone_base::Lsn;
use hashbrown::HashMap;

use super::Hnsw;
use super::graph::Graph;
use super::rank::{Candidate, order};
use super::walk::Scratch;
use crate::error::VectorError;
use crate::hit::Hit;
use crate::kernel::Line;

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// At most `k`, nearest first; of equals, the lesser key first.
    pub hits: Vec<Hit>,
    /// Whether every node was looked at, so that nothing nearer was missed and nothing accepted is left.
    pub is_exhaustive: bool,
}

impl Hnsw {
    /// The nodes nearest to `query` that state `at` sees and `accept` lets through, at most `k`. `None` when the state is
    /// older than the graph remembers ([`crate::HnswStats::floor`]).
    ///
    /// `ef` is the beam's width, at least `k`; wider finds more of the true nearest, and takes longer in proportion.
    /// `accept` is called at most once a key and state of the graph, nearest first, and holds up nobody: no latch is held
    /// meanwhile.
    ///
    /// # Errors
    /// [`VectorError::Dimensions`], [`VectorError::NotFinite`], and whatever `accept` returns.
    pub fn search<E: From<VectorError>>(
        &self,
        query: &[f32],
        k: usize,
        ef: usize,
        at: Lsn,
        mut accept: impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<Option<Found>, E> {
        let query = self.prepare(query)?;
        let mut quest = Quest::new(query, k, ef, at, self.take_scratch());
        let found = loop {
            match quest.run(self, &mut accept)? {
                Outcome::Found(found) => break Some(found),
                Outcome::TooOld => break None,
                Outcome::Renumbered => {}
            }
        };
        self.give_back(quest.scratch);
        Ok(found)
    }
}

/// One search: what it is after, and how far it got.
struct Quest {
    query: Vec<Line>,
    k: usize,
    ef: usize,
    at: Lsn,
    /// The graph's, when the search started.
    generation: u64,
    scratch: Scratch,
    /// Every node that the state sees, once walking gave way to looking at all.
    all: Option<Ascending>,
    decided: HashMap<u32, bool>,
    accepted: Vec<Hit>,
}

enum Outcome {
    Found(Found),
    /// The graph forgot nodes that this state sees.
    TooOld,
    /// Nodes were renumbered meanwhile: start again.
    Renumbered,
}

/// A node in the order of nearness.
enum Next {
    Decided(bool),
    Undecided(u32, Hit),
}

impl Quest {
    fn new(query: Vec<Line>, k: usize, ef: usize, at: Lsn, scratch: Scratch) -> Quest {
        Quest {
            query,
            k,
            ef: ef.max(k).max(1),
            at,
            generation: 0,
            scratch,
            all: None,
            decided: HashMap::new(),
            accepted: Vec::new(),
        }
    }

    fn run<E>(
        &mut self,
        hnsw: &Hnsw,
        accept: &mut impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<Outcome, E> {
        self.start(&hnsw.graph.read());
        loop {
            let mut position = 0;
            let mut taken = 0;
            while taken < self.k {
                let graph = hnsw.graph.read();
                if let Some(outcome) = self.outdated(&graph) {
                    return Ok(outcome);
                }
                let batch = self.batch(&graph, position, self.k - taken);
                drop(graph);
                if batch.is_empty() {
                    break;
                }
                for next in batch {
                    position += 1;
                    taken += usize::from(self.decide(next, accept)?);
                }
            }
            if self.is_certain(position, taken) {
                return Ok(Outcome::Found(self.finish()));
            }
            let graph = hnsw.graph.read();
            if let Some(outcome) = self.outdated(&graph) {
                return Ok(outcome);
            }
            self.widen(&graph);
        }
    }

    /// Why what was found so far may be wrong by now: the latch was let go, and the graph changed.
    fn outdated(&self, graph: &Graph) -> Option<Outcome> {
        if self.at < graph.floor {
            return Some(Outcome::TooOld);
        }
        (graph.generation != self.generation).then_some(Outcome::Renumbered)
    }

    fn start(&mut self, graph: &Graph) {
        self.generation = graph.generation;
        self.all = None;
        self.decided.clear();
        self.accepted.clear();
        if self.is_better_exhaustive(graph) {
            return self.look_at_all(graph);
        }
        graph.enter(&self.query, 0, self.ef, &mut self.scratch);
        graph.walk(&self.query, 0, &mut self.scratch);
    }

    fn widen(&mut self, graph: &Graph) {
        self.ef = self.ef.saturating_mul(2);
        if self.is_better_exhaustive(graph) {
            return self.look_at_all(graph);
        }
        graph.resume(self.ef, &mut self.scratch);
        graph.walk(&self.query, 0, &mut self.scratch);
    }

    /// A walk looks at about `m` new nodes for each of the `ef` that it keeps.
    fn is_better_exhaustive(&self, graph: &Graph) -> bool {
        self.ef.saturating_mul(graph.parameters.m) >= graph.numbers()
    }

    fn look_at_all(&mut self, graph: &Graph) {
        self.all = Some(Ascending::new(graph, &self.query, self.at));
    }

    /// Up to `count` nodes from `position` on, by nearness.
    fn batch(&mut self, graph: &Graph, position: usize, count: usize) -> Vec<Next> {
        let (candidates, is_by_distance) = match &mut self.all {
            Some(all) => (all.up_to(graph, position.saturating_add(count)), true),
            None => (self.scratch.pool.entries(), false),
        };
        let next = |candidate: &Candidate| {
            let node = graph.node(candidate.node());
            if let Some(decided) = self.decided.get(&candidate.node()) {
                return Next::Decided(*decided);
            }
            if !node.is_seen_at(self.at) {
                return Next::Decided(false);
            }
            let rank = candidate.rank();
            let distance = if is_by_distance {
                rank
            } else {
                graph.scorer.distance(rank)
            };
            let key = node.key.clone();
            Next::Undecided(candidate.node(), Hit { key, distance })
        };
        let from = position.min(candidates.len());
        candidates[from..].iter().take(count).map(next).collect()
    }

    fn decide<E>(
        &mut self,
        next: Next,
        accept: &mut impl FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<bool, E> {
        match next {
            Next::Decided(decided) => Ok(decided),
            Next::Undecided(node, hit) => {
                let decided = accept(&hit.key)?;
                self.decided.insert(node, decided);
                if decided {
                    self.accepted.push(hit);
                }
                Ok(decided)
            }
        }
    }

    /// Whether going on would hardly change the answer: `taken` were accepted of the `position` nearest.
    fn is_certain(&self, position: usize, taken: usize) -> bool {
        let nothing_refused = position == taken;
        let well_inside = position.saturating_mul(2) <= self.ef;
        self.all.is_some() || taken == self.k && (nothing_refused || well_inside)
    }

    fn finish(&mut self) -> Found {
        let mut hits = std::mem::take(&mut self.accepted);
        hits.sort_unstable_by(|a, b| (order(a.distance), &a.key).cmp(&(order(b.distance), &b.key)));
        hits.truncate(self.k);
        Found {
            hits,
            is_exhaustive: self.all.is_some(),
        }
    }
}

/// Every node that a state sees, sorted by distance (not rank: of two ranks, one distance may come), then key, as far as
/// was asked for.
struct Ascending {
    candidates: Vec<Candidate>,
    sorted: usize,
}

impl Ascending {
    fn new(graph: &Graph, query: &[Line], at: Lsn) -> Ascending {
        let numbers = (0u32..).zip(&graph.nodes);
        let seen: Vec<u32> = numbers
            .filter(|(_, node)| node.is_seen_at(at))
            .map(|(number, _)| number)
            .collect();
        let mut candidates = Vec::with_capacity(seen.len());
        graph.rank_all(query, &seen, |candidate| {
            let distance = graph.scorer.distance(candidate.rank());
            candidates.push(Candidate::new(distance, candidate.node()));
        });
        Ascending {
            candidates,
            sorted: 0,
        }
    }

    /// The nearest, sorted at least up to `count` where there are so many.
    fn up_to(&mut self, graph: &Graph, count: usize) -> &[Candidate] {
        let count = count.min(self.candidates.len());
        if count > self.sorted {
            let by_nearness = |a: &Candidate, b: &Candidate| {
                let key = |candidate: &Candidate| &graph.node(candidate.node()).key;
                a.order().cmp(&b.order()).then_with(|| key(a).cmp(key(b)))
            };
            let rest = &mut self.candidates[self.sorted..];
            let take = (count.max(2 * self.sorted).max(64) - self.sorted).min(rest.len());
            if take < rest.len() {
                rest.select_nth_unstable_by(take, by_nearness);
            }
            rest[..take].sort_unstable_by(by_nearness);
            self.sorted += take;
        }
        &self.candidates[..self.sorted]
    }
}
