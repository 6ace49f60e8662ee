//! The format does not change by itself: a log of each version is kept, and every later version must read it.

use std::fs;
use std::path::{Path, PathBuf};

use drystone_base::{Env, Lsn, OpenMode};
use drystone_wal::Log;

use crate::{append_synced, bytes_of, dir, open, options};

const LENS: [usize; 8] = [0, 1, 7, 8, 9, 3000, 6000, 77];

/// As it was written at first: with no marker but in the last segment.
const FIRST: &str = "version-1";
/// As it is written now: in a segment that another one follows, a marker says so.
const NOW: &str = "version-1-vouched";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// The log that was written for version 1: single commits, one group, a segment of its own, a marker.
fn write_log(env: &Env) {
    let log = open(env, 0).unwrap();
    for (len, lsn) in LENS.iter().zip(1..=5) {
        append_synced(&log, &bytes_of(lsn, *len)).unwrap();
    }
    for (len, lsn) in LENS.iter().zip(1..).skip(5) {
        log.append(&bytes_of(lsn, *len)).unwrap();
    }
    log.close().unwrap();
}

/// The files in the folder of a log.
fn files_of(env: &Env) -> Vec<(String, Vec<u8>)> {
    let names = env.files.list_dir(&dir()).unwrap();
    let read = |name: String| {
        let file = env.files.open(&dir().join(&name), OpenMode::Read).unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

fn check_content(log: &Log) {
    let records: Vec<_> = log.read_from(Lsn(1)).map(Result::unwrap).collect();
    assert_eq!(records.len(), LENS.len());
    for ((record, len), lsn) in records.iter().zip(LENS).zip(1..) {
        assert_eq!(record.lsn, Lsn(lsn));
        assert_eq!(record.payload, bytes_of(lsn, len));
    }
}

/// The golden files, copied to where they can be opened.
#[expect(
    clippy::disallowed_methods,
    reason = "reads what is kept beside the tests"
)]
fn golden_env(name: &str) -> Env {
    let env = Env::memory(0);
    env.files.create_dir_all(&dir()).unwrap();
    let mut count = 0;
    for entry in fs::read_dir(golden(name)).unwrap() {
        let entry = entry.unwrap();
        let file = env
            .files
            .open(&dir().join(entry.file_name()), OpenMode::CreateNew)
            .unwrap();
        file.write_all_at(&fs::read(entry.path()).unwrap(), 0)
            .unwrap();
        count += 1;
    }
    assert!(count > 1, "the golden files are there");
    env
}

#[test]
fn version_1_is_read() {
    for name in [FIRST, NOW] {
        let env = golden_env(name);
        let log = open(&env, 0).unwrap();
        check_content(&log);
        let lsn = append_synced(&log, b"and written on").unwrap();
        assert_eq!(lsn, Lsn(LENS.len() as u64 + 1));
    }
}

#[test]
fn version_1_is_what_is_written() {
    let env = Env::memory(1);
    write_log(&env);
    write_where_asked(&env);
    let golden = files_of(&golden_env(NOW));
    let written = files_of(&env);
    let names = |files: &[(String, Vec<u8>)]| {
        files
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&written), names(&golden));
    for ((name, written), (_, golden)) in written.iter().zip(&golden) {
        assert!(written == golden, "{name} differs");
    }
    assert_eq!(options().segment_bytes, 12_288);
}

/// Set to write the golden files of the current version anew: only for a new version.
const WRITE_VARIABLE: &str = "DRYSTONE_WRITE_GOLDEN";

#[expect(
    clippy::disallowed_methods,
    reason = "writes what is kept beside the tests"
)]
fn write_where_asked(env: &Env) {
    if std::env::var_os(WRITE_VARIABLE).is_none() {
        return;
    }
    fs::create_dir_all(golden(NOW)).unwrap();
    for (name, bytes) in files_of(env) {
        fs::write(golden(NOW).join(name), bytes).unwrap();
    }
}
