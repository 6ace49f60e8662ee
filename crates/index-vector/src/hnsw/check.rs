//! Whether a graph is sound.

use drystone_engine::Malformed;

use super::graph::Graph;

impl Graph {
    /// Checks the graph's invariants; returns what is wrong, in the order of nodes.
    pub(crate) fn check(&self) -> Vec<Malformed> {
        let mut findings: Vec<_> = self.check_entry().err().into_iter().collect();
        for (number, node) in (0u32..).zip(&self.nodes) {
            if !node.is_empty() {
                findings.extend(self.check_node(number).err());
            }
        }
        if findings.is_empty() {
            findings.extend(self.check_tree().err());
        }
        findings
    }

    /// I4: the entry point is on the highest level.
    pub(crate) fn check_entry(&self) -> Result<(), Malformed> {
        let used = self.nodes.iter().filter(|node| !node.is_empty());
        let highest = used.map(|node| node.level).max();
        let entry = self.entry.and_then(|entry| self.nodes.get(entry as usize));
        let found = entry.filter(|node| !node.is_empty()).map(|node| node.level);
        if found == highest && found.is_some() == self.entry.is_some() {
            return Ok(());
        }
        let level = |level: Option<u8>| level.map_or("none".into(), |level| level.to_string());
        Err(Malformed::new(
            "level of the entry point",
            level(highest),
            level(found),
        ))
    }

    fn check_node(&self, number: u32) -> Result<(), Malformed> {
        let node = self.node(number);
        if node.is_live() && self.by_key.get(&node.key) != Some(&number) {
            return Err(wrong(
                "node of a live key",
                number,
                self.by_key.get(&node.key),
            ));
        }
        for level in 0..=node.level {
            self.check_links(number, level, self.links(number, level))?;
        }
        Ok(())
    }

    /// I2: links lead to nodes on the level, each to another.
    pub(crate) fn check_links(
        &self,
        number: u32,
        level: u8,
        links: &[u32],
    ) -> Result<(), Malformed> {
        let is_node = |link: u32| {
            let node = self.nodes.get(link as usize);
            node.is_some_and(|node| !node.is_empty() && node.level >= level)
        };
        for (idx, &link) in links.iter().enumerate() {
            if link == number || links[..idx].contains(&link) || !is_node(link) {
                return Err(wrong("link", number, Some(&link)));
            }
        }
        Ok(())
    }

    /// I5: links both ways along every edge, and one root from which the edges lead to every node.
    pub(crate) fn check_tree(&self) -> Result<(), Malformed> {
        let mut open = Vec::new();
        let mut used = 0;
        for (number, _) in (0u32..)
            .zip(&self.nodes)
            .filter(|(_, node)| !node.is_empty())
        {
            used += 1;
            match self.parent(number) {
                Some(parent) => self.check_edge(number, parent)?,
                None => open.push(number),
            }
        }
        if open.len() != usize::from(used > 0) {
            return Err(Malformed::new(
                "roots of the tree",
                "one",
                open.len().to_string(),
            ));
        }
        let mut reached = 0_usize;
        while let Some(node) = open.pop() {
            reached += 1;
            open.extend(self.children(node));
        }
        if reached == used {
            return Ok(());
        }
        Err(Malformed::new(
            "nodes below the root",
            used.to_string(),
            reached.to_string(),
        ))
    }

    fn check_edge(&self, node: u32, parent: u32) -> Result<(), Malformed> {
        let is_linked = |from, to| self.links(from, 0).contains(&to);
        if is_linked(node, parent) && is_linked(parent, node) {
            return Ok(());
        }
        Err(wrong("parent", node, Some(&parent)))
    }
}

fn wrong(what: &'static str, node: u32, found: Option<&u32>) -> Malformed {
    let found = found.map_or("none".into(), u32::to_string);
    Malformed::new(what, format!("fit for node {node}"), found)
}
