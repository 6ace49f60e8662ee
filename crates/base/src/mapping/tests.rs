//! Tests of mapping.
#![cfg_attr(miri, expect(dead_code, reason = "Miri maps no files"))]

use crate::{FileSystem, MemoryFileSystem, OpenMode, OsFileSystem};

#[test]
#[cfg_attr(miri, ignore = "Miri maps no files")]
fn a_mapping_shows_what_is_in_the_file_as_far_as_it_reaches() {
    let dir = tempfile::tempdir().unwrap();
    let file = OsFileSystem
        .open(&dir.path().join("stones"), OpenMode::CreateNew)
        .unwrap();
    file.write_all_at(&[1; 10_000], 0).unwrap();
    let mapping = file.map(10_000).unwrap().unwrap();
    assert_eq!(mapping.len(), 10_000);
    assert!(!mapping.is_empty());
    file.write_all_at(&[2; 100], 5_000).unwrap();
    file.write_all_at(&[3; 100], 20_000).unwrap();
    // SAFETY: all of this is before what is written next, and the file is not cut.
    let (ones, twos, behind) = unsafe {
        (
            mapping.bytes(0, 5_000),
            mapping.bytes(5_000, 100),
            mapping.bytes(9_990, 11),
        )
    };
    assert_eq!(ones.unwrap(), [1; 5_000]);
    assert_eq!(twos.unwrap(), [2; 100]);
    assert_eq!(behind, None, "it is as long as it was made");
    // SAFETY: nothing is there to be read.
    assert_eq!(unsafe { mapping.bytes(u64::MAX, usize::MAX) }, None);
    drop(file); // the mapping needs no descriptor
    // SAFETY: the file is neither written nor cut any more.
    assert_eq!(unsafe { mapping.bytes(4_999, 2) }.unwrap(), [1, 2]);
}

#[test]
fn files_in_memory_are_not_mapped() {
    let file = MemoryFileSystem::default()
        .open("stones".as_ref(), OpenMode::CreateNew)
        .unwrap();
    assert!(file.map(0).unwrap().is_none());
}
