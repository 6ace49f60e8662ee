//! Files of format version 1 open, and are written byte for byte as they were.
//!
//! A new version gets a file of its own beside this one, which stays. Written anew by
//! `DRYSTONE_GOLDEN=write cargo test -p drystone-storage-pager golden`, which is right only while the version is unreleased.

use std::path::{Path, PathBuf};

use drystone_base::{Env, Lsn, OpenMode};
use drystone_storage_pager::Pager;

use crate::shelf::{self, Changes, Stones, commit, open};

const GOLDEN: &str = "v1.data";

fn put(stones: &[(u64, &str)]) -> Changes {
    let change = |(id, text): &(u64, &str)| (*id, Some(text.as_bytes().to_vec()));
    stones.iter().map(change).collect()
}

/// The history that the golden file holds: two commits, the second of which leaves blocks free.
fn write(env: &Env) -> Pager {
    let pager = open(env).unwrap();
    let long = "greywacke ".repeat(1000);
    commit(
        &pager,
        &put(&[(1, "granite"), (2, &long), (3, "slate")]),
        Lsn(10),
    )
    .unwrap();
    let mut second = put(&[(1, "gneiss")]);
    second.insert(2, None);
    commit(&pager, &second, Lsn(11)).unwrap();
    pager
}

fn check(pager: &Pager) {
    let stones = [(1, b"gneiss".to_vec()), (3, b"slate".to_vec())];
    shelf::check(pager, &Stones::from(stones));
    assert_eq!((pager.root().generation, pager.root().lsn), (3, Lsn(11)));
}

pub(crate) fn bytes_of(env: &Env) -> Vec<u8> {
    let path = Path::new(shelf::DIR).join("data");
    let file = env.files.open(&path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn path_of(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(name)
}

pub(crate) fn is_writing() -> bool {
    std::env::var("DRYSTONE_GOLDEN").is_ok_and(|what| what == "write")
}

pub(crate) fn write_file(name: &str, bytes: &[u8]) {
    let file = Env::os().files.open(&path_of(name), OpenMode::Create);
    let file = file.unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

/// An environment in memory with a golden file as its pager's.
pub(crate) fn env_with(name: &str) -> Env {
    let env = Env::memory(2);
    let dir = Path::new(shelf::DIR);
    env.files.create_dir_all(dir).unwrap();
    let file = env.files.open(&dir.join("data"), OpenMode::CreateNew);
    file.unwrap().write_all_at(&golden(name), 0).unwrap();
    env
}

fn golden(name: &str) -> Vec<u8> {
    let file = Env::os().files.open(&path_of(name), OpenMode::Read);
    let file = file.unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

#[test]
fn new_files_are_written_as_version_1_was() {
    let env = Env::memory(1);
    check(&write(&env));
    let bytes = bytes_of(&env);
    if is_writing() {
        write_file(GOLDEN, &bytes);
    }
    assert!(
        bytes == golden(GOLDEN),
        "the bytes of version 1 have changed"
    );
}

#[test]
fn a_file_of_version_1_opens() {
    let pager = open(&env_with(GOLDEN)).unwrap();
    assert!(pager.opened().mended.is_empty());
    check(&pager);
    commit(&pager, &put(&[(1, "gneiss")]), Lsn(12)).unwrap();
}
