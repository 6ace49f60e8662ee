//! Keyspace: one tree of a snapshot, and point reads in it.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::sync::OnceLock;
use drystone_engine::{EngineError, StoredValue};
use drystone_storage_pager::FrameRef as LeafFrame;

use crate::node::child::Child;
use crate::node::view::NodeView;
use crate::node::{Node, Value};
use crate::pages::Pages;
use crate::pieces;
use crate::pin::{Pin, PinBudget};
use crate::snapshot::State;
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

/// Where a search goes on that has passed the pinned nodes.
enum Route<'a> {
    /// There is nothing.
    None,
    /// In the root, which is a leaf.
    Leaf(&'a Node),
    /// In this child of a pinned node, which is a leaf.
    LeafBelow(&'a Pin, usize),
    /// In a node of this level that is not pinned, or below it.
    Below(Child, u8),
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

    /// The value of `key`, for the caller to keep.
    #[inline]
    pub(crate) fn get(&self, pages: &Pages, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        match self.route(pages, key)? {
            Route::None => Ok(None),
            Route::Leaf(leaf) => get_in_leaf(pages, leaf.clone(), key),
            Route::LeafBelow(pin, idx) => match pin.leaf_frame(idx, pages) {
                Some(frame) => get_in_frame(pages, pin, idx, &frame, key),
                None => get_in_leaf(pages, pin.leaf(idx, pages)?, key),
            },
            Route::Below(child, level) => get_below(pages, child, level, key),
        }
    }

    /// The value of `key`, to be read piece by piece where it lies so. `state` is the one that this is of.
    pub(crate) fn open_value(
        &self,
        state: &Arc<State>,
        key: &[u8],
    ) -> Result<Option<StoredValue>, EngineError> {
        let pages = state.pages();
        let Some(mut place) = self.top(pages)? else {
            return Ok(None);
        };
        while place.node().level() > 0 {
            let idx = pages.check(place.node(), place.node().route(key))?;
            place = place.child(idx, pages)?;
        }
        let leaf = place.node();
        let Ok(slot) = pages.check(leaf, leaf.find(key))? else {
            return Ok(None);
        };
        match pages.check(leaf, leaf.value(slot))? {
            Value::Inline(range) => Ok(Some(StoredValue::Whole(leaf.page().slice(range)))),
            Value::Overflow(overflow) => pieces::open_value(state, &overflow).map(Some),
        }
    }

    /// Shows the value of `key` where it lies.
    #[inline]
    pub(crate) fn get_with(
        &self,
        pages: &Pages,
        key: &[u8],
        read: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, EngineError> {
        if let Route::LeafBelow(pin, idx) = self.route(pages, key)?
            && let Some(frame) = pin.leaf_frame(idx, pages)
        {
            return match find_in_frame(pages, pin, idx, &frame, key)? {
                None => Ok(false),
                Some(Value::Inline(range)) => {
                    read(&frame[range]);
                    Ok(true)
                }
                Some(Value::Overflow(overflow)) => {
                    read(&pages.read_value(&overflow)?);
                    Ok(true)
                }
            };
        }
        let value = self.get(pages, key)?;
        Ok(value.map(|value| read(&value)).is_some())
    }

    /// The way to the leaf that has `key`, or would have it, as far as nodes are pinned.
    #[inline]
    fn route(&self, pages: &Pages, key: &[u8]) -> Result<Route<'_>, EngineError> {
        let Some(root) = self.root() else {
            return Ok(Route::None);
        };
        let Some(mut pin) = self.pinned_top(root, pages)? else {
            return Ok(Route::Below(root.child, root.level));
        };
        loop {
            let node = pin.node();
            if node.level() == 0 {
                return Ok(Route::Leaf(node));
            }
            let idx = pages.check(node, node.route(key))?;
            if node.level() == 1 {
                return Ok(Route::LeafBelow(pin, idx));
            }
            match pin.child(idx, pages)? {
                Some(child) => pin = child,
                None => {
                    let child = pages.check(node, node.child(idx))?;
                    return Ok(Route::Below(child, node.level() - 1));
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

/// Searches a leaf where it lies in the cache.
#[inline]
fn find_in_frame(
    pages: &Pages,
    pin: &Pin,
    idx: usize,
    frame: &LeafFrame<'_>,
    key: &[u8],
) -> Result<Option<Value>, EngineError> {
    let found = NodeView::open(frame).and_then(|leaf| leaf.value_of(key));
    // The page was a leaf when it was read; an error here names what became of its memory.
    found.map_err(|why| pin.corrupt_leaf(idx, pages, why))
}

/// As [`find_in_frame`]; what is found is the caller's, and counts as a holder of the frame.
fn get_in_frame(
    pages: &Pages,
    pin: &Pin,
    idx: usize,
    frame: &LeafFrame<'_>,
    key: &[u8],
) -> Result<Option<Bytes>, EngineError> {
    match find_in_frame(pages, pin, idx, frame, key)? {
        None => Ok(None),
        Some(Value::Inline(range)) => Ok(Some(frame.slice(range))),
        Some(Value::Overflow(overflow)) => pages.read_value(&overflow).map(Some),
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
