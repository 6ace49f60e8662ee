//! Verify: walks a whole state and checks every rule of the format.
//!
//! Checked: each page's checksum and that its blocks are its own (by the pager); each node by `Node::check`; that keys
//! lie within the fences their parents set; levels; entry counts; lengths of overflow values; and, at the end, that
//! every block is either used or free. How full nodes are is no finding.

use bytes::Bytes;
use drystone_engine::{EngineError, Malformed, VerifyReport};
use drystone_storage_pager::{ListedPages, PageRef, Verifier};

use crate::directory;
use crate::error::from_pager;
use crate::node::child::{Child, Form, Overflow};
use crate::node::format::malformed;
use crate::node::{Node, Value};
use crate::pages::Pages;
use crate::pieces::list::PieceList;
use crate::pieces::same_len;
use crate::snapshot::{BTreeSnapshot, State};
use crate::tree::TreeRoot;

/// Checks everything that a snapshot holds.
pub(crate) fn verify(snapshot: &BTreeSnapshot) -> Result<VerifyReport, EngineError> {
    let state = snapshot.state();
    let pager = state.pages().pager();
    let verifier = pager
        .verify(std::sync::Arc::clone(state.root()))
        .map_err(from_pager)?;
    let mut walk = Walk {
        pages: state.pages(),
        verifier,
        entries: 0,
        findings: Vec::new(),
        only: None,
        nodes_left: pager.stats().file_bytes / BLOCK_BYTES,
    };
    walk.state(state);
    Ok(walk.finish())
}

const BLOCK_BYTES: u64 = drystone_storage_pager::BLOCK_BYTES as u64;

struct Walk<'a> {
    pages: &'a Pages,
    verifier: Verifier,
    entries: u64,
    findings: Vec<EngineError>,
    /// The pages that are left to be seen, where the others of a tree were seen in another one.
    only: Option<ListedPages>,
    /// More nodes than blocks cannot be: a damaged tree that names pages many times ends here.
    nodes_left: u64,
}

/// What was seen below a node. `None` where a part of it could not be read.
type Seen = Option<(u64, bool)>;

/// The keys that a node may hold: `low <= key < high`.
#[derive(Clone, Copy)]
struct Fences<'k> {
    low: &'k [u8],
    high: Option<&'k [u8]>,
}

impl Walk<'_> {
    fn state(&mut self, state: &State) {
        for tree in self.directory(state.directory()) {
            self.entries = self.entries.saturating_add(tree.child.entries);
        }
        if let Some(staged) = state.stages().staged {
            let _no_more_to_see = self.verifier.list(&staged.fork.replaced);
            self.only = self.verifier.list(&staged.fork.added);
            if self.only.is_some() {
                self.directory(staged.directory);
            }
        }
    }

    /// Checks a directory and all its trees; returns their roots.
    fn directory(&mut self, root: Option<TreeRoot>) -> Vec<TreeRoot> {
        let mut trees = Vec::new();
        let pages = self.pages;
        let Some(directory) = root else {
            return Vec::new();
        };
        self.tree(&directory, &mut |leaf| {
            for slot in 0..leaf.key_count() {
                trees.push(directory::decode(pages, leaf, slot)?);
            }
            Ok(())
        });
        let roots: Vec<TreeRoot> = trees
            .into_iter()
            .filter_map(|(_, tree)| tree.root)
            .collect();
        for root in &roots {
            self.tree(root, &mut |_| Ok(()));
        }
        roots
    }

    /// Whether a page was seen in another tree.
    fn is_shared(&self, page: &PageRef) -> bool {
        self.only.as_ref().is_some_and(|only| !only.has(page))
    }

    fn tree(&mut self, root: &TreeRoot, on_leaf: &mut dyn FnMut(&Node) -> Result<(), EngineError>) {
        let everything = Fences {
            low: &[],
            high: None,
        };
        self.node(&root.child, root.level, everything, on_leaf);
    }

    /// Checks a node and all below it.
    fn node(
        &mut self,
        child: &Child,
        level: u8,
        fences: Fences<'_>,
        on_leaf: &mut dyn FnMut(&Node) -> Result<(), EngineError>,
    ) -> Seen {
        if self.is_shared(&child.page) {
            return None;
        }
        let node = self.open(child, level)?;
        self.note(&node, check_fences(&node, fences));
        let seen = if level == 0 {
            if let Err(finding) = on_leaf(&node) {
                self.findings.push(finding);
            }
            self.leaf(&node)
        } else {
            self.children(&node, level, fences, on_leaf)
        };
        let expected = (child.entries, child.has_overflow);
        if seen.is_some_and(|seen| seen != expected) {
            let why = malformed(
                "entries below a node",
                format!("{expected:?}"),
                format!("{seen:?}"),
            );
            self.findings.push(self.pages.corrupt(node.offset(), why));
        }
        Some(expected)
    }

    /// Reads a node and checks it by itself.
    fn open(&mut self, child: &Child, level: u8) -> Option<Node> {
        self.nodes_left = self.nodes_left.checked_sub(1)?;
        let page = self.verifier.page(&child.page)?;
        let offset = child.page.block.offset();
        let node = match Node::open(page, offset) {
            Ok(node) if node.level() == level => node,
            Ok(node) => {
                let why = malformed(
                    "level of a node",
                    level.to_string(),
                    node.level().to_string(),
                );
                self.findings.push(self.pages.corrupt(offset, why));
                return None;
            }
            Err(why) => {
                self.findings.push(self.pages.corrupt(offset, why));
                return None;
            }
        };
        self.note(&node, node.check())?;
        Some(node)
    }

    fn leaf(&mut self, leaf: &Node) -> Seen {
        let mut has_overflow = false;
        for slot in 0..leaf.key_count() {
            let value = self.note(leaf, leaf.value(slot))?;
            if let Value::Overflow(overflow) = value {
                has_overflow = true;
                self.overflow(&overflow);
            }
        }
        Some((leaf.key_count() as u64, has_overflow))
    }

    fn overflow(&mut self, overflow: &Overflow) {
        if self.is_shared(&overflow.page) {
            return;
        }
        let Some(page) = self.verifier.page(&overflow.page) else {
            return;
        };
        let checked = match overflow.form {
            Form::Whole => same_len(page.len() as u64, overflow.value_len),
            Form::Pieces => self.pieces(page, overflow.value_len),
        };
        if let Err(why) = checked {
            let offset = overflow.page.block.offset();
            self.findings.push(self.pages.corrupt(offset, why));
        }
    }

    /// Checks the pieces of a value, one after the other. What is wrong with one is a finding; with the list, an error.
    fn pieces(&mut self, list: Bytes, value_len: u64) -> Result<(), Malformed> {
        let list = PieceList::open(list)?;
        same_len(list.value_len(), value_len)?;
        for idx in 0..list.count() {
            let piece = list.piece(idx)?;
            if self.is_shared(&piece) {
                continue;
            }
            if let Some(page) = self.verifier.page(&piece)
                && let Err(why) = same_len(page.len() as u64, list.piece_len(idx))
            {
                let offset = piece.block.offset();
                self.findings.push(self.pages.corrupt(offset, why));
            }
        }
        Ok(())
    }

    fn children(
        &mut self,
        node: &Node,
        level: u8,
        fences: Fences<'_>,
        on_leaf: &mut dyn FnMut(&Node) -> Result<(), EngineError>,
    ) -> Seen {
        let (mut entries, mut has_overflow) = (0u64, false);
        let (mut low, mut high) = (fences.low.to_vec(), Vec::new());
        for idx in 0..node.child_count() {
            let child = self.note(node, node.child(idx))?;
            let is_last = idx == node.key_count();
            if !is_last {
                self.note(node, node.key_into(idx, &mut high))?;
            }
            let fences = Fences {
                low: &low,
                high: if is_last { fences.high } else { Some(&high) },
            };
            self.node(&child, level - 1, fences, on_leaf);
            entries = entries.saturating_add(child.entries);
            has_overflow |= child.has_overflow;
            std::mem::swap(&mut low, &mut high);
        }
        Some((entries, has_overflow))
    }

    /// Keeps a finding about a node.
    fn note<T>(&mut self, node: &Node, checked: Result<T, Malformed>) -> Option<T> {
        match self.pages.check(node, checked) {
            Ok(value) => Some(value),
            Err(finding) => {
                self.findings.push(finding);
                None
            }
        }
    }

    fn finish(self) -> VerifyReport {
        let pager = self.verifier.finish();
        let mut findings: Vec<_> = pager.findings.into_iter().map(from_pager).collect();
        findings.extend(self.findings);
        VerifyReport {
            pages: pager.pages,
            bytes: pager.bytes,
            entries: self.entries,
            findings,
        }
    }
}

/// Keys of a node lie within the fences; a leaf has entries.
fn check_fences(node: &Node, fences: Fences<'_>) -> Result<(), Malformed> {
    let Some(last) = node.key_count().checked_sub(1) else {
        return Err(malformed("entries of a leaf", "at least one", "none"));
    };
    let (mut low, mut high) = (Vec::new(), Vec::new());
    node.key_into(0, &mut low)?;
    node.key_into(last, &mut high)?;
    if low.as_slice() < fences.low || fences.high.is_some_and(|fence| high.as_slice() >= fence) {
        return Err(malformed("keys of a node", "within its fences", "others"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
