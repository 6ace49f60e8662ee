//! Verify finds what checksums cannot: trees that were written so, and are wrong. Reads and merges of them end, with
//! answers or errors.

use std::path::Path;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{Engine, EngineError, Snapshot};
use drystone_storage_pager::{Codec, Pager, PagerOptions, Writer};

use crate::node::build::{Entry, encode};
use crate::node::child::{Child, Form, Overflow};
use crate::payload::{Payload, Stages};
use crate::tree::{Tree, TreeRoot};
use crate::{BTree, BTreeOptions, WriteBatch};

/// Writes a file whose keyspace 1 is the tree that `build` writes, and returns what verify finds in it.
fn findings(build: impl FnOnce(&mut Writer) -> TreeRoot) -> Vec<&'static str> {
    let (env, dir) = (Env::memory(1), Path::new("tree"));
    let pager = Pager::open(&env, dir, PagerOptions::default()).unwrap();
    let mut writer = pager.begin().unwrap();
    let root = build(&mut writer);
    let record = Tree {
        codec: Codec::None,
        root: Some(root),
    };
    let record = record.encode();
    let directory = leaf(&mut writer, &[(&KeyspaceId(1).0.to_be_bytes(), &record)]);
    let payload = Payload {
        page_bytes: 512,
        directory: Some(TreeRoot {
            child: directory,
            level: 0,
        }),
        stages: Stages::default(),
        has_pieces: false,
    };
    writer.commit(&payload.encode(), Lsn(1)).unwrap();
    drop(pager);
    let tree = BTree::open(&env, dir, BTreeOptions::default()).unwrap();
    let what = |finding: EngineError| match finding {
        EngineError::Corrupt { why, .. } => why.what,
        other => panic!("{other}"),
    };
    let report = tree.verify().unwrap();
    let found = report.findings.into_iter().map(what).collect();
    use_everything(&tree);
    found
}

/// Reads, merges into, and drops keyspace 1. Errors are right answers here; panics and endless loops are not.
fn use_everything(tree: &BTree) {
    const KEYSPACE: KeyspaceId = KeyspaceId(1);
    let snapshot = tree.newest();
    let keys: Vec<Vec<u8>> = (b'a'..=b'z').map(|letter| vec![letter]).collect();
    for key in &keys {
        let _any = (snapshot.get(KEYSPACE, key), snapshot.rank(KEYSPACE, key));
    }
    let _any = snapshot.range(KEYSPACE, ..).take(1000).count();
    let _any = snapshot.range(KEYSPACE, ..).rev().take(1000).count();
    // One small change: its leaf stays small, and is joined with the next.
    if let Some(Ok((first, _))) = snapshot.range(KEYSPACE, ..).next() {
        let mut batch = WriteBatch::new();
        batch.put(KEYSPACE, first, "changed");
        let _any = tree.write_batch(&batch);
    }
    for step in [2, 3, 1] {
        let mut batch = WriteBatch::new();
        for key in keys.iter().step_by(step) {
            batch.put(KEYSPACE, key.clone(), vec![0; 40 * step]);
        }
        let _any = tree.write_batch(&batch);
        let mut batch = WriteBatch::new();
        for key in keys.iter().skip(1).step_by(step) {
            batch.delete(KEYSPACE, key.clone());
        }
        let _any = tree.write_batch(&batch);
    }
    let mut batch = WriteBatch::new();
    batch.drop_keyspace(KEYSPACE);
    let _any = tree.write_batch(&batch);
}

fn entry<'a>(key: &'a [u8], payload: &'a [u8]) -> Entry<'a> {
    Entry {
        key,
        payload,
        entries: 1,
        overflow: false,
    }
}

fn write(writer: &mut Writer, page: &[u8], entries: u64) -> Child {
    Child {
        page: writer.write(page).unwrap(),
        entries,
        has_overflow: false,
    }
}

fn leaf(writer: &mut Writer, entries: &[(&[u8], &[u8])]) -> Child {
    let entries: Vec<_> = entries
        .iter()
        .map(|(key, value)| entry(key, value))
        .collect();
    write(writer, &encode(0, &entries), entries.len() as u64)
}

fn inner(writer: &mut Writer, level: u8, children: &[(&[u8], Child)]) -> Child {
    let encoded: Vec<_> = children
        .iter()
        .map(|(low, child)| (*low, child.encode()))
        .collect();
    let entries: Vec<_> = encoded
        .iter()
        .map(|(low, child)| entry(low, child))
        .collect();
    let count = children.iter().map(|(_, child)| child.entries).sum();
    write(writer, &encode(level, &entries), count)
}

fn leaves(writer: &mut Writer) -> [Child; 2] {
    let left = leaf(writer, &[(b"a", b"1"), (b"b", b"2")]);
    [left, leaf(writer, &[(b"m", b"3"), (b"n", b"4")])]
}

fn at_level(level: u8, child: Child) -> TreeRoot {
    TreeRoot { child, level }
}

#[test]
fn a_sound_tree_has_no_findings() {
    let found = findings(|writer| {
        let [left, right] = leaves(writer);
        at_level(1, inner(writer, 1, &[(b"", left), (b"m", right)]))
    });
    assert_eq!(found, [""; 0]);
}

#[test]
fn keys_outside_their_fences_are_found() {
    for separator in [&b"b"[..], b"mm"] {
        let found = findings(|writer| {
            let [left, right] = leaves(writer);
            at_level(1, inner(writer, 1, &[(b"", left), (separator, right)]))
        });
        assert_eq!(found, ["keys of a node"], "{separator:?}");
    }
}

#[test]
fn keys_out_of_order_are_found() {
    let found = findings(|writer| at_level(0, leaf(writer, &[(b"b", b"1"), (b"a", b"2")])));
    assert_eq!(found, ["keys of a node"]);
}

#[test]
fn keys_that_do_not_share_their_ends_prefix_are_found() {
    let found = findings(|writer| {
        let entries = [
            (&b"prefix a"[..], &b"1"[..]),
            (b"p", b"2"),
            (b"prefix b", b"3"),
        ];
        let [left, right] = [leaf(writer, &entries[..1]), leaf(writer, &entries[1..])];
        at_level(1, inner(writer, 1, &[(b"", left), (b"prefix", right)]))
    });
    assert_eq!(found, ["keys of a node"; 2]);
}

#[test]
fn counts_beyond_all_bounds_are_found() {
    let found = findings(|writer| {
        let [mut left, mut right] = leaves(writer);
        (left.entries, right.entries) = (u64::MAX >> 1, u64::MAX >> 1);
        let page = [(&b""[..], left.encode()), (b"m", right.encode())];
        let entries = page.each_ref().map(|(low, child)| entry(low, child));
        at_level(1, write(writer, &encode(1, &entries), 4))
    });
    assert_eq!(found, ["entries below a node"; 3]);
}

#[test]
fn wrong_counts_are_found() {
    let found = findings(|writer| {
        let [mut left, right] = leaves(writer);
        left.entries += 1;
        at_level(1, inner(writer, 1, &[(b"", left), (b"m", right)]))
    });
    assert_eq!(found, ["entries below a node"]);
    let found = findings(|writer| {
        let [left, right] = leaves(writer);
        let mut root = inner(writer, 1, &[(b"", left), (b"m", right)]);
        root.has_overflow = true;
        at_level(1, root)
    });
    assert_eq!(found, ["entries below a node"]);
}

#[test]
fn a_node_of_the_wrong_level_is_found() {
    let found = findings(|writer| {
        let [left, right] = leaves(writer);
        let below = inner(writer, 1, &[(b"", left), (b"m", right)]);
        let odd = leaf(writer, &[(b"x", b"y")]);
        at_level(2, inner(writer, 2, &[(b"", below), (b"x", odd)]))
    });
    assert_eq!(found, ["level of a node"]);
}

#[test]
fn a_leaf_without_entries_is_found() {
    let found = findings(|writer| {
        let empty = encode(0, &[]);
        at_level(0, write(writer, &empty, 1))
    });
    assert_eq!(found, ["entries of a leaf", "entries below a node"]);
}

#[test]
fn a_page_in_use_twice_is_found() {
    let found = findings(|writer| {
        let [left, _] = leaves(writer);
        at_level(1, inner(writer, 1, &[(b"", left), (b"m", left)]))
    });
    assert!(
        found.contains(&"page") && found.contains(&"keys of a node"),
        "{found:?}"
    );
}

#[test]
fn a_page_in_use_by_nothing_is_found() {
    let found = findings(|writer| {
        let [left, _] = leaves(writer);
        at_level(0, left)
    });
    assert_eq!(found, ["blocks"]);
}

#[test]
fn a_value_of_the_wrong_length_is_found() {
    let found = findings(|writer| {
        let page = writer.write(b"nine long").unwrap();
        let payload = Overflow {
            page,
            value_len: 8,
            form: Form::Whole,
        }
        .encode();
        let entry = Entry {
            overflow: true,
            ..entry(b"key", &payload)
        };
        let mut child = write(writer, &encode(0, &[entry]), 1);
        child.has_overflow = true;
        at_level(0, child)
    });
    assert_eq!(found, ["length of a value"]);
}

/// 40 levels, each of which names the one below twice: 2^40 paths, walked within the number of blocks.
#[test]
fn a_tree_that_names_its_pages_again_and_again_ends() {
    let found = findings(|writer| {
        let mut below = leaf(writer, &[(b"a", b"1")]);
        for level in 1..=40 {
            below = inner(writer, level, &[(b"", below), (b"m", below)]);
        }
        at_level(40, below)
    });
    assert!(found.contains(&"page"), "{found:?}");
}

/// The same with leaves that hold nothing, so that no order is broken, as the directory, which is read when it is opened.
#[test]
fn a_directory_that_names_empty_leaves_again_and_again_is_refused() {
    let (env, dir) = (Env::memory(1), Path::new("tree"));
    let pager = Pager::open(&env, dir, PagerOptions::default()).unwrap();
    let mut writer = pager.begin().unwrap();
    let mut below = write(&mut writer, &encode(0, &[]), 1);
    for level in 1..=40 {
        below = inner(&mut writer, level, &[(b"", below), (b"m", below)]);
    }
    let payload = Payload {
        page_bytes: 512,
        directory: Some(at_level(40, below)),
        stages: Stages::default(),
        has_pieces: false,
    };
    writer.commit(&payload.encode(), Lsn(1)).unwrap();
    drop(pager);
    let error = BTree::open(&env, dir, BTreeOptions::default()).unwrap_err();
    assert!(matches!(error, EngineError::Corrupt { .. }), "{error:?}");
}
