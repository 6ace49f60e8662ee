//! Tests of manifests: names, records, copies that disagree.

use std::path::Path;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_storage_pager::{CachePolicy, PageCache};
use drystone_testkit::{Fault, OpKind, SimFileSystem};

use super::*;
use crate::manifest::opening::{Found, find};

const REWRITE_BYTES_MIN: u64 = 2_000;

fn store(env: &Env) -> Arc<Store> {
    let dir = Path::new("lsm");
    env.files.create_dir_all(dir).unwrap();
    Arc::new(Store::new(
        env,
        dir,
        PageCache::new(1 << 20, CachePolicy::default()),
    ))
}

fn edit(lsn: u64) -> Edit {
    Edit {
        lsn: Lsn(lsn),
        begin: vec![(KeyspaceId(7), None)],
        ..Edit::default()
    }
}

fn names(env: &Env) -> Vec<String> {
    env.files.list_dir(Path::new("lsm")).unwrap()
}

/// The states that are found after `records` of them were appended to each copy, and `change` was done to the files.
fn found_after(change: impl FnOnce(&dyn File, &dyn File, u64)) -> Result<Vec<Lsn>, EngineError> {
    let env = Env::memory(1);
    let store = store(&env);
    let mut manifest =
        find(&store, &names(&env))?.open(&store, &Edit::default(), REWRITE_BYTES_MIN)?;
    for lsn in 1..=3 {
        manifest.append(&edit(lsn), || edit(lsn))?;
    }
    change(&*manifest.copies[0].1, &*manifest.copies[1].1, manifest.len);
    let found = find(&store, &names(&env))?;
    let states = found.edits.iter().map(|edit| edit.lsn).collect();
    let full = found.edits.last().cloned().unwrap_or_default();
    let mended = found.open(&store, &full, REWRITE_BYTES_MIN)?;
    let mut findings = 0;
    mended.verify(|_| findings += 1);
    assert_eq!(findings, 0, "what was opened is sound");
    assert_eq!(names(&env).len(), 2);
    Ok(states)
}

const ALL: [Lsn; 4] = [Lsn(0), Lsn(1), Lsn(2), Lsn(3)];

#[test]
fn records_are_found_again() {
    assert_eq!(found_after(|_, _, _| ()).unwrap(), ALL);
}

#[test]
fn damage_in_one_copy_is_mended_from_the_other() {
    for flip_at in [0, 9, 30, 40, 100, 130, 170] {
        for copy in 0..2 {
            let states = found_after(|a, b, len| {
                let file = [a, b][copy];
                assert!(flip_at < len);
                let mut byte = [0];
                file.read_exact_at(&mut byte, flip_at).unwrap();
                file.write_all_at(&[byte[0] ^ 4], flip_at).unwrap();
            });
            assert_eq!(states.unwrap(), ALL, "byte {flip_at} of copy {copy}");
        }
    }
}

#[test]
fn a_torn_tail_goes_and_two_are_damage() {
    let torn = found_after(|a, _, len| a.write_all_at(b"half a record", len).unwrap());
    assert_eq!(torn.unwrap(), ALL);
    let behind = found_after(|_, b, len| b.set_len(len - 40).unwrap());
    assert_eq!(behind.unwrap(), ALL);
    let both = found_after(|a, b, len| {
        a.write_all_at(b"noise", len).unwrap();
        b.write_all_at(b"noise", len).unwrap();
    });
    assert!(matches!(both, Err(EngineError::Corrupt { .. })));
}

/// A clean copy vouches for the other only where it can have all that was durable.
#[test]
fn a_copy_that_is_behind_mends_nothing() {
    let flip = |file: &dyn File, at: u64| {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 4], at).unwrap();
    };
    let is_corrupt =
        |found: Result<Vec<Lsn>, EngineError>| matches!(found, Err(EngineError::Corrupt { .. }));
    assert_eq!(found_after(|a, _, len| flip(a, len - 1)).unwrap(), ALL);
    assert_eq!(found_after(|_, b, len| flip(b, len - 1)).unwrap(), ALL);
    // One is damaged at its end, the other was cut to its first record, or to less.
    let first = 32 + 37;
    for keep in [first, 32, 0] {
        assert!(is_corrupt(found_after(|a, b, len| {
            flip(a, len - 1);
            b.set_len(keep).unwrap();
        })));
        assert!(is_corrupt(found_after(|a, b, len| {
            flip(b, len - 1);
            a.set_len(keep).unwrap();
        })));
    }
    // With as many records `b` can be the one that a crash left behind, but not `a`: `b` comes after it.
    let cut = |len: u64| len - (len - first) / 3;
    let behind = found_after(|a, b, len| {
        flip(a, len - 1);
        b.set_len(cut(len)).unwrap();
    });
    assert_eq!(behind.unwrap(), ALL[..3]);
    assert!(is_corrupt(found_after(|a, b, len| {
        flip(b, len - 1);
        a.set_len(cut(len)).unwrap();
    })));
}

/// A folder of a simulated disk, which can fail.
fn on_disk() -> (SimFileSystem, Arc<Store>) {
    let disk = SimFileSystem::with_folder(1, "/db");
    let cache = PageCache::new(1 << 20, CachePolicy::default());
    let store = Store::new(&disk.env(), Path::new("/db"), cache);
    (disk, Arc::new(store))
}

fn found_in(store: &Store) -> Result<Found, EngineError> {
    find(store, &store.files().list_dir(store.dir()).unwrap())
}

fn file_count(store: &Store) -> usize {
    store.files().list_dir(store.dir()).unwrap().len()
}

fn created(store: &Arc<Store>, rewrite_bytes_min: u64) -> Manifest {
    let found = found_in(store).unwrap();
    found
        .open(store, &Edit::default(), rewrite_bytes_min)
        .unwrap()
}

#[test]
fn a_missing_copy_vouches_for_nothing() {
    for (damaged, missing) in [(0, 1), (1, 0)] {
        for is_damaged in [false, true] {
            let (_disk, store) = on_disk();
            let mut manifest = created(&store, REWRITE_BYTES_MIN);
            (1..=3).for_each(|lsn| manifest.append(&edit(lsn), || edit(lsn)).unwrap());
            if is_damaged {
                let file = &manifest.copies[damaged].1;
                file.write_all_at(b"?", manifest.len - 1).unwrap();
            }
            let path = &manifest.copies[missing].0;
            store.files().remove_file(path).unwrap();
            match found_in(&store) {
                Ok(found) => assert!(!is_damaged && found.edits.len() == 4),
                Err(EngineError::Corrupt { .. }) => assert!(is_damaged),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn an_engine_is_new_only_where_nothing_longer_than_a_first_write_lies() {
    for (bytes, is_new) in [(0, true), (31, true), (69, true), (70, false), (500, false)] {
        let (_disk, store) = on_disk();
        let path = path_of(store.dir(), 1, COPIES[0]);
        let file = store.files().open(&path, OpenMode::CreateNew).unwrap();
        file.write_all_at(&vec![0; bytes], 0).unwrap();
        assert_eq!(found_in(&store).is_ok(), is_new, "{bytes} bytes of zeros");
    }
}

#[test]
fn the_last_generation_that_there_can_be_is_damage() {
    let (_disk, store) = on_disk();
    let path = path_of(store.dir(), u64::MAX, COPIES[0]);
    store.files().open(&path, OpenMode::CreateNew).unwrap();
    let found = found_in(&store).unwrap();
    let opened = found.open(&store, &Edit::default(), REWRITE_BYTES_MIN);
    assert!(matches!(opened, Err(EngineError::Corrupt { .. })));
}

#[test]
fn a_second_copy_that_cannot_be_read_is_mended_from_the_first() {
    for copy in 0..2 {
        for is_other_whole in [true, false] {
            let (disk, store) = on_disk();
            let mut manifest = created(&store, REWRITE_BYTES_MIN);
            manifest.append(&edit(1), || edit(1)).unwrap();
            if !is_other_whole {
                let file = &manifest.copies[1 - copy].1;
                file.write_all_at(b"?", manifest.len - 1).unwrap();
            }
            let path = &manifest.copies[copy].0;
            disk.inject(Fault::error(OpKind::Read, std::io::ErrorKind::Other).under(path));
            match found_in(&store) {
                Ok(found) => {
                    assert!(is_other_whole && copy == 1 && found.edits.len() == 2);
                    let mended = found.open(&store, &edit(1), REWRITE_BYTES_MIN).unwrap();
                    assert_eq!((mended.generation, file_count(&store)), (2, 2));
                }
                Err(error) => {
                    assert!(!is_other_whole || copy == 0, "{error}");
                    assert_eq!(found_in(&store).unwrap().edits.len(), 2);
                }
            }
        }
    }
}

/// What was written anew counts, whether or not the old files go: the caller must not try it again.
#[test]
fn a_rewrite_that_fails_half_way_poisons() {
    let kinds = [
        OpKind::Open,
        OpKind::Write,
        OpKind::Sync,
        OpKind::SyncDir,
        OpKind::Remove,
    ];
    for (on, nth) in kinds.into_iter().flat_map(|on| [(on, 1), (on, 2)]) {
        let (disk, store) = on_disk();
        let mut manifest = created(&store, 0);
        let mut lsn = 0;
        while manifest.len < manifest.first_len * REWRITE_GROWTH {
            lsn += 1;
            manifest.append(&edit(lsn), || edit(lsn)).unwrap();
        }
        lsn += 1;
        disk.inject(Fault::error(on, std::io::ErrorKind::Other).nth(nth));
        let place = format!("{on:?} no. {nth}");
        let failed = manifest.append(&edit(lsn), || edit(lsn));
        assert!(matches!(failed, Err(EngineError::Failed { .. })), "{place}");
        let again = manifest.append(&edit(lsn), || edit(lsn));
        assert!(
            matches!(again, Err(EngineError::Poisoned { .. })),
            "{place}"
        );
        let found = found_in(&store).unwrap();
        let last = found.edits.last().map(|edit| edit.lsn.0);
        assert!([Some(lsn - 1), Some(lsn)].contains(&last), "{place}");
        found.open(&store, &edit(lsn), 0).unwrap();
        assert_eq!(file_count(&store), 2, "{place}");
    }
}

#[test]
fn a_long_log_is_written_anew() {
    let env = Env::memory(1);
    let store = store(&env);
    let mut manifest = find(&store, &names(&env))
        .unwrap()
        .open(&store, &Edit::default(), REWRITE_BYTES_MIN)
        .unwrap();
    for lsn in 1..=500 {
        manifest.append(&edit(lsn), || edit(lsn)).unwrap();
    }
    assert!(manifest.generation > 1 && manifest.len < REWRITE_BYTES_MIN + 100);
    assert_eq!(names(&env).len(), 2);
    let found = find(&store, &names(&env)).unwrap();
    assert_eq!(found.edits.last().unwrap().lsn, Lsn(500));
}

#[test]
fn names_are_told_apart() {
    assert_eq!(parse_name("manifest-00000000000000ff.b"), Some((255, 1)));
    for name in [
        "manifest-ff.a",
        "manifest-00000000000000ff.c",
        "00000000000000ff.sst",
        "manifest-",
    ] {
        assert_eq!(parse_name(name), None);
    }
}
