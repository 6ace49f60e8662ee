//! Files in memory keep the contract of [`crate::FileSystem`].

use super::*;

#[test]
fn a_gap_reads_as_zeros_and_a_second_handle_sees_the_write() {
    let files = MemoryFileSystem::new();
    let path = Path::new("folder/a");
    files
        .open(path, OpenMode::CreateNew)
        .unwrap()
        .write_all_at(b"stone", 3)
        .unwrap();
    let mut bytes = [9; 8];
    files
        .open(path, OpenMode::Read)
        .unwrap()
        .read_exact_at(&mut bytes, 0)
        .unwrap();
    assert_eq!(&bytes, b"\0\0\0stone");
}

#[test]
fn list_shows_only_the_folder_asked_for() {
    let files = MemoryFileSystem::new();
    files.create_dir_all(Path::new("db/log")).unwrap();
    files
        .open(Path::new("db/MANIFEST"), OpenMode::Create)
        .unwrap();
    files.open(Path::new("db/log/1"), OpenMode::Create).unwrap();
    assert_eq!(
        files.list_dir(Path::new("db")).unwrap(),
        ["MANIFEST", "log"]
    );
    assert_eq!(
        files.list_dir(Path::new("none")).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}

#[test]
fn a_held_lock_names_its_holder_until_dropped() {
    let files = MemoryFileSystem::new();
    let path = Path::new("LOCK");
    let guard = files.try_lock(path, "first").unwrap();
    assert!(
        matches!(files.try_lock(path, "second"), Err(LockError::Held { holder }) if holder == "first")
    );
    drop(guard);
    files.try_lock(path, "second").unwrap();
}
