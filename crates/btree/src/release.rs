//! Freeing all pages of a tree whose keyspace is dropped.

use drystone_base::planted::is_planted;
use drystone_engine::EngineError;
use drystone_storage_pager::Writer;

use crate::error::from_pager;
use crate::node::child::Child;
use crate::node::{Node, Value};
use crate::pages::Pages;
use crate::tree::TreeRoot;

/// Frees every page of a tree. Reads its inner nodes, and those leaves that refer to overflow pages.
pub(crate) fn release_tree(
    pages: &Pages,
    writer: &mut Writer,
    root: &TreeRoot,
) -> Result<(), EngineError> {
    release_node(pages, writer, &root.child, root.level)
}

fn release_node(
    pages: &Pages,
    writer: &mut Writer,
    child: &Child,
    level: u8,
) -> Result<(), EngineError> {
    if level > 0 || child.has_overflow {
        let node = pages.read_node(&child.page, level)?;
        for idx in 0..node.child_count() {
            let below = pages.check(&node, node.child(idx))?;
            release_node(pages, writer, &below, level - 1)?;
        }
        if level == 0 && !is_planted("btree-dropped-values-leaked") {
            release_values(pages, writer, &node)?;
        }
    }
    writer.free(&child.page).map_err(from_pager)
}

fn release_values(pages: &Pages, writer: &mut Writer, leaf: &Node) -> Result<(), EngineError> {
    for slot in 0..leaf.key_count() {
        if let Value::Overflow(value) = pages.check(leaf, leaf.value(slot))? {
            writer.free(&value.page).map_err(from_pager)?;
        }
    }
    Ok(())
}
