//! Nodes against sorted maps, and against any bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use drystone_storage_pager::{BlockNo, PageRef};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::build::{Entry, encode, page_len, separator};
use super::format::CHILD_BYTES;
use super::*;

/// Keys that are hard on heads and prefixes: short ones, zeros, prefixes of each other, differences after 8 bytes.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let tricky = || {
        vec(
            prop_oneof![Just(0u8), Just(1), Just(b'a'), Just(255)],
            0..12,
        )
    };
    prop_oneof![
        tricky(),
        tricky().prop_map(|tail| [&b"eight by"[..], &tail].concat()),
        tricky().prop_map(|tail| [&[0; 9][..], &tail].concat()),
        vec(any::<u8>(), 0..40),
    ]
}

fn leaf_of(map: &BTreeMap<Vec<u8>, Vec<u8>>) -> Node {
    let entries: Vec<Entry<'_>> = map
        .iter()
        .map(|(key, value)| leaf_entry(key, value))
        .collect();
    let page = encode(0, &entries);
    assert_eq!(page.len(), page_len(0, &entries));
    Node::open(Bytes::from(page), 0).unwrap()
}

fn leaf_entry<'a>(key: &'a [u8], value: &'a [u8]) -> Entry<'a> {
    Entry {
        key,
        payload: value,
        entries: 1,
        overflow: false,
    }
}

fn child_of(number: u64) -> Child {
    Child {
        page: PageRef {
            block: BlockNo(4 + number),
            len: 100,
            codec: 0,
            checksum: number,
        },
        entries: number + 1,
        has_overflow: number.is_multiple_of(3),
    }
}

fn inner_of(lows: &[Vec<u8>]) -> Node {
    let children: Vec<[u8; CHILD_BYTES]> = (0..lows.len() as u64)
        .map(|n| child_of(n).encode())
        .collect();
    let entry = |(key, child): (_, &'static [u8])| leaf_entry(key, child);
    let leaked = children.iter().map(|child| &*Vec::leak(child.to_vec()));
    let entries: Vec<Entry<'_>> = lows
        .iter()
        .map(Vec::as_slice)
        .zip(leaked)
        .map(entry)
        .collect();
    Node::open(Bytes::from(encode(3, &entries)), 0).unwrap()
}

/// Asks a node everything that can be asked. It may answer with errors, not with panics.
fn ask_everything(node: &Node, probe: &[u8]) {
    let mut key = Vec::new();
    let _ = (
        node.check(),
        node.find(probe),
        node.route(probe),
        node.prefix().len(),
    );
    for idx in 0..node.key_count().min(300) + 1 {
        let _ = (
            node.key_into(idx, &mut key),
            node.value(idx),
            node.payload(idx),
            node.child(idx),
        );
        if node.key_into(idx, &mut key).is_ok() {
            let _ = node.find(&key);
        }
    }
}

proptest! {
    #[test]
    fn a_leaf_finds_what_a_map_finds(
        map in btree_map(key(), vec(any::<u8>(), 0..9), 0..60),
        probes in vec(key(), 0..40),
    ) {
        let leaf = leaf_of(&map);
        leaf.check().unwrap();
        let keys: Vec<&Vec<u8>> = map.keys().collect();
        for probe in probes.iter().chain(map.keys()) {
            prop_assert_eq!(leaf.find(probe).unwrap(), keys.binary_search(&probe));
        }
        let mut key = Vec::new();
        for (slot, (expected, value)) in map.iter().enumerate() {
            leaf.key_into(slot, &mut key).unwrap();
            prop_assert_eq!(&key, expected);
            let Value::Inline(range) = leaf.value(slot).unwrap() else { panic!("a value in the leaf") };
            prop_assert_eq!(&leaf.page()[range], value.as_slice());
        }
        prop_assert!(leaf.value(map.len()).is_err());
    }

    #[test]
    fn an_inner_node_routes_between_its_separators(
        lows in btree_set(key(), 2..60),
        probes in vec(key(), 0..40),
    ) {
        let lows: Vec<Vec<u8>> = lows.into_iter().collect();
        let node = inner_of(&lows);
        node.check().unwrap();
        prop_assert_eq!(node.child_count(), lows.len());
        for probe in probes.iter().chain(&lows) {
            let expected = lows[1..].partition_point(|low| low <= probe);
            prop_assert_eq!(node.route(probe).unwrap(), expected);
            prop_assert_eq!(node.child(expected).unwrap(), child_of(expected as u64));
        }
    }

    #[test]
    fn a_separator_separates_and_is_shortest(keys in btree_set(key(), 2)) {
        let keys: Vec<Vec<u8>> = keys.into_iter().collect();
        let fence = separator(&keys[0], &keys[1]);
        prop_assert!(keys[0].as_slice() < fence && fence <= keys[1].as_slice());
        prop_assert!(&keys[1][..fence.len() - 1] <= keys[0].as_slice());
    }

    #[test]
    fn any_bytes_are_a_node_or_an_error(bytes in vec(any::<u8>(), 0..300), probe in key()) {
        if let Ok(node) = Node::open(Bytes::from(bytes), 0) {
            ask_everything(&node, &probe);
        }
    }

    #[test]
    fn a_header_before_any_bytes_is_a_node_or_an_error(
        level in 0u8..3,
        key_count in 0u8..12,
        prefix_len in 0u8..12,
        body in vec(prop_oneof![Just(0u8), Just(1), 0u8..100, any::<u8>()], 0..400),
        probe in key(),
    ) {
        let layout = Layout::new(level, key_count.into(), prefix_len.into());
        let mut page = layout.encode_header(format::HEADER_BYTES + body.len()).to_vec();
        page.extend_from_slice(&body);
        if let Ok(node) = Node::open(Bytes::from(page), 0) {
            ask_everything(&node, &probe);
        }
    }

    #[test]
    fn a_damaged_node_answers_or_says_so(
        map in btree_map(key(), vec(any::<u8>(), 0..9), 1..20),
        flips in vec((any::<prop::sample::Index>(), 0u8..8), 1..4),
        cut in any::<prop::sample::Index>(),
        probe in key(),
    ) {
        let mut page = leaf_of(&map).page().to_vec();
        for (byte, bit) in flips {
            let at = byte.index(page.len());
            page[at] ^= 1 << bit;
        }
        let short = page[..cut.index(page.len())].to_vec();
        for bytes in [page, short] {
            if let Ok(node) = Node::open(Bytes::from(bytes), 0) {
                ask_everything(&node, &probe);
            }
        }
    }
}

#[test]
fn keys_that_share_a_head_are_told_apart() {
    let keys: [&[u8]; 7] = [
        b"",
        b"a",
        b"a\0",
        b"a\0\0",
        b"a\0\0\0\0\0\0\0",
        b"a\0\0\0\0\0\0\0\0",
        b"a\0\0\0\0\0\0\0\x01",
    ];
    let map = keys
        .iter()
        .map(|key| (key.to_vec(), key.to_vec()))
        .collect();
    let leaf = leaf_of(&map);
    for (slot, key) in keys.iter().enumerate() {
        assert_eq!(leaf.find(key).unwrap(), Ok(slot));
    }
    assert_eq!(leaf.find(b"a\0\0\0").unwrap(), Err(4));
}

#[test]
fn check_finds_what_opening_does_not_look_at() {
    let map = (0u8..20).map(|n| (vec![b'k', n], vec![n; 3])).collect();
    let sound = leaf_of(&map).page().to_vec();
    let layout = Layout::decode(&sound).unwrap();
    let broken = |at: usize, byte: u8| {
        let mut page = sound.clone();
        page[at] = byte;
        Node::open(Bytes::from(page), 0).unwrap().check()
    };
    assert_eq!(
        broken(layout.heads_at(), 1).unwrap_err().what,
        "cell of a node",
        "N3"
    );
    assert_eq!(
        broken(layout.heads_at() + 7, 99).unwrap_err().what,
        "keys of a node",
        "N1"
    );
    assert_eq!(
        broken(layout.slots_at(), 255).unwrap_err().what,
        "cell of a node",
        "N2"
    );
    assert_eq!(
        broken(layout.heads_at() - 1, 1).unwrap_err().what,
        "padding behind the prefix"
    );
    assert!(broken(sound.len() - 1, 9).is_ok(), "a value is any bytes");
}

#[test]
fn the_first_version_is_laid_out_as_specified() {
    let map = BTreeMap::from([
        (b"stone".to_vec(), b"A".to_vec()),
        (b"stonemason's".to_vec(), b"BC".to_vec()),
    ]);
    let leaf = leaf_of(&map);
    let mut expected = vec![1, 1, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0, 59, 0, 0, 0];
    expected.extend_from_slice(b"stone\0\0\0");
    expected.extend_from_slice(&[0; 8]);
    expected.extend_from_slice(b"\0s'nosam");
    expected.extend_from_slice(&[56, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend_from_slice(&[57, 0, 0, 0, 7, 0, 0, 0]);
    expected.extend_from_slice(b"ABC");
    assert_eq!(leaf.page()[..], expected);
}
