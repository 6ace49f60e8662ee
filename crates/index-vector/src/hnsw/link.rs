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

/// What changes when a node is linked in.
#[derive(Debug)]
pub(crate) struct Plan {
    node: u32,
    parent: Option<u32>,
    lists: Vec<List>,
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) node: u32,
    pub(crate) level: u8,
    pub(crate) links: Vec<u32>,
}

impl Graph {
    /// Finds neighbors for a node that has a number but no links yet.
    pub(crate) fn plan(&self, node: u32, scratch: &mut Scratch) -> Plan {
        let mut plan = Plan {
            node,
            parent: None,
            lists: Vec::new(),
        };
        if let Some(entry) = self.entry {
            let top = self.node(entry).level.min(self.node(node).level);
            for level in (0..=top).rev() {
                self.plan_level(level, &mut plan, scratch);
            }
        }
        plan
    }

    fn plan_level(&self, level: u8, plan: &mut Plan, scratch: &mut Scratch) {
        let node = plan.node;
        let query = self.vectors.lines(node);
        let ef = self.parameters.ef_construction;
        if plan.lists.is_empty() {
            self.enter(query, level, ef, scratch);
        } else {
            self.enter_below(ef, scratch);
        }
        self.walk(query, level, scratch);
        let found = self.linkable(scratch.pool.entries());
        let chosen = self.select(&found, self.parameters.m, |_| false);
        let mut links: Vec<_> = chosen.iter().map(|near| near.node()).collect();
        if level == 0 {
            plan.parent = self.choose_parent(node, &links);
            links.extend(plan.parent.filter(|parent| !links.contains(parent)));
        }
        for &near in &links {
            let links = self.plan_back(near, node, level, plan.parent);
            plan.lists.push(List {
                node: near,
                level,
                links,
            });
        }
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

    /// The first of `near` that may have one more child, or else some node below the first.
    fn choose_parent(&self, node: u32, near: &[u32]) -> Option<u32> {
        let mut roomy = near.iter().filter(|near| self.has_room_for_child(**near));
        let below = || near.first().map(|first| self.roomy_below(*first, node));
        roomy.next().copied().or_else(below)
    }

    fn has_room_for_child(&self, node: u32) -> bool {
        self.children(node).count() < self.parameters.children_max()
    }

    /// A node that may have one more child: `top`, or one below it. There is one, since leaves have none. The way down is
    /// drawn from the number of the node that is to be the child, so that the tree stays flat.
    pub(crate) fn roomy_below(&self, top: u32, child: u32) -> u32 {
        let mut draw = hash(&child.to_le_bytes());
        let mut node = top;
        while !self.has_room_for_child(node) {
            let count = self.children(node).count() as u64;
            let pick = usize::try_from(draw % count).unwrap_or(0);
            draw /= count;
            node = self.children(node).nth(pick).unwrap_or(node);
        }
        node
    }

    /// The list of `near` with a link back to `node`.
    fn plan_back(&self, near: u32, node: u32, level: u8, parent: Option<u32>) -> Vec<u32> {
        let mut links = self.links(near, level).to_vec();
        links.push(node);
        if links.len() <= self.parameters.links_max(level) {
            return links;
        }
        let is_pinned = |other| other == node && parent == Some(near);
        self.nearest_diverse(near, &links, level, is_pinned)
    }

    /// Of `others`, those that `node` should link to: edges of the tree, and what else there is room for.
    pub(crate) fn nearest_diverse(
        &self,
        node: u32,
        others: &[u32],
        level: u8,
        is_pinned: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        let mut ranked = Vec::with_capacity(others.len());
        self.rank_all(self.vectors.lines(node), others, |candidate| {
            ranked.push(candidate)
        });
        ranked.sort_unstable();
        let is_pinned = |other| level == 0 && (self.is_edge(node, other) || is_pinned(other));
        let chosen = self.select(&ranked, self.parameters.links_max(level), is_pinned);
        chosen.iter().map(|near| near.node()).collect()
    }

    /// Of candidates in ascending order, up to `max`: those pinned, and those that lie in different directions. One that
    /// is nearer to another chosen one than to the node is reached through that one.
    fn select(
        &self,
        candidates: &[Candidate],
        max: usize,
        is_pinned: impl Fn(u32) -> bool,
    ) -> Vec<Candidate> {
        let pinned = candidates
            .iter()
            .filter(|candidate| is_pinned(candidate.node()));
        let mut free = max - pinned.count().min(max);
        let mut chosen: Vec<Candidate> = Vec::with_capacity(max);
        for candidate in candidates {
            if is_pinned(candidate.node()) {
                chosen.push(*candidate);
            } else if free > 0 && self.is_apart(*candidate, &chosen) {
                chosen.push(*candidate);
                free -= 1;
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
        self.set_parent(plan.node, plan.parent);
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
