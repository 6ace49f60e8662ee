//! Files of every format version, as they were written, open and hold what was put into them.
//!
//! `DRYSTONE_GOLDEN=write cargo test -p drystone-lsm golden` writes the files of the current version anew. That is for a new
//! version; files of released versions stay as they are.

use std::path::{Path, PathBuf};

use drystone_base::{Env, KeyspaceId, Lsn, OpenMode};
use drystone_engine::{
    Budget, Change, Engine, Op, Progress, SliceChanges, Snapshot, StageId, Staging,
};
use drystone_lsm::{Codec, Lsm, LsmOptions, WriteBatch};

use crate::small;

fn golden(version: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(version)
}

fn open(env: &Env) -> Lsm {
    let options = LsmOptions {
        codecs: vec![Codec::None, Codec::Lz4],
        ..small()
    };
    Lsm::open(env, Path::new("lsm"), options).unwrap()
}

fn key(number: u32) -> String {
    format!("a shared beginning {number:04}")
}

fn put(key: &'static [u8], value: &'static [u8]) -> Change<'static> {
    Change {
        keyspace: KeyspaceId(4),
        key,
        op: Op::Put(value),
    }
}

/// A compacted level with compressed blocks, runs above it with tombstones, an empty keyspace, dropped ones of which a file
/// holds remains, a keyspace with a codec of its own, a long value, awkward keys, a stage that was adopted, one that waits.
fn write(lsm: &Lsm) {
    let mut batch = WriteBatch::new();
    (0..300).for_each(|n| batch.put(KeyspaceId(1), key(n), [n.to_le_bytes()[0]; 5]));
    batch.put(KeyspaceId(3), "gone", "soon");
    lsm.write_batch(&batch).unwrap();
    let mut batch = WriteBatch::new();
    (0..100).for_each(|n| batch.put(KeyspaceId(1), key(n * 3), [n.to_le_bytes()[0]; 5]));
    lsm.write_batch(&batch).unwrap();
    while lsm.compact(Budget { bytes: 1 << 20 }).unwrap() == Progress::More {}
    lsm.set_codec(KeyspaceId(2), Codec::Snappy).unwrap();
    let mut batch = WriteBatch::new();
    batch.put(KeyspaceId(1), key(7), "new");
    batch.delete(KeyspaceId(1), key(8));
    batch.put(KeyspaceId(2), "", "of the empty key");
    batch.put(KeyspaceId(2), "a", "of a");
    batch.put(KeyspaceId(2), "a\0", "of a and zero");
    batch.put(KeyspaceId(2), "long", vec![b'l'; 2000]);
    batch.put(KeyspaceId(60), "gone", "soon");
    lsm.write_batch(&batch).unwrap();
    let mut batch = WriteBatch::new();
    batch.delete(KeyspaceId(3), "gone");
    batch.drop_keyspace(KeyspaceId(60));
    lsm.write_batch(&batch).unwrap();
    let adopted = lsm.stage(&mut SliceChanges::new(&[], &[put(b"of", b"stage 1")]));
    lsm.adopt(adopted.unwrap()).unwrap();
    lsm.stage(&mut SliceChanges::new(
        &[KeyspaceId(2)],
        &[put(b"of", b"stage 2")],
    ))
    .unwrap();
}

fn check(lsm: &Lsm) {
    assert_eq!((lsm.adopted(), lsm.merged_lsn()), (StageId(1), Lsn(4)));
    let snapshot = lsm.newest();
    let ids = [1, 2, 3, 4].map(KeyspaceId);
    assert_eq!(snapshot.keyspaces().unwrap(), ids);
    assert_eq!(ids.map(|id| snapshot.count(id).unwrap()), [299, 4, 0, 1]);
    assert_eq!(snapshot.codec(KeyspaceId(2)), Some(Codec::Snappy));
    for number in 0..300u32 {
        let expected = match number {
            7 => Some(b"new".to_vec()),
            8 => None,
            n if n % 3 == 0 => Some(vec![(n / 3).to_le_bytes()[0]; 5]),
            n => Some(vec![n.to_le_bytes()[0]; 5]),
        };
        let found = snapshot.get(KeyspaceId(1), key(number).as_bytes()).unwrap();
        assert_eq!(found.as_deref(), expected.as_deref(), "{number}");
    }
    let get = |key: &[u8]| snapshot.get(KeyspaceId(2), key).unwrap().unwrap();
    assert_eq!(get(b""), "of the empty key");
    assert_eq!(get(b"a"), "of a");
    assert_eq!(get(b"a\0"), "of a and zero");
    assert_eq!(get(b"long"), vec![b'l'; 2000]);
    let (stage, staged) = lsm.staged().unwrap();
    assert_eq!(stage, StageId(2));
    assert_eq!(
        staged.get(KeyspaceId(4), b"of").unwrap().unwrap(),
        "stage 2"
    );
    let report = lsm.verify().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// The files, after they were made anew if that was asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "golden files lie on the real disk"
)]
fn files(version: &str) -> Vec<(String, Vec<u8>)> {
    let folder = golden(version);
    if std::env::var_os("DRYSTONE_GOLDEN").is_some_and(|what| what == "write") {
        let env = Env::memory(1);
        write(&open(&env));
        std::fs::create_dir_all(&folder).unwrap();
        for name in env.files.list_dir(Path::new("lsm")).unwrap() {
            let file = env
                .files
                .open(&Path::new("lsm").join(&name), OpenMode::Read)
                .unwrap();
            let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
            file.read_exact_at(&mut bytes, 0).unwrap();
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
    let names = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap()))
        .collect()
}

#[test]
fn files_of_version_1_open() {
    let files = files("v1");
    for is_adopted in [true, false] {
        let env = Env::memory(2);
        let dir = Path::new("lsm");
        env.files.create_dir_all(dir).unwrap();
        for (name, bytes) in &files {
            let file = env
                .files
                .open(&dir.join(name), OpenMode::CreateNew)
                .unwrap();
            file.write_all_at(bytes, 0).unwrap();
        }
        let lsm = open(&env);
        check(&lsm);
        let left: &[u32] = match is_adopted {
            true => {
                lsm.adopt(StageId(2)).unwrap();
                &[1, 3, 4]
            }
            false => {
                lsm.discard(StageId(2)).unwrap();
                &[1, 2, 3, 4]
            }
        };
        let found = lsm.newest().keyspaces().unwrap();
        assert!(found.into_iter().eq(left.iter().copied().map(KeyspaceId)));
        while lsm.compact(Budget { bytes: 1 << 20 }).unwrap() == Progress::More {}
        assert!(lsm.verify().unwrap().findings.is_empty());
    }
}
