//! Taking dead nodes out of the graph for good.
//!
//! Who links to a node that goes is offered that node's neighbors in its place, and keeps the best. So the graph stays
//! searchable after every step, and the work is in proportion to the links that led to dead nodes.
//!
//! # Source
//! Singh et al., "FreshDiskANN: a fast and accurate graph-based ANN index for streaming similarity search" (2021),
//! algorithm 4.

use std::collections::BTreeSet;

use drystone_base::Lsn;

use super::graph::Graph;
use super::link::List;

/// Dead nodes are taken out when there is more than one to this many in all.
const DEAD_SHARE: usize = 5;

impl Graph {
    /// The nodes that no state at or after `before` sees, if they and other dead ones are so many that they should go.
    pub(crate) fn expired(&self, before: Lsn) -> BTreeSet<u32> {
        let stats = self.stats();
        if stats.dead * DEAD_SHARE <= stats.live + stats.dead {
            return BTreeSet::new();
        }
        let numbers = (0u32..).zip(&self.nodes);
        let dead = numbers.filter(|(_, node)| !node.is_empty() && node.death <= before);
        dead.map(|(number, _)| number).collect()
    }

    /// Takes a node out of the tree: its first child takes its place, and the other children go below that one.
    pub(crate) fn uproot(&mut self, node: u32) {
        let parent = self.parent(node);
        let children: Vec<_> = self.children(node).collect();
        self.set_parent(node, None);
        let Some((first, others)) = children.split_first() else {
            return;
        };
        self.attach(*first, parent);
        for child in others {
            let parent = self.roomy_below(*first, *child);
            self.attach(*child, Some(parent));
        }
    }

    /// Makes a node the child of another, or the root.
    fn attach(&mut self, node: u32, parent: Option<u32>) {
        self.set_parent(node, parent);
        if let Some(parent) = parent {
            self.pin(node, parent);
            self.pin(parent, node);
        }
    }

    /// Makes sure that a node links to another on the lowest level, giving up a link that is no edge of the tree.
    fn pin(&mut self, node: u32, other: u32) {
        let mut links = self.links(node, 0).to_vec();
        if links.contains(&other) {
            return;
        }
        if links.len() == self.parameters.links_max(0)
            && let Some(at) = links.iter().rposition(|link| !self.is_edge(node, *link))
        {
            links.remove(at);
        }
        links.push(other);
        self.set_links(node, 0, &links);
    }

    /// New lists for `node` where it links to nodes in `gone`.
    pub(crate) fn plan_repair(&self, node: u32, gone: &BTreeSet<u32>) -> Vec<List> {
        if self.node(node).is_empty() || gone.contains(&node) {
            return Vec::new();
        }
        let levels = 0..=self.node(node).level;
        levels
            .filter_map(|level| self.repaired(node, level, gone))
            .collect()
    }

    fn repaired(&self, node: u32, level: u8, gone: &BTreeSet<u32>) -> Option<List> {
        let links = self.links(node, level);
        if !links.iter().any(|link| gone.contains(link)) {
            return None;
        }
        let heirs = self.heirs(node, level, gone);
        let links = self.nearest_diverse(node, &heirs, level, |_| false);
        Some(List { node, level, links })
    }

    /// The neighbors that stay, and in place of each that goes, the nearest that stay beyond it.
    fn heirs(&self, node: u32, level: u8, gone: &BTreeSet<u32>) -> Vec<u32> {
        let mut seen = BTreeSet::from([node]);
        let mut open = self.links(node, level).to_vec();
        let mut heirs = Vec::new();
        while let Some(other) = open.pop() {
            if !seen.insert(other) {
                continue;
            }
            if !gone.contains(&other) {
                heirs.push(other);
            } else if seen.len() < SEEN_MAX {
                open.extend(self.links(other, level));
            }
        }
        heirs
    }

    /// Takes the nodes out that nothing links to any more.
    pub(crate) fn take_out(&mut self, gone: &BTreeSet<u32>, before: Lsn) {
        if self.entry.is_some_and(|entry| gone.contains(&entry)) {
            self.set_entry(self.highest_except(gone));
        }
        for &node in gone {
            self.remove(node);
        }
        self.note();
        self.floor = self.floor.max(before);
    }

    fn highest_except(&self, gone: &BTreeSet<u32>) -> Option<u32> {
        let numbers = (0u32..).zip(&self.nodes);
        let staying = numbers.filter(|(number, node)| !node.is_empty() && !gone.contains(number));
        let highest = staying.max_by_key(|(_, node)| (node.level, node.is_live()));
        highest.map(|(number, _)| number)
    }
}

/// Where dead nodes lead to dead nodes only, the search for what lies beyond ends here.
const SEEN_MAX: usize = 512;
