//! Following a database: what comes, in which order, and what the log keeps for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use drystone::{
    Bytes, Commit, CommitContent, Database, Durability, ErrorKind, Followed, Keyspace, LogArchive,
    Lsn, Options,
};
use drystone_base::sync::Mutex;
use drystone_testkit::SimFileSystem;

const FOLDER: &str = "/db";

fn open(disk: &SimFileSystem, options: Options) -> Database {
    Database::open_in(&disk.env(), FOLDER, options).unwrap()
}

fn put(stones: &Keyspace, numbers: std::ops::Range<u32>) {
    for number in numbers {
        stones
            .put(number.to_be_bytes().to_vec(), vec![7; 500])
            .unwrap();
    }
}

fn step_all(database: &Database) {
    while database.step().unwrap() {}
}

/// What a commit changed, as (keyspace, key, value).
fn changes(commit: &Commit) -> Vec<(String, Bytes, Option<Bytes>)> {
    let CommitContent::Changes { changed, .. } = &commit.content else {
        panic!("{commit:?}");
    };
    let flat = changed.iter().flat_map(|of| {
        let name = of.keyspace.name.as_deref().unwrap_or("?").to_owned();
        let changes = of.changes.iter();
        changes.map(move |(key, value)| (name.clone(), key.clone(), value.clone()))
    });
    flat.collect()
}

#[test]
fn commits_come_in_order_with_their_keyspaces_by_name() {
    let disk = SimFileSystem::new(1);
    let database = open(&disk, Options::simulated());
    let stones = database.keyspace("stones").unwrap();
    let before = database.last_commit();
    let mut commits = database.commits_from(before.next()).unwrap();
    assert!(commits.next().is_none());
    stones.put("one", "granite").unwrap();
    let walls = database.keyspace("walls").unwrap();
    database
        .transact::<_, drystone::Error>(|tx| {
            tx.put(&walls, "north", "two metres")?;
            tx.delete(&stones, "one")
        })
        .unwrap();
    database.drop_keyspace("stones").unwrap();

    let all: Vec<Commit> = commits.by_ref().map(Result::unwrap).collect();
    let lsns: Vec<u64> = all.iter().map(|commit| commit.lsn.0).collect();
    assert_eq!(lsns, [1, 2, 3, 4].map(|ahead| before.0 + ahead));
    let of = |name: &str, key: &'static str, value: Option<&'static str>| {
        (name.to_owned(), Bytes::from(key), value.map(Bytes::from))
    };
    assert_eq!(changes(&all[0]), [of("stones", "one", Some("granite"))]);
    let CommitContent::Changes {
        created, changed, ..
    } = &all[1].content
    else {
        panic!("{:?}", all[1]);
    };
    assert_eq!(created[0].name.as_deref(), Some("walls"));
    assert_eq!(
        (created[0].id, created.len(), changed.len()),
        (walls.id(), 1, 0)
    );
    let both = [
        of("stones", "one", None),
        of("walls", "north", Some("two metres")),
    ];
    assert_eq!(changes(&all[2]), both);
    let CommitContent::Changes { dropped, .. } = &all[3].content else {
        panic!("{:?}", all[3]);
    };
    assert_eq!(dropped[0].id, stones.id());
    assert_eq!(commits.position(), Lsn(before.0 + 5));
}

/// From the very first commit on, what comes makes up the database.
#[test]
fn what_comes_adds_up_to_what_there_is() {
    let disk = SimFileSystem::new(1);
    let options = Options {
        log_retain_bytes: u64::MAX,
        ..Options::simulated()
    };
    let database = open(&disk, options);
    let stones = database.keyspace("stones").unwrap();
    for round in 0..10 {
        put(&stones, round * 7..round * 10);
        stones.delete((round * 3).to_be_bytes().to_vec()).unwrap();
        step_all(&database);
    }
    assert!(database.stats().merges > 0);
    let mut copy = BTreeMap::new();
    let mut next = Lsn(1);
    for commit in database.commits_from(Lsn::ZERO).unwrap() {
        let commit = commit.unwrap();
        assert_eq!(commit.lsn, next);
        next = next.next();
        for (name, key, value) in changes(&commit) {
            assert!(name == "stones" || name.starts_with('@'), "{name}");
            match value.filter(|_| name == "stones") {
                Some(value) => copy.insert(key, value),
                None => copy.remove(&key),
            };
        }
    }
    let there: BTreeMap<_, _> = stones.get_range::<&[u8]>(..).map(Result::unwrap).collect();
    assert_eq!(copy, there);
}

#[test]
fn a_wait_ends_in_time_and_a_task_is_woken() {
    let disk = SimFileSystem::new(1);
    let database = open(&disk, Options::simulated());
    let stones = database.keyspace("stones").unwrap();
    let mut commits = database
        .commits_from(database.last_commit().next())
        .unwrap();
    let timed_out = commits.next_within(Duration::from_millis(1)).unwrap();
    assert_eq!(timed_out, Followed::TimedOut);
    let mut context = Context::from_waker(Waker::noop());
    assert!(commits.poll_next(&mut context).is_pending());
    stones.put_with("one", "x", Durability::None).unwrap();
    assert!(commits.poll_next(&mut context).is_pending(), "not durable");
    database.sync().unwrap();
    let Poll::Ready(Some(Ok(commit))) = commits.poll_next(&mut context) else {
        panic!("it is durable");
    };
    assert_eq!(changes(&commit)[0].1, "one");
    drop(stones);
    database.close().unwrap();
    assert_eq!(commits.next_within(Duration::MAX).unwrap(), Followed::Ended);
}

/// Merges let the log go, but for what is held or retained.
#[test]
fn a_hold_keeps_commits_and_without_one_they_are_forgotten() {
    let disk = SimFileSystem::new(1);
    let database = open(&disk, Options::simulated());
    let stones = database.keyspace("stones").unwrap();
    let first = database.last_commit().next();
    let hold = database.hold_log("replica", first, u64::MAX).unwrap();
    for round in 0..20 {
        put(&stones, round * 20..(round + 1) * 20);
        step_all(&database);
    }
    assert_eq!(database.log_holds()[0].needs, first);
    let held = database.commits_from(first).unwrap();
    assert_eq!(held.map(Result::unwrap).count(), 400);
    let kept = database.stats().log.segment_bytes;
    hold.advance(Lsn(first.0 + 300)).unwrap();
    assert!(!hold.is_lost());
    step_all(&database);
    assert!(database.stats().log.segment_bytes < kept);
    drop(hold);
    step_all(&database);
    let forgotten = database.commits_from(first).unwrap().next().unwrap();
    assert_eq!(forgotten.unwrap_err().kind(), ErrorKind::Forgotten);
    let late = database.hold_log("late", first, u64::MAX).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Forgotten);
}

/// What is retained bridges a reopen, in which holds end.
#[test]
fn retained_commits_are_there_after_a_reopen() {
    let disk = SimFileSystem::new(1);
    let options = Options {
        log_retain_bytes: 1 << 20,
        ..Options::simulated()
    };
    let database = open(&disk, options.clone());
    let stones = database.keyspace("stones").unwrap();
    put(&stones, 0..200);
    step_all(&database);
    drop(stones);
    database.flush().unwrap();
    database.close().unwrap();
    let database = open(&disk, options);
    step_all(&database);
    let commits = database.commits_from(Lsn(1)).unwrap();
    assert!(commits.map(Result::unwrap).count() > 200);
}

/// A load is not in the log: who follows is told so.
#[test]
fn what_is_too_large_for_the_log_is_said_to_be() {
    let disk = SimFileSystem::new(1);
    let database = open(&disk, Options::simulated());
    let stones = database.keyspace("stones").unwrap();
    let mut commits = database
        .commits_from(database.last_commit().next())
        .unwrap();
    let mut load = database.bulk_load().unwrap();
    for number in 0..2_000_u32 {
        load.put(&stones, number.to_be_bytes(), "granite").unwrap();
    }
    load.commit().unwrap();
    put(&stones, 0..1);
    let found: Vec<_> = commits
        .by_ref()
        .map(|commit| commit.unwrap().content)
        .collect();
    assert_eq!(found[0], CommitContent::Staged);
    assert!(matches!(found[1], CommitContent::Changes { .. }));
}

/// An archive of the application's own gets every file of the log.
#[test]
fn an_application_archives_in_its_own_way() {
    #[derive(Debug, Default)]
    struct Upload(Mutex<Vec<Lsn>>);
    impl drystone::Archive for Upload {
        fn take(&self, segment: &drystone::ClosedSegment) -> std::io::Result<()> {
            for record in segment.records() {
                let lsn = record.map_err(std::io::Error::other)?.lsn;
                self.0.lock().push(lsn);
            }
            Ok(())
        }
    }
    let disk = SimFileSystem::new(1);
    let upload = Arc::new(Upload::default());
    let options = Options {
        log_archive: Some(LogArchive::custom(Arc::clone(&upload) as _)),
        ..Options::simulated()
    };
    let database = open(&disk, options);
    let stones = database.keyspace("stones").unwrap();
    put(&stones, 0..200);
    step_all(&database);
    let taken = upload.0.lock();
    let last = taken.len() as u64;
    assert!(last > 150, "{last}");
    assert!(taken.iter().copied().eq((1..=last).map(Lsn)));
    assert!(
        !disk
            .files()
            .iter()
            .any(|path| path.starts_with(Path::new("/archive")))
    );
}
