//! The operating system's files keep the contract of [`crate::FileSystem`].

use super::*;

fn with_folder(test: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    test(folder.path());
}

#[test]
fn write_then_read_back_also_past_the_end() {
    with_folder(|folder| {
        let file = OsFileSystem
            .open(&folder.join("a"), OpenMode::CreateNew)
            .unwrap();
        file.write_all_at(b"stone", 3).unwrap();
        file.sync().unwrap();
        let mut bytes = [9; 10];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 8);
        assert_eq!(&bytes[..8], b"\0\0\0stone");
        let error = file.read_exact_at(&mut bytes, 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn create_new_refuses_what_exists() {
    with_folder(|folder| {
        let path = folder.join("a");
        OsFileSystem.open(&path, OpenMode::CreateNew).unwrap();
        let error = OsFileSystem.open(&path, OpenMode::CreateNew).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    });
}

#[test]
fn a_held_lock_names_its_holder() {
    with_folder(|folder| {
        let path = folder.join("LOCK");
        let guard = OsFileSystem.try_lock(&path, "process 1, first").unwrap();
        match OsFileSystem.try_lock(&path, "process 2") {
            Err(LockError::Held { holder }) => assert_eq!(holder, "process 1, first"),
            other => panic!("expected Held, got {other:?}"),
        }
        drop(guard);
        OsFileSystem.try_lock(&path, "process 2").unwrap();
    });
}

#[test]
fn list_is_sorted_and_rename_replaces() {
    with_folder(|folder| {
        for name in ["b", "a", "c"] {
            OsFileSystem
                .open(&folder.join(name), OpenMode::CreateNew)
                .unwrap();
        }
        OsFileSystem
            .rename(&folder.join("c"), &folder.join("a"))
            .unwrap();
        OsFileSystem.sync_dir(folder).unwrap();
        assert_eq!(OsFileSystem.list_dir(folder).unwrap(), ["a", "b"]);
    });
}

#[test]
fn a_durable_folder_may_be_there_already_in_whole_or_in_part() {
    with_folder(|folder| {
        for path in ["a", "a/b/c", "a/b/c"] {
            let path = folder.join(path);
            OsFileSystem.create_dir_durable(&path).unwrap();
            assert!(OsFileSystem.exists(&path).unwrap());
        }
    });
}
