//! What fuzz targets ask of the tree's formats, in builds with `--cfg fuzzing` alone.

use bytes::Bytes;

use crate::node::build::{self, Entry};
use crate::node::child::{Child, Overflow};
use crate::node::format::CHILD_BYTES;
use crate::node::{Node, Value};
use crate::payload::Payload;
use crate::pieces::list::PieceList;
use crate::tree::Tree;

/// Reading any page leaves it nowhere; a sound one finds each of its keys, and comes back from what would be written of
/// it.
///
/// # Panics
/// When it does not.
pub fn check_node(page: &[u8]) {
    let Ok(node) = Node::open(Bytes::copy_from_slice(page), 0) else {
        return;
    };
    read_everything(&node);
    if node.check().is_ok() {
        check_search(&node);
        check_rebuilt(&node);
    }
}

/// What a page keeps of other pages, and the root payload: what decodes is what would be written.
///
/// # Panics
/// When it is not.
pub fn check_references(bytes: &[u8]) {
    if let Ok(payload) = Payload::decode(bytes) {
        assert_eq!(payload.encode(), *bytes);
    }
    if let Ok(tree) = Tree::decode(bytes) {
        assert_eq!(tree.encode(), *bytes);
    }
    let Some(reference) = bytes.get(..CHILD_BYTES) else {
        return;
    };
    if let Ok(child) = Child::decode(reference) {
        assert_eq!(child.encode(), *reference);
    }
    if let Ok(overflow) = Overflow::decode(reference) {
        assert_eq!(overflow.encode(), *reference);
    }
}

/// The list of a value's pieces: whatever opens covers each byte of the value once, and asks for nothing outside the page.
///
/// # Panics
/// When it does not.
pub fn check_piece_list(page: &[u8]) {
    let Ok(list) = PieceList::open(Bytes::copy_from_slice(page)) else {
        return;
    };
    let mut at = 0;
    for idx in 0..list.count() {
        assert_eq!((list.start(idx), list.at(at)), (at, idx));
        at += list.piece_len(idx);
        drop(list.piece(idx));
    }
    assert_eq!(at, list.value_len());
    assert!(list.piece(list.count()).is_err());
    let pieces: Result<Vec<_>, _> = (0..list.count()).map(|idx| list.piece(idx)).collect();
    if let Ok(pieces) = pieces {
        let encoded = PieceList::encode(list.piece_bytes(), list.value_len(), &pieces);
        assert_eq!(encoded, page);
    }
}

/// Each slot and one beyond; what is read is dropped, for the page may be unsound.
fn read_everything(node: &Node) {
    let mut key = Vec::new();
    for idx in 0..=node.key_count() {
        if node.key_into(idx, &mut key).is_ok() {
            drop((node.find(&key), node.route(&key)));
        }
        if let Ok(Value::Inline(range)) = node.value(idx) {
            node.clone().into_slice(range);
        }
        drop((node.payload(idx), node.child(idx)));
    }
    for probe in [&b""[..], &[0xFF; 20], node.prefix()] {
        drop((node.find(probe), node.route(probe)));
    }
}

fn check_search(node: &Node) {
    let mut key = Vec::new();
    for idx in 0..node.key_count() {
        node.key_into(idx, &mut key).expect("a sound node");
        assert_eq!(node.find(&key), Ok(Ok(idx)));
        key.push(0);
        let after = node.find(&key).expect("a sound node");
        assert!(after == Err(idx + 1) || after == Ok(idx + 1));
    }
}

fn check_rebuilt(node: &Node) {
    let keys: Vec<Vec<u8>> = (0..node.key_count())
        .map(|idx| {
            let mut key = Vec::new();
            node.key_into(idx, &mut key).expect("a sound node");
            key
        })
        .collect();
    let entries = match node.level() {
        0 => leaf_entries(node, &keys),
        _ => inner_entries(node, &keys),
    };
    let page = build::encode(node.level(), &entries);
    assert_eq!(page.len(), build::page_len(node.level(), &entries));
    let rebuilt = Node::open(page.into(), 0).expect("a page of our own making");
    rebuilt.check().expect("a page of our own making");
    let mut key = Vec::new();
    for (idx, expected) in keys.iter().enumerate() {
        rebuilt.key_into(idx, &mut key).expect("a sound node");
        assert_eq!(key, *expected);
        assert_eq!(rebuilt.payload(idx), node.payload(idx));
    }
    for idx in 0..node.child_count() {
        assert_eq!(rebuilt.child_bytes(idx), node.child_bytes(idx));
    }
}

fn leaf_entries<'a>(node: &'a Node, keys: &'a [Vec<u8>]) -> Vec<Entry<'a>> {
    let entry = |(idx, key): (usize, &'a Vec<u8>)| {
        let (payload, overflow) = node.payload(idx).expect("a sound node");
        Entry {
            key,
            payload,
            entries: 1,
            overflow,
        }
    };
    keys.iter().enumerate().map(entry).collect()
}

fn inner_entries<'a>(node: &'a Node, keys: &'a [Vec<u8>]) -> Vec<Entry<'a>> {
    let fences = std::iter::once(&[][..]).chain(keys.iter().map(Vec::as_slice));
    let entry = |(idx, key)| Entry {
        key,
        payload: node.child_bytes(idx).expect("a sound node"),
        entries: 1,
        overflow: false,
    };
    fences.enumerate().map(entry).collect()
}
