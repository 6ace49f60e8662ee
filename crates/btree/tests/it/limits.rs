//! Long keys, long values, full disks, failing disks: what does not fit is refused, what fits is kept.

use std::io;
use std::path::Path;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{
    BTree, BTreeOptions, MAX_KEY_BYTES, MAX_VALUE_BYTES, MIN_PAGE_BYTES, WriteBatch,
};
use drystone_engine::{Change, Changes, Engine, EngineError, Op, SliceChanges, Snapshot};
use drystone_testkit::SimFileSystem;

const KEYSPACE: KeyspaceId = KeyspaceId(1);

fn open(env: &Env, page_bytes: u32) -> BTree {
    let options = BTreeOptions {
        page_bytes,
        ..BTreeOptions::default()
    };
    BTree::open(env, Path::new("/db/tree"), options).unwrap()
}

fn assert_sound(tree: &BTree) {
    let report = tree.verify().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// Keys of the longest length that differ only in their last bytes, so that separators are as long.
#[test]
fn the_longest_keys_make_a_tree() {
    let env = Env::memory(1);
    let tree = open(&env, MIN_PAGE_BYTES);
    let key = |number: u16| {
        let mut key = vec![b'k'; MAX_KEY_BYTES - 2];
        key.extend_from_slice(&number.to_be_bytes());
        key
    };
    let mut batch = WriteBatch::new();
    (0..40).for_each(|number| batch.put(KEYSPACE, key(number * 7), vec![1; 9]));
    batch.put(KEYSPACE, "short", "one");
    tree.write_batch(&batch).unwrap();
    assert_sound(&tree);
    let snapshot = tree.newest();
    for number in 0..280 {
        let expected = number % 7 == 0;
        assert_eq!(
            snapshot.get(KEYSPACE, &key(number)).unwrap().is_some(),
            expected
        );
    }
    assert_eq!(snapshot.range(KEYSPACE, ..).count(), 41);
    assert_eq!(snapshot.range(KEYSPACE, ..).rev().count(), 41);
    let mut batch = WriteBatch::new();
    (1..40).for_each(|number| batch.delete(KEYSPACE, key(number * 7)));
    tree.write_batch(&batch).unwrap();
    assert_sound(&tree);
    assert_eq!(tree.newest().count(KEYSPACE).unwrap(), 2);
}

#[test]
fn a_value_of_many_megabytes_is_kept_replaced_and_freed() {
    let env = Env::memory(1);
    let tree = open(&env, 8192);
    let value: Vec<u8> = (0..20_000_000u32)
        .map(|at| (at % 251).to_le_bytes()[0])
        .collect();
    tree.load_sorted(KEYSPACE, [(b"film", &value)]).unwrap();
    assert!(tree.newest().get(KEYSPACE, b"film").unwrap().unwrap() == value);
    assert_sound(&tree);
    tree.load_sorted(KEYSPACE, [(b"film", b"burnt")]).unwrap();
    tree.load_sorted(KEYSPACE, [(b"film", b"ashes")]).unwrap();
    assert!(tree.stats().free_bytes >= 20_000_000, "{:?}", tree.stats());
    assert_sound(&tree);
}

#[test]
fn what_is_too_long_is_refused_and_nothing_is_merged() {
    let tree = open(&Env::memory(1), 8192);
    let long_key = vec![0; MAX_KEY_BYTES + 1];
    let refused = tree.load_sorted(KEYSPACE, [(&[1u8][..], b"v"), (&long_key, b"v")]);
    assert!(
        matches!(refused, Err(EngineError::Unsorted { .. })),
        "{refused:?}"
    );
    let refused = tree.load_sorted(KEYSPACE, [(&long_key, b"v")]);
    assert!(
        matches!(refused, Err(EngineError::KeyTooLarge { len, max }) if len == max + 1),
        "{refused:?}"
    );
    let long_value = vec![0; MAX_VALUE_BYTES + 1];
    let refused = tree.load_sorted(KEYSPACE, [(b"a", &[][..]), (b"b", &long_value)]);
    assert!(
        matches!(refused, Err(EngineError::ValueTooLarge { len, max }) if len == max + 1),
        "{refused:?}"
    );
    assert_eq!(
        (tree.merged_lsn(), tree.newest().keyspaces().unwrap()),
        (Lsn::ZERO, vec![])
    );
}

#[test]
fn page_bytes_outside_the_limits_are_refused() {
    for page_bytes in [0, MIN_PAGE_BYTES - 1, u32::MAX] {
        let options = BTreeOptions {
            page_bytes,
            ..BTreeOptions::default()
        };
        let opened = BTree::open(&Env::memory(1), Path::new("tree"), options);
        let refused = matches!(opened, Err(EngineError::Io { source, .. }) if source.kind() == io::ErrorKind::InvalidInput);
        assert!(refused, "{page_bytes}");
    }
}

#[test]
fn a_tree_keeps_the_page_bytes_it_was_created_with() {
    let env = Env::memory(1);
    let entries = || (0u32..2000).map(|number| (number.to_be_bytes(), [7u8; 20]));
    open(&env, MIN_PAGE_BYTES)
        .load_sorted(KEYSPACE, entries())
        .unwrap();
    let tree = open(&env, 8192);
    tree.load_sorted(KeyspaceId(2), entries()).unwrap();
    let pages = tree.verify().unwrap().pages;
    assert!(
        pages > 200,
        "{pages} pages: those of the second keyspace are as small as those of the first"
    );
}

/// A full disk in the middle of a merge: refused, then merged when there is room.
#[test]
fn a_merge_that_met_a_full_disk_succeeds_when_there_is_room() {
    let disk = SimFileSystem::with_folder(5, "/db");
    let tree = open(&disk.env(), MIN_PAGE_BYTES);
    let entries =
        |value: u8| (0u32..20_000).map(move |number| (number.to_be_bytes(), [value; 100]));
    tree.load_sorted(KEYSPACE, entries(1)).unwrap();
    disk.set_capacity(Some(tree.stats().file_bytes + 100_000));
    for _ in 0..3 {
        let refused = tree.load_sorted(KEYSPACE, entries(2));
        let is_full = matches!(&refused, Err(EngineError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull);
        assert!(is_full, "{refused:?}");
        assert_eq!(
            tree.newest().get(KEYSPACE, &[0; 4]).unwrap().unwrap()[..],
            [1; 100]
        );
        assert_sound(&tree);
    }
    disk.set_capacity(None);
    tree.load_sorted(KEYSPACE, entries(2)).unwrap();
    assert_eq!(
        tree.newest().get(KEYSPACE, &[0; 4]).unwrap().unwrap()[..],
        [2; 100]
    );
    assert_sound(&tree);
}

/// Changes that fail half way, after pages and long values were written: nothing of them is left, not even space.
#[test]
fn changes_that_fail_leave_nothing_behind() {
    let tree = open(&Env::memory(1), MIN_PAGE_BYTES);
    let keys: Vec<[u8; 4]> = (0u32..5000).map(u32::to_be_bytes).collect();
    tree.load_sorted(KEYSPACE, keys.iter().map(|key| (key, [1u8; 300])))
        .unwrap();
    tree.load_sorted(KEYSPACE, keys.iter().map(|key| (key, [2u8; 300])))
        .unwrap();
    let mut changes: Vec<_> = keys.iter().map(|key| put(key, &[3; 300])).collect();
    changes.push(put(&keys[0], b"out of order"));
    let mut space = Vec::new();
    for upto in 3..20 {
        let refused = tree.merge(&mut Unchecked(&changes), Lsn(upto));
        let is_unsorted = matches!(refused, Err(EngineError::Unsorted { .. }));
        assert!(is_unsorted, "{refused:?}");
        space.push((tree.stats().file_bytes, tree.stats().free_bytes));
    }
    space.dedup();
    assert_eq!(space.len(), 1, "(file, free) bytes: {space:?}");
    assert_sound(&tree);
}

/// A merge without changes, and one whose changes make no difference, move the state on and rewrite no leaf.
#[test]
fn a_merge_that_changes_nothing_moves_the_lsn_and_little_else() {
    let env = Env::memory(1);
    let tree = open(&env, MIN_PAGE_BYTES);
    let entries = || (0u32..5000).map(|number| (number.to_be_bytes(), [7u8; 60]));
    tree.load_sorted(KEYSPACE, entries()).unwrap();
    let written = tree.stats().written_bytes;
    tree.load_sorted(KEYSPACE, entries()).unwrap();
    let absent: Vec<_> = (0u32..500)
        .map(|number| [&number.to_be_bytes()[..], b"no"].concat())
        .collect();
    let deletes: Vec<_> = absent
        .iter()
        .map(|key| Change {
            keyspace: KEYSPACE,
            key,
            op: Op::Delete,
        })
        .collect();
    tree.merge(&mut SliceChanges::new(&[], &deletes), Lsn(10))
        .unwrap();
    tree.merge(&mut SliceChanges::new(&[], &[]), Lsn(20))
        .unwrap();
    let rewritten = tree.stats().written_bytes - written;
    assert!(
        rewritten < 200_000,
        "{rewritten} bytes: superblocks and free lists, no node"
    );
    drop(tree);
    let tree = open(&env, MIN_PAGE_BYTES);
    assert_eq!(
        (tree.merged_lsn(), tree.newest().count(KEYSPACE).unwrap()),
        (Lsn(20), 5000)
    );
}

fn put<'a>(key: &'a [u8], value: &'a [u8]) -> Change<'a> {
    Change {
        keyspace: KEYSPACE,
        key,
        op: Op::Put(value),
    }
}

/// Changes in whatever order they are in.
struct Unchecked<'a>(&'a [Change<'a>]);

impl Changes for Unchecked<'_> {
    fn dropped(&self) -> &[KeyspaceId] {
        &[]
    }

    fn next_change(&mut self) -> Result<Option<Change<'_>>, EngineError> {
        let Some((next, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        self.0 = rest;
        Ok(Some(*next))
    }
}

/// Pinned nodes too, and also where one more would be a little too many.
#[test]
fn what_is_cached_keeps_to_its_budget() {
    for pinned_bytes_max in [0, 5_000, 9_000, 40_000] {
        let mut options = BTreeOptions {
            page_bytes: MIN_PAGE_BYTES,
            pinned_bytes_max,
            ..BTreeOptions::default()
        };
        options.pager.cache_bytes = 32 << 10;
        let tree = BTree::open(&Env::memory(1), Path::new("/db/tree"), options).unwrap();
        let keys: Vec<[u8; 4]> = (0u32..20_000).map(u32::to_be_bytes).collect();
        tree.load_sorted(KEYSPACE, keys.iter().map(|key| (key, [1u8; 40])))
            .unwrap();
        for key in keys.iter().step_by(17) {
            assert!(tree.newest().get(KEYSPACE, key).unwrap().is_some());
            let stats = tree.stats();
            assert!(stats.cache_bytes <= stats.cache_bytes_max, "{stats:?}");
        }
        assert_eq!(tree.stats().cache_bytes_max, (32 << 10) + pinned_bytes_max);
    }
}
