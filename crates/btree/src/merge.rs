//! Merge: folds sorted changes into one tree, and makes the next state of it.
//!
//! The old tree is walked along the paths to changed keys only; every other child is kept as it is. Each old node on a
//! path is read once and freed; its entries, with the changes folded in, go to the [`Tower`], which writes the new
//! nodes. A leaf that no change alters (the same value again, the delete of a key that is not there) is kept, and so is
//! a subtree of such leaves.
//!
//! A node that would be too small waits in the tower for its right neighbour, which is then walked as if it had
//! changed; the last child of a parent joins its left neighbour.

pub(crate) mod feed;
mod level;
mod run;
mod tower;

use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;
use drystone_engine::EngineError;
use drystone_storage_pager::Writer;

use crate::limits::max_inline_bytes;
use crate::merge::feed::Feed;
use crate::merge::tower::Tower;
use crate::node::build::Entry;
use crate::node::child::Child;
use crate::node::{Node, Value};
use crate::pages::Pages;
use crate::tree::{Tree, TreeRoot};

/// Folds all changes of `keyspace` that `feed` has next into its tree. Returns what it is then.
///
/// # Errors
/// Failed I/O, damage, changes out of order. The writer is then to be dropped.
pub(crate) fn merge_tree(
    pages: &Pages,
    writer: &mut Writer,
    feed: &mut Feed<'_>,
    keyspace: KeyspaceId,
    tree: Tree,
) -> Result<Tree, EngineError> {
    let fold = Fold {
        feed,
        keyspace,
        tower: Tower::new(pages, writer, tree.codec),
    };
    let root = fold.run(tree.root)?;
    Ok(Tree { root, ..tree })
}

/// One merge of one tree.
struct Fold<'a, 'c> {
    feed: &'a mut Feed<'c>,
    keyspace: KeyspaceId,
    tower: Tower<'a>,
}

/// The keys that a node may hold: `low <= key < high`.
#[derive(Clone, Copy)]
struct Fences<'k> {
    low: &'k [u8],
    high: Option<&'k [u8]>,
}

impl Fold<'_, '_> {
    /// Returns the new root.
    fn run(mut self, root: Option<TreeRoot>) -> Result<Option<TreeRoot>, EngineError> {
        let Some(old) = root else {
            self.load()?;
            return self.tower.finish();
        };
        let everything = Fences {
            low: &[],
            high: None,
        };
        if !self.fold_node(&old.child, old.level, everything)? {
            return Ok(root);
        }
        self.tower.finish()
    }

    /// Makes a tree of the changes alone.
    fn load(&mut self) -> Result<(), EngineError> {
        self.tower.begin(0, &[]);
        self.tower.set_appending(true);
        while self.feed.is_below(self.keyspace, None) {
            self.push_put()?;
            self.feed.advance()?;
        }
        Ok(())
    }

    /// Folds the changes within `fences` into a node. False: none altered it; it stays as it is.
    fn fold_node(
        &mut self,
        child: &Child,
        level: u8,
        fences: Fences<'_>,
    ) -> Result<bool, EngineError> {
        let node = self.tower.read(child, level)?;
        self.tower.begin(level, fences.low);
        let changed = match level {
            0 => self.fold_leaf(&node, fences)?,
            _ => self.fold_inner(&node, level, fences)?,
        };
        if changed {
            self.tower.free(&child.page)?;
            self.tower.close_node(level)?;
        }
        Ok(changed)
    }

    fn fold_inner(
        &mut self,
        node: &Node,
        level: u8,
        fences: Fences<'_>,
    ) -> Result<bool, EngineError> {
        let pages = self.tower.pages();
        let mut changed = self.tower.is_pending(level);
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
            if self.fold_child(&child, level - 1, fences)? {
                changed = true;
            } else {
                self.tower.keep(level, &low, &child)?;
            }
            std::mem::swap(&mut low, &mut high);
        }
        if changed {
            self.tower.close_children(level - 1)?;
        } else {
            self.tower.forget(level);
        }
        Ok(changed)
    }

    /// Folds a child if a change is for it, or if its left neighbour is too small.
    fn fold_child(
        &mut self,
        child: &Child,
        level: u8,
        fences: Fences<'_>,
    ) -> Result<bool, EngineError> {
        if self.tower.is_pending(level) || self.feed.is_below(self.keyspace, fences.high) {
            return self.fold_node(child, level, fences);
        }
        Ok(false)
    }

    fn fold_leaf(&mut self, leaf: &Node, fences: Fences<'_>) -> Result<bool, EngineError> {
        let pages = self.tower.pages();
        let mut changed = self.tower.is_pending(0);
        // Slots before this one are pushed, once anything has changed.
        let mut done = 0;
        while self.feed.is_below(self.keyspace, fences.high) {
            let found = pages.check(leaf, leaf.find(self.feed.key()))?;
            if self.alters(leaf, found)? {
                let (Ok(slot) | Err(slot)) = found;
                self.tower.push_slots(leaf, done..slot)?;
                done = slot + usize::from(found.is_ok());
                self.replace(leaf, found)?;
                if fences.high.is_none() {
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
            (Ok(slot), Some(value)) => (slot, value),
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
                self.tower.free(&old.page)?;
            }
        }
        self.push_put()
    }

    /// Pushes the entry that the change at hand puts; nothing when it deletes.
    fn push_put(&mut self) -> Result<(), EngineError> {
        let Some(value) = self.feed.value() else {
            return Ok(());
        };
        let key = self.feed.key();
        if value.len() <= max_inline_bytes(self.tower.pages().page_bytes()) {
            return self.tower.push(0, &leaf_entry(key, value, false));
        }
        let payload = self.tower.write_value(value)?.encode();
        self.tower.push(0, &leaf_entry(key, &payload, true))
    }
}

fn leaf_entry<'a>(key: &'a [u8], payload: &'a [u8], overflow: bool) -> Entry<'a> {
    Entry {
        key,
        payload,
        entries: 1,
        overflow,
    }
}
