//! Compaction: the file gets as short as what it holds, entries stay, readers see what they saw, and power may go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions, BTreeSnapshot, Codec, MIN_PAGE_BYTES, WriteBatch};
use drystone_engine::{Budget, Engine, Progress, Snapshot};
use drystone_testkit::{CRASH_FOLDER, Checked, CrashPoints, Errno, Fault, OpKind, SimFileSystem};

const ROWS: KeyspaceId = KeyspaceId(1);
const LONG: KeyspaceId = KeyspaceId(2);
const SLICE: Budget = Budget { bytes: 64 << 10 };

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn open(env: &Env, page_bytes: u32) -> BTree {
    open_in(env, Path::new("/db/btree"), page_bytes, Codec::None)
}

fn open_in(env: &Env, folder: &Path, page_bytes: u32, codec: Codec) -> BTree {
    let options = BTreeOptions {
        page_bytes,
        codec,
        ..BTreeOptions::default()
    };
    BTree::open(env, folder, options).unwrap()
}

fn entries(snapshot: &BTreeSnapshot, keyspace: KeyspaceId) -> Entries {
    let range = snapshot.range(keyspace, ..).map(|entry| entry.unwrap());
    range
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

fn compact(tree: &BTree) -> u32 {
    let mut slices = 0;
    while tree.compact(SLICE).unwrap() == Progress::More {
        slices += 1;
        assert!(slices < 10_000, "it never ends");
    }
    slices
}

fn check(tree: &BTree) {
    let report = tree.verify().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn key(number: u32) -> Vec<u8> {
    format!("row {:08x}", number.wrapping_mul(0x9E37_79B9)).into_bytes()
}

fn value(number: u32, version: u8, len: usize) -> Vec<u8> {
    let mut value = vec![version; len];
    value[..4].copy_from_slice(&number.to_le_bytes());
    value
}

fn put(
    tree: &BTree,
    keyspace: KeyspaceId,
    rows: impl Iterator<Item = u32>,
    version: u8,
    len: usize,
) {
    let mut batch = WriteBatch::new();
    rows.for_each(|number| batch.put(keyspace, key(number), value(number, version, len)));
    tree.write_batch(&batch).unwrap();
}

fn delete(tree: &BTree, keyspace: KeyspaceId, rows: impl Iterator<Item = u32>) {
    let mut batch = WriteBatch::new();
    rows.for_each(|number| batch.delete(keyspace, key(number)));
    tree.write_batch(&batch).unwrap();
}

#[test]
fn a_file_from_which_most_was_deleted_shrinks_to_what_is_left() {
    let tree = open(&Env::memory(1), 4096);
    put(&tree, ROWS, 0..20_000, 1, 100);
    delete(&tree, ROWS, (0..20_000).filter(|number| number % 10 != 0));
    let (expected, before) = (entries(&tree.newest(), ROWS), tree.stats().file_bytes);
    compact(&tree);
    assert_eq!(entries(&tree.newest(), ROWS), expected);
    check(&tree);
    let (after, rows) = (tree.stats().file_bytes, 2_000 * 128);
    assert!(
        before > 2_000_000 && after < rows * 5 / 4,
        "{before} to {after}"
    );
    assert!(tree.stats().moved_bytes > 0);
}

#[test]
fn leaves_that_random_merges_left_half_full_are_filled() {
    let tree = open(&Env::memory(1), 8192);
    for part in 0..20 {
        put(
            &tree,
            ROWS,
            (0..20_000).filter(|number| number % 20 == part),
            1,
            100,
        );
    }
    let (expected, before) = (entries(&tree.newest(), ROWS), tree.stats().file_bytes);
    compact(&tree);
    assert_eq!(entries(&tree.newest(), ROWS), expected);
    check(&tree);
    let (after, rows) = (tree.stats().file_bytes, 20_000 * 128);
    assert!(
        after < rows * 21 / 20 && after < before,
        "{before} to {after}; rows {rows}"
    );
    assert!(
        compact(&tree) < 70,
        "a second time there is little to be done"
    );
}

#[test]
fn values_that_lie_outside_leaves_move_too() {
    let tree = open(&Env::memory(1), 4096);
    put(&tree, LONG, 0..400, 1, 10_000);
    put(&tree, ROWS, 0..2_000, 1, 100);
    delete(&tree, LONG, (0..400).filter(|number| number % 8 != 0));
    let expected = [entries(&tree.newest(), LONG), entries(&tree.newest(), ROWS)];
    let before = tree.stats().file_bytes;
    compact(&tree);
    assert_eq!(
        [entries(&tree.newest(), LONG), entries(&tree.newest(), ROWS)],
        expected
    );
    check(&tree);
    let (after, live) = (tree.stats().file_bytes, 50 * 12_288 + 2_000 * 128);
    assert!(
        before > 4_000_000 && after < live * 5 / 4,
        "{before} to {after}; live {live}"
    );
}

#[test]
fn compressed_pages_are_moved_and_filled_as_they_are() {
    let tree = open_in(&Env::memory(1), Path::new("/db/btree"), 16_384, Codec::Lz4);
    for part in 0..10 {
        put(
            &tree,
            ROWS,
            (0..10_000).filter(|number| number % 10 == part),
            1,
            200,
        );
    }
    put(&tree, LONG, 0..40, 1, 30_000);
    delete(&tree, ROWS, (0..10_000).filter(|number| number % 3 != 0));
    let expected = [entries(&tree.newest(), LONG), entries(&tree.newest(), ROWS)];
    let before = tree.stats().file_bytes;
    compact(&tree);
    assert_eq!(
        [entries(&tree.newest(), LONG), entries(&tree.newest(), ROWS)],
        expected
    );
    check(&tree);
    assert!(tree.stats().file_bytes < before / 2);
}

#[test]
fn a_reader_keeps_what_it_sees_and_its_blocks_go_when_it_goes() {
    let tree = open(&Env::memory(1), 4096);
    put(&tree, ROWS, 0..10_000, 1, 100);
    let reader = tree.newest();
    let seen = entries(&reader, ROWS);
    delete(&tree, ROWS, (0..10_000).filter(|number| number % 10 != 0));
    let expected = entries(&tree.newest(), ROWS);
    compact(&tree);
    assert_eq!(entries(&reader, ROWS), seen);
    assert!(tree.stats().pinned_bytes > 1_000_000);
    drop(reader);
    compact(&tree);
    assert_eq!(entries(&tree.newest(), ROWS), expected);
    assert!(tree.stats().file_bytes < 200_000);
    check(&tree);
}

#[test]
fn merges_come_between_slices() {
    let tree = open(&Env::memory(1), 4096);
    let mut model = BTreeMap::new();
    for version in 1..3 {
        put(&tree, ROWS, 0..10_000, version, 100);
    }
    model.extend((0..10_000).map(|number| (key(number), value(number, 2, 100))));
    let mut round = 0;
    let slice = Budget { bytes: 32 << 10 };
    while tree.compact(slice).unwrap() == Progress::More {
        round += 1;
        if round > 40 {
            continue;
        }
        let changed = |number: &u32| number % 97 == round;
        put(&tree, ROWS, (0..10_000).filter(changed), 3, 100);
        model.extend(
            (0..10_000)
                .filter(changed)
                .map(|number| (key(number), value(number, 3, 100))),
        );
        let deleted = |number: &u32| number % 89 == round;
        delete(&tree, ROWS, (0..10_000).filter(deleted));
        (0..10_000)
            .filter(deleted)
            .for_each(|number| drop(model.remove(&key(number))));
    }
    assert!(round > 30, "{round} slices");
    assert_eq!(
        entries(&tree.newest(), ROWS),
        model.into_iter().collect::<Entries>()
    );
    check(&tree);
}

#[test]
fn a_directory_of_many_keyspaces_moves_too() {
    let tree = open(&Env::memory(1), MIN_PAGE_BYTES);
    put(&tree, ROWS, 0..20_000, 1, 100);
    for keyspace in 10..300 {
        put(&tree, KeyspaceId(keyspace), keyspace..keyspace + 3, 1, 50);
    }
    delete(&tree, ROWS, 1..20_000);
    compact(&tree);
    check(&tree);
    assert_eq!(tree.newest().keyspaces().unwrap().len(), 291);
    let (after, live) = (tree.stats().file_bytes, (290 + 291 * 64 / 4096 * 4) * 4096);
    assert!(after < live * 5 / 4, "{after}; live {live}");
}

#[test]
fn an_empty_tree_has_nothing_to_gain() {
    let tree = open(&Env::memory(1), 4096);
    compact(&tree);
    check(&tree);
}

#[test]
fn a_disk_that_is_full_leaves_the_state_and_the_next_try_goes_on() {
    let disk = SimFileSystem::with_folder(3, "/db");
    let tree = open(&disk.env(), 4096);
    put(&tree, ROWS, 0..5_000, 1, 100);
    delete(&tree, ROWS, (0..5_000).filter(|number| number % 2 == 0));
    let expected = entries(&tree.newest(), ROWS);
    disk.inject(Fault::errno(OpKind::Write, Errno::Enospc));
    let mut failures = 0;
    for _ in 0..1_000 {
        match tree.compact(SLICE) {
            Ok(Progress::Idle) => break,
            Ok(Progress::More) => {}
            Err(_) => failures += 1,
        }
    }
    assert_eq!(failures, 1);
    assert_eq!(entries(&tree.newest(), ROWS), expected);
    check(&tree);
}

fn folder() -> PathBuf {
    Path::new(CRASH_FOLDER).join("btree")
}

/// What the tree holds at every point of the workload below, once it is filled.
fn left() -> Entries {
    let mut left: Entries = (0..300)
        .filter(|number| number % 5 == 0)
        .map(|number| (key(number), value(number, 1, 60)))
        .collect();
    left.sort_unstable();
    left
}

#[test]
fn a_power_cut_at_any_moment_leaves_all_entries() {
    let expected = left();
    let report = CrashPoints::new("compaction").run(
        |env, witness| {
            let tree = open_in(env, &folder(), MIN_PAGE_BYTES, Codec::None);
            put(&tree, ROWS, 0..300, 1, 60);
            put(&tree, LONG, 0..4, 1, 6_000);
            delete(&tree, ROWS, (0..300).filter(|number| number % 5 != 0));
            delete(&tree, LONG, 1..4);
            witness.begin(1);
            witness.acknowledge(1);
            let slice = Budget { bytes: 4 << 10 };
            while tree.compact(slice).unwrap() == Progress::More {}
            assert_eq!(tree.merged_lsn(), Lsn(4));
        },
        |env, promises| -> Checked {
            let tree = open_in(env, &folder(), MIN_PAGE_BYTES, Codec::None);
            if promises.last_acknowledged() == 0 {
                return Ok(());
            }
            drystone_testkit::compare(&expected, &entries(&tree.newest(), ROWS))?;
            assert_eq!(
                entries(&tree.newest(), LONG),
                [(key(0), value(0, 1, 6_000))]
            );
            check(&tree);
            Ok(())
        },
    );
    assert!(report.points > 300, "{report}");
}

#[test]
fn space_is_given_back_once_where_much_is_free() {
    let tree = open(&Env::memory(1), 4096);
    put(&tree, ROWS, 0..20_000, 1, 100);
    assert_eq!(
        tree.reclaim(SLICE).unwrap(),
        Progress::Idle,
        "nothing is free"
    );
    put(&tree, ROWS, 0..20_000, 2, 100);
    let before = tree.stats().file_bytes;
    let mut slices = 0;
    while tree.reclaim(SLICE).unwrap() == Progress::More {
        slices += 1;
        assert!(slices < 1_000, "it never ends");
    }
    let after = tree.stats().file_bytes;
    assert!(slices > 0 && after * 10 < before * 6, "{before} to {after}");
    let written = tree.stats().written_bytes;
    assert_eq!(tree.reclaim(SLICE).unwrap(), Progress::Idle);
    assert_eq!(tree.stats().written_bytes, written);
    check(&tree);
}
