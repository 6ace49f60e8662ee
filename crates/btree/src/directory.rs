//! Directory: the tree of all keyspaces' trees. Key: the keyspace's number, big-endian; value: its tree record.

use std::io;
use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_engine::{Change, EngineError, Op, SliceChanges};
use drystone_storage_pager::Codec;

use crate::keyspace::Keyspace;
use crate::keyspace_list::KeyspaceList;
use crate::merge::Walk;
use crate::merge::feed::{Feed, Hand, Written};
use crate::merge::tower::Tower;
use crate::node::format::malformed;
use crate::node::{Node, Value};
use crate::pages::Pages;
use crate::pin::PinBudget;
use crate::tree::{TREE_BYTES, Tree, TreeRoot};

/// The keyspace number under which the directory's own changes run; it is in no other tree.
const DIRECTORY: KeyspaceId = KeyspaceId(0);

/// What becomes of a keyspace in a merge.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Its tree is this one now.
    Tree(Tree),
    /// It is dropped.
    Dropped,
}

/// Folds the fates of keyspaces, ascending by number, into the directory. Returns its new root.
pub(crate) fn merge_directory(
    tower: &mut Tower,
    root: Option<TreeRoot>,
    fates: &[(KeyspaceId, Fate)],
) -> Result<Option<TreeRoot>, EngineError> {
    let encoded: Vec<_> = fates.iter().map(encode).collect();
    let changes: Vec<Change<'_>> = encoded.iter().map(change).collect();
    let mut changes = SliceChanges::new(&[], &changes);
    let mut hand = Hand::new(&mut changes, Written::new())?;
    let mut feed = Feed::new(&mut changes, &mut hand);
    let codec = Codec::None;
    let mut walk = Walk::new(DIRECTORY, Tree { codec, root });
    loop {
        if let Some(tree) = walk.step(tower, &mut feed)? {
            return Ok(tree.root);
        }
    }
}

/// Reads all keyspaces of a directory. That they ascend, and that every leaf has one, also bounds the time that a damaged
/// directory takes which names a page many times.
pub(crate) fn read_directory(
    pages: &Pages,
    root: Option<&TreeRoot>,
    budget: &Arc<PinBudget>,
) -> Result<KeyspaceList, EngineError> {
    let mut keyspaces: Vec<Arc<Keyspace>> = Vec::new();
    let mut on_leaf = |leaf: &Node| {
        if leaf.key_count() == 0 {
            let why = malformed("entries of a leaf", "at least one", "none");
            return Err(pages.corrupt(leaf.offset(), why));
        }
        for slot in 0..leaf.key_count() {
            let (id, tree) = decode(pages, leaf, slot)?;
            if keyspaces.last().is_some_and(|last| last.id() >= id) {
                let why = malformed("keys of the directory", "ascending", id.to_string());
                return Err(pages.corrupt(leaf.offset(), why));
            }
            check_codec(pages, id, tree.codec)?;
            keyspaces.push(Keyspace::new(id, tree, budget));
        }
        Ok(())
    };
    if let Some(root) = root {
        read_leaves(
            pages,
            root.level,
            &pages.read_node(&root.child.page, root.level)?,
            &mut on_leaf,
        )?;
    }
    Ok(KeyspaceList::new(keyspaces))
}

/// Reads one entry of a leaf of the directory.
pub(crate) fn decode(
    pages: &Pages,
    leaf: &Node,
    slot: usize,
) -> Result<(KeyspaceId, Tree), EngineError> {
    let mut key = Vec::new();
    pages.check(leaf, leaf.key_into(slot, &mut key))?;
    let id = <[u8; 4]>::try_from(key.as_slice()).map_err(|_| {
        let why = malformed("key of the directory", "4 bytes", key.len().to_string());
        pages.corrupt(leaf.offset(), why)
    })?;
    let Value::Inline(value) = pages.check(leaf, leaf.value(slot))? else {
        let why = malformed(
            "value of the directory",
            "a tree record",
            "an overflow page",
        );
        return Err(pages.corrupt(leaf.offset(), why));
    };
    let tree = pages.check(leaf, Tree::decode(&leaf.page()[value]))?;
    Ok((KeyspaceId(u32::from_be_bytes(id)), tree))
}

/// A codec that this build lacks is found before anything is read or written with it.
fn check_codec(pages: &Pages, id: KeyspaceId, codec: Codec) -> Result<(), EngineError> {
    codec.check().map_err(|why| EngineError::Io {
        op: "open",
        path: pages.pager().path().to_owned(),
        offset: 0,
        source: io::Error::new(io::ErrorKind::Unsupported, format!("{id}: {why}")),
    })
}

fn read_leaves(
    pages: &Pages,
    level: u8,
    node: &Node,
    on_leaf: &mut dyn FnMut(&Node) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    if level == 0 {
        return on_leaf(node);
    }
    for idx in 0..node.child_count() {
        let child = pages.check(node, node.child(idx))?;
        let below = pages.read_node(&child.page, level - 1)?;
        read_leaves(pages, level - 1, &below, on_leaf)?;
    }
    Ok(())
}

fn encode((id, fate): &(KeyspaceId, Fate)) -> ([u8; 4], Option<[u8; TREE_BYTES]>) {
    let value = match fate {
        Fate::Tree(tree) => Some(tree.encode()),
        Fate::Dropped => None,
    };
    (id.0.to_be_bytes(), value)
}

fn change(encoded: &([u8; 4], Option<[u8; TREE_BYTES]>)) -> Change<'_> {
    let (key, value) = encoded;
    Change {
        keyspace: DIRECTORY,
        key,
        op: match value {
            Some(value) => Op::Put(value),
            None => Op::Delete,
        },
    }
}
