//! Everything at once: threads that commit, read, range, query, search, merge, and create and drop keyspaces.
//!
//! An ordinary run does a fixed amount of work. `cargo xtask tsan` runs it for a number of seconds
//! (`DRYSTONE_STRESS_SECONDS`) under ThreadSanitizer, which finds accesses that no latch and no atomic orders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drystone::{Database, Durability, Env, Error, Keyspace, Options};
use drystone_base::MemoryFileSystem;

/// Seconds to go on for.
const SECONDS_VARIABLE: &str = "DRYSTONE_STRESS_SECONDS";
/// Between these accounts money goes to and fro; there is always as much.
const ACCOUNTS: i64 = 16;
const MONEY: i64 = 100 * ACCOUNTS;
/// How often each thread does its part in a round.
const TURNS: i64 = 200;

fn open() -> Database {
    let env = Env {
        files: Arc::new(MemoryFileSystem::new()),
        ..Env::os()
    };
    let options = Options {
        memtable_bytes: 32 << 10,
        cache_bytes: 64 << 10,
        segment_bytes: 64 << 10,
        attempts_max: u32::MAX,
        async_interval: Duration::from_millis(1),
        ..Options::default()
    };
    let db = Database::open_in(&env, "stress", options).unwrap();
    db.execute(
        "CREATE TABLE moves (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL, place VECTOR(3))",
        &[],
    )
    .unwrap();
    db.execute(
        "CREATE INDEX near ON moves USING hnsw (place vector_l2_ops)",
        &[],
    )
    .unwrap();
    let accounts = db.keyspace("accounts").unwrap();
    for account in 0..ACCOUNTS {
        accounts
            .put(account.to_be_bytes().to_vec(), bytes(100))
            .unwrap();
    }
    db
}

fn amount(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().unwrap())
}

fn bytes(amount: i64) -> Vec<u8> {
    amount.to_be_bytes().to_vec()
}

/// Moves one from one account to another, and writes a row about it, in one transaction.
fn transfer(db: &Database, accounts: &Keyspace, writer: i64, turn: i64) {
    let (from, to) = (turn % ACCOUNTS, (turn + writer + 1) % ACCOUNTS);
    let moved: Result<(), Error> = db.transact(|tx| {
        for (account, change) in [(from, -1), (to, 1)] {
            let key = account.to_be_bytes();
            let before = amount(&tx.get(accounts, key)?.unwrap());
            tx.put(accounts, key.to_vec(), bytes(before + change))?;
        }
        let place = format!("[{from}, {to}, {}]", turn % 10);
        tx.execute(
            "INSERT INTO moves VALUES ($1, 1, $2)",
            &[(writer << 32 | turn).into(), place.as_str().into()],
        )?;
        Ok(())
    });
    moved.unwrap();
}

/// What all accounts hold, read forwards and backwards in one snapshot.
fn check_accounts(db: &Database, accounts: &Keyspace) {
    let snapshot = db.snapshot();
    let entries: Vec<_> = snapshot
        .get_range::<&[u8]>(accounts, ..)
        .map(Result::unwrap)
        .collect();
    let total: i64 = entries.iter().map(|(_, value)| amount(value)).sum();
    assert_eq!(
        (entries.len() as i64, total),
        (ACCOUNTS, MONEY),
        "a torn state"
    );
    let first = snapshot.get(accounts, 0i64.to_be_bytes()).unwrap().unwrap();
    assert_eq!(first, entries[0].1);
    let backwards = snapshot.get_range::<&[u8]>(accounts, ..).rev();
    let mut backwards: Vec<_> = backwards.map(Result::unwrap).collect();
    backwards.reverse();
    assert_eq!(backwards, entries);
}

/// Rows and their count come from one state.
fn check_rows(db: &Database) {
    let sql = "SELECT count(*) AS count, sum(amount) AS sum FROM moves";
    let rows: Result<Vec<_>, _> = db.query(sql, &[]).unwrap().collect();
    let row = &rows.unwrap()[0];
    let count = row.get::<i64>("count").unwrap();
    let sum = row.get::<Option<i64>>("sum").unwrap();
    assert_eq!(sum.unwrap_or(0), count);
}

/// What a search finds is there, nearest first.
fn search(db: &Database) {
    let sql = "SELECT place <-> '[1, 2, 3]' AS distance FROM moves ORDER BY place <-> '[1, 2, 3]' LIMIT 10";
    let rows = db.query(sql, &[]).unwrap();
    let distances: Vec<f64> = rows
        .map(|row| row.unwrap().get("distance").unwrap())
        .collect();
    assert!(distances.is_sorted(), "{distances:?}");
}

/// A keyspace that comes and goes.
fn churn(db: &Database, turn: i64) {
    let name = format!("keyspace {}", turn % 3);
    let keyspace = db.keyspace(&name).unwrap();
    keyspace.put("key", "value").unwrap();
    if turn % 2 == 0 {
        db.drop_keyspace(&name).unwrap();
    }
}

fn turns(work: impl FnMut(i64)) {
    (0..TURNS).for_each(work);
}

/// One round of all threads. `round` makes its rows' numbers its own.
fn round(db: &Database, accounts: &Keyspace, round: i64) {
    let writing = AtomicBool::new(true);
    thread::scope(|scope| {
        let writers = [0, 1].map(|writer| {
            scope.spawn(move || turns(|turn| transfer(db, accounts, writer, round * TURNS + turn)))
        });
        scope.spawn(|| turns(|_| check_accounts(db, accounts)));
        scope.spawn(|| turns(|_| check_rows(db)));
        scope.spawn(|| turns(|_| search(db)));
        scope.spawn(|| turns(|turn| churn(db, turn)));
        scope.spawn(|| {
            while writing.load(Ordering::Acquire) {
                db.flush().unwrap();
                thread::yield_now();
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        writing.store(false, Ordering::Release);
    });
}

#[test]
fn everything_at_once() {
    let db = open();
    let accounts = db.keyspace("accounts").unwrap();
    let seconds = std::env::var(SECONDS_VARIABLE).map_or(0, |text| text.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while rounds == 0 || Instant::now() < end {
        round(&db, &accounts, rounds);
        db.execute("DELETE FROM moves", &[]).unwrap();
        rounds += 1;
    }
    check_accounts(&db, &accounts);
    db.write_with(drystone::WriteBatch::new(), Durability::Sync)
        .unwrap();
    let report = db.verify().unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    println!("{rounds} rounds, {} merges", db.stats().merges);
    db.close().unwrap();
}
