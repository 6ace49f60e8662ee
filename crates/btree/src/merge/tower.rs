//! Tower: all levels of the tree that a merge is making, and the writer its pages go to.
//!
//! Pages are written bottom-up in key order. In memory are at most three nodes a level, whatever the merge's size.
//!
//! # Invariants
//! - T1. While anything is pending at a level, nothing is added to the levels above but what comes from below: entries
//!   arrive in key order at each level. [`Tower::keep`] is called only when nothing is pending below.
//! - T2. The pages of a node's children are all behind it (released) or pending when its parent is sealed.

mod values;

use std::sync::Arc;

use bytes::Bytes;
use drystone_engine::EngineError;
use drystone_storage_pager::{Codec, PageRef, Writer};

use crate::error::from_pager;
use crate::merge::level::{Fill, Level, Sealed};
use crate::merge::run::Run;
use crate::node::Node;
use crate::node::build::Entry;
use crate::node::child::Child;
use crate::node::format::malformed;
use crate::pages::Pages;
use crate::tree::TreeRoot;

/// The levels of a tree in the making; of one after the other, where a merge changes several.
#[derive(Debug)]
pub(crate) struct Tower {
    pages: Arc<Pages>,
    writer: Writer,
    codec: Codec,
    /// Leaves first.
    levels: Vec<Level>,
    /// Whether what is pending lies at the right end of the tree, and grew there.
    appending: bool,
    /// Offset of the node read last. For errors.
    read_at: u64,
    /// About how many bytes were read and written so far.
    spent_bytes: u64,
    /// Bytes of pages that were written since the last sync.
    unsynced_bytes: u64,
    /// Whether a value was written in pieces.
    has_pieces: bool,
}

/// So many bytes of pages are synced ahead of the commit. A few milliseconds of writing for most media, and enough that
/// a sync's fixed cost does not matter.
const SYNC_AHEAD_BYTES: u64 = 4 << 20;

/// What it costs to free a page, as bytes.
const FREE_BYTES: u64 = 256;

/// A node taken back, to be joined with what follows it.
struct Left {
    low: Vec<u8>,
    node: Node,
}

impl Tower {
    pub(crate) fn new(pages: Arc<Pages>, writer: Writer) -> Tower {
        Tower {
            pages,
            writer,
            codec: Codec::None,
            levels: Vec::new(),
            appending: false,
            read_at: 0,
            spent_bytes: 0,
            unsynced_bytes: 0,
            has_pieces: false,
        }
    }

    /// Begins another tree, whose pages are compressed so.
    pub(crate) fn begin_tree(&mut self, codec: Codec) {
        debug_assert!(self.levels.iter().all(Level::is_empty), "one at a time");
        self.codec = codec;
        self.appending = false;
    }

    /// The writer, with all pages written to it.
    pub(crate) fn into_writer(self) -> Writer {
        self.writer
    }

    pub(crate) fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// About how many bytes were read and written so far.
    pub(crate) fn spent_bytes(&self) -> u64 {
        self.spent_bytes
    }

    /// Reads a node of the old tree, or of the one in the making.
    pub(crate) fn read(&mut self, child: &Child, level: u8) -> Result<Node, EngineError> {
        self.read_at = child.page.block.offset();
        self.spent_bytes += u64::from(child.page.len);
        self.pages.read_written(&self.writer, &child.page, level)
    }

    /// Says that the next state does without a page.
    pub(crate) fn free(&mut self, page: &PageRef) -> Result<(), EngineError> {
        self.spent_bytes += FREE_BYTES;
        self.writer.free(page).map_err(from_pager)
    }

    fn wrote(&mut self, bytes: usize) {
        self.spent_bytes += bytes as u64;
        self.unsynced_bytes += bytes as u64;
    }

    /// Syncs what was written where that is much, so that the commit, which cannot be cut, has little left to wait for.
    pub(crate) fn sync_ahead(&mut self) -> Result<(), EngineError> {
        if self.unsynced_bytes < SYNC_AHEAD_BYTES {
            return Ok(());
        }
        self.unsynced_bytes = 0;
        self.writer.sync_ahead().map_err(from_pager)
    }

    /// Says whether what comes is an append at the right end of the tree.
    pub(crate) fn set_appending(&mut self, appending: bool) {
        self.appending = appending;
    }

    /// Whether entries are pending at this level or below: too few so far for a node of their own.
    pub(crate) fn is_pending(&self, level: u8) -> bool {
        let upto = self.levels.len().min(usize::from(level) + 1);
        self.levels[..upto].iter().any(|level| level.pending() > 0)
    }

    /// Says the lower fence of the entries that come next at a level.
    pub(crate) fn begin(&mut self, level: u8, low: &[u8]) {
        self.level_mut(level).begin(low);
    }

    /// Adds an entry to a level, behind all that it has.
    ///
    /// # Errors
    /// When it does not belong there: the nodes read are out of order. What is laid out relies on the order.
    pub(crate) fn push(&mut self, level: u8, entry: &Entry<'_>) -> Result<(), EngineError> {
        if !self.level_mut(level).is_next(entry.key) {
            let why = malformed("keys of neighbouring nodes", "ascending", "disorder");
            return Err(self.pages.corrupt(self.read_at, why));
        }
        let fill = self.fill();
        match self.level_mut(level).push(entry, fill) {
            None => Ok(()),
            Some(full) => self.hold(level, full),
        }
    }

    /// Adds a child that stays as it is to a level.
    pub(crate) fn keep(&mut self, level: u8, low: &[u8], child: &Child) -> Result<(), EngineError> {
        debug_assert!(!self.is_pending(level - 1), "T1");
        self.release(level - 1)?;
        self.push_child(level, low, child)
    }

    /// Forgets what is pending at a level: nothing of it changed.
    pub(crate) fn forget(&mut self, level: u8) {
        self.level_mut(level).clear();
    }

    /// Ends the entries that came from one old node of this level. They become nodes unless they are too few; then they
    /// wait for their right neighbours.
    pub(crate) fn close_node(&mut self, level: u8) -> Result<(), EngineError> {
        if level > 0 && self.is_pending(level - 1) {
            return Ok(());
        }
        if self.wants_join(level) {
            return Ok(());
        }
        self.seal(level)
    }

    /// Ends a stretch of leaves that are made anew: what is left of it becomes nodes, together with the one before where it
    /// is too little for one. Without one before it, it waits for its right neighbour.
    pub(crate) fn close_stretch(&mut self) -> Result<(), EngineError> {
        if !self.is_pending(0) {
            return Ok(());
        }
        if self.wants_join(0)
            && let Some(held) = self.level_mut(0).take_held()
        {
            self.prepend(0, left_of(held))?;
        }
        self.close_node(0)
    }

    /// Ends the children of one old node: what is still too small among them joins its left neighbour, where this
    /// parent has one.
    pub(crate) fn close_children(&mut self, level: u8) -> Result<(), EngineError> {
        while self.wants_join(level) {
            let Some(left) = self.take_left(level)? else {
                return Ok(());
            };
            self.prepend(level, left)?;
        }
        if self.is_pending(level) {
            self.close_node(level)?;
        }
        self.release(level)
    }

    /// Writes what is left, and returns the root. `None` for a tree without entries.
    pub(crate) fn finish(&mut self) -> Result<Option<TreeRoot>, EngineError> {
        let mut level = 0;
        while usize::from(level) < self.levels.len() {
            self.join_last(level)?;
            if let Some(root) = self.lone_child(level)? {
                return Ok(Some(root));
            }
            self.seal(level)?;
            self.release(level)?;
            level += 1;
        }
        Ok(None)
    }

    /// Joins what is too small at the right end of a level with the nodes left of it, also those of other parents.
    fn join_last(&mut self, level: u8) -> Result<(), EngineError> {
        while self.wants_join(level) {
            let Some(left) = self.take_left_across(level)? else {
                return Ok(());
            };
            self.prepend(level, left)?;
        }
        Ok(())
    }

    /// The one child that is all there is from this level upwards: the root.
    fn lone_child(&mut self, level: u8) -> Result<Option<TreeRoot>, EngineError> {
        let (below, above) = self.levels.split_at_mut(usize::from(level) + 1);
        let Some(top) = below.last_mut() else {
            return Ok(None);
        };
        if !top.is_lone_child() || !above.iter().all(Level::is_empty) {
            return Ok(None);
        }
        let Some(held) = top.take_held() else {
            return Ok(self.pop_child(level)?.map(|(_, child)| TreeRoot {
                child,
                level: level - 1,
            }));
        };
        top.hold(held);
        Ok(None)
    }

    fn wants_join(&self, level: u8) -> bool {
        let Some(level) = self.levels.get(usize::from(level)) else {
            return false;
        };
        let too_small = level.is_lone_child() || (level.is_underfull() && !self.appending);
        level.pending() > 0 && too_small
    }

    /// Makes nodes of all that is pending at a level.
    fn seal(&mut self, level: u8) -> Result<(), EngineError> {
        let fill = self.fill();
        for sealed in self.level_mut(level).seal(fill).into_iter().flatten() {
            self.hold(level, sealed)?;
        }
        Ok(())
    }

    fn fill(&self) -> Fill {
        if self.appending {
            Fill::Append
        } else {
            Fill::Even
        }
    }

    fn hold(&mut self, level: u8, sealed: Sealed) -> Result<(), EngineError> {
        match self.level_mut(level).hold(sealed) {
            Some(before) => self.write(level, &before),
            None => Ok(()),
        }
    }

    /// Writes the held node of a level, if there is one.
    fn release(&mut self, level: u8) -> Result<(), EngineError> {
        match self.level_mut(level).take_held() {
            Some(held) => self.write(level, &held),
            None => Ok(()),
        }
    }

    fn write(&mut self, level: u8, sealed: &Sealed) -> Result<(), EngineError> {
        self.wrote(sealed.page.len());
        let written = self.writer.write_compressed(&sealed.page, self.codec);
        let page = written.map_err(from_pager)?;
        let child = Child {
            page,
            entries: sealed.entries,
            has_overflow: sealed.has_overflow,
        };
        self.push_child(level + 1, &sealed.low, &child)
    }

    fn push_child(&mut self, level: u8, low: &[u8], child: &Child) -> Result<(), EngineError> {
        let entry = Entry {
            key: low,
            payload: &child.encode(),
            entries: child.entries,
            overflow: child.has_overflow,
        };
        self.push(level, &entry)
    }

    /// Puts a node's entries before those pending at its level.
    fn prepend(&mut self, level: u8, left: Left) -> Result<(), EngineError> {
        let pending = self.level_mut(level).take_pending();
        self.begin(level, &left.low);
        self.push_node(level, &left)?;
        for entry in pending.iter().flat_map(Run::iter) {
            self.push(level, &entry)?;
        }
        Ok(())
    }

    fn push_node(&mut self, level: u8, left: &Left) -> Result<(), EngineError> {
        let node = &left.node;
        if level == 0 {
            return self.push_slots(node, 0..node.key_count());
        }
        let mut low = left.low.clone();
        for idx in 0..node.child_count() {
            if idx > 0 {
                self.pages.check(node, node.key_into(idx - 1, &mut low))?;
            }
            let child = self.pages.check(node, node.child(idx))?;
            self.push_child(level, &low, &child)?;
        }
        Ok(())
    }

    /// Adds slots of an old leaf as they are.
    pub(crate) fn push_slots(
        &mut self,
        leaf: &Node,
        slots: std::ops::Range<usize>,
    ) -> Result<(), EngineError> {
        let mut key = leaf.prefix().to_vec();
        for idx in slots {
            key.truncate(leaf.prefix().len());
            self.pages.check(leaf, leaf.suffix_into(idx, &mut key))?;
            let (payload, overflow) = self.pages.check(leaf, leaf.payload(idx))?;
            let entry = Entry {
                key: &key,
                payload,
                entries: 1,
                overflow,
            };
            self.push(0, &entry)?;
        }
        Ok(())
    }

    /// Takes back the node left of what is pending, if the same parent has one.
    fn take_left(&mut self, level: u8) -> Result<Option<Left>, EngineError> {
        if let Some(held) = self.level_mut(level).take_held() {
            return Ok(Some(left_of(held)));
        }
        let Some((low, child)) = self.pop_child(level + 1)? else {
            return Ok(None);
        };
        let node = self.read(&child, level)?;
        self.free(&child.page)?;
        Ok(Some(Left { low, node }))
    }

    /// Takes back the node left of what is pending, whoever its parent is: that is taken back, too.
    fn take_left_across(&mut self, level: u8) -> Result<Option<Left>, EngineError> {
        if let Some(left) = self.take_left(level)? {
            return Ok(Some(left));
        }
        if usize::from(level) + 1 >= self.levels.len() {
            return Ok(None);
        }
        let Some(parent) = self.take_left_across(level + 1)? else {
            return Ok(None);
        };
        self.prepend(level + 1, parent)?;
        self.take_left(level)
    }

    /// Takes the last child off those pending at a level, with its lower fence.
    fn pop_child(&mut self, level: u8) -> Result<Option<(Vec<u8>, Child)>, EngineError> {
        let Some(entry) = self.levels.get_mut(usize::from(level)).and_then(Level::pop) else {
            return Ok(None);
        };
        let child = Child::decode(entry.payload).expect("a child that this merge encoded");
        Ok(Some((entry.key.to_vec(), child)))
    }

    fn level_mut(&mut self, level: u8) -> &mut Level {
        while self.levels.len() <= usize::from(level) {
            let next =
                u8::try_from(self.levels.len()).expect("a tree has at most MAX_LEVEL levels");
            self.levels.push(Level::new(next, self.pages.page_bytes()));
        }
        &mut self.levels[usize::from(level)]
    }
}

/// A node that was laid out, to be joined with what follows it.
fn left_of(held: Sealed) -> Left {
    let node = Node::open(Bytes::from(held.page), 0).expect("a node that this merge laid out");
    Left {
        low: held.low,
        node,
    }
}
