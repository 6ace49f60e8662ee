//! The B+tree: its formats, and opening a damaged file.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use drystone_base::fuzzing::AnyChecksum;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions, WriteBatch, fuzzing};
use drystone_engine::{Budget, Change, Engine, EngineError, Op, Progress, SliceChanges, Snapshot};
use drystone_testkit::SimFileSystem;

use super::damage::{self, DISK_FOLDER};

/// A node's page.
pub fn node(data: &[u8]) {
    fuzzing::check_node(data);
}

/// References to pages, tree records, the root payload, lists of pieces.
pub fn references(data: &[u8]) {
    fuzzing::check_references(data);
    fuzzing::check_piece_list(data);
}

/// A file with damage: opens or is refused; whatever is read is right, where checksums count; merges go on.
///
/// # Panics
/// When an entry is wrong.
pub fn open(data: &[u8]) {
    static PLAIN: OnceLock<SimFileSystem> = OnceLock::new();
    static STAGED: OnceLock<SimFileSystem> = OnceLock::new();
    let (mode, damage) = data.split_first().unwrap_or((&0, &[]));
    let sound = match mode & 2 {
        0 => PLAIN.get_or_init(sound_tree),
        _ => STAGED.get_or_init(staged_tree),
    };
    let any = (mode & 1 == 1).then(AnyChecksum::accept);
    let harmed = damage::harm(sound, damage);
    let env = damage::env(&harmed);
    let Ok(tree) = open_tree(&env) else {
        return;
    };
    let is_right = |id: u32, key: &[u8], value: &[u8]| {
        any.is_some() || (0..COUNT).any(|n| key == self::key(n) && value == self::value(id, n))
    };
    drop(read(&tree, is_right));
    drop(tree.verify());
    let staging = tree.staging().expect("it can stage");
    if let Some((stage, staged)) = staging.staged() {
        drop(staged.count(KeyspaceId(1)));
        drop(match mode & 4 {
            0 => staging.discard(stage),
            _ => staging.adopt(stage),
        });
    }
    drop(change(&tree));
}

const COUNT: u32 = 60;
const KEYSPACES: u32 = 3;

/// Small pages, so that there are levels; values long enough to lie in pages of their own.
pub(crate) fn sound_tree() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, DISK_FOLDER);
    let tree = open_tree(&disk.env()).expect("a new file");
    for id in 1..=KEYSPACES {
        let mut batch = WriteBatch::new();
        for n in 0..COUNT {
            batch.put(KeyspaceId(id), key(n), value(id, n));
        }
        tree.write_batch(&batch).expect("a sound disk");
    }
    drop(tree);
    disk.settle();
    disk
}

/// The same, and beside it a stage that is undecided.
pub(crate) fn staged_tree() -> SimFileSystem {
    let disk = sound_tree();
    let tree = open_tree(&disk.env()).expect("a sound file");
    let mut keys: Vec<Vec<u8>> = (0..COUNT).step_by(4).map(key).collect();
    keys.sort_unstable();
    let change = |key| Change {
        keyspace: KeyspaceId(2),
        key,
        op: Op::Put(b"staged"),
    };
    let changes: Vec<Change<'_>> = keys.iter().map(|key| change(key)).collect();
    let staging = tree.staging().expect("it can stage");
    let staged = staging.stage(&mut SliceChanges::new(&[], &changes));
    staged.expect("a sound disk");
    drop(tree);
    disk.settle();
    disk
}

fn open_tree(env: &Env) -> Result<BTree, EngineError> {
    let options = BTreeOptions {
        page_bytes: 1024,
        ..BTreeOptions::default()
    };
    BTree::open(env, Path::new(DISK_FOLDER), options)
}

fn key(n: u32) -> Vec<u8> {
    match n % 3 {
        0 => n.to_be_bytes().to_vec(),
        1 => format!("a/shared/beginning/{n:04}").into_bytes(),
        _ => vec![b'k'; n as usize],
    }
}

fn value(id: u32, n: u32) -> Vec<u8> {
    let len = if n.is_multiple_of(10) { 700 } else { n };
    vec![(id + n).to_le_bytes()[0]; len as usize]
}

/// Forwards, backwards, by key, and beyond.
fn read(tree: &BTree, is_right: impl Fn(u32, &[u8], &[u8]) -> bool) -> Result<(), EngineError> {
    let snapshot = tree.newest();
    for id in 1..=KEYSPACES + 1 {
        let keyspace = KeyspaceId(id);
        drop(snapshot.count(keyspace));
        for entry in snapshot.range(keyspace, ..).take(1000) {
            let Ok((key, value)) = entry else { break };
            assert!(
                is_right(id, &key, &value),
                "keyspace {id} has {key:?}: {value:?}"
            );
        }
        for entry in snapshot.range(keyspace, ..).rev().take(1000) {
            let Ok((key, value)) = entry else { break };
            assert!(
                is_right(id, &key, &value),
                "keyspace {id} has {key:?}: {value:?}"
            );
        }
        for n in (0..COUNT).step_by(7) {
            if let Ok(Some(value)) = snapshot.get(keyspace, &key(n)) {
                assert!(
                    is_right(id, &key(n), &value),
                    "keyspace {id} has {n}: {value:?}"
                );
            }
        }
    }
    Ok(())
}

fn change(tree: &BTree) -> Result<(), EngineError> {
    let mut batch = WriteBatch::new();
    for n in (0..COUNT + 5).step_by(3) {
        batch.put(KeyspaceId(1), key(n), "changed");
        batch.delete(KeyspaceId(2), key(n));
    }
    batch.drop_keyspace(KeyspaceId(3));
    tree.write_batch(&batch)?;
    while tree.step(Budget { bytes: 1 << 16 })? == Progress::More {}
    drop((Arc::clone(&tree.newest()), Lsn::ZERO));
    Ok(())
}
