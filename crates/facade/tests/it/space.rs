//! Space on disk: it does not grow under steady update, and is given back.

use drystone::{Database, Keyspace, Options, Result, Snapshot};
use drystone_testkit::SimFileSystem;

const ROWS: u32 = 1_500;
const VALUE_BYTES: usize = 150;
const LIVE_BYTES: u64 = ROWS as u64 * (12 + VALUE_BYTES as u64);

fn options() -> Options {
    Options {
        memtable_bytes: 64 << 10,
        ..Options::simulated()
    }
}

fn open(disk: &SimFileSystem) -> (Database, Keyspace) {
    let db = Database::open_in(&disk.env(), "/db", options()).unwrap();
    let rows = db.keyspace("rows").unwrap();
    (db, rows)
}

fn key(number: u32) -> String {
    format!("row {number:08}")
}

fn value(number: u32, round: u32) -> Vec<u8> {
    let mut value = vec![b'v'; VALUE_BYTES];
    value[..4].copy_from_slice(&number.to_le_bytes());
    value[4..8].copy_from_slice(&round.to_le_bytes());
    value
}

/// Overwrites all rows, in another order each time, and does background work now and then. Returns the longest that the
/// engine's file was.
fn overwrite(db: &Database, rows: &Keyspace, round: u32) -> Result<u64> {
    let mut longest = 0;
    for place in 0..ROWS {
        let number = (place * 7 + round * 11) % ROWS;
        rows.put(key(number), value(number, round))?;
        if place % 50 == 0 {
            db.step()?;
            longest = longest.max(db.stats().engine.file_bytes);
        }
    }
    Ok(longest)
}

fn holds(snapshot: &Snapshot, rows: &Keyspace, round: u32) -> Result<()> {
    for number in (0..ROWS).step_by(97) {
        let found = snapshot.get(rows, key(number))?;
        assert_eq!(
            found.as_deref(),
            Some(&value(number, round)[..]),
            "row {number}"
        );
    }
    Ok(())
}

#[test]
fn steady_update_with_a_reader_always_open_does_not_make_the_file_grow() -> Result<()> {
    let disk = SimFileSystem::with_folder(5, "/db");
    let (db, rows) = open(&disk);
    overwrite(&db, &rows, 0)?;
    let (mut early, mut late) = (0, 0);
    let (mut reader, mut since) = (db.snapshot(), 0);
    for round in 1..=100 {
        let longest = overwrite(&db, &rows, round)?;
        match round {
            1..=20 => early = early.max(longest),
            _ => late = late.max(longest),
        }
        if round % 4 == 0 {
            holds(&reader, &rows, since)?;
            (reader, since) = (db.snapshot(), round);
        }
    }
    // The reader's state, the newest, and the one that a merge writes.
    assert!(late <= early * 11 / 10, "{early}, then {late}");
    assert!(late < LIVE_BYTES * 5, "{late}; live {LIVE_BYTES}");
    holds(&reader, &rows, since)?;
    drop(reader);
    db.flush()?;
    while db.step()? {}
    let left = db.stats().engine.file_bytes;
    assert!(left < LIVE_BYTES * 16 / 10, "{left}; live {LIVE_BYTES}");
    holds(&db.snapshot(), &rows, 100)?;
    assert!(db.verify()?.is_sound());
    Ok(())
}

#[test]
fn compacting_gives_back_what_was_deleted_and_a_reader_keeps_its_own() -> Result<()> {
    let disk = SimFileSystem::with_folder(6, "/db");
    let (db, rows) = open(&disk);
    overwrite(&db, &rows, 0)?;
    db.flush()?;
    let reader = db.snapshot();
    for number in (0..ROWS).filter(|number| number % 20 != 0) {
        rows.delete(key(number))?;
    }
    db.compact()?;
    holds(&reader, &rows, 0)?;
    drop(reader);
    let compacted = db.compact()?;
    assert!(
        compacted.after < LIVE_BYTES / 3,
        "{compacted:?}; live {LIVE_BYTES}"
    );
    assert!(db.verify()?.is_sound());
    drop((rows, db));
    let (db, rows) = open(&disk);
    assert_eq!(rows.get(key(20))?.as_deref(), Some(&value(20, 0)[..]));
    assert_eq!(rows.get(key(21))?, None);
    assert_eq!(db.stats().engine.file_bytes, compacted.after);
    Ok(())
}
