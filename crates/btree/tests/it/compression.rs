//! Compressed keyspaces: each keeps its codec, pages of several codecs live side by side, and files get smaller.

use std::io;
use std::path::{Path, PathBuf};

use drystone_base::{Env, KeyspaceId, Lsn, OpenMode};
use drystone_btree::{BTree, BTreeOptions, Codec, WriteBatch};
use drystone_engine::{Engine, EngineError, SliceChanges, Snapshot};
use drystone_testkit::{CRASH_FOLDER, Checked, CrashPoints, Model};

const PLAIN: KeyspaceId = KeyspaceId(1);
const PACKED: KeyspaceId = KeyspaceId(2);

fn options(codec: Codec) -> BTreeOptions {
    let mut options = BTreeOptions {
        page_bytes: 16 << 10,
        codec,
        ..BTreeOptions::default()
    };
    options.pager.cache_bytes = 256 << 10;
    options
}

fn dir() -> &'static Path {
    Path::new("tree")
}

fn open(env: &Env, codec: Codec) -> BTree {
    BTree::open(env, dir(), options(codec)).unwrap()
}

fn key(number: u32) -> String {
    format!("stone {number:08}")
}

/// 150 bytes, as a row of text has them.
fn value(number: u32) -> Vec<u8> {
    let text = format!(
        "{{\"quarry\": \"north face {}\", \"stone\": \"greywacke\", \"weight\": {}, \"course\": {}, \"mason\": \"",
        number % 13,
        u64::from(number) * 7919 % 5000,
        u64::from(number) * 104_729 % 100,
    );
    let mut value = text.into_bytes();
    value.resize(148, b'x');
    value.extend(b"\"}");
    value
}

fn load(tree: &BTree, keyspace: KeyspaceId, count: u32) {
    let entries = (0..count).map(|number| (key(number), value(number)));
    tree.load_sorted(keyspace, entries).unwrap();
}

#[track_caller]
fn check(tree: &BTree, keyspace: KeyspaceId, count: u32) {
    let snapshot = tree.newest();
    assert_eq!(snapshot.count(keyspace).unwrap(), u64::from(count));
    for (number, entry) in (0..count).zip(snapshot.range(keyspace, ..)) {
        let (found, contents) = entry.unwrap();
        assert_eq!(
            (&found[..], &contents[..]),
            (key(number).as_bytes(), &value(number)[..])
        );
    }
    let report = tree.verify().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn file_bytes(codec: Codec) -> u64 {
    let env = Env::memory(1);
    let tree = open(&env, codec);
    load(&tree, PACKED, 20_000);
    check(&tree, PACKED, 20_000);
    let stats = tree.stats();
    stats.file_bytes - stats.free_bytes
}

#[test]
fn text_takes_half_the_file_with_lz4() {
    let plain = file_bytes(Codec::None);
    for codec in [Codec::Lz4, Codec::Snappy, Codec::Zstd(1), Codec::Gzip(6)] {
        if codec.check().is_ok() {
            let packed = file_bytes(codec);
            assert!(packed * 2 <= plain, "{codec:?}: {packed} of {plain} bytes");
        }
    }
}

#[test]
fn a_keyspace_keeps_the_codec_that_it_began_with() {
    let env = Env::memory(1);
    load(&open(&env, Codec::None), PLAIN, 500);
    load(&open(&env, Codec::Lz4), PACKED, 500);
    let tree = open(&env, Codec::Snappy);
    let snapshot = tree.newest();
    assert_eq!(snapshot.codec(PLAIN), Some(Codec::None));
    assert_eq!(snapshot.codec(PACKED), Some(Codec::Lz4));
    assert_eq!(snapshot.codec(KeyspaceId(3)), None);
    check(&tree, PLAIN, 500);
    check(&tree, PACKED, 500);
}

#[test]
fn a_keyspace_without_entries_keeps_its_codec() {
    let env = Env::memory(1);
    let tree = open(&env, Codec::Lz4);
    let mut batch = WriteBatch::new();
    batch.put(PACKED, "slate", "flat");
    tree.write_batch(&batch).unwrap();
    let mut batch = WriteBatch::new();
    batch.delete(PACKED, "slate");
    tree.write_batch(&batch).unwrap();
    drop(tree);
    let tree = open(&env, Codec::None);
    assert_eq!(tree.newest().codec(PACKED), Some(Codec::Lz4));
    load(&tree, PACKED, 500);
    assert_eq!(tree.newest().codec(PACKED), Some(Codec::Lz4));
    check(&tree, PACKED, 500);
}

#[test]
fn a_codec_can_be_changed_and_what_is_there_stays_readable() {
    let env = Env::memory(1);
    let tree = open(&env, Codec::None);
    load(&tree, PACKED, 4000);
    let before = tree.newest();
    let (lsn, written) = (tree.merged_lsn(), tree.stats().written_bytes);
    tree.set_codec(PACKED, Codec::Lz4).unwrap();
    assert_eq!(tree.merged_lsn(), lsn, "it is the same state");
    assert!(
        tree.stats().written_bytes - written < 100_000,
        "no page was rewritten"
    );
    assert_eq!(before.codec(PACKED), Some(Codec::None));
    drop(before);

    // Half of its pages are written anew; the two kinds live side by side.
    let mut batch = WriteBatch::new();
    (0..2000).for_each(|number| batch.put(PACKED, key(number), value(number)));
    tree.write_batch(&batch).unwrap();
    check(&tree, PACKED, 4000);
    drop(tree);
    let tree = open(&env, Codec::None);
    assert_eq!(tree.newest().codec(PACKED), Some(Codec::Lz4));
    tree.set_codec(PACKED, Codec::None).unwrap();
    tree.write_batch(&batch).unwrap();
    check(&tree, PACKED, 4000);
}

#[test]
fn setting_the_codec_that_it_has_writes_nothing() {
    let tree = open(&Env::memory(1), Codec::Lz4);
    load(&tree, PACKED, 10);
    let before = tree.stats().written_bytes;
    tree.set_codec(PACKED, Codec::Lz4).unwrap();
    assert_eq!(tree.stats().written_bytes, before);
}

/// Where no keyspace is, one begins: with the codec that was set, whatever the options say.
#[test]
fn a_codec_can_be_set_before_the_first_entry() {
    let env = Env::memory(1);
    let tree = open(&env, Codec::None);
    tree.set_codec(PACKED, Codec::Snappy).unwrap();
    assert_eq!(tree.newest().keyspaces().unwrap(), [PACKED]);
    drop(tree);
    let tree = open(&env, Codec::None);
    load(&tree, PACKED, 500);
    assert_eq!(tree.newest().codec(PACKED), Some(Codec::Snappy));
    check(&tree, PACKED, 500);
}

#[test]
fn long_values_are_compressed_too() {
    let env = Env::memory(1);
    let tree = open(&env, Codec::Lz4);
    let long = value(7).repeat(10_000);
    let mut batch = WriteBatch::new();
    batch.put(PACKED, "long", long.clone());
    tree.write_batch(&batch).unwrap();
    assert!(tree.stats().file_bytes < long.len() as u64);
    let get = |tree: &BTree| tree.newest().get(PACKED, b"long").unwrap().unwrap();
    assert!(get(&tree) == long);
    drop(tree);
    assert!(get(&open(&env, Codec::None)) == long);
}

#[test]
fn a_codec_at_a_level_that_it_lacks_is_refused() {
    let env = Env::memory(1);
    for codec in [Codec::Zstd(0), Codec::Gzip(10)] {
        let refused = BTree::open(&env, dir(), options(codec)).unwrap_err();
        assert!(
            matches!(&refused, EngineError::Io { source, .. } if source.kind() == io::ErrorKind::InvalidInput),
            "{refused}"
        );
        let tree = open(&env, Codec::None);
        assert!(tree.set_codec(PACKED, codec).is_err());
        assert_eq!(tree.newest().keyspaces().unwrap(), []);
    }
}

/// A keyspace whose codec this build lacks is found when the file is opened, not when it is written to.
#[cfg(not(feature = "zstd"))]
#[test]
fn a_codec_that_this_build_lacks_is_refused() {
    let refused = BTree::open(&Env::memory(1), dir(), options(Codec::Zstd(1))).unwrap_err();
    assert!(
        matches!(&refused, EngineError::Io { source, .. } if source.kind() == io::ErrorKind::Unsupported),
        "{refused}"
    );
}

#[test]
fn damage_to_a_compressed_page_is_found() {
    let env = Env::memory(1);
    let tree = open(&env, Codec::Lz4);
    load(&tree, PACKED, 4000);
    drop(tree);
    let file = env
        .files
        .open(&dir().join("data"), OpenMode::ReadWrite)
        .unwrap();
    let mut found = 0;
    // One byte in the middle of every block but those of the superblocks.
    for block in 4..file.len().unwrap() / 4096 {
        let mut byte = [0];
        let offset = block * 4096 + 1000;
        file.read_exact_at(&mut byte, offset).unwrap();
        file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
        match BTree::open(&env, dir(), options(Codec::None)) {
            Ok(tree) => found += tree.verify().unwrap().findings.len(),
            Err(EngineError::Corrupt { .. }) => found += 1,
            Err(other) => panic!("{other}"),
        }
        file.write_all_at(&byte, offset).unwrap();
    }
    assert!(found > 30, "{found}");
    check(&open(&env, Codec::None), PACKED, 4000);
}

fn crash_folder() -> PathBuf {
    Path::new(CRASH_FOLDER).join("btree")
}

/// Merges, and a change of the codec between them.
#[test]
fn a_power_cut_leaves_the_state_before_a_merge_or_after_it() {
    let open = |env: &Env| BTree::open(env, &crash_folder(), options(Codec::Lz4));
    let mut batches = vec![drystone_testkit::Batch::new(); 3];
    (0..300).for_each(|number| batches[0].put(PACKED, key(number * 2), value(number)));
    (0..50).for_each(|number| batches[1].put(PACKED, key(number * 9 + 1), value(number)));
    batches[1].put(PLAIN, "long", value(1).repeat(100));
    (100..250).for_each(|number| batches[2].delete(PACKED, key(number * 2)));
    let mut model = Model::new();
    for (number, batch) in (1..).zip(&batches) {
        model.commit(Lsn(number), batch);
    }
    let report = CrashPoints::new("merges of a compressed tree").run(
        |env, witness| {
            let tree = open(env).unwrap();
            for (number, batch) in (1..).zip(&batches) {
                witness.begin(number);
                let changes = batch.changes();
                let mut changes = SliceChanges::new(&batch.dropped, &changes);
                tree.merge(&mut changes, Lsn(number)).unwrap();
                witness.acknowledge(number);
                let codec = [Codec::Snappy, Codec::None][usize::try_from(number % 2).unwrap()];
                tree.set_codec(PACKED, codec).unwrap();
            }
        },
        |env, promises| -> Checked {
            let tree = open(env)?;
            let at = tree.merged_lsn();
            assert!((promises.last_acknowledged()..=promises.last_begun()).contains(&at.0));
            let snapshot = tree.newest();
            assert_eq!(snapshot.keyspaces()?, model.keyspaces(at));
            for id in snapshot.keyspaces()? {
                let found: Vec<_> = snapshot.range(id, ..).collect::<Result<_, _>>()?;
                drystone_testkit::compare(&model.entries(at, id), &found)?;
            }
            let report = tree.verify()?;
            assert!(report.findings.is_empty(), "{:?}", report.findings);
            Ok(())
        },
    );
    assert!(report.points > 100, "{report}");
}
