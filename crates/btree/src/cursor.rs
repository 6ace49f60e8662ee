//! Cursor: a position in one keyspace of a snapshot.
//!
//! Holds its snapshot, so that the pages stay, and the way from the root to its leaf, so that a step from leaf to leaf
//! costs one read. Of the nodes on the way it holds those that the tree does not keep pinned; the others it finds again
//! from the top, since what is pinned stays so, and so do the nodes above it.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::planted::is_planted;
use drystone_engine::{Cursor, EngineError};
use smallvec::SmallVec;

use crate::key_buffer::KeyBuffer;
use crate::keyspace::{Keyspace, Place};
use crate::keyspace_list::ListPlace;
use crate::node::child::Overflow;
use crate::node::{Node, Payload};
use crate::pages::Pages;
use crate::read_ahead::ReadAhead;
use crate::snapshot::State;

/// A position in one keyspace; see [`Cursor`] for its rules.
#[derive(Debug)]
pub struct BTreeCursor {
    state: Arc<State>,
    /// Which of the state's keyspaces. `None`: it is not there, so it is empty.
    keyspace: Option<ListPlace>,
    /// The inner nodes above the leaf, the root first.
    path: Path,
    /// `None`: it is on no entry.
    leaf: Option<Node>,
    slot: usize,
    /// On an entry, its key.
    key: KeyBuffer,
    ahead: ReadAhead,
    /// On an entry, where in the leaf its value is.
    payload: Payload,
}

/// Few trees have more levels above their leaves.
type Path = SmallVec<[Step; 4]>;

/// An inner node on the way down.
#[derive(Debug)]
struct Step {
    /// `None`: it is pinned.
    node: Option<Box<Node>>,
    /// The child that the next one is.
    child: usize,
}

/// Which way a descent turns.
#[derive(Clone, Copy)]
enum Turn<'k> {
    First,
    Last,
    Towards(&'k [u8]),
}

/// Where the leaf lies that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Turn<'_> {
    /// The child of an inner node that it leads to.
    #[inline]
    fn child_of(self, node: &Node, pages: &Pages) -> Result<usize, EngineError> {
        match self {
            Turn::First => Ok(0),
            Turn::Last => Ok(node.key_count()),
            Turn::Towards(key) => pages.check(node, node.route(key)),
        }
    }
}

impl Step {
    fn new(place: Place<'_>, child: usize) -> Step {
        let node = match place {
            Place::Pinned(_) => None,
            Place::Read(node) => Some(Box::new(node)),
        };
        Step { node, child }
    }
}

impl BTreeCursor {
    pub(crate) fn new(state: Arc<State>, id: KeyspaceId) -> BTreeCursor {
        let keyspace = state.keyspace_place(id);
        BTreeCursor {
            state,
            keyspace,
            path: SmallVec::new(),
            leaf: None,
            slot: 0,
            key: KeyBuffer::default(),
            ahead: ReadAhead::default(),
            payload: Payload::default(),
        }
    }

    fn pages(&self) -> &Pages {
        self.state.pages()
    }

    /// Goes down from the root to a leaf. False: the keyspace is empty.
    fn descend(&mut self, turn: Turn<'_>) -> Result<bool, EngineError> {
        self.leaf = None;
        self.path.clear();
        self.ahead.stop();
        let Some(keyspace) = self.keyspace else {
            return Ok(false);
        };
        let pages = self.state.pages();
        let keyspace = self.state.keyspaces().at(keyspace);
        let Some(top) = keyspace.top(pages)? else {
            return Ok(false);
        };
        self.leaf = Some(descend_from(top, turn, pages, &mut self.path)?);
        Ok(true)
    }

    /// Onto a slot of the leaf, which has it.
    fn settle(&mut self, slot: usize) -> Result<bool, EngineError> {
        let Some(leaf) = &self.leaf else {
            return Ok(false);
        };
        leaf.warm_from(slot);
        self.key.begin_leaf(leaf.prefix());
        self.step_to(slot)
    }

    /// Onto a slot of the same leaf as before, whose prefix the key's buffer begins with.
    #[inline]
    fn step_to(&mut self, slot: usize) -> Result<bool, EngineError> {
        let Some(leaf) = &self.leaf else {
            return Ok(false);
        };
        self.slot = slot;
        match leaf.slot(slot) {
            Ok(slot) => {
                self.key.set(leaf.prefix(), &slot);
                self.payload = slot.payload;
                Ok(true)
            }
            Err(why) => {
                let error = self.pages().corrupt(leaf.offset(), why);
                self.or_lost(Err(error))
            }
        }
    }

    /// Onto the first slot of the leaf to the right. False: there is none.
    fn next_leaf(&mut self) -> Result<bool, EngineError> {
        Ok(self.move_beside(Side::Right)? && self.settle(0)?)
    }

    /// Onto the last slot of the leaf to the left. False: there is none.
    fn prev_leaf(&mut self) -> Result<bool, EngineError> {
        Ok(self.move_beside(Side::Left)? && self.settle_last()?)
    }

    /// To the leaf beside this one. False: there is none.
    fn move_beside(&mut self, side: Side) -> Result<bool, EngineError> {
        self.leaf = None;
        let Some(keyspace) = self.keyspace else {
            return Ok(false);
        };
        let pages = self.state.pages();
        let keyspace = self.state.keyspaces().at(keyspace);
        while let Some(step) = self.path.pop() {
            let place = match step.node {
                Some(node) => Place::Read(*node),
                None => find_again(keyspace, pages, &self.path)?,
            };
            let (beside, turn) = match side {
                Side::Right if step.child < place.node().key_count() => {
                    (step.child + 1, Turn::First)
                }
                Side::Left if step.child > usize::from(is_planted("btree-first-leaf-missed")) => {
                    (step.child - 1, Turn::Last)
                }
                _ => continue,
            };
            let child = self.ahead.child(&place, beside, side, pages)?;
            self.path.push(Step::new(place, beside));
            self.leaf = Some(descend_from(child, turn, pages, &mut self.path)?);
            return Ok(true);
        }
        Ok(false)
    }

    fn settle_last(&mut self) -> Result<bool, EngineError> {
        let leaf = self.leaf.as_ref();
        let last = leaf.and_then(|leaf| leaf.key_count().checked_sub(1));
        self.settle(last.unwrap_or(0))
    }

    /// After an error the cursor is on no entry.
    fn or_lost(&mut self, result: Result<bool, EngineError>) -> Result<bool, EngineError> {
        if result.is_err() {
            self.leaf = None;
        }
        result
    }
}

impl Cursor for BTreeCursor {
    fn first(&mut self) -> Result<bool, EngineError> {
        if !self.descend(Turn::First)? {
            return Ok(false);
        }
        self.settle(0)
    }

    fn last(&mut self) -> Result<bool, EngineError> {
        if !self.descend(Turn::Last)? {
            return Ok(false);
        }
        self.settle_last()
    }

    fn seek(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        if !self.descend(Turn::Towards(key))? {
            return Ok(false);
        }
        let Some(leaf) = &self.leaf else {
            return Ok(false);
        };
        let found = self.state.pages().check(leaf, leaf.find(key));
        let count = leaf.key_count();
        match found {
            Ok(Ok(slot) | Err(slot)) if slot < count => self.settle(slot),
            Ok(_) if is_planted("btree-seek-ends-with-leaf") => Ok(false),
            Ok(_) => self.next_leaf(),
            Err(error) => self.or_lost(Err(error)),
        }
    }

    fn seek_back(&mut self, key: &[u8]) -> Result<bool, EngineError> {
        if !self.descend(Turn::Towards(key))? {
            return Ok(false);
        }
        let Some(leaf) = &self.leaf else {
            return Ok(false);
        };
        match self.state.pages().check(leaf, leaf.find(key)) {
            Ok(Ok(slot)) => self.settle(slot),
            Ok(Err(0)) => self.prev_leaf(),
            Ok(Err(after)) => self.settle(after - 1),
            Err(error) => self.or_lost(Err(error)),
        }
    }

    #[inline]
    fn next(&mut self) -> Result<bool, EngineError> {
        match &self.leaf {
            Some(leaf) if self.slot + 1 < leaf.key_count() => self.step_to(self.slot + 1),
            Some(_) => self.next_leaf(),
            None => Ok(false),
        }
    }

    #[inline]
    fn prev(&mut self) -> Result<bool, EngineError> {
        match &self.leaf {
            Some(_) if self.slot > 0 => self.step_to(self.slot - 1),
            Some(_) => self.prev_leaf(),
            None => Ok(false),
        }
    }

    #[inline]
    fn key(&self) -> &[u8] {
        assert!(self.leaf.is_some(), "the cursor is on an entry");
        self.key.bytes()
    }

    fn value(&self) -> Result<Bytes, EngineError> {
        let leaf = self.leaf.as_ref().expect("the cursor is on an entry");
        let payload = &self.payload;
        if !payload.is_overflow {
            return Ok(leaf.page().slice(payload.range.clone()));
        }
        let reference = Overflow::decode(&leaf.page()[payload.range.clone()]);
        let reference = self.pages().check(leaf, reference)?;
        self.pages().read_value(&reference)
    }

    #[inline]
    fn value_ref(&self) -> Option<&[u8]> {
        let leaf = self.leaf.as_ref().expect("the cursor is on an entry");
        let payload = &self.payload;
        let is_here = !payload.is_overflow;
        is_here.then(|| &leaf.page()[payload.range.clone()])
    }
}

/// From a node down to a leaf.
fn descend_from(
    mut place: Place<'_>,
    turn: Turn<'_>,
    pages: &Pages,
    path: &mut Path,
) -> Result<Node, EngineError> {
    // What is pinned is passed without a node being moved.
    while let Place::Pinned(pin) = place {
        let node = pin.node();
        if node.level() == 0 {
            return Ok(node.clone());
        }
        let idx = turn.child_of(node, pages)?;
        path.push(Step {
            node: None,
            child: idx,
        });
        if node.level() == 1 {
            return pin.leaf(idx, pages);
        }
        let child = place.child(idx, pages)?;
        place = child;
    }
    while place.node().level() > 0 {
        let idx = turn.child_of(place.node(), pages)?;
        let child = place.child(idx, pages)?;
        path.push(Step::new(place, idx));
        place = child;
    }
    Ok(match place {
        Place::Pinned(pin) => pin.node().clone(),
        Place::Read(node) => node,
    })
}

/// The pinned node that `path` leads to: so are all on it.
fn find_again<'a>(
    keyspace: &'a Keyspace,
    pages: &Pages,
    path: &Path,
) -> Result<Place<'a>, EngineError> {
    let top = keyspace.top(pages)?.expect("a tree with a path has a root");
    path.iter()
        .try_fold(top, |place, step| place.child(step.child, pages))
}
