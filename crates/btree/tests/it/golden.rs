//! Files of every format version, as they were written, open and hold what was put into them.
//!
//! `DRYSTONE_GOLDEN=write cargo test -p drystone-btree golden` writes the files of the current version anew. That is
//! for a new version; files of released versions stay as they are.

use std::path::{Path, PathBuf};

use drystone_base::{Env, KeyspaceId, Lsn, OpenMode};
use drystone_btree::{BTree, BTreeOptions, Codec, MIN_PAGE_BYTES, WriteBatch};
use drystone_engine::{Change, Engine, Op, SliceChanges, Snapshot, StageId, Staging};

fn golden(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(name)
}

fn open(env: &Env, page_bytes: u32) -> BTree {
    let options = BTreeOptions {
        page_bytes,
        ..BTreeOptions::default()
    };
    BTree::open(env, Path::new("tree"), options).unwrap()
}

fn key(number: u32) -> String {
    format!("a shared beginning {number:04}")
}

/// Three levels of nodes, an empty keyspace, a dropped one, a value in its own page, awkward keys.
fn write(tree: &BTree) {
    let mut batch = WriteBatch::new();
    (0..300).for_each(|n| batch.put(KeyspaceId(1), key(n), [n.to_le_bytes()[0]; 5]));
    batch.put(KeyspaceId(2), "", "of the empty key");
    batch.put(KeyspaceId(2), "a", "of a");
    batch.put(KeyspaceId(2), "a\0", "of a and zero");
    batch.put(KeyspaceId(2), "long", vec![b'l'; 2000]);
    batch.put(KeyspaceId(3), "gone", "soon");
    batch.put(KeyspaceId(70_000), "gone", "soon");
    tree.write_batch(&batch).unwrap();
    let mut batch = WriteBatch::new();
    batch.delete(KeyspaceId(3), "gone");
    batch.drop_keyspace(KeyspaceId(70_000));
    tree.write_batch(&batch).unwrap();
}

fn check(tree: &BTree) {
    assert_eq!(tree.merged_lsn(), Lsn(2));
    let snapshot = tree.newest();
    let ids = [1, 2, 3].map(KeyspaceId);
    assert_eq!(snapshot.keyspaces().unwrap(), ids);
    assert_eq!(ids.map(|id| snapshot.count(id).unwrap()), [300, 4, 0]);
    for (number, entry) in (0..300u32).zip(snapshot.range(KeyspaceId(1), ..)) {
        let (found, value) = entry.unwrap();
        assert_eq!(
            (&found[..], &value[..]),
            (key(number).as_bytes(), &[number.to_le_bytes()[0]; 5][..])
        );
    }
    let get = |key: &[u8]| snapshot.get(KeyspaceId(2), key).unwrap().unwrap();
    assert_eq!(get(b""), "of the empty key");
    assert_eq!(get(b"a"), "of a");
    assert_eq!(get(b"a\0"), "of a and zero");
    assert_eq!(get(b"long"), vec![b'l'; 2000]);
    let report = tree.verify().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// The file, after `write` has made it anew if that was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "golden files lie on the real disk"
)]
fn file(name: &str, write: impl FnOnce(&Env)) -> Vec<u8> {
    if std::env::var_os("DRYSTONE_GOLDEN").is_some_and(|what| what == "write") {
        let env = Env::memory(1);
        write(&env);
        let file = env
            .files
            .open(Path::new("tree/data"), OpenMode::Read)
            .unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        std::fs::write(golden(name), bytes).unwrap();
    }
    std::fs::read(golden(name)).unwrap()
}

/// Opens the file, checks it, and goes on with it.
fn check_file(bytes: &[u8]) -> BTree {
    let env = Env::memory(2);
    env.files.create_dir_all(Path::new("tree")).unwrap();
    let file = env
        .files
        .open(Path::new("tree/data"), OpenMode::CreateNew)
        .unwrap();
    file.write_all_at(bytes, 0).unwrap();
    let tree = open(&env, MIN_PAGE_BYTES);
    check(&tree);
    let mut batch = WriteBatch::new();
    batch.put(KeyspaceId(1), "new", "in an old file");
    tree.write_batch(&batch).unwrap();
    assert_eq!(tree.newest().count(KeyspaceId(1)).unwrap(), 301);
    assert!(tree.verify().unwrap().findings.is_empty());
    tree
}

#[test]
fn files_of_version_1_open() {
    let write = |env: &Env| write(&open(env, MIN_PAGE_BYTES));
    let tree = check_file(&file("v1.data", write));
    assert_eq!(tree.newest().codec(KeyspaceId(1)), Some(Codec::None));
}

/// A stage that was adopted, and one that waits.
fn write_stages(tree: &BTree) {
    write(tree);
    let put = |key: &'static [u8], value: &'static [u8]| Change {
        keyspace: KeyspaceId(4),
        key,
        op: Op::Put(value),
    };
    let adopted = tree.stage(&mut SliceChanges::new(&[], &[put(b"of", b"stage 1")]));
    tree.adopt(adopted.unwrap()).unwrap();
    let dropped = [KeyspaceId(2)];
    let changes = [put(b"of", b"stage 2")];
    tree.stage(&mut SliceChanges::new(&dropped, &changes))
        .unwrap();
}

#[test]
fn files_of_version_2_open() {
    let write = |env: &Env| write_stages(&open(env, MIN_PAGE_BYTES));
    let bytes = file("v2-staged.data", write);
    for is_adopted in [true, false] {
        let env = Env::memory(3);
        env.files.create_dir_all(Path::new("tree")).unwrap();
        let path = Path::new("tree/data");
        let file = env.files.open(path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        let tree = open(&env, MIN_PAGE_BYTES);
        assert_eq!((tree.adopted(), tree.merged_lsn()), (StageId(1), Lsn(2)));
        let of = |snapshot: &dyn Snapshot| snapshot.get(KeyspaceId(4), b"of").unwrap().unwrap();
        assert_eq!(of(&*tree.newest()), "stage 1");
        let (stage, staged) = tree.staged().unwrap();
        assert_eq!((stage, of(&*staged)), (StageId(2), "stage 2".into()));
        assert!(tree.verify().unwrap().findings.is_empty());
        match is_adopted {
            true => tree.adopt(stage).unwrap(),
            false => tree.discard(stage).unwrap(),
        }
        let left: &[u32] = if is_adopted {
            &[1, 3, 4]
        } else {
            &[1, 2, 3, 4]
        };
        let found = tree.newest().keyspaces().unwrap();
        assert!(found.into_iter().eq(left.iter().copied().map(KeyspaceId)));
        assert!(tree.verify().unwrap().findings.is_empty());
    }
}

/// Values in pieces beside what older versions had.
#[test]
fn files_of_version_3_open() {
    let film: Vec<u8> = (0..100_001u32)
        .map(|at| (at / 7).to_le_bytes()[0])
        .collect();
    let write = |env: &Env| {
        let tree = open(env, MIN_PAGE_BYTES);
        let mut tx = tree.begin_write();
        tx.put_stream(KeyspaceId(2), "film", &film[..]).unwrap();
        tx.put(KeyspaceId(2), "", "of the empty key").unwrap();
        tx.commit().unwrap();
    };
    let bytes = file("v3.data", write);
    let env = Env::memory(3);
    env.files.create_dir_all(Path::new("tree")).unwrap();
    let path = Path::new("tree/data");
    let file = env.files.open(path, OpenMode::CreateNew).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    let tree = open(&env, MIN_PAGE_BYTES);
    let snapshot = tree.newest();
    assert!(snapshot.get(KeyspaceId(2), b"film").unwrap().unwrap() == film);
    let reader = snapshot.value_reader(KeyspaceId(2), b"film").unwrap();
    assert_eq!(reader.unwrap().byte_len(), film.len() as u64);
    assert_eq!(snapshot.count(KeyspaceId(2)).unwrap(), 2);
    assert!(tree.verify().unwrap().findings.is_empty());
    let mut tx = tree.begin_write();
    tx.delete(KeyspaceId(2), "film").unwrap();
    tx.commit().unwrap();
    assert!(tree.verify().unwrap().findings.is_empty());
}

/// What codecs write may change; that it is read may not. With pages long enough to be worth it.
#[test]
fn compressed_files_of_version_1_open() {
    let write = |env: &Env| {
        let tree = open(env, 8192);
        tree.set_codec(KeyspaceId(1), Codec::Lz4).unwrap();
        tree.set_codec(KeyspaceId(2), Codec::Snappy).unwrap();
        write(&tree);
    };
    let tree = check_file(&file("v1-compressed.data", write));
    let codec = |id| tree.newest().codec(KeyspaceId(id));
    assert_eq!(
        [1, 2, 3].map(codec),
        [Codec::Lz4, Codec::Snappy, Codec::None].map(Some)
    );
}
