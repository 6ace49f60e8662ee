//! What version 1 stored of one text is read by every later version.
//!
//! Encoders may get better, so what they write is not compared. Written anew by
//! `DRYSTONE_GOLDEN=write cargo test -p drystone-compress --all-features golden`, which is right only while the version
//! is unreleased.

use std::path::{Path, PathBuf};

use drystone_base::{Env, OpenMode};
use drystone_compress::Codec;

use crate::codecs::{built, compress, decompress, text};

const LINES: usize = 60;

pub(crate) fn is_writing() -> bool {
    std::env::var("DRYSTONE_GOLDEN").is_ok_and(|what| what == "write")
}

pub(crate) fn write(name: &str, bytes: &[u8]) {
    let file = Env::os().files.open(&path_of(name), OpenMode::Create);
    let file = file.unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

pub(crate) fn read(name: &str) -> Vec<u8> {
    let file = Env::os().files.open(&path_of(name), OpenMode::Read);
    let file = file.unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn path_of(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("v1.{name}"))
}

/// The file of a codec, written at one of its levels.
fn name_of(codec: Codec) -> Option<&'static str> {
    match codec {
        Codec::Lz4 => Some("lz4"),
        Codec::Snappy => Some("snappy"),
        Codec::Zstd(3) => Some("zst"),
        Codec::Gzip(6) => Some("gz"),
        _ => None,
    }
}

#[test]
fn what_version_1_stored_is_read() {
    let contents = text(LINES);
    for codec in built() {
        let Some(name) = name_of(codec) else {
            continue;
        };
        if is_writing() {
            write(name, &compress(codec, &contents).unwrap());
        }
        let stored = read(name);
        let found = decompress(codec.id(), &stored, contents.len());
        assert_eq!(found.unwrap(), contents, "{codec:?}");
    }
}
