//! Linking a new node into the graph.
//!
//! In two steps, so that searches wait only for the second: [`Graph::plan`] finds the neighbors and computes every list
//! that will change, reading only; [`Graph::apply`] copies the lists in.
//!
//! # Source
//! Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small
//! World graphs" (2018), algorithms 1 and 4. We differ: a node's level follows from its key, so that the same history
//! gives the same graph; dead nodes lead walks on, but are not linked to while live ones are at hand.

use super::graph::{Graph, MAX_LEVEL};
use super::rank::{Candidate, order};
use super::walk::Scratch;
use crate::kernel::Line;

/// The lists that change when a node is linked in.
#[derive(Debug)]
pub(crate) struct Plan {
    node: u32,
    lists: Vec<List>,
    /// Nodes that lose a link on the lowest level, once for each.
    dropped: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) node: u32,
    pub(crate) level: u8,
    pub(crate) links: Vec<u32>,
}

impl Graph {
    /// Finds neighbors for a node that has a slot but no links yet.
    pub(crate) fn plan(&self, node: u32, scratch: &mut Scratch) -> Plan {
        let mut plan = Plan {
            node,
            lists: Vec::new(),
            dropped: Vec::new(),
        };
        let top = self.entry.map_or(0, |entry| self.node(entry).level);
        for level in (0..=top.min(self.node(node).level)).rev() {
            self.plan_level(level, &mut plan, scratch);
        }
        plan
    }

    fn plan_level(&self, level: u8, plan: &mut Plan, scratch: &mut Scratch) {
        let query = self.vectors.lines(plan.node);
        let ef = self.parameters.ef_construction;
        if plan.lists.is_empty() {
            self.enter(query, level, ef, scratch);
        } else {
            self.enter_below(ef, scratch);
        }
        self.walk(query, level, scratch);
        let found = self.linkable(scratch.pool.entries());
        let chosen = self.select(&found, self.parameters.m);
        for near in &chosen {
            self.plan_back(near.node(), level, plan);
        }
        let links = chosen.iter().map(|near| near.node()).collect();
        let node = plan.node;
        plan.lists.push(List { node, level, links });
    }

    /// Live candidates, or all where none lives.
    fn linkable(&self, found: &[Candidate]) -> Vec<Candidate> {
        let live = found
            .iter()
            .filter(|found| self.node(found.node()).is_live());
        let live: Vec<_> = live.copied().collect();
        if live.is_empty() {
            found.to_vec()
        } else {
            live
        }
    }

    /// The list of a neighbor that links back.
    fn plan_back(&self, near: u32, level: u8, plan: &mut Plan) {
        let mut links = self.links(near, level).to_vec();
        links.push(plan.node);
        let max = self.parameters.links_max(level);
        if links.len() > max {
            let offered = links;
            links = self.nearest_diverse(near, &offered, max);
            if level == 0 {
                self.keep_reachable(&offered, &mut links, plan);
            }
        }
        plan.lists.push(List {
            node: near,
            level,
            links,
        });
    }

    /// Puts back into `links` whichever of `offered` nobody else links to.
    fn keep_reachable(&self, offered: &[u32], links: &mut Vec<u32>, plan: &mut Plan) {
        let max = self.parameters.links_max(0);
        let lost: Vec<_> = offered
            .iter()
            .filter(|link| !links.contains(link))
            .copied()
            .collect();
        for link in lost {
            let dropped = plan
                .dropped
                .iter()
                .filter(|dropped| **dropped == link)
                .count();
            let is_last = self.linked_by(link) as usize <= dropped + 1 && link != plan.node;
            if is_last && links.len() < max {
                links.push(link);
            } else if link != plan.node {
                plan.dropped.push(link);
            }
        }
        let is_first = plan.lists.iter().all(|list| list.level > 0);
        if is_first && !links.contains(&plan.node) {
            links.truncate(max - 1);
            links.push(plan.node);
        }
    }

    /// Of `others`, those that `node` should link to.
    pub(crate) fn nearest_diverse(&self, node: u32, others: &[u32], max: usize) -> Vec<u32> {
        let mut ranked = Vec::with_capacity(others.len());
        self.rank_all(self.vectors.lines(node), others, |candidate| {
            ranked.push(candidate)
        });
        ranked.sort_unstable();
        let chosen = self.select(&ranked, max);
        chosen.iter().map(|near| near.node()).collect()
    }

    /// Of candidates in ascending order, up to `max` that lie in different directions: one that is nearer to another
    /// chosen one than to the node is reached through that one.
    fn select(&self, candidates: &[Candidate], max: usize) -> Vec<Candidate> {
        let mut chosen: Vec<Candidate> = Vec::with_capacity(max);
        for candidate in candidates {
            if chosen.len() == max {
                break;
            }
            if self.is_apart(*candidate, &chosen) {
                chosen.push(*candidate);
            }
        }
        chosen
    }

    fn is_apart(&self, candidate: Candidate, chosen: &[Candidate]) -> bool {
        let from = self.vectors.padded(candidate.node());
        let (fours, rest) = chosen.as_chunks::<4>();
        let four_apart = |four: &[Candidate; 4]| {
            let vectors = four.map(|other| self.vectors.padded(other.node()));
            let ranks = self.scorer.rank_four(from, vectors);
            ranks.iter().all(|rank| order(*rank) >= candidate.order())
        };
        let one_apart = |other: &Candidate| {
            let rank = self.scorer.rank(from, self.vectors.padded(other.node()));
            order(rank) >= candidate.order()
        };
        fours.iter().all(four_apart) && rest.iter().all(one_apart)
    }

    /// Copies planned lists in. The graph has not changed since the plan, but for its own node.
    pub(crate) fn apply(&mut self, plan: Plan) {
        for list in &plan.lists {
            self.set_links(list.node, list.level, &list.links);
        }
        self.linked += 1;
        let level = self.node(plan.node).level;
        if self
            .entry
            .is_none_or(|entry| self.node(entry).level < level)
        {
            self.set_entry(Some(plan.node));
        }
    }
}

/// The highest level of a key's node: geometric, so that one node in `m` reaches each next level.
pub(crate) fn level_of(key: &[u8], m: usize) -> u8 {
    // The upper 53 bits make an evenly spread number in 0.0..1.0; one minus it is above zero.
    let even = (hash(key) >> 11) as f64 / (1u64 << 53) as f64;
    let level = -(1.0 - even).ln() / (m as f64).ln();
    (1..=MAX_LEVEL)
        .rev()
        .find(|at| level >= f64::from(*at))
        .unwrap_or(0)
}

/// FNV-1a, then the finisher of SplitMix64, so that all bits depend on all bytes.
fn hash(key: &[u8]) -> u64 {
    let folded = key.iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let mixed = (folded ^ (folded >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
