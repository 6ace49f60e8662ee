//! Runs against a map: point reads, streams, cursors from anywhere; damage; files that go with their runs.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, KeyspaceId, OpenMode};
use drystone_testkit::Draw;

use super::cursor::RunCursor;
use super::stream::RunStream;
use super::writer::{Lookups, RunWriter};
use super::*;
use crate::memory_merge::Direction;
use crate::spill::folder::SpillFolder;

type Entries = BTreeMap<(KeyspaceId, Vec<u8>), Option<Vec<u8>>>;

/// Some hundred entries of three keyspaces, over several blocks, one of them longer than a block should be.
fn entries() -> Entries {
    let mut draw = Draw::new(7);
    let mut entries = Entries::new();
    for keyspace in [1, 2, 9].map(KeyspaceId) {
        for _ in 0..300 {
            let key = format!("key {:03}", draw.below(600) * 2).into_bytes();
            let len = usize::try_from(draw.below(600)).unwrap();
            let value = (!draw.chance(10)).then(|| draw.bytes(len));
            entries.insert((keyspace, key), value);
        }
    }
    entries.insert(
        (KeyspaceId(2), Vec::new()),
        Some(vec![7; 2 * format::BLOCK_BYTES]),
    );
    entries.insert((KeyspaceId(9), b"key 500\0".to_vec()), Some(Vec::new()));
    entries
}

fn write(env: &Env, entries: &Entries, lookups: Lookups) -> Arc<Run> {
    let folder = SpillFolder::open(env, Path::new("spill")).unwrap();
    let mut writer = RunWriter::create(&folder, lookups).unwrap();
    for ((keyspace, key), value) in entries {
        writer.push_entry(*keyspace, key, value.as_deref()).unwrap();
    }
    writer.finish().unwrap()
}

fn get(run: &Run, keyspace: KeyspaceId, key: &[u8]) -> Option<Option<Vec<u8>>> {
    let hash = KeyHash::new(keyspace, key);
    let found = run.get(keyspace, key, hash).unwrap()?;
    Some(found.map(|value| value.to_vec()))
}

#[test]
fn a_run_finds_what_was_written_and_nothing_else() {
    let (env, entries) = (Env::memory(1), entries());
    let many = Lookups::Many {
        entries: entries.len() as u64,
    };
    for lookups in [many, Lookups::Few] {
        let run = write(&env, &entries, lookups);
        assert_eq!(run.entries, entries.len() as u64);
        assert!(run.blocks.len() > 5);
        for ((keyspace, key), value) in &entries {
            assert_eq!(get(&run, *keyspace, key).as_ref(), Some(value));
        }
        for keyspace in [0, 1, 2, 5, 9, 10].map(KeyspaceId) {
            let is_there = entries.keys().any(|(id, _)| *id == keyspace);
            assert_eq!(run.has_keyspace(keyspace), is_there);
            for number in 0..1300 {
                let key = format!("key {number:03}").into_bytes();
                let expected = entries.get(&(keyspace, key.clone()));
                assert_eq!(get(&run, keyspace, &key).as_ref(), expected, "{number}");
            }
        }
    }
}

#[test]
fn a_stream_gives_all_in_order() {
    let (env, entries) = (Env::memory(1), entries());
    let run = write(&env, &entries, Lookups::Few);
    for chunk_bytes in [1, 50_000, 10 << 20] {
        let mut stream = RunStream::new(Arc::clone(&run), chunk_bytes).unwrap();
        for ((keyspace, key), value) in &entries {
            assert_eq!(stream.keyspace(), Some(*keyspace));
            assert_eq!((stream.key(), stream.value()), (&key[..], value.as_deref()));
            stream.advance().unwrap();
        }
        assert_eq!(stream.keyspace(), None);
        stream.advance().unwrap();
    }
}

/// Reads from `from` on with a cursor.
fn read(run: &Arc<Run>, keyspace: KeyspaceId, way: Direction, from: Bound<&[u8]>) -> Vec<Vec<u8>> {
    let mut cursor = RunCursor::new(run, keyspace);
    cursor.position(way, from).unwrap();
    let mut keys = Vec::new();
    while let Some(key) = cursor.key() {
        keys.push(key.to_vec());
        cursor.advance(way).unwrap();
    }
    keys
}

#[test]
fn cursors_move_both_ways_from_anywhere() {
    let (env, entries) = (Env::memory(1), entries());
    let run = write(&env, &entries, Lookups::Few);
    let mut bounds = vec![None];
    bounds.extend(
        (0..1300)
            .step_by(7)
            .map(|number| Some(format!("key {number:03}").into_bytes())),
    );
    bounds.extend([Some(Vec::new()), Some(b"z".to_vec())]);
    for keyspace in [1, 2, 3, 9].map(KeyspaceId) {
        let of = entries.iter().filter(|((id, _), _)| *id == keyspace);
        let of: BTreeMap<&[u8], _> = of.map(|((_, key), value)| (&key[..], value)).collect();
        for bound in &bounds {
            let bound = bound.as_deref();
            let both = bound.map_or([Bound::Unbounded; 2], |key| {
                [Bound::Included(key), Bound::Excluded(key)]
            });
            for from in both {
                let found = read(&run, keyspace, Direction::Forward, from);
                let expected = of.range::<[u8], _>((from, Bound::Unbounded));
                assert!(found.iter().eq(expected.map(|(key, _)| key)), "{from:?}");
                let found = read(&run, keyspace, Direction::Backward, from);
                let expected = of.range::<[u8], _>((Bound::Unbounded, from)).rev();
                assert!(found.iter().eq(expected.map(|(key, _)| key)), "{from:?}");
            }
        }
    }
}

#[test]
fn what_the_device_changes_is_found() {
    let (env, entries) = (Env::memory(1), entries());
    let run = write(&env, &entries, Lookups::Few);
    let path = Path::new("spill/00000000");
    let file = env.files.open(path, OpenMode::ReadWrite).unwrap();
    let at = run.blocks[1].offset + 40;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    let mut stream = RunStream::new(Arc::clone(&run), 1 << 20).unwrap();
    let error = std::iter::from_fn(|| Some(stream.advance()))
        .take(entries.len())
        .find_map(Result::err);
    assert!(
        matches!(error, Some(StoreError::CorruptSpill { offset, .. }) if offset == run.blocks[1].offset)
    );
}

#[test]
fn files_go_with_their_runs_and_leftovers_with_the_next_opening() {
    let (env, entries) = (Env::memory(1), entries());
    let names = || env.files.list_dir(Path::new("spill")).unwrap();
    let run = write(&env, &entries, Lookups::Few);
    assert_eq!(names(), ["00000000"]);
    drop(run);
    assert!(names().is_empty());
    env.files
        .open(Path::new("spill/00000003"), OpenMode::CreateNew)
        .unwrap();
    SpillFolder::open(&env, Path::new("spill")).unwrap();
    assert!(names().is_empty());
}
