//! Pins: inner nodes that a tree keeps at hand, so that a descent takes no latch and looks nothing up before its leaf.
//!
//! A pinned node hangs on its parent, in the slot of the child that it is; it is read when the first descent passes.
//! Nodes are immutable, so a pin is good for as long as its tree's state is. All trees share one budget; beyond it
//! nodes come from the pager's cache each time. The leaves below a pin are the cache's: the pin has pointers to their
//! frames, which the cache takes back when it evicts them.

use std::sync::Arc;

use drystone_base::sync::OnceLock;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_engine::{EngineError, Malformed};
use drystone_storage_pager::{FramePointers, FrameRef};

use crate::node::Node;
use crate::node::child::Child;
use crate::pages::Pages;

/// About the least that a pin takes.
const PIN_BYTES_USUAL: u64 = 4096;

/// Memory for pins, shared by all states of a tree.
#[derive(Debug)]
pub(crate) struct PinBudget {
    bytes: AtomicU64,
    bytes_max: u64,
}

/// An inner node, or the root, that is kept.
#[derive(Debug)]
pub(crate) struct Pin {
    node: Node,
    /// Pins of the children, where these are inner nodes; otherwise none.
    children: Box<[OnceLock<Arc<Pin>>]>,
    /// To the frames of the children, where these are leaves; otherwise none.
    leaves: Arc<FramePointers>,
    charged: Charge,
}

/// A share of the budget, given back on drop.
#[derive(Debug)]
struct Charge {
    budget: Arc<PinBudget>,
    bytes: u64,
}

impl PinBudget {
    pub(crate) fn new(bytes_max: u64) -> Arc<PinBudget> {
        Arc::new(PinBudget {
            bytes: AtomicU64::new(0),
            bytes_max,
        })
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The most that it allows.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Takes a share, unless that is more than is left.
    fn charge(self: &Arc<Self>, bytes: u64) -> Option<Charge> {
        let take = |used: u64| Some(used + bytes).filter(|used| *used <= self.bytes_max);
        // Relaxed: nothing but the figure itself is guarded by it.
        let taken = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.ok().map(|_| Charge {
            budget: Arc::clone(self),
            bytes,
        })
    }

    /// Whether no node of the usual length is to be pinned any more, so that none need be read for it.
    pub(crate) fn is_spent(&self) -> bool {
        self.bytes() + PIN_BYTES_USUAL > self.bytes_max
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Pin {
    /// Pins a node, unless that takes more than is left of the budget.
    pub(crate) fn new(node: Node, budget: &Arc<PinBudget>) -> Option<Arc<Pin>> {
        let (inner, leaves) = match node.level() {
            0 => (0, 0),
            1 => (0, node.child_count()),
            _ => (node.child_count(), 0),
        };
        let below = inner * size_of::<OnceLock<Arc<Pin>>>() + FramePointers::bytes(leaves);
        let bytes = node.page().len() + below + size_of::<Pin>();
        let charged = budget.charge(bytes as u64)?;
        Some(Arc::new(Pin {
            node,
            children: (0..inner).map(|_| OnceLock::new()).collect(),
            leaves: Arc::new(FramePointers::new(leaves)),
            charged,
        }))
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The pin of an inner child. Pins it if the budget allows; `None` if it does not.
    #[inline]
    pub(crate) fn child(
        &self,
        idx: usize,
        pages: &Pages,
    ) -> Result<Option<&Arc<Pin>>, EngineError> {
        let Some(slot) = self.children.get(idx) else {
            return Ok(None);
        };
        if let Some(pin) = slot.get() {
            return Ok(Some(pin));
        }
        self.pin_child(slot, idx, pages)
    }

    /// Reads a child that is a leaf. Where there is a pointer to its frame, the reference to it is not even decoded.
    #[inline]
    pub(crate) fn leaf(&self, idx: usize, pages: &Pages) -> Result<Node, EngineError> {
        if let Some(page) = pages.pager().child(&self.leaves, idx) {
            return pages.open_node(self.node.child_offset(idx), page, 0);
        }
        self.read_leaf(idx, pages)
    }

    #[cold]
    fn read_leaf(&self, idx: usize, pages: &Pages) -> Result<Node, EngineError> {
        let child = pages.check(&self.node, self.node.child(idx))?;
        pages.read_leaf(&child.page, &self.leaves, idx)
    }

    /// Pointers to the frames of its leaves.
    pub(crate) fn leaves(&self) -> &Arc<FramePointers> {
        &self.leaves
    }

    /// A child that is a leaf, if there is a pointer to its frame: where it lies, and not to be evicted meanwhile.
    #[inline]
    pub(crate) fn leaf_frame(&self, idx: usize, pages: &Pages) -> Option<FrameRef<'_>> {
        pages.pager().child_frame(&self.leaves, idx)
    }

    /// The error of a child whose page makes no sense.
    #[cold]
    pub(crate) fn corrupt_leaf(&self, idx: usize, pages: &Pages, why: Malformed) -> EngineError {
        match pages.check(&self.node, self.node.child(idx)) {
            Ok(child) => pages.corrupt(child.page.block.offset(), why),
            Err(error) => error,
        }
    }

    #[cold]
    fn pin_child<'a>(
        &self,
        slot: &'a OnceLock<Arc<Pin>>,
        idx: usize,
        pages: &Pages,
    ) -> Result<Option<&'a Arc<Pin>>, EngineError> {
        let budget = &self.charged.budget;
        if budget.is_spent() {
            return Ok(None);
        }
        let child: Child = pages.check(&self.node, self.node.child(idx))?;
        let node = pages.read_node(&child.page, self.node.level() - 1)?;
        let pin = Pin::new(node, budget);
        Ok(pin.map(|pin| slot.get_or_init(|| pin)))
    }
}
