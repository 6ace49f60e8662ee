//! A sample database on a simulated disk: all models, all files, merges behind it and commits before the next.

use std::path::Path;
use std::sync::OnceLock;

use drystone::{BackgroundWork, Database, Options};
use drystone_base::Env;
use drystone_testkit::{CrashPolicy, SimFileSystem};

/// Where it lies.
pub const FOLDER: &str = "/db";

/// Rows of its table.
pub const ROWS: i64 = 40;

/// Small parts, so that a few commits fill memtables and segments.
pub fn options() -> Options {
    Options {
        cache_bytes: 256 << 10,
        memtable_bytes: 8 << 10,
        segment_bytes: 16 << 10,
        background: BackgroundWork::Manual,
        statement_bytes: 16 << 20,
        ..Options::default()
    }
}

/// Opens the database in `FOLDER`.
///
/// # Errors
/// As [`Database::open_in`].
pub fn open(env: &Env) -> drystone::Result<Database> {
    Database::open_in(env, Path::new(FOLDER), options())
}

/// Its disk, closed cleanly, or left as by a process that was killed.
///
/// # Panics
/// Never, on a sound disk.
pub fn disk(is_closed: bool) -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, FOLDER);
    let database = open(&disk.env()).expect("a new database");
    fill(&database).expect("a sound disk");
    if is_closed {
        database.close().expect("a sound disk");
    }
    disk.settle();
    disk
}

fn fill(database: &Database) -> drystone::Result<()> {
    for statement in [
        "CREATE TABLE t (id BIGINT PRIMARY KEY, half BIGINT NOT NULL, text TEXT, place VECTOR(2), doc JSONB)",
        "CREATE INDEX t_half ON t (half)",
        "CREATE INDEX t_place ON t USING hnsw (place) WITH (metric = 'l2')",
    ] {
        database.execute(statement, &[])?;
    }
    let keyspace = database.keyspace("k")?;
    for number in 0..ROWS {
        database.execute(
            "INSERT INTO t VALUES ($1, $1 / 2, 'row ' || $1, ('[' || $1 || ',1]')::vector(2), '{\"n\": [1, 2]}')",
            &[number.into()],
        )?;
        keyspace.put(number.to_be_bytes().to_vec(), value(number))?;
        match number % 16 {
            7 => database.flush()?,
            _ => drop(database.step()?),
        }
    }
    database.execute("DELETE FROM t WHERE id % 7 = 3", &[])?;
    keyspace.delete(5_i64.to_be_bytes().to_vec())
}

/// What the keyspace has for a number.
pub fn value(number: i64) -> Vec<u8> {
    let len = if number % 9 == 0 { 3000 } else { 20 };
    vec![number.to_le_bytes()[0]; len]
}

/// A copy of the one that was closed, made once.
pub fn closed_copy() -> SimFileSystem {
    static CLOSED: OnceLock<SimFileSystem> = OnceLock::new();
    CLOSED
        .get_or_init(|| disk(true))
        .crash(CrashPolicy::KeepAll)
}

/// A copy of the one that was left behind by a process, made once.
pub fn killed_copy() -> SimFileSystem {
    static KILLED: OnceLock<SimFileSystem> = OnceLock::new();
    KILLED
        .get_or_init(|| disk(false))
        .crash(CrashPolicy::KeepAll)
}
