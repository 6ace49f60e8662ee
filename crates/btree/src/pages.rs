//! Pages of the tree's file, read as what they are. Adds the place to what is found wrong.

use std::sync::Arc;

use bytes::Bytes;
use drystone_engine::{EngineError, Malformed};
use drystone_storage_pager::{FramePointers, PageRef, Pager, Writer};

use crate::error::from_pager;
use crate::node::Node;
use crate::node::child::Overflow;
use crate::node::format::malformed;
use crate::pieces::{self, Lengths};

/// Reads pages; shared by a tree and its snapshots.
#[derive(Debug)]
pub(crate) struct Pages {
    pager: Pager,
    page_bytes: usize,
}

impl Pages {
    pub(crate) fn new(pager: Pager, page_bytes: usize) -> Pages {
        Pages { pager, page_bytes }
    }

    pub(crate) fn pager(&self) -> &Pager {
        &self.pager
    }

    /// Length that a node's page stays within unless one key demands more.
    pub(crate) fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    /// How values outside their leaves are written.
    pub(crate) fn value_lengths(&self) -> Lengths {
        Lengths::of(self.page_bytes)
    }

    /// Reads a node, which must be of this level.
    #[inline]
    pub(crate) fn read_node(&self, page: &PageRef, level: u8) -> Result<Node, EngineError> {
        let bytes = self.pager.read(page).map_err(from_pager)?;
        self.open_node(page.block.offset(), bytes, level)
    }

    /// Reads a leaf that is child `idx` of the node that has these pointers.
    #[inline]
    pub(crate) fn read_leaf(
        &self,
        page: &PageRef,
        pointers: &Arc<FramePointers>,
        idx: usize,
    ) -> Result<Node, EngineError> {
        let bytes = self.pager.read_child(page, pointers, idx);
        self.open_node(page.block.offset(), bytes.map_err(from_pager)?, 0)
    }

    /// Reads a leaf, and with it leaves that are wanted after it, where it has to be read from the file.
    pub(crate) fn read_leaf_ahead(
        &self,
        page: &PageRef,
        next: &mut dyn Iterator<Item = PageRef>,
    ) -> Result<Node, EngineError> {
        let bytes = self.pager.read_ahead(page, next);
        self.open_node(page.block.offset(), bytes.map_err(from_pager)?, 0)
    }

    /// As [`Pages::read_leaf`] and [`Pages::read_leaf_ahead`].
    pub(crate) fn read_child_ahead(
        &self,
        page: &PageRef,
        pointers: &Arc<FramePointers>,
        idx: usize,
        next: &mut dyn Iterator<Item = PageRef>,
    ) -> Result<Node, EngineError> {
        let bytes = self.pager.read_child_ahead(page, pointers, idx, next);
        self.open_node(page.block.offset(), bytes.map_err(from_pager)?, 0)
    }

    /// Reads a node of the old state, or one that the writer has added.
    pub(crate) fn read_written(
        &self,
        writer: &Writer,
        page: &PageRef,
        level: u8,
    ) -> Result<Node, EngineError> {
        let bytes = writer.read(page).map_err(from_pager)?;
        self.open_node(page.block.offset(), bytes, level)
    }

    /// Reads all of a value that lies outside its leaf.
    pub(crate) fn read_value(&self, overflow: &Overflow) -> Result<Bytes, EngineError> {
        pieces::read_whole(self, &|page| self.pager.read(page), overflow)
    }

    /// Adds the place to what was found wrong in a node.
    #[inline]
    pub(crate) fn check<T>(
        &self,
        node: &Node,
        found: Result<T, Malformed>,
    ) -> Result<T, EngineError> {
        found.map_err(|why| self.corrupt(node.offset(), why))
    }

    /// The error of a page that lies at `offset` and makes no sense.
    #[cold]
    pub(crate) fn corrupt(&self, offset: u64, why: Malformed) -> EngineError {
        EngineError::Corrupt {
            path: self.pager.path().to_owned(),
            offset,
            why,
        }
    }

    /// A page that lies at `offset`, as a node of this level.
    #[inline]
    pub(crate) fn open_node(
        &self,
        offset: u64,
        bytes: Bytes,
        level: u8,
    ) -> Result<Node, EngineError> {
        let node = Node::open(bytes, offset).map_err(|why| self.corrupt(offset, why))?;
        if node.level() == level {
            return Ok(node);
        }
        let why = malformed(
            "level of a node",
            level.to_string(),
            node.level().to_string(),
        );
        Err(self.corrupt(offset, why))
    }
}
