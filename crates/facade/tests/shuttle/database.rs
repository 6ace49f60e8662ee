//! The database as a whole: its threads, its end.

use drystone::{Database, Durability, Env, ErrorKind, Options};
use shuttle::thread;

use crate::runner::check;
use crate::support::MEMTABLE_BYTES;

fn options() -> Options {
    Options {
        memtable_bytes: MEMTABLE_BYTES,
        segment_bytes: 12 << 10,
        cache_bytes: 32 << 10,
        durability: Durability::Async,
        ..Options::default()
    }
}

/// Writers, the background threads, and a close in their midst; then all that was acknowledged is there.
#[test]
fn database_close_beside_writers() {
    check("database_close_beside_writers", || {
        let env = Env::memory(1);
        let db = Database::open_in(&env, "db", options()).unwrap();
        let stones = db.keyspace("stones").unwrap();
        let writers = ["a", "b"].map(|name| {
            let stones = stones.clone();
            thread::spawn(move || {
                let mut written = Vec::new();
                for number in 0..4 {
                    let key = format!("{name}{number}");
                    match stones.put(key.clone(), "laid") {
                        Ok(_) => written.push(key),
                        Err(error) if error.kind() == ErrorKind::Closed => break,
                        Err(other) => panic!("{other}"),
                    }
                }
                written
            })
        });
        drop(stones);
        db.close().unwrap();
        let written = writers.map(|writer| writer.join().unwrap());
        let db = Database::open_in(&env, "db", options()).unwrap();
        let stones = db.keyspace("stones").unwrap();
        for key in written.into_iter().flatten() {
            assert!(stones.get(&key).unwrap().is_some(), "{key} is lost");
        }
    });
}

/// The last handle goes in one thread while another still reads a snapshot: its threads end, the snapshot reads on.
#[test]
fn database_dropped_beside_snapshot() {
    check("database_dropped_beside_snapshot", || {
        let env = Env::memory(1);
        let db = Database::open_in(&env, "db", options()).unwrap();
        let stones = db.keyspace("stones").unwrap();
        for number in 0..3 {
            stones.put(format!("{number}"), "laid").unwrap();
        }
        let snapshot = db.snapshot();
        let reader = {
            let stones = stones.clone();
            thread::spawn(move || {
                drop(stones.put("3", "laid"));
                drop(stones);
            })
        };
        let found = (0..5).filter(|number| {
            let key = format!("{number}");
            snapshot.get(&stones, &key).unwrap().is_some()
        });
        assert_eq!(found.count(), 3);
        drop((stones, db));
        reader.join().unwrap();
        drop(snapshot);
        let db = Database::open_in(&env, "db", options()).unwrap();
        let count = db.keyspace("stones").unwrap().get_range::<&str>(..).count();
        assert_eq!(count, 4);
    });
}
