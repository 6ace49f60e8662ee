//! The graph itself: nodes by number, each with a vector, links per level, and the span of states that see it.
//!
//! Links of the lowest level lie in one flat array, since searches spend their time there; those of the upper levels,
//! which one node in `m` has, lie apart.
//!
//! # Invariants
//! - I1. A number stands for a node or for none (there `birth` is [`Lsn::MAX`]); those for none are in `free`, or wait in
//!   the journal until their removal is settled.
//! - I2. Links lead to nodes, never to numbers that stand for none, that reach up to the link's level; no node links to
//!   itself, or to another twice.
//! - I3. `by_key` holds each key's live node, and no other.
//! - I4. The entry point reaches up to the highest level of all. There is one, unless the graph is empty.
//! - I5. The nodes are a tree: each but one, the root, has a parent, and the two link to each other on the lowest level.
//!   Such links are never pruned. So every node can be walked to from every other, however alike their vectors are.
//! - I6. All changes pass through the journal, so that [`Graph::undo`] takes back whatever was not settled.

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;
use hashbrown::HashMap;

use super::journal::Journal;
use super::parameters::{HnswParameters, HnswStats};
use super::rank::MAX_NODES;
use super::vectors::Vectors;
use crate::error::VectorError;
use crate::kernel::Line;
use crate::metric::Scorer;

/// Levels end here, whatever a key hashes to.
pub(crate) const MAX_LEVEL: u8 = 15;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) key: Bytes,
    /// The first state that sees it.
    pub(crate) birth: Lsn,
    /// The first state that does not see it any more.
    pub(crate) death: Lsn,
    pub(crate) level: u8,
    /// CRC-32C of its vector's bytes in the source: tells whether a stored node still belongs to what is there.
    pub(crate) vector_crc: u32,
}

impl Node {
    fn empty() -> Node {
        Node {
            key: Bytes::new(),
            birth: Lsn::MAX,
            death: Lsn::MAX,
            level: 0,
            vector_crc: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.birth == Lsn::MAX
    }

    pub(crate) fn is_live(&self) -> bool {
        !self.is_empty() && self.death == Lsn::MAX
    }

    pub(crate) fn is_seen_at(&self, at: Lsn) -> bool {
        self.birth <= at && at < self.death
    }
}

/// All of a node's links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    /// Its parent in the tree; none of the root.
    pub(crate) parent: Option<u32>,
    /// Its neighbors, level by level from the lowest.
    pub(crate) levels: Vec<Vec<u32>>,
}

/// Stands for a parent that is not there.
const NO_PARENT: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) parameters: HnswParameters,
    pub(crate) scorer: Scorer,
    pub(crate) vectors: Vectors,
    pub(crate) nodes: Vec<Node>,
    /// Per node: how many links, then that many of `2 * m`.
    base_links: Vec<u32>,
    /// Per node and upper level: how many links, then that many of `m`.
    upper_links: Vec<Box<[u32]>>,
    /// Per node: its parent in the tree, or [`NO_PARENT`].
    parents: Vec<u32>,
    pub(crate) by_key: HashMap<Bytes, u32>,
    pub(crate) entry: Option<u32>,
    pub(crate) free: Vec<u32>,
    /// States before this one cannot be searched: nodes that they see are gone.
    pub(crate) floor: Lsn,
    /// Grows whenever a node's number may come to mean another node.
    pub(crate) generation: u64,
    pub(crate) journal: Journal,
    pub(crate) linked: u64,
}

impl Graph {
    pub(crate) fn new(parameters: HnswParameters) -> Graph {
        let scorer = Scorer::new(parameters.metric, parameters.dim);
        Graph {
            parameters,
            scorer,
            vectors: Vectors::new(parameters.dim, scorer.lines()),
            nodes: Vec::new(),
            base_links: Vec::new(),
            upper_links: Vec::new(),
            parents: Vec::new(),
            by_key: HashMap::new(),
            entry: None,
            free: Vec::new(),
            floor: Lsn::ZERO,
            generation: 0,
            journal: Journal::default(),
            linked: 0,
        }
    }

    /// Numbers of nodes are below this.
    pub(crate) fn numbers(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// A node's neighbors on a level that it reaches.
    #[inline]
    pub(crate) fn links(&self, node: u32, level: u8) -> &[u32] {
        let list = if level == 0 {
            &self.base_links[self.base_at(node)..]
        } else {
            &self.upper_links[node as usize][self.upper_at(level)..]
        };
        &list[1..1 + list[0] as usize]
    }

    /// Where in memory a node's links of the lowest level begin: to be fetched ahead.
    #[inline]
    pub(crate) fn base_list(&self, node: u32) -> &[u32] {
        let at = self.base_at(node);
        &self.base_links[at..at + 1 + self.parameters.links_max(0)]
    }

    fn base_at(&self, node: u32) -> usize {
        node as usize * (1 + self.parameters.links_max(0))
    }

    fn upper_at(&self, level: u8) -> usize {
        (usize::from(level) - 1) * (1 + self.parameters.links_max(level))
    }

    /// All of a node's links.
    pub(crate) fn all_links(&self, node: u32) -> Links {
        let levels = 0..=self.node(node).level;
        Links {
            parent: self.parent(node),
            levels: levels
                .map(|level| self.links(node, level).to_vec())
                .collect(),
        }
    }

    /// A node's parent in the tree (I5).
    pub(crate) fn parent(&self, node: u32) -> Option<u32> {
        let parent = self.parents[node as usize];
        (parent != NO_PARENT).then_some(parent)
    }

    /// Whether one node is the other's parent.
    pub(crate) fn is_edge(&self, a: u32, b: u32) -> bool {
        self.parent(a) == Some(b) || self.parent(b) == Some(a)
    }

    /// The nodes whose parent a node is.
    pub(crate) fn children(&self, node: u32) -> impl Iterator<Item = u32> {
        let links = self.links(node, 0).iter().copied();
        links.filter(move |link| self.parent(*link) == Some(node))
    }

    /// Replaces a node's neighbors on one level.
    pub(crate) fn set_links(&mut self, node: u32, level: u8, links: &[u32]) {
        self.save_links(node);
        self.write_links(node, level, links);
    }

    /// Gives a node another parent. The links of that edge are the caller's duty.
    pub(crate) fn set_parent(&mut self, node: u32, parent: Option<u32>) {
        self.save_links(node);
        self.write_parent(node, parent);
    }

    fn save_links(&mut self, node: u32) {
        self.note();
        if !self.journal.born.contains(&node) && !self.journal.links.contains_key(&node) {
            let before = self.all_links(node);
            self.journal.links.insert(node, before);
        }
    }

    /// As [`Graph::set_parent`], past the journal.
    pub(crate) fn write_parent(&mut self, node: u32, parent: Option<u32>) {
        self.parents[node as usize] = parent.unwrap_or(NO_PARENT);
    }

    /// As [`Graph::set_links`], past the journal.
    pub(crate) fn write_links(&mut self, node: u32, level: u8, links: &[u32]) {
        debug_assert!(links.len() <= self.parameters.links_max(level) && !links.contains(&node));
        let list = if level == 0 {
            let at = self.base_at(node);
            &mut self.base_links[at..]
        } else {
            let at = self.upper_at(level);
            &mut self.upper_links[node as usize][at..]
        };
        list[0] = u32::try_from(links.len()).expect("at most 2 * m links");
        list[1..=links.len()].copy_from_slice(links);
    }

    /// Gives a new node a number. Nothing leads to it yet.
    pub(crate) fn place(&mut self, node: Node, vector: &[Line]) -> Result<u32, VectorError> {
        self.note();
        let number = match self.free.pop() {
            Some(number) => number,
            None => self.new_number()?,
        };
        self.journal.born.insert(number);
        self.fill(number, node, vector);
        Ok(number)
    }

    /// Places a node; the live one of its key, if any, dies at its birth.
    pub(crate) fn replace(&mut self, node: Node, vector: &[Line]) -> Result<u32, VectorError> {
        let (key, birth) = (node.key.clone(), node.birth);
        let old = self.by_key.get(&key).copied();
        let number = self.place(node, vector)?;
        if let Some(old) = old {
            self.journal.killed.insert(old);
            self.nodes[old as usize].death = birth;
        }
        Ok(number)
    }

    fn new_number(&mut self) -> Result<u32, VectorError> {
        let number = u32::try_from(self.numbers()).unwrap_or(MAX_NODES);
        if number >= MAX_NODES {
            return Err(VectorError::Full { max: MAX_NODES });
        }
        self.resize(self.numbers() + 1);
        Ok(number)
    }

    /// Makes numbers that stand for no node yet.
    pub(crate) fn resize(&mut self, numbers: usize) {
        let stride = 1 + self.parameters.links_max(0);
        self.nodes.resize(numbers, Node::empty());
        self.base_links.resize(numbers * stride, 0);
        self.upper_links.resize(numbers, Box::default());
        self.parents.resize(numbers, NO_PARENT);
    }

    /// Makes a number stand for a node without links, past the journal.
    pub(crate) fn fill(&mut self, number: u32, node: Node, vector: &[Line]) {
        let idx = number as usize;
        let upper = usize::from(node.level) * (1 + self.parameters.m);
        self.upper_links[idx] = vec![0; upper].into_boxed_slice();
        self.vectors.set(number, vector);
        if node.is_live() {
            self.by_key.insert(node.key.clone(), number);
        }
        self.nodes[idx] = node;
        self.write_parent(number, None);
        self.write_links(number, 0, &[]);
    }

    /// Ends the life of a key's node. `None` when there is no such key.
    pub(crate) fn kill(&mut self, key: &[u8], at: Lsn) -> Option<u32> {
        let node = self.by_key.remove(key)?;
        self.note();
        self.journal.killed.insert(node);
        self.nodes[node as usize].death = at;
        Some(node)
    }

    /// Takes out a node that nothing leads to any more. Its number is free once that is settled.
    pub(crate) fn remove(&mut self, node: u32) {
        self.save_links(node);
        let gone = std::mem::replace(&mut self.nodes[node as usize], Node::empty());
        debug_assert!(!gone.is_live());
        self.journal.removed.insert(node, gone);
    }

    pub(crate) fn set_entry(&mut self, entry: Option<u32>) {
        self.note();
        self.entry = entry;
    }

    /// Remembers what the journal keeps of the whole graph, before the first change.
    pub(crate) fn note(&mut self) {
        if self.journal.before.is_none() {
            self.journal.before = Some((self.entry, self.floor));
        }
    }

    /// All changes so far stand.
    pub(crate) fn settle(&mut self) {
        let journal = std::mem::take(&mut self.journal);
        if !journal.removed.is_empty() {
            self.generation += 1;
        }
        for &number in journal.removed.keys() {
            self.upper_links[number as usize] = Box::default();
            self.free.push(number);
        }
    }

    /// Takes back every change since the last [`Graph::settle`].
    pub(crate) fn undo(&mut self) {
        let Journal {
            born,
            killed,
            links,
            removed,
            before,
            is_unwritten,
        } = std::mem::take(&mut self.journal);
        self.journal.is_unwritten = is_unwritten;
        self.generation += 1;
        for (number, node) in removed {
            self.nodes[number as usize] = node;
        }
        for (node, links) in links {
            self.write_parent(node, links.parent);
            for (level, links) in (0u8..).zip(&links.levels) {
                self.write_links(node, level, links);
            }
        }
        for &number in &born {
            if is_planted("vector-undo-keeps-births") {
                break;
            }
            self.forget(number);
        }
        for number in killed.difference(&born) {
            let node = &mut self.nodes[*number as usize];
            node.death = Lsn::MAX;
            self.by_key.insert(node.key.clone(), *number);
        }
        if let Some((entry, floor)) = before {
            self.entry = entry;
            self.floor = floor;
        }
    }

    fn forget(&mut self, number: u32) {
        let node = std::mem::replace(&mut self.nodes[number as usize], Node::empty());
        if node.is_live() {
            self.by_key.remove(&node.key);
        }
        self.upper_links[number as usize] = Box::default();
        self.free.push(number);
    }

    pub(crate) fn stats(&self) -> HnswStats {
        let empty = self.free.len() + self.journal.removed.len();
        let live = self.by_key.len();
        HnswStats {
            live,
            dead: self.numbers() - empty - live,
            levels: self
                .entry
                .map_or(0, |entry| usize::from(self.node(entry).level) + 1),
            memory_bytes: self.memory_bytes(),
            linked: self.linked,
            floor: self.floor,
        }
    }

    fn memory_bytes(&self) -> usize {
        let upper: usize = self.upper_links.iter().map(|links| links.len()).sum();
        let keys: usize = self.nodes.iter().map(|node| node.key.len()).sum();
        self.vectors.memory_bytes()
            + (self.base_links.capacity() + self.parents.capacity() + upper) * size_of::<u32>()
            + self.upper_links.capacity() * size_of::<Box<[u32]>>()
            + self.nodes.capacity() * size_of::<Node>()
            + self.by_key.allocation_size()
            + keys
    }
}
