//! Release: freeing all pages of a tree whose keyspace is dropped, some at a time.

use drystone_base::planted::is_planted;
use drystone_engine::EngineError;

use crate::merge::tower::Tower;
use crate::node::child::Child;
use crate::node::{Node, Value};
use crate::tree::TreeRoot;

/// The way through a tree that goes. Reads its inner nodes, and those leaves that refer to overflow pages.
#[derive(Debug)]
pub(crate) struct Release {
    /// The topmost node, until it was looked at.
    root: Option<TreeRoot>,
    /// Nodes whose own pages are not freed yet, the root first.
    path: Vec<Leaving>,
}

#[derive(Debug)]
struct Leaving {
    child: Child,
    node: Node,
    /// The child that is next.
    idx: usize,
}

impl Release {
    /// `None` has nothing to free.
    pub(crate) fn new(root: Option<&TreeRoot>) -> Release {
        Release {
            root: root.copied(),
            path: Vec::new(),
        }
    }

    /// Frees some pages: those of one leaf, at most. True: all are freed.
    pub(crate) fn step(&mut self, tower: &mut Tower) -> Result<bool, EngineError> {
        if let Some(root) = self.root.take() {
            self.leave(tower, &root.child, root.level)?;
            return Ok(self.path.is_empty());
        }
        let Some(mut top) = self.path.pop() else {
            return Ok(true);
        };
        if top.idx < top.node.child_count() {
            let below = tower.pages().check(&top.node, top.node.child(top.idx))?;
            let level = top.node.level() - 1;
            top.idx += 1;
            self.path.push(top);
            self.leave(tower, &below, level)?;
            return Ok(false);
        }
        if top.node.level() == 0 && !is_planted("btree-dropped-values-leaked") {
            release_values(tower, &top.node)?;
        }
        tower.free(&top.child.page)?;
        Ok(self.path.is_empty())
    }

    /// Frees the page of a node that nothing lies below; others it goes into.
    fn leave(&mut self, tower: &mut Tower, child: &Child, level: u8) -> Result<(), EngineError> {
        if level == 0 && !child.has_overflow {
            return tower.free(&child.page);
        }
        let node = tower.read(child, level)?;
        self.path.push(Leaving {
            child: *child,
            node,
            idx: 0,
        });
        Ok(())
    }
}

fn release_values(tower: &mut Tower, leaf: &Node) -> Result<(), EngineError> {
    for slot in 0..leaf.key_count() {
        if let Value::Overflow(value) = tower.pages().check(leaf, leaf.value(slot))? {
            tower.free_value(&value)?;
        }
    }
    Ok(())
}
