//! Damage around compaction: what was damaged before stays found, and a write of compaction that goes astray is.

use std::path::Path;

use drystone_base::KeyspaceId;
use drystone_btree::{BTree, BTreeOptions, MIN_PAGE_BYTES, WriteBatch};
use drystone_engine::{Budget, Engine, EngineError, Progress, Snapshot};
use drystone_testkit::{CrashPolicy, Effect, Fault, OpKind, SimFileSystem};

const FOLDER: &str = "/db/tree";
const ROWS: KeyspaceId = KeyspaceId(1);
const LONG: KeyspaceId = KeyspaceId(2);
const SLICE: Budget = Budget { bytes: 8 << 10 };

type Contents = Vec<(u32, Vec<u8>, Vec<u8>)>;

fn open(disk: &SimFileSystem) -> Result<BTree, EngineError> {
    let options = BTreeOptions {
        page_bytes: MIN_PAGE_BYTES,
        ..BTreeOptions::default()
    };
    BTree::open(&disk.env(), Path::new(FOLDER), options)
}

fn key(number: u32) -> [u8; 4] {
    number.wrapping_mul(0x9E37_79B9).to_be_bytes()
}

/// A tree from which most was deleted, so that compaction moves pages of every kind, and fills leaves.
fn loose() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(5, "/db");
    let tree = open(&disk).unwrap();
    let mut all = WriteBatch::new();
    (0..300).for_each(|n| all.put(ROWS, key(n), [7; 40]));
    (0..6).for_each(|n| all.put(LONG, key(n), vec![8; 6_000]));
    tree.write_batch(&all).unwrap();
    let mut deleted = WriteBatch::new();
    (0..300)
        .filter(|n| n % 4 != 0)
        .for_each(|n| deleted.delete(ROWS, key(n)));
    (0..4).for_each(|n| deleted.delete(LONG, key(n)));
    tree.write_batch(&deleted).unwrap();
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

fn compact(tree: &BTree) -> Result<(), EngineError> {
    while tree.compact(SLICE)? == Progress::More {}
    Ok(())
}

/// What a tree holds is all of it, or an error says where it is damaged, as `verify` does. Returns whether it is whole.
#[track_caller]
fn is_whole(tree: &BTree, expected: &Contents, what: &str) -> bool {
    match read_all(tree) {
        Ok(contents) => {
            assert!(contents == *expected, "{what}: other entries");
            true
        }
        Err(error) => {
            assert!(
                matches!(error, EngineError::Corrupt { .. }),
                "{what}: {error}"
            );
            assert!(!tree.verify().unwrap().findings.is_empty(), "{what}");
            false
        }
    }
}

/// A page is proved before it is moved: otherwise its new place would vouch for what the damage made of it.
#[test]
fn damage_is_not_moved_along() {
    let disk = loose();
    let expected = read_all(&open(&disk).unwrap()).unwrap();
    let path = Path::new(FOLDER).join("data");
    let len = disk.image(&path).unwrap().len();
    let (mut met, mut unmet) = (0, 0);
    for offset in (0..len).step_by(331) {
        let wounded = disk.crash(CrashPolicy::KeepAll);
        let bit = (offset % 8).to_le_bytes()[0];
        wounded.flip_bit(&path, offset, bit).unwrap();
        let what = format!("byte {offset}, bit {bit}");
        let Ok(tree) = open(&wounded) else {
            continue; // the list of free blocks, say
        };
        let compacted = compact(&tree);
        if let Err(error) = &compacted {
            let names_the_place = matches!(error, EngineError::Corrupt { .. });
            assert!(names_the_place, "{what}: {error}");
        }
        drop(tree);
        wounded.drop_cache();
        let was_whole = is_whole_before(&disk, &path, offset, bit, &expected);
        let is_whole = is_whole(&open(&wounded).unwrap(), &expected, &what);
        assert_eq!(was_whole, is_whole, "{what}, after {compacted:?}");
        match compacted {
            Err(_) => met += 1,
            Ok(()) => unmet += 1,
        }
    }
    assert!(met > 20 && unmet > 20, "{met} met, {unmet} not");
}

/// Whether the same damage leaves all entries readable where nothing is compacted.
fn is_whole_before(
    disk: &SimFileSystem,
    path: &Path,
    offset: u64,
    bit: u8,
    expected: &Contents,
) -> bool {
    let wounded = disk.crash(CrashPolicy::KeepAll);
    wounded.flip_bit(path, offset, bit).unwrap();
    is_whole(&open(&wounded).unwrap(), expected, "before")
}

/// Each write of a compaction is lost once, and lands elsewhere once, while the cache hides it.
#[test]
fn a_write_that_goes_astray_is_found() {
    let effects = [
        Effect::LostBelowCache,
        Effect::MisdirectedBelowCache { by: 4096 },
        Effect::MisdirectedBelowCache { by: -8192 },
    ];
    let sound = loose();
    let expected = read_all(&open(&sound).unwrap()).unwrap();
    for effect in effects {
        let (mut found, mut harmless) = (0, 0);
        for nth in 1.. {
            let disk = sound.crash(CrashPolicy::KeepAll);
            let tree = open(&disk).unwrap();
            disk.inject(Fault::new(OpKind::Write, effect).nth(nth));
            // Compaction itself may come upon it, where it reads what it wrote.
            let compacted = compact(&tree);
            if disk.faults_struck() == 0 {
                break;
            }
            drop((tree, compacted));
            disk.drop_cache();
            let what = format!("{effect:?}, write {nth}");
            let reopened = open(&disk);
            match reopened {
                Ok(tree) if is_whole(&tree, &expected, &what) => harmless += 1,
                _ => found += 1,
            }
        }
        assert!(found > 5, "{effect:?}: {found} found, {harmless} harmless");
    }
}
