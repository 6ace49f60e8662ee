//! Merge: folds sorted changes into one tree, and makes the next state of it.
//!
//! The old tree is walked along the paths to changed keys only; every other child is kept as it is. Each old node on a
//! path is read once and freed; its entries, with the changes folded in, go to the [`Tower`], which writes the new
//! nodes. A leaf that no change alters (the same value again, the delete of a key that is not there) is kept, and so is
//! a subtree of such leaves.
//!
//! Neighbouring leaves that change are made anew as one stretch, in full nodes: old leaves that are half full do not stay
//! so, and one that is full is not split in halves. Where a stretch ends, at a leaf that stays or with its parent, what is
//! left of it shares evenly with the node before it.
//!
//! A node that would be too small waits in the tower for its right neighbour, which is then walked as if it had
//! changed; the last child of a parent joins its left neighbour.
//!
//! # Pauses
//! The way through a tree is a [`Walk`]: the inner nodes above the place that was reached. So a merge can stop after any
//! leaf and go on later: everything that it knows is in the walk, the tower and the change at hand ([`Hand`]).
//!
//! [`Hand`]: feed::Hand

pub(crate) mod feed;
mod level;
mod run;
pub(crate) mod tower;

use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;
use drystone_engine::{EngineError, read_whole};
use std::sync::Arc;

use crate::limits::max_inline_bytes;
use crate::merge::feed::{Feed, Put};
use crate::merge::tower::Tower;
use crate::node::build::Entry;
use crate::node::child::{Child, Overflow};
use crate::node::{Node, Value};
use crate::tree::Tree;

/// The way through one tree, as far as it went.
#[derive(Debug)]
pub(crate) struct Walk {
    keyspace: KeyspaceId,
    tree: Tree,
    is_begun: bool,
    /// The inner nodes above the place that was reached, the root first.
    path: Vec<Visit>,
}

/// An inner node on the way.
#[derive(Debug)]
struct Visit {
    child: Child,
    level: u8,
    node: Node,
    /// The child that is next, and the fences of its keys: `low <= key < upper`.
    idx: usize,
    low: Vec<u8>,
    upper: Vec<u8>,
    /// Upper fence of the node itself.
    high: Option<Vec<u8>>,
    /// Whether anything below it is other than before.
    changed: bool,
}

impl Walk {
    pub(crate) fn new(keyspace: KeyspaceId, tree: Tree) -> Walk {
        Walk {
            keyspace,
            tree,
            is_begun: false,
            path: Vec::new(),
        }
    }

    pub(crate) fn keyspace(&self) -> KeyspaceId {
        self.keyspace
    }

    /// What the tree was before.
    pub(crate) fn old(&self) -> Tree {
        self.tree
    }

    /// Folds changes of the keyspace in, as many as go into one leaf. Returns what the tree is then, once all are.
    ///
    /// # Errors
    /// Failed I/O, damage, changes out of order. Walk, tower and writer are then to be dropped.
    pub(crate) fn step(
        &mut self,
        tower: &mut Tower,
        feed: &mut Feed<'_>,
    ) -> Result<Option<Tree>, EngineError> {
        let keyspace = self.keyspace;
        let mut fold = Fold {
            feed,
            keyspace,
            tower,
        };
        if !self.is_begun {
            self.is_begun = true;
            fold.tower.begin_tree(self.tree.codec);
            return self.enter_root(&mut fold);
        }
        let Some(visit) = self.path.pop() else {
            return self.load_on(&mut fold);
        };
        if visit.idx < visit.node.child_count() {
            return self.enter_next(visit, &mut fold);
        }
        let changed = fold.leave(&visit)?;
        self.settle(&visit.child, changed, &mut fold)
    }

    fn enter_root(&mut self, fold: &mut Fold<'_, '_>) -> Result<Option<Tree>, EngineError> {
        let Some(root) = self.tree.root else {
            fold.begin_load();
            return self.load_on(fold);
        };
        self.enter(&root.child, root.level, Vec::new(), None, fold)
    }

    /// Makes some more of a tree that has changes only.
    fn load_on(&mut self, fold: &mut Fold<'_, '_>) -> Result<Option<Tree>, EngineError> {
        if fold.load()? {
            return self.finish(fold);
        }
        Ok(None)
    }

    fn enter_next(
        &mut self,
        mut visit: Visit,
        fold: &mut Fold<'_, '_>,
    ) -> Result<Option<Tree>, EngineError> {
        let pages = Arc::clone(fold.tower.pages());
        let child = pages.check(&visit.node, visit.node.child(visit.idx))?;
        let is_last = visit.idx == visit.node.key_count();
        if !is_last {
            let upper = visit.node.key_into(visit.idx, &mut visit.upper);
            pages.check(&visit.node, upper)?;
        }
        let high = if is_last {
            visit.high.clone()
        } else {
            Some(visit.upper.clone())
        };
        let level = visit.level - 1;
        if level == 0 {
            fold.end_stretch(high.as_deref())?;
        }
        if !fold.is_concerned(level, high.as_deref()) {
            fold.settle(&mut visit, &child, false)?;
            self.path.push(visit);
            return Ok(None);
        }
        let low = visit.low.clone();
        self.path.push(visit);
        self.enter(&child, level, low, high, fold)
    }

    fn enter(
        &mut self,
        child: &Child,
        level: u8,
        low: Vec<u8>,
        high: Option<Vec<u8>>,
        fold: &mut Fold<'_, '_>,
    ) -> Result<Option<Tree>, EngineError> {
        let node = fold.tower.read(child, level)?;
        fold.tower.begin(level, &low);
        if level == 0 {
            let changed = fold.whole_leaf(child, &node, high.as_deref())?;
            return self.settle(child, changed, fold);
        }
        self.path.push(Visit {
            child: *child,
            level,
            node,
            idx: 0,
            low,
            upper: Vec::new(),
            high,
            changed: fold.tower.is_pending(level),
        });
        Ok(None)
    }

    /// Ends a node whose changes are all folded in: tells the one above, or ends the tree.
    fn settle(
        &mut self,
        child: &Child,
        changed: bool,
        fold: &mut Fold<'_, '_>,
    ) -> Result<Option<Tree>, EngineError> {
        if let Some(above) = self.path.last_mut() {
            fold.settle(above, child, changed)?;
            return Ok(None);
        }
        if changed {
            return self.finish(fold);
        }
        Ok(Some(self.tree))
    }

    fn finish(&mut self, fold: &mut Fold<'_, '_>) -> Result<Option<Tree>, EngineError> {
        let root = fold.tower.finish()?;
        let tree = Tree { root, ..self.tree };
        Ok(Some(tree))
    }
}

/// One step of a walk: what it folds, and to where.
struct Fold<'a, 'c> {
    feed: &'a mut Feed<'c>,
    keyspace: KeyspaceId,
    tower: &'a mut Tower,
}

/// Changes that make up one step where there are no leaves to fold them into.
const LOAD_STEP_BYTES: u64 = 8 << 10;

impl Fold<'_, '_> {
    fn begin_load(&mut self) {
        self.tower.begin(0, &[]);
        self.tower.set_appending(true);
    }

    /// Adds changes behind all others. True: there are no more.
    fn load(&mut self) -> Result<bool, EngineError> {
        let end = self.feed.taken_bytes() + LOAD_STEP_BYTES;
        while self.feed.is_below(self.keyspace, None) {
            if self.feed.taken_bytes() > end {
                return Ok(false);
            }
            self.push_put()?;
            self.feed.advance()?;
        }
        Ok(true)
    }

    /// Whether a child must be read: a change is for it, or its left neighbour is too small.
    fn is_concerned(&self, level: u8, high: Option<&[u8]>) -> bool {
        self.tower.is_pending(level) || self.feed.is_below(self.keyspace, high)
    }

    /// Ends the stretch of leaves that changed, if the leaf that ends at `high` is none of it.
    fn end_stretch(&mut self, high: Option<&[u8]>) -> Result<(), EngineError> {
        if self.feed.is_below(self.keyspace, high) {
            return Ok(());
        }
        self.tower.close_stretch()
    }

    /// Goes on to the next child; one that nothing altered stays as it is.
    fn settle(
        &mut self,
        visit: &mut Visit,
        child: &Child,
        changed: bool,
    ) -> Result<(), EngineError> {
        if changed {
            visit.changed = true;
        } else {
            self.tower.keep(visit.level, &visit.low, child)?;
        }
        std::mem::swap(&mut visit.low, &mut visit.upper);
        visit.idx += 1;
        Ok(())
    }

    /// Ends an inner node. False: nothing altered it; it stays as it is.
    fn leave(&mut self, visit: &Visit) -> Result<bool, EngineError> {
        if visit.changed {
            self.tower.close_children(visit.level - 1)?;
            self.tower.free(&visit.child.page)?;
            self.tower.close_node(visit.level)?;
        } else {
            self.tower.forget(visit.level);
        }
        Ok(visit.changed)
    }

    /// Folds the changes below `high` into a leaf. False: none altered it; it stays as it is.
    fn whole_leaf(
        &mut self,
        child: &Child,
        leaf: &Node,
        high: Option<&[u8]>,
    ) -> Result<bool, EngineError> {
        let changed = self.fold_leaf(leaf, high)?;
        if changed {
            self.tower.free(&child.page)?;
        }
        Ok(changed)
    }

    fn fold_leaf(&mut self, leaf: &Node, high: Option<&[u8]>) -> Result<bool, EngineError> {
        let pages = Arc::clone(self.tower.pages());
        let mut changed = self.tower.is_pending(0);
        // Slots before this one are pushed, once anything has changed.
        let mut done = 0;
        while self.feed.is_below(self.keyspace, high) {
            let found = pages.check(leaf, leaf.find(self.feed.key()))?;
            if self.alters(leaf, found)? {
                let (Ok(slot) | Err(slot)) = found;
                self.tower.push_slots(leaf, done..slot)?;
                done = slot + usize::from(found.is_ok());
                self.replace(leaf, found)?;
                if high.is_none() {
                    let is_append = found == Err(leaf.key_count()) && self.feed.value().is_some();
                    self.tower.set_appending(is_append);
                }
                changed = true;
            }
            self.feed.advance()?;
        }
        if changed {
            let end = leaf.key_count() - usize::from(is_planted("btree-last-slot-dropped"));
            self.tower.push_slots(leaf, done..end.max(done))?;
        }
        Ok(changed)
    }

    /// Whether the change at hand makes a difference to a leaf.
    fn alters(&self, leaf: &Node, found: Result<usize, usize>) -> Result<bool, EngineError> {
        let (slot, value) = match (found, self.feed.value()) {
            (Ok(slot), Some(Put::Bytes(value))) => (slot, value),
            (Err(_), None) => return Ok(false),
            (Ok(_), None) if is_planted("btree-deletes-skipped") => return Ok(false),
            _ => return Ok(true),
        };
        let (payload, overflow) = self.tower.pages().check(leaf, leaf.payload(slot))?;
        if is_planted("btree-same-length-unchanged") {
            return Ok(overflow || payload.len() != value.len());
        }
        Ok(overflow || payload != value)
    }

    /// Frees what the change at hand replaces, and pushes what it puts.
    fn replace(&mut self, leaf: &Node, found: Result<usize, usize>) -> Result<(), EngineError> {
        if let Ok(slot) = found {
            let old = self.tower.pages().check(leaf, leaf.value(slot))?;
            if let Value::Overflow(old) = old
                && !is_planted("btree-overflow-leaked")
            {
                self.tower.free_value(&old)?;
            }
        }
        self.push_put()
    }

    /// Pushes the entry that the change at hand puts; nothing when it deletes.
    fn push_put(&mut self) -> Result<(), EngineError> {
        let Some(value) = self.feed.value() else {
            return Ok(());
        };
        let (key, tower) = (self.feed.key(), &mut *self.tower);
        let whole_max = tower.pages().value_lengths().whole_max as u64;
        let written = match value {
            Put::Bytes(value) => return push_bytes(tower, key, value),
            Put::Long(value) if value.byte_len() <= whole_max => {
                return push_bytes(tower, key, &read_whole(&**value)?);
            }
            Put::Long(value) => tower.write_long(&**value)?,
            Put::Written(value) => {
                tower.note_value(value);
                *value
            }
        };
        push_reference(tower, key, &written)
    }
}

/// Pushes an entry whose value is at hand.
fn push_bytes(tower: &mut Tower, key: &[u8], value: &[u8]) -> Result<(), EngineError> {
    if value.len() <= max_inline_bytes(tower.pages().page_bytes()) {
        return tower.push(0, &leaf_entry(key, value, false));
    }
    let written = tower.write_value(value)?;
    push_reference(tower, key, &written)
}

fn push_reference(tower: &mut Tower, key: &[u8], value: &Overflow) -> Result<(), EngineError> {
    tower.push(0, &leaf_entry(key, &value.encode(), true))
}

fn leaf_entry<'a>(key: &'a [u8], payload: &'a [u8], overflow: bool) -> Entry<'a> {
    Entry {
        key,
        payload,
        entries: 1,
        overflow,
    }
}

#[cfg(test)]
mod tests;
