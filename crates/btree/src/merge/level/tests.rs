//! How entries are cut into nodes.

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::node::Node;
use crate::node::child::Child;
use crate::node::format::CHILD_BYTES;
use drystone_storage_pager::{BlockNo, PageRef};

const LIMIT: usize = 512;

/// Pushes entries and seals: all nodes, left to right.
fn nodes_of<'a>(
    level: u8,
    fill: Fill,
    entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Vec<Sealed> {
    let mut tested = Level::new(level, LIMIT);
    tested.begin(b"");
    let mut nodes = Vec::new();
    for (key, payload) in entries {
        nodes.extend(tested.push(
            &Entry {
                key,
                payload,
                entries: 1,
                overflow: false,
            },
            fill,
        ));
    }
    nodes.extend(tested.seal(fill).into_iter().flatten());
    assert_eq!(tested.pending(), 0);
    nodes
}

fn child() -> [u8; CHILD_BYTES] {
    let page = PageRef {
        block: BlockNo(4),
        len: 1,
        codec: 0,
        checksum: 0,
    };
    Child {
        page,
        entries: 1,
        has_overflow: false,
    }
    .encode()
}

fn page_lens(nodes: &[Sealed]) -> Vec<usize> {
    nodes.iter().map(|node| node.page.len()).collect()
}

#[test]
fn appends_fill_nodes_and_leave_the_rest() {
    let keys: Vec<[u8; 4]> = (0u32..30).map(u32::to_be_bytes).collect();
    let entries = || keys.iter().map(|key| (&key[..], &[7u8; 20][..]));
    // 24 bytes before, 36 an entry: 13 fill a node.
    let appended: Vec<u64> = nodes_of(0, Fill::Append, entries())
        .iter()
        .map(|node| node.entries)
        .collect();
    assert_eq!(appended, [13, 13, 4]);
    let even: Vec<u64> = nodes_of(0, Fill::Even, entries())
        .iter()
        .map(|node| node.entries)
        .collect();
    assert_eq!(even, [13, 8, 9]);
}

#[test]
fn no_inner_node_is_left_with_one_child() {
    let child = child();
    for count in 2..60u32 {
        let keys: Vec<[u8; 4]> = (0..count).map(u32::to_be_bytes).collect();
        for fill in [Fill::Append, Fill::Even] {
            let nodes = nodes_of(3, fill, keys.iter().map(|key| (&key[..], &child[..])));
            let least = nodes.iter().map(|node| node.entries).min();
            assert!(
                least >= Some(2),
                "{count} children, {fill:?}: {:?}",
                page_lens(&nodes)
            );
        }
    }
}

#[test]
fn three_children_between_the_longest_separators_share_a_node() {
    let child = child();
    let keys: Vec<Vec<u8>> = (1..4u8).map(|number| vec![number; 60_000]).collect();
    for fill in [Fill::Append, Fill::Even] {
        let nodes = nodes_of(1, fill, keys.iter().map(|key| (&key[..], &child[..])));
        assert_eq!(nodes.len(), 1);
        assert_eq!(nodes[0].entries, 3);
    }
}

#[test]
fn a_popped_entry_makes_room_as_if_it_had_not_come() {
    let mut tested = Level::new(0, LIMIT);
    let entry = |key| Entry {
        key,
        payload: b"value",
        entries: 1,
        overflow: false,
    };
    tested.begin(b"");
    assert!(
        tested
            .push(&entry(b"long shared prefix, first"), Fill::Even)
            .is_none()
    );
    assert!(
        tested
            .push(&entry(b"long shared prefix, second"), Fill::Even)
            .is_none()
    );
    let before = tested.front.page_len();
    assert!(tested.push(&entry(b"zebra"), Fill::Even).is_none());
    assert_eq!(tested.pop().unwrap().key, b"zebra");
    assert_eq!(tested.front.page_len(), before);
}

proptest! {
    #[test]
    fn nodes_hold_what_was_pushed_within_the_limit(
        map in btree_map(vec(prop_oneof![Just(0u8), Just(b'a'), any::<u8>()], 0..60), vec(any::<u8>(), 0..120), 1..120),
        append in any::<bool>(),
    ) {
        let fill = if append { Fill::Append } else { Fill::Even };
        let nodes = nodes_of(0, fill, map.iter().map(|(key, value)| (&key[..], &value[..])));
        let mut found = Vec::new();
        let mut last = Vec::new();
        for (idx, sealed) in nodes.iter().enumerate() {
            prop_assert!(sealed.page.len() <= LIMIT || sealed.entries == 1);
            prop_assert!(idx == 0 || last < sealed.low, "fence after the keys before");
            let node = Node::open(Bytes::from(sealed.page.clone()), 0).unwrap();
            node.check().unwrap();
            for slot in 0..node.key_count() {
                let mut key = Vec::new();
                node.key_into(slot, &mut key).unwrap();
                prop_assert!(sealed.low <= key);
                last.clone_from(&key);
                found.push((key, node.payload(slot).unwrap().0.to_vec()));
            }
        }
        prop_assert_eq!(found, map.into_iter().collect::<Vec<_>>());
    }
}
