//! Bad files and bad surroundings: a clear error that says where, no panic, and nothing lost.

use std::path::{Path, PathBuf};

use drystone::{CreateMode, Database, Durability, Env, Error, ErrorKind, Options};
use drystone_testkit::{CrashPolicy, Draw, SimFileSystem, seed_of};

use crate::workload::History;

const FOLDER: &str = "/db";

fn sample() -> (SimFileSystem, History) {
    let disk = SimFileSystem::with_folder(3, FOLDER);
    let history = History::new(3, 20);
    history
        .run(&disk.env(), Path::new(FOLDER), |_| {}, |_| {})
        .close()
        .unwrap();
    (disk, history)
}

fn files_of(disk: &SimFileSystem) -> Vec<PathBuf> {
    disk.files()
        .into_iter()
        .filter(|path| !path.ends_with("LOCK"))
        .collect()
}

/// Opens and reads everything. Errors are fine; panics and wrong data are not.
fn open_and_read(env: &Env, history: &History) -> Result<u64, Error> {
    let db = Database::open_in(env, FOLDER, Options::simulated())?;
    match history.state_of(&db) {
        Ok(found) => Ok(found),
        Err(error) => match error.downcast::<Error>() {
            Ok(error) => Err(*error),
            Err(error) => panic!("wrong data: {error}"),
        },
    }
}

#[test]
fn random_bytes_as_any_file_are_refused() {
    let (disk, history) = sample();
    let seed = seed_of("random_bytes_as_any_file_are_refused");
    let mut draw = Draw::new(seed);
    for path in files_of(&disk) {
        for _ in 0..20 {
            let copy = disk.crash(CrashPolicy::KeepAll);
            let len = draw.below(40_000);
            copy.truncate(&path, 0).unwrap();
            copy.overwrite(&path, 0, &draw.bytes(usize::try_from(len).unwrap()))
                .unwrap();
            match open_and_read(&copy.env(), &history) {
                Ok(found) => {
                    assert!(
                        holds_nothing(&path),
                        "seed {seed}: {} of {len} random bytes was taken",
                        path.display()
                    );
                    assert_eq!(found, 20, "{}", path.display());
                }
                Err(error) => {
                    let kind = error.kind();
                    assert!(
                        matches!(kind, ErrorKind::Corrupt | ErrorKind::Unsupported),
                        "{}",
                        error.report()
                    );
                }
            }
        }
    }
}

/// Whether a file is a segment that waits to be used.
fn holds_nothing(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "spare")
}

#[test]
fn truncated_files_are_refused_or_lose_nothing() {
    let (disk, history) = sample();
    for path in files_of(&disk) {
        let len = disk.image(&path).unwrap().len();
        for cut in 0..40 {
            let copy = disk.crash(CrashPolicy::KeepAll);
            copy.truncate(&path, len * cut / 40).unwrap();
            match open_and_read(&copy.env(), &history) {
                Ok(found) => assert_eq!(found, 20, "{} cut to {cut}/40", path.display()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.report()),
            }
        }
    }
}

#[test]
fn a_missing_part_is_named() {
    let (disk, history) = sample();
    for path in files_of(&disk) {
        let copy = disk.crash(CrashPolicy::KeepAll);
        let env = copy.env();
        env.files.remove_file(&path).unwrap();
        match open_and_read(&env, &history) {
            Ok(found) => assert_eq!(
                found,
                20,
                "{} is missing, and so are commits",
                path.display()
            ),
            Err(error) => {
                let kind = error.kind();
                assert!(
                    matches!(kind, ErrorKind::Corrupt | ErrorKind::Invalid),
                    "{}",
                    error.report()
                );
            }
        }
    }
}

#[test]
fn a_directory_with_other_files_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let error = Database::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.report().contains("no MANIFEST"), "{}", error.report());
    assert_eq!(
        std::fs::read_to_string(folder.path().join("notes.txt")).unwrap(),
        "mine"
    );
    let left = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(
        left.count(),
        1,
        "something was left in somebody's directory"
    );
}

#[test]
fn a_missing_database_is_created_only_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let never = Options {
        create: CreateMode::Never,
        ..Options::default()
    };
    let error = Database::open_with(&path, never).unwrap_err();
    assert!(
        error.report().contains("there is no database here"),
        "{}",
        error.report()
    );
    assert!(!path.exists());
    let new = Options {
        create: CreateMode::MustBeNew,
        ..Options::default()
    };
    Database::open_with(&path, new.clone())
        .unwrap()
        .close()
        .unwrap();
    let error = Database::open_with(&path, new).unwrap_err();
    assert!(error.report().contains("already"), "{}", error.report());
}

#[test]
fn a_second_process_is_told_who_has_it_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let _first = Database::open(&path).unwrap();
    let error = Database::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(
        error
            .report()
            .contains(&format!("process {}", std::process::id())),
        "{}",
        error.report()
    );
}

#[test]
fn a_read_only_directory_is_a_clear_error() {
    let (disk, history) = sample();
    disk.set_read_only(FOLDER);
    let error = open_and_read(&disk.env(), &history).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{}", error.report());
    assert!(error.report().contains(FOLDER), "{}", error.report());
    disk.set_writable(Path::new(FOLDER));
    assert_eq!(open_and_read(&disk.env(), &history).unwrap(), 20);
}

#[test]
fn a_full_disk_fails_commits_and_loses_none() {
    let disk = SimFileSystem::with_folder(5, FOLDER);
    let env = disk.env();
    let db = Database::open_in(&env, FOLDER, Options::simulated()).unwrap();
    let keyspace = db.keyspace("k").unwrap();
    disk.set_capacity(Some(256 << 10));
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 0..2_000u32 {
        match keyspace.put(number.to_be_bytes().to_vec(), vec![7; 700]) {
            Ok(()) => acknowledged.push(number),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full, "{}", error.report());
                refused += 1;
            }
        }
        if db.step().is_err() && refused > 20 {
            break;
        }
    }
    assert!(
        refused > 0 && !acknowledged.is_empty(),
        "{refused} refused, {} taken",
        acknowledged.len()
    );
    disk.set_capacity(None);
    keyspace.put("after", "space was freed").unwrap();
    db.flush().unwrap();
    drop((keyspace, db));
    let db = Database::open_in(
        &disk.crash(CrashPolicy::LoseAll).env(),
        FOLDER,
        Options::simulated(),
    )
    .unwrap();
    let keyspace = db.keyspace("k").unwrap();
    for number in acknowledged {
        assert!(
            keyspace.get(number.to_be_bytes()).unwrap().is_some(),
            "lost {number}"
        );
    }
    assert!(keyspace.get("after").unwrap().is_some());
}

#[test]
fn keyspace_names_are_checked() {
    let db = Database::in_memory().unwrap();
    for name in ["", "@sql", &"n".repeat(256)] {
        let error = db.keyspace(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{}", error.report());
    }
    db.keyspace(&"n".repeat(255)).unwrap();
}

#[test]
fn a_level_that_is_not_there_is_refused() {
    let db = Database::in_memory().unwrap();
    let error = db
        .begin_transaction(drystone::IsolationLevel::Serializable)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.report().contains("Serializable"),
        "{}",
        error.report()
    );
}

#[test]
fn a_closed_database_takes_no_writes_and_can_be_read() {
    let db = Database::in_memory().unwrap();
    let keyspace = db.keyspace("k").unwrap();
    keyspace.put_with("key", "value", Durability::Sync).unwrap();
    db.close().unwrap();
    assert_eq!(
        keyspace.put("key", "other").unwrap_err().kind(),
        ErrorKind::Closed
    );
    assert_eq!(keyspace.get("key").unwrap().unwrap(), "value");
}
