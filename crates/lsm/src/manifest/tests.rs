//! Tests of manifests: names, records, copies that disagree.

use std::path::Path;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_storage_pager::{CachePolicy, PageCache};

use super::*;
use crate::manifest::opening::find;

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
    let mut manifest = find(&store, &names(&env))?.open(&store, &Edit::default())?;
    for lsn in 1..=3 {
        manifest.append(&edit(lsn), || edit(lsn))?;
    }
    change(&*manifest.copies[0].1, &*manifest.copies[1].1, manifest.len);
    let found = find(&store, &names(&env))?;
    let states = found.edits.iter().map(|edit| edit.lsn).collect();
    let full = found.edits.last().cloned().unwrap_or_default();
    let mended = found.open(&store, &full)?;
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

#[test]
fn a_long_log_is_written_anew() {
    let env = Env::memory(1);
    let store = store(&env);
    let mut manifest = find(&store, &names(&env))
        .unwrap()
        .open(&store, &Edit::default())
        .unwrap();
    for lsn in 1..=5000 {
        manifest.append(&edit(lsn), || edit(lsn)).unwrap();
    }
    assert!(manifest.generation > 1 && manifest.len < REWRITE_BYTES_MIN + 100);
    assert_eq!(names(&env).len(), 2);
    let found = find(&store, &names(&env)).unwrap();
    assert_eq!(found.edits.last().unwrap().lsn, Lsn(5000));
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
