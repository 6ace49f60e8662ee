//! Damage anywhere in the files gives right data or an error that says where.

use std::path::Path;

use drystone_base::KeyspaceId;
use drystone_engine::{Engine, EngineError, Snapshot};
use drystone_lsm::{Lsm, WriteBatch};
use drystone_testkit::{CrashPolicy, SimFileSystem};

use crate::small;

const FOLDER: &str = "/db/lsm";

type Contents = Vec<(u32, Vec<u8>, Vec<u8>)>;

fn open(disk: &SimFileSystem) -> Result<Lsm, EngineError> {
    Lsm::open(&disk.env(), Path::new(FOLDER), small())
}

/// Two runs that overlap, with a tombstone, and a value longer than a block.
fn sound() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(3, "/db");
    let lsm = open(&disk).unwrap();
    for round in 0..2u32 {
        let mut batch = WriteBatch::new();
        (0..40u32).for_each(|n| batch.put(KeyspaceId(1), (n * 2 + round).to_be_bytes(), [7; 20]));
        if round == 1 {
            batch.delete(KeyspaceId(1), 4u32.to_be_bytes());
        }
        batch.put(KeyspaceId(2), "long", vec![b'l'; 700]);
        lsm.write_batch(&batch).unwrap();
    }
    drop(lsm);
    disk.settle();
    disk
}

fn read_all(lsm: &Lsm) -> Result<Contents, EngineError> {
    let snapshot = lsm.newest();
    let mut contents = Contents::new();
    for id in snapshot.keyspaces()? {
        for entry in snapshot.range(id, ..) {
            let (key, value) = entry?;
            let found = snapshot.get(id, &key)?;
            assert_eq!(found.as_ref(), Some(&value));
            contents.push((id.0, key.to_vec(), value.to_vec()));
        }
    }
    Ok(contents)
}

#[test]
fn a_bit_turned_over_anywhere_gives_right_data_or_an_error() {
    let disk = sound();
    let expected = read_all(&open(&disk).unwrap()).unwrap();
    let (mut mended, mut found_by_verify, mut bytes) = (0, 0, 0);
    for path in disk.files() {
        let len = disk.image(&path).unwrap().len();
        let is_manifest = !path.to_string_lossy().ends_with(".sst");
        bytes += len;
        for offset in 0..len {
            let wounded = disk.crash(CrashPolicy::KeepAll);
            let bit = (offset % 8).to_le_bytes()[0];
            wounded.flip_bit(&path, offset, bit).unwrap();
            let lsm = open(&wounded).unwrap();
            let place = format!("byte {offset}, bit {bit} of {}", path.display());
            match read_all(&lsm) {
                Ok(contents) => {
                    assert!(contents == expected, "{place}");
                    mended += usize::from(is_manifest);
                }
                Err(error) => {
                    assert!(!is_manifest, "{place}: one copy is enough");
                    let EngineError::Corrupt { path: named, .. } = &error else {
                        panic!("{place}: {error}");
                    };
                    assert_eq!(*named, path, "{place}");
                    let findings = lsm.verify().unwrap().findings;
                    assert!(!findings.is_empty(), "{place}");
                    found_by_verify += 1;
                }
            }
            if !is_manifest {
                let findings = lsm.verify().unwrap().findings;
                assert!(!findings.is_empty(), "{place}: every byte is checked");
            }
        }
    }
    assert!(
        found_by_verify > 1000 && mended > 300,
        "{bytes} bytes: {mended} mended, {found_by_verify} found"
    );
}

#[test]
fn an_sst_that_is_cut_lost_or_another_is_named() {
    let disk = sound();
    let ssts: Vec<_> = disk
        .files()
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".sst"))
        .collect();
    let len = disk.image(&ssts[0]).unwrap().len();
    for keep in [0, 1, 79, 80, len / 2, len - 1] {
        let wounded = disk.crash(CrashPolicy::KeepAll);
        wounded.truncate(&ssts[0], keep).unwrap();
        check_named(&open(&wounded).unwrap(), &ssts[0]);
    }
    let wounded = disk.crash(CrashPolicy::KeepAll);
    wounded.env().files.remove_file(&ssts[1]).unwrap();
    check_named(&open(&wounded).unwrap(), &ssts[1]);
    let wounded = disk.crash(CrashPolicy::KeepAll);
    let env = wounded.env();
    env.files.rename(&ssts[0], &ssts[1]).unwrap();
    check_named(&open(&wounded).unwrap(), &ssts[1]);
}

fn check_named(lsm: &Lsm, path: &Path) {
    let named = |error: &EngineError| match error {
        EngineError::Corrupt { path: named, .. } | EngineError::Io { path: named, .. } => {
            named == path
        }
        _ => false,
    };
    assert!(read_all(lsm).is_err());
    let findings = lsm.verify().unwrap().findings;
    assert!(findings.iter().any(named), "{findings:?}");
}
