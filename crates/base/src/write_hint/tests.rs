//! Tests of write hints.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "what is tested is told of files of the standard library"
)]

use std::fs;

use super::*;

/// Also where nothing was written, or cannot be.
#[test]
#[cfg_attr(miri, ignore = "works on a file of the operating system")]
fn a_hint_leaves_the_file_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, b"slate").unwrap();
    let file = File::open(&path).unwrap();
    for (offset, len) in [(0, 5), (2, 0), (100, 4096), (u64::MAX, u64::MAX)] {
        start_sync(&file, offset, len);
    }
    assert_eq!(fs::read(&path).unwrap(), b"slate");
}
