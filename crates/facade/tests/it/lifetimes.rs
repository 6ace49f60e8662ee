//! Whatever still reads a database keeps it from being opened a second time, whose merges would reuse the pages it reads.

use std::path::Path;

use drystone::{Database, Entries, ErrorKind, IsolationLevel, Options};

const KEYS: u32 = 5_000;

/// A cache so small that whoever reads on has to go to the file.
fn options() -> Options {
    Options {
        cache_bytes: 0,
        ..Options::default()
    }
}

fn filled(path: &Path) -> Database {
    let db = Database::open_with(path, options()).unwrap();
    fill(&db, b'1');
    db
}

fn fill(db: &Database, value: u8) {
    let keyspace = db.keyspace("numbers").unwrap();
    db.transact(|tx| {
        (0..KEYS).try_for_each(|number| tx.put(&keyspace, format!("{number:08}"), vec![value; 100]))
    })
    .unwrap();
    db.flush().unwrap();
}

fn read_on(entries: Entries) -> u32 {
    let values = entries.map(|entry| entry.unwrap().1);
    let good = values.filter(|value| value.iter().all(|byte| *byte == b'1'));
    u32::try_from(good.count()).unwrap()
}

/// Opens the database again and writes to it, which must not go well while `reader` lives.
fn assert_kept_out(path: &Path) {
    match Database::open_with(path, options()) {
        Ok(_) => panic!("opened beside a reader of the same files"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
            assert!(
                error.report().contains("this process"),
                "{}",
                error.report()
            );
        }
    }
}

fn assert_opens(path: &Path) {
    let db = Database::open_with(path, options()).unwrap();
    for value in b'2'..b'6' {
        fill(&db, value);
    }
    db.close().unwrap();
}

#[test]
fn an_iterator_keeps_the_directory_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let db = filled(&path);
    let mut entries = db.keyspace("numbers").unwrap().get_range::<&str>(..);
    entries.next().unwrap().unwrap();
    db.close().unwrap();
    assert_kept_out(&path);
    assert_eq!(read_on(entries), KEYS - 1);
    assert_opens(&path);
}

#[test]
fn a_snapshot_keeps_the_directory_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let db = filled(&path);
    let snapshot = db.snapshot();
    drop(db);
    assert_kept_out(&path);
    drop(snapshot);
    assert_opens(&path);
}

#[test]
fn a_transaction_keeps_the_directory_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let db = filled(&path);
    let mut tx = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    tx.put(&db.keyspace("numbers").unwrap(), "key", "value")
        .unwrap();
    db.close().unwrap();
    assert_kept_out(&path);
    assert_eq!(tx.commit().unwrap_err().kind(), ErrorKind::Closed);
    assert_opens(&path);
}

#[cfg(feature = "sql")]
#[test]
fn rows_that_are_still_to_come_keep_the_directory_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let db = filled(&path);
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)", &[])
        .unwrap();
    db.execute("INSERT INTO t VALUES (1), (2), (3)", &[])
        .unwrap();
    db.flush().unwrap();
    let mut rows = db.query("SELECT id FROM t", &[]).unwrap();
    rows.next().unwrap().unwrap();
    db.close().unwrap();
    assert_kept_out(&path);
    assert_eq!(rows.count(), 2);
    assert_opens(&path);
}
