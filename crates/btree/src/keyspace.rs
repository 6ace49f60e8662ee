//! Keyspace: one tree of a snapshot, and point reads in it.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::sync::OnceLock;
use drystone_engine::EngineError;

use crate::node::child::Child;
use crate::node::{Node, Value};
use crate::pages::Pages;
use crate::pin::{Pin, PinBudget};
use crate::tree::{Tree, TreeRoot};

/// One state of one keyspace's tree. Shared by the snapshots between two changes of it.
#[derive(Debug)]
pub(crate) struct Keyspace {
    id: KeyspaceId,
    tree: Tree,
    /// The root's node, from the first descent on.
    pin: OnceLock<Arc<Pin>>,
    budget: Arc<PinBudget>,
}

/// A node on the way down.
#[derive(Debug)]
pub(crate) enum Place<'a> {
    /// Kept by its tree.
    Pinned(&'a Pin),
    /// Read for this descent.
    Read(Node),
}

impl<'a> Place<'a> {
    pub(crate) fn node(&self) -> &Node {
        match self {
            Place::Pinned(pin) => pin.node(),
            Place::Read(node) => node,
        }
    }

    /// A child of it, one level down.
    pub(crate) fn child(&self, idx: usize, pages: &Pages) -> Result<Place<'a>, EngineError> {
        if let Place::Pinned(pin) = *self
            && let Some(child) = pin.child(idx, pages)?
        {
            return Ok(Place::Pinned(child));
        }
        let node = self.node();
        if let Place::Pinned(pin) = *self
            && node.level() == 1
        {
            return pin.leaf(idx, pages).map(Place::Read);
        }
        let child = pages.check(node, node.child(idx))?;
        pages
            .read_node(&child.page, node.level() - 1)
            .map(Place::Read)
    }
}

impl Keyspace {
    pub(crate) fn new(id: KeyspaceId, tree: Tree, budget: &Arc<PinBudget>) -> Arc<Keyspace> {
        Arc::new(Keyspace {
            id,
            tree,
            pin: OnceLock::new(),
            budget: Arc::clone(budget),
        })
    }

    pub(crate) fn id(&self) -> KeyspaceId {
        self.id
    }

    pub(crate) fn root(&self) -> Option<&TreeRoot> {
        self.tree.root.as_ref()
    }

    pub(crate) fn tree(&self) -> Tree {
        self.tree
    }

    /// The topmost node; `None` when the keyspace is empty.
    pub(crate) fn top(&self, pages: &Pages) -> Result<Option<Place<'_>>, EngineError> {
        let Some(root) = self.root() else {
            return Ok(None);
        };
        if let Some(pin) = self.pinned_top(root, pages)? {
            return Ok(Some(Place::Pinned(pin)));
        }
        let node = pages.read_node(&root.child.page, root.level)?;
        Ok(Some(Place::Read(node)))
    }

    /// The value of `key`.
    pub(crate) fn get(&self, pages: &Pages, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let Some(root) = self.root() else {
            return Ok(None);
        };
        let Some(mut pin) = self.pinned_top(root, pages)? else {
            return get_below(pages, root.child, root.level, key);
        };
        loop {
            let node = pin.node();
            if node.level() == 0 {
                return get_in_leaf(pages, node.clone(), key);
            }
            let idx = pages.check(node, node.route(key))?;
            if node.level() == 1 {
                return get_in_leaf(pages, pin.leaf(idx, pages)?, key);
            }
            match pin.child(idx, pages)? {
                Some(child) => pin = child,
                None => {
                    let child = pages.check(node, node.child(idx))?;
                    return get_below(pages, child, node.level() - 1, key);
                }
            }
        }
    }

    /// How many keys are below `key`. Reads one node a level.
    pub(crate) fn rank(&self, pages: &Pages, key: &[u8]) -> Result<u64, EngineError> {
        let Some(mut place) = self.top(pages)? else {
            return Ok(0);
        };
        let mut rank = 0u64;
        while place.node().level() > 0 {
            let node = place.node();
            let idx = pages.check(node, node.route(key))?;
            for before in 0..idx {
                let child = pages.check(node, node.child(before))?;
                rank = rank.saturating_add(child.entries);
            }
            place = place.child(idx, pages)?;
        }
        let leaf = place.node();
        let (Ok(slot) | Err(slot)) = pages.check(leaf, leaf.find(key))?;
        Ok(rank.saturating_add(slot as u64))
    }

    /// The pin of the topmost node. Pins it if the budget allows; `None` if it does not.
    #[inline]
    fn pinned_top(&self, root: &TreeRoot, pages: &Pages) -> Result<Option<&Arc<Pin>>, EngineError> {
        if let Some(pin) = self.pin.get() {
            return Ok(Some(pin));
        }
        if self.budget.is_spent() {
            return Ok(None);
        }
        let node = pages.read_node(&root.child.page, root.level)?;
        let pin = Pin::new(node, &self.budget);
        Ok(pin.map(|pin| self.pin.get_or_init(|| pin)))
    }
}

/// Searches below a node that is not pinned.
fn get_below(
    pages: &Pages,
    mut child: Child,
    mut level: u8,
    key: &[u8],
) -> Result<Option<Bytes>, EngineError> {
    loop {
        let node = pages.read_node(&child.page, level)?;
        if level == 0 {
            return get_in_leaf(pages, node, key);
        }
        let idx = pages.check(&node, node.route(key))?;
        child = pages.check(&node, node.child(idx))?;
        level -= 1;
    }
}

/// Searches a leaf, and turns it into the value: what it holds of its page becomes the value's.
fn get_in_leaf(pages: &Pages, leaf: Node, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
    let Ok(slot) = pages.check(&leaf, leaf.find(key))? else {
        return Ok(None);
    };
    match pages.check(&leaf, leaf.value(slot))? {
        Value::Inline(range) => Ok(Some(leaf.into_slice(range))),
        Value::Overflow(overflow) => pages.read_value(&overflow).map(Some),
    }
}

/// The value of a leaf's slot: a slice of the page, or a page of its own.
pub(crate) fn value_at(pages: &Pages, leaf: &Node, slot: usize) -> Result<Bytes, EngineError> {
    match pages.check(leaf, leaf.value(slot))? {
        Value::Inline(range) => Ok(leaf.page().slice(range)),
        Value::Overflow(overflow) => pages.read_value(&overflow),
    }
}
