//! Whether a graph is sound.

use drystone_engine::Malformed;

use super::graph::Graph;
use super::visited::Visited;

impl Graph {
    /// Checks the graph's invariants; returns what is wrong, in the order of nodes.
    pub(crate) fn check(&self) -> Vec<Malformed> {
        let mut findings = Vec::new();
        self.check_entry(&mut findings);
        for (slot, node) in (0u32..).zip(&self.nodes) {
            if !node.is_empty() {
                self.check_node(slot, &mut findings);
            }
        }
        if findings.is_empty() {
            self.check_reach(&mut findings);
        }
        findings
    }

    fn check_entry(&self, findings: &mut Vec<Malformed>) {
        let highest = self
            .nodes
            .iter()
            .filter(|node| !node.is_empty())
            .map(|node| node.level);
        let highest = highest.max();
        let used = |entry: &u32| {
            self.nodes
                .get(*entry as usize)
                .filter(|node| !node.is_empty())
        };
        let found = self.entry.as_ref().and_then(used).map(|node| node.level);
        if found != highest {
            let level = |level: Option<u8>| level.map_or("none".into(), |level| level.to_string());
            findings.push(Malformed::new(
                "level of the entry point",
                level(highest),
                level(found),
            ));
        }
    }

    fn check_node(&self, slot: u32, findings: &mut Vec<Malformed>) {
        let node = self.node(slot);
        if node.is_live() && self.by_key.get(&node.key) != Some(&slot) {
            findings.push(wrong(
                "node of a live key",
                slot,
                self.by_key.get(&node.key),
            ));
        }
        for level in 0..=node.level {
            let links = self.links(slot, level);
            for (idx, &link) in links.iter().enumerate() {
                let is_node = |link: u32| {
                    let node = self.nodes.get(link as usize);
                    node.is_some_and(|node| !node.is_empty() && node.level >= level)
                };
                if link == slot || links[..idx].contains(&link) || !is_node(link) {
                    findings.push(wrong("link", slot, Some(&link)));
                }
            }
        }
    }

    /// Every live node can be walked to on the lowest level.
    fn check_reach(&self, findings: &mut Vec<Malformed>) {
        let mut visited = Visited::default();
        visited.reset(self.slots());
        let mut open: Vec<u32> = self.entry.into_iter().collect();
        open.iter().for_each(|entry| {
            visited.insert(*entry);
        });
        while let Some(node) = open.pop() {
            let links = self.links(node, 0).iter();
            open.extend(links.filter(|&&link| visited.insert(link)));
        }
        for &node in self.by_key.values() {
            if visited.insert(node) {
                findings.push(Malformed::new(
                    "reach of a node",
                    "from the entry point",
                    node.to_string(),
                ));
            }
        }
    }
}

fn wrong(what: &'static str, node: u32, found: Option<&u32>) -> Malformed {
    let found = found.map_or("none".into(), u32::to_string);
    Malformed::new(what, format!("fit for node {node}"), found)
}
