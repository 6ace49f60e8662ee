//! Damage anywhere in the file gives right data or an error that says where.

use std::path::Path;

use drystone_base::KeyspaceId;
use drystone_btree::{BTree, BTreeOptions, MIN_PAGE_BYTES, WriteBatch};
use drystone_engine::{Engine, EngineError, Snapshot};
use drystone_testkit::{CrashPolicy, SimFileSystem};

const FOLDER: &str = "/db/tree";

type Contents = Vec<(u32, Vec<u8>, Vec<u8>)>;

fn open(disk: &SimFileSystem) -> Result<BTree, EngineError> {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(&disk.env(), Path::new(FOLDER), options)
}

/// A small tree of two levels, with a value outside its leaf.
fn sound() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(3, "/db");
    let tree = open(&disk).unwrap();
    for round in 0..2u32 {
        let mut batch = WriteBatch::new();
        (0..20u32).for_each(|n| batch.put(KeyspaceId(1), (n * 2 + round).to_be_bytes(), [7; 20]));
        batch.put(KeyspaceId(2), "long", vec![b'l'; 700]);
        tree.write_batch(&batch).unwrap();
    }
    drop(tree);
    disk.settle();
    disk
}

fn read_all(tree: &BTree) -> Result<Contents, EngineError> {
    let snapshot = tree.newest();
    let mut contents = Contents::new();
    for id in snapshot.keyspaces()? {
        for entry in snapshot.range(id, ..) {
            let (key, value) = entry?;
            contents.push((id.0, key.to_vec(), value.to_vec()));
        }
    }
    Ok(contents)
}

#[test]
fn a_bit_turned_over_anywhere_gives_right_data_or_an_error() {
    let disk = sound();
    let expected = read_all(&open(&disk).unwrap()).unwrap();
    let path = Path::new(FOLDER).join("data");
    let len = disk.image(&path).unwrap().len();
    let (mut refused, mut found_by_verify) = (0, 0);
    for offset in 0..len {
        let wounded = disk.crash(CrashPolicy::KeepAll);
        let bit = (offset % 8).to_le_bytes()[0];
        wounded.flip_bit(&path, offset, bit).unwrap();
        let Ok(tree) = open(&wounded) else {
            refused += 1;
            continue;
        };
        match read_all(&tree) {
            Ok(contents) => assert!(contents == expected, "byte {offset}, bit {bit}"),
            Err(error) => {
                let names_the_place = matches!(error, EngineError::Corrupt { .. });
                assert!(names_the_place, "byte {offset}, bit {bit}: {error}");
                let findings = tree.verify().unwrap().findings;
                assert!(!findings.is_empty(), "byte {offset}, bit {bit}");
                found_by_verify += 1;
            }
        }
    }
    assert!(
        found_by_verify > 2000 && refused > 50,
        "{len} bytes: {refused} refused, {found_by_verify} found"
    );
}

#[test]
fn a_file_cut_short_or_replaced_by_noise_is_an_error() {
    let disk = sound();
    let path = Path::new(FOLDER).join("data");
    let len = disk.image(&path).unwrap().len();
    for keep in [0, 1, 4095, 4096, 16_384, len / 2] {
        let wounded = disk.crash(CrashPolicy::KeepAll);
        wounded.truncate(&path, keep).unwrap();
        if let Ok(tree) = open(&wounded) {
            assert!(read_all(&tree).is_err(), "{keep} bytes of {len}");
        }
    }
    let wounded = disk.crash(CrashPolicy::KeepAll);
    let noise: Vec<u8> = (0..len)
        .map(|at| (at * at % 251).to_le_bytes()[0])
        .collect();
    wounded.overwrite(&path, 0, &noise).unwrap();
    assert!(matches!(open(&wounded), Err(EngineError::Corrupt { .. })));
}
