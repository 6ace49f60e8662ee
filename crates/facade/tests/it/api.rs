//! The interface, call by call.

use std::thread;

use drystone::{
    BackgroundWork, Bytes, Database, Durability, Error, ErrorKind, IsolationLevel, Keyspace,
    Options, WriteBatch,
};
use drystone_testkit::{Errno, Fault, OpKind, SimFileSystem};

fn open() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open(folder.path().join("db")).unwrap();
    (folder, db)
}

fn keys(entries: drystone::Entries) -> Vec<Bytes> {
    entries.map(|entry| entry.unwrap().0).collect()
}

fn with_letters(db: &Database) -> Keyspace {
    let letters = db.keyspace("letters").unwrap();
    for letter in ["a", "b", "ba", "bb", "c"] {
        letters.put(letter, "x").unwrap();
    }
    letters
}

#[test]
fn put_get_delete_and_ranges_both_ways() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    assert_eq!(letters.get("ba").unwrap().unwrap(), "x");
    assert_eq!(keys(letters.get_range("b"..="bb")), ["b", "ba", "bb"]);
    let backwards: Vec<Bytes> = letters
        .get_range("b"..)
        .rev()
        .map(|entry| entry.unwrap().0)
        .collect();
    assert_eq!(backwards, ["c", "bb", "ba", "b"]);
    assert_eq!(keys(letters.get_prefix("b")), ["b", "ba", "bb"]);
    letters.delete("ba").unwrap();
    assert_eq!(letters.get("ba").unwrap(), None);
    assert_eq!(keys(letters.get_range::<&str>(..)), ["a", "b", "bb", "c"]);
}

#[test]
fn everything_is_there_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    for round in 0..3u8 {
        let db = Database::open(&path).unwrap();
        let letters = db.keyspace("letters").unwrap();
        assert_eq!(
            keys(letters.get_range::<&str>(..)).len(),
            usize::from(round)
        );
        letters.put(vec![round], "x").unwrap();
        if round == 1 {
            db.flush().unwrap();
        }
        db.close().unwrap();
    }
    let db = Database::open(&path).unwrap();
    assert_eq!(db.keyspace_names().unwrap(), ["letters"]);
    assert!(db.verify().unwrap().is_sound());
}

#[test]
fn a_batch_is_one_commit() {
    let (_folder, db) = open();
    let (one, two) = (db.keyspace("one").unwrap(), db.keyspace("two").unwrap());
    let mut batch = WriteBatch::new();
    batch.put(&one, "key", "1");
    batch.put(&two, "key", "2");
    batch.delete(&one, "none");
    let before = db.snapshot();
    db.write(batch).unwrap();
    assert_eq!(db.snapshot().lsn().0, before.lsn().0 + 1);
    assert_eq!(before.get(&two, "key").unwrap(), None);
    assert_eq!(db.snapshot().get(&two, "key").unwrap().unwrap(), "2");
}

#[test]
fn a_transaction_sees_its_own_writes_and_nobody_elses() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    let mut tx = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    tx.put(&letters, "aa", "mine").unwrap();
    letters.put("z", "theirs").unwrap();
    assert_eq!(keys(tx.get_range(&letters, .."b")), ["a", "aa"]);
    assert_eq!(tx.get(&letters, "z").unwrap(), None);
    assert_eq!(letters.get("aa").unwrap(), None);
    tx.commit().unwrap();
    assert_eq!(letters.get("aa").unwrap().unwrap(), "mine");
}

#[test]
fn savepoints_nest_and_rollback_leaves_nothing() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    let mut tx = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    let outer = tx.savepoint();
    tx.put(&letters, "a", "1").unwrap();
    let inner = tx.savepoint();
    tx.delete(&letters, "b").unwrap();
    tx.rollback_to(&inner).unwrap();
    assert_eq!(tx.get(&letters, "b").unwrap().unwrap(), "x");
    assert_eq!(tx.get(&letters, "a").unwrap().unwrap(), "1");
    tx.rollback_to(&outer).unwrap();
    assert_eq!(tx.get(&letters, "a").unwrap().unwrap(), "x");
    tx.put(&letters, "a", "2").unwrap();
    tx.rollback();
    assert_eq!(letters.get("a").unwrap().unwrap(), "x");
}

#[test]
fn the_second_of_two_that_change_a_key_meets_a_conflict() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    let mut first = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    let mut second = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    first.put(&letters, "a", "first").unwrap();
    second.put(&letters, "a", "second").unwrap();
    first.commit().unwrap();
    assert_eq!(second.commit().unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(letters.get("a").unwrap().unwrap(), "first");
}

#[test]
fn what_a_transaction_guards_may_not_change_before_its_commit() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    let begin = || {
        db.begin_transaction(IsolationLevel::RepeatableRead)
            .unwrap()
    };
    let (mut key, mut all, mut other) = (begin(), begin(), begin());
    key.guard_key(&letters, "a");
    all.guard_keyspace(&letters);
    other.guard_key(&letters, "b");
    letters.put("a", "changed").unwrap();
    let notes = db.keyspace("notes").unwrap();
    let commits = [key, all, other].map(|mut tx| {
        // The keyspace is newer than they are.
        assert!(tx.put(&notes, "n", "").is_err());
        tx.put(
            &letters,
            tx.get(&letters, "z").unwrap().unwrap_or_default(),
            "read",
        )
        .unwrap();
        tx.commit().map(drop).map_err(|error| error.kind())
    });
    assert_eq!(
        commits,
        [Err(ErrorKind::Conflict), Err(ErrorKind::Conflict), Ok(())]
    );
}

#[test]
fn transact_retries_until_every_increment_is_in() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::open_with(
        folder.path().join("db"),
        Options {
            durability: Durability::None,
            attempts_max: 10_000,
            ..Options::default()
        },
    )
    .unwrap();
    let counters = db.keyspace("counters").unwrap();
    let (threads, increments) = (4, 250);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..increments {
                    db.transact(|tx| {
                        let count = tx
                            .get(&counters, "n")?
                            .map_or(0, |bytes| u64::from_be_bytes(bytes[..].try_into().unwrap()));
                        tx.put(&counters, "n", (count + 1).to_be_bytes().to_vec())
                    })
                    .unwrap();
                }
            });
        }
    });
    let count = counters.get("n").unwrap().unwrap();
    assert_eq!(
        u64::from_be_bytes(count[..].try_into().unwrap()),
        threads * increments
    );
}

#[test]
fn an_error_of_the_work_rolls_back() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    let outcome: Result<(), Box<dyn std::error::Error>> = db.transact(|tx| {
        tx.put(&letters, "a", "changed").map_err(Box::new)?;
        Err("changed my mind".into())
    });
    assert_eq!(outcome.unwrap_err().to_string(), "changed my mind");
    assert_eq!(letters.get("a").unwrap().unwrap(), "x");
}

#[test]
fn iterators_and_snapshots_outlive_the_database() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    db.flush().unwrap();
    letters.put("d", "new").unwrap();
    let (snapshot, entries) = (db.snapshot(), letters.get_range::<&str>(..));
    let handle = letters.clone();
    db.close().unwrap();
    drop(letters);
    let count = thread::spawn(move || keys(entries).len()).join().unwrap();
    assert_eq!(count, 6);
    assert_eq!(snapshot.get(&handle, "d").unwrap().unwrap(), "new");
}

#[test]
fn dropped_keyspaces_are_gone_and_their_names_free() {
    let (_folder, db) = open();
    let letters = with_letters(&db);
    let snapshot = db.snapshot();
    db.drop_keyspace("letters").unwrap();
    db.drop_keyspace("letters").unwrap();
    assert!(db.keyspace_names().unwrap().is_empty());
    assert_eq!(snapshot.get(&letters, "a").unwrap().unwrap(), "x");
    assert!(letters.put("a", "y").is_err());
    assert_eq!(
        keys(db.keyspace("letters").unwrap().get_range::<&str>(..)).len(),
        0
    );
}

#[test]
fn weaker_durabilities_are_made_durable_by_sync() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let db = Database::open(&path).unwrap();
    let letters = db.keyspace("letters").unwrap();
    letters.put_with("async", "x", Durability::Async).unwrap();
    letters.put_with("none", "x", Durability::None).unwrap();
    assert_eq!(letters.get("none").unwrap().unwrap(), "x");
    db.sync().unwrap();
    drop((letters, db));
    let db = Database::open(&path).unwrap();
    assert_eq!(
        keys(db.keyspace("letters").unwrap().get_range::<&str>(..)),
        ["async", "none"]
    );
}

#[test]
fn errors_are_send_and_say_what_caused_them() {
    fn check<T: std::error::Error + Send + Sync + 'static>() {}
    check::<Error>();
}

/// Space alone does not mend a log that failed, so the kind must not say that it does.
#[test]
fn a_log_that_finds_no_space_for_what_it_was_writing_says_that_it_failed() {
    let disk = SimFileSystem::with_folder(1, "/db");
    let options = Options {
        background: BackgroundWork::Manual,
        ..Options::default()
    };
    let db = Database::open_in(&disk.env(), "/db", options).unwrap();
    let letters = db.keyspace("letters").unwrap();
    let full = std::io::ErrorKind::StorageFull;
    disk.inject(Fault::error(OpKind::Write, full).under("/db/log"));
    let error = letters.put("a", "lost").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{}", error.report());
    let again = letters.put("a", "lost").unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Io, "{}", again.report());
}

/// As with the log: where a base failed within a commit of its own, space alone does not mend it.
#[test]
fn a_base_that_finds_no_space_says_whether_to_reopen() {
    let mut kinds = Vec::new();
    for nth in 1.. {
        let disk = SimFileSystem::with_folder(1, "/db");
        let options = Options {
            background: BackgroundWork::Manual,
            ..Options::default()
        };
        let db = Database::open_in(&disk.env(), "/db", options.clone()).unwrap();
        let letters = db.keyspace("letters").unwrap();
        letters.put("a", "kept").unwrap();
        disk.inject(
            Fault::errno(OpKind::Write, Errno::Enospc)
                .under("/db/btree")
                .nth(nth),
        );
        let Err(error) = db.flush() else {
            break;
        };
        disk.clear_faults();
        let again = db.flush();
        kinds.push(error.kind());
        if error.kind() == ErrorKind::Full {
            again.unwrap();
            continue;
        }
        assert!(
            error.report().contains("reopen to recover"),
            "{}",
            error.report()
        );
        let again = again.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Io, "{}", again.report());
        assert_eq!(letters.get("a").unwrap().unwrap(), "kept");
        drop((letters, db));
        let db = Database::open_in(&disk.env(), "/db", options).unwrap();
        db.flush().unwrap();
        let letters = db.keyspace("letters").unwrap();
        assert_eq!(letters.get("a").unwrap().unwrap(), "kept");
    }
    assert_eq!(
        kinds.pop(),
        Some(ErrorKind::Io),
        "the superblock's second copy"
    );
    assert!(
        !kinds.is_empty() && kinds.iter().all(|kind| *kind == ErrorKind::Full),
        "{kinds:?}"
    );
}
