//! Rewrite: one tree, or a part of it, in other pages.
//!
//! Walks the inner nodes within the part. A leaf that is to move is copied as it is; leaves that are to be filled up go
//! through the [`Tower`], and so do the nodes above whatever changed. All else stays.

use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_engine::EngineError;
use drystone_storage_pager::{BLOCK_BYTES, BlockNo, CODEC_NONE};

use crate::merge::tower::Tower;
use crate::node::build::Entry;
use crate::node::child::Child;
use crate::node::format::CHILD_BYTES;
use crate::node::{Node, Value};
use crate::tree::{Tree, TreeRoot};

/// What is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The leaves of a node that would need fewer blocks if they were full.
    Fill,
    /// Pages that end behind this block.
    Move(BlockNo),
}

/// Leaves are filled up if this makes at least one block in so many free.
const FILL_GAIN_SHARE: u64 = 16;
/// And leaves that are full have about this share of their page in use.
const FULL_PERCENT: u64 = 95;

/// A rewrite of one tree.
pub(crate) struct Rewrite<'t> {
    tower: &'t mut Tower,
    rule: Rule,
    /// What the tower may have spent when this stops.
    end_bytes: u64,
    /// Where it starts.
    from: Vec<u8>,
    stopped_at: Option<Vec<u8>>,
    /// Whether a leaf was looked at: each slice gets at least that far.
    has_advanced: bool,
}

/// The keys that a node may hold: `low <= key < high`.
#[derive(Clone, Copy)]
struct Fences<'k> {
    low: &'k [u8],
    high: Option<&'k [u8]>,
}

/// What becomes of the leaves of one node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Each,
    Filled,
}

/// What became of a node.
enum Visited {
    /// It is as it was.
    Kept,
    /// Its page lies elsewhere.
    Moved(Child),
    /// Its entries are in the tower.
    Rewritten,
}

impl<'t> Rewrite<'t> {
    pub(crate) fn new(tower: &'t mut Tower, rule: Rule, end_bytes: u64) -> Rewrite<'t> {
        Rewrite {
            tower,
            rule,
            end_bytes,
            from: Vec::new(),
            stopped_at: None,
            has_advanced: false,
        }
    }

    /// Leaves all leaves alone whose keys are below `key`.
    pub(crate) fn starting_at(mut self, key: Vec<u8>) -> Rewrite<'t> {
        self.from = key;
        self
    }

    /// Where to go on, if the budget did not reach to the end.
    pub(crate) fn stopped_at(self) -> Option<Vec<u8>> {
        self.stopped_at
    }

    /// Returns what the tree is afterwards: the same entries.
    pub(crate) fn run(&mut self, tree: Tree) -> Result<Tree, EngineError> {
        let Some(root) = tree.root else {
            return Ok(tree);
        };
        self.tower.begin_tree(tree.codec);
        let everything = Fences {
            low: &[],
            high: None,
        };
        let visited = self.visit(&root.child, root.level, everything, Leaves::Each)?;
        let root = match visited {
            Visited::Kept => Some(root),
            Visited::Moved(child) => Some(TreeRoot { child, ..root }),
            Visited::Rewritten => self.tower.finish()?,
        };
        Ok(Tree { root, ..tree })
    }

    fn visit(
        &mut self,
        child: &Child,
        level: u8,
        fences: Fences<'_>,
        leaves: Leaves,
    ) -> Result<Visited, EngineError> {
        if !self.tower.is_pending(level) && self.is_skipped(fences) {
            return Ok(Visited::Kept);
        }
        match level {
            0 => self.leaf(child, fences, leaves),
            _ => self.inner(child, level, fences),
        }
    }

    /// Whether a node lies outside the part that is rewritten. Where the budget ends, so does the part.
    fn is_skipped(&mut self, fences: Fences<'_>) -> bool {
        let is_before = fences.high.is_some_and(|high| high <= &self.from[..]);
        if is_before || self.stopped_at.is_some() {
            return true;
        }
        if self.is_spent() {
            self.stopped_at = Some(fences.low.to_vec());
        }
        self.stopped_at.is_some()
    }

    fn is_spent(&self) -> bool {
        self.has_advanced && self.tower.spent_bytes() >= self.end_bytes
    }

    fn inner(
        &mut self,
        child: &Child,
        level: u8,
        fences: Fences<'_>,
    ) -> Result<Visited, EngineError> {
        let node = self.tower.read(child, level)?;
        self.tower.begin(level, fences.low);
        let leaves = match level == 1 && self.rule == Rule::Fill && self.would_gain(&node)? {
            true => Leaves::Filled,
            false => Leaves::Each,
        };
        let would_move = match self.rule {
            Rule::Move(limit) => self.tower.would_move(&child.page, limit),
            Rule::Fill => false,
        };
        let changed = self.tower.is_pending(level) || would_move;
        self.tower.set_appending(leaves == Leaves::Filled);
        let changed = self.children(&node, fences, leaves)? || changed;
        if !changed {
            self.tower.set_appending(false);
            self.tower.forget(level);
            return Ok(Visited::Kept);
        }
        self.tower.close_children(level - 1)?;
        self.tower.set_appending(false);
        self.tower.free(&child.page)?;
        self.tower.close_node(level)?;
        Ok(Visited::Rewritten)
    }

    /// Whether any child is other than before.
    fn children(
        &mut self,
        node: &Node,
        fences: Fences<'_>,
        leaves: Leaves,
    ) -> Result<bool, EngineError> {
        let pages = Arc::clone(self.tower.pages());
        let mut changed = false;
        let (mut low, mut high) = (fences.low.to_vec(), Vec::new());
        for idx in 0..node.child_count() {
            let child = pages.check(node, node.child(idx))?;
            let is_last = idx == node.key_count();
            if !is_last {
                pages.check(node, node.key_into(idx, &mut high))?;
            }
            let fences = Fences {
                low: &low,
                high: if is_last { fences.high } else { Some(&high) },
            };
            if leaves == Leaves::Filled && self.is_spent() {
                self.tower.close_node(0)?; // and the part can end here
            }
            let level = node.level();
            match self.visit(&child, level - 1, fences, leaves)? {
                Visited::Kept => self.tower.keep(level, &low, &child)?,
                Visited::Moved(moved) => {
                    changed = true;
                    let stays = is_planted("btree-moved-page-parent-stale");
                    let child = if stays { child } else { moved };
                    self.tower.keep(level, &low, &child)?;
                }
                Visited::Rewritten => changed = true,
            }
            std::mem::swap(&mut low, &mut high);
        }
        Ok(changed)
    }

    fn leaf(
        &mut self,
        child: &Child,
        fences: Fences<'_>,
        leaves: Leaves,
    ) -> Result<Visited, EngineError> {
        self.has_advanced = true;
        if leaves == Leaves::Filled || self.tower.is_pending(0) {
            let leaf = self.tower.read(child, 0)?;
            self.push_leaf(child, &leaf, fences.low, &[])?;
            if leaves == Leaves::Each {
                self.tower.close_node(0)?;
            }
            return Ok(Visited::Rewritten);
        }
        let Rule::Move(limit) = self.rule else {
            return Ok(Visited::Kept);
        };
        if child.has_overflow && self.move_values(child, fences.low, limit)? {
            return Ok(Visited::Rewritten);
        }
        let moved = self.tower.relocate(&child.page, limit)?;
        Ok(match moved {
            Some(page) => Visited::Moved(Child { page, ..*child }),
            None => Visited::Kept,
        })
    }

    /// Moves the values of a leaf that lie outside it; whether there were any to be moved. Where the budget ends within a
    /// leaf, the next part begins with it.
    fn move_values(
        &mut self,
        child: &Child,
        low: &[u8],
        limit: BlockNo,
    ) -> Result<bool, EngineError> {
        let pages = Arc::clone(self.tower.pages());
        let leaf = self.tower.read(child, 0)?;
        let mut moved = Vec::new();
        for slot in 0..leaf.key_count() {
            let Value::Overflow(value) = pages.check(&leaf, leaf.value(slot))? else {
                continue;
            };
            let end_bytes = self.end_bytes;
            if let Some(value) = self.tower.relocate_value(&value, limit, end_bytes)? {
                moved.push((slot, value.encode()));
                if self.is_spent() {
                    self.stopped_at = Some(low.to_vec());
                    break;
                }
            }
        }
        if moved.is_empty() {
            return Ok(false);
        }
        self.push_leaf(child, &leaf, low, &moved)?;
        self.tower.close_node(0)?;
        Ok(true)
    }

    /// Puts the entries of a leaf into the tower, some with other payloads, and frees its page.
    fn push_leaf(
        &mut self,
        child: &Child,
        leaf: &Node,
        low: &[u8],
        moved: &[(usize, [u8; CHILD_BYTES])],
    ) -> Result<(), EngineError> {
        let pages = Arc::clone(self.tower.pages());
        self.tower.begin(0, low);
        let (mut done, mut key) = (0, Vec::new());
        for (slot, payload) in moved {
            self.tower.push_slots(leaf, done..*slot)?;
            pages.check(leaf, leaf.key_into(*slot, &mut key))?;
            let entry = Entry {
                key: &key,
                payload,
                entries: 1,
                overflow: true,
            };
            self.tower.push(0, &entry)?;
            done = slot + 1;
        }
        self.tower.push_slots(leaf, done..leaf.key_count())?;
        self.tower.free(&child.page)
    }

    /// Whether the leaves of a node would need fewer blocks if they were full.
    fn would_gain(&mut self, node: &Node) -> Result<bool, EngineError> {
        let pages = Arc::clone(self.tower.pages());
        let page_bytes = pages.page_bytes() as u64;
        let (mut blocks, mut bytes, count) = (0, 0, node.child_count() as u64);
        for idx in 0..node.child_count() {
            let child = pages.check(node, node.child(idx))?;
            blocks += child.page.block_count();
            bytes += match child.page.codec {
                CODEC_NONE => u64::from(child.page.len),
                _ => self.tower.read(&child, 0)?.page().len() as u64,
            };
        }
        let full = (bytes * 100).div_ceil(page_bytes * FULL_PERCENT);
        let is_plain = blocks >= bytes / BLOCK_BYTES as u64;
        let blocks_then = match is_plain {
            true => full * page_bytes.div_ceil(BLOCK_BYTES as u64),
            false => (blocks * full).div_ceil(count),
        };
        Ok(full < count && blocks_then + blocks / FILL_GAIN_SHARE <= blocks)
    }
}
