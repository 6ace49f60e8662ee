//! A small database in memory with limits, and statements on it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drystone_base::{Clock, Env, Lsn, Timestamp};
use drystone_btree::{BTree, BTreeOptions};
use drystone_mvcc::{Store, StoreOptions};
use drystone_query::{Outcome, Session, SqlEngine, SqlError, SqlOptions, first_statement};
use drystone_record::Value;
use drystone_wal::{Log, LogOptions};

/// Rows of a statement that are looked at. Of one with more, what is seen says nothing about the rest.
pub const ROWS_MAX: usize = 2_000;

/// Statements of a text that are run, so that an input takes seconds at most.
const STATEMENTS_MAX: usize = 40;

/// Longest time and most memory of a statement.
const OPTIONS: SqlOptions = SqlOptions {
    statement_memory_bytes_max: 16 << 20,
    statement_time_max: Some(Duration::from_millis(30)),
    conflict_retries_max: 1,
    cached_plans_max: 16,
    vector_search_ef: 100,
};

/// A day that stands still, on which time passes for limits.
#[derive(Debug)]
struct OneDay {
    started: Instant,
}

impl Clock for OneDay {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// An empty database.
pub fn engine() -> SqlEngine {
    let env = Env {
        clock: Arc::new(OneDay {
            started: Instant::now(),
        }),
        ..Env::memory(7)
    };
    let tree = BTree::open(&env, Path::new("btree"), BTreeOptions::default()).expect("memory");
    let options = LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::default()
    };
    let log = Log::open(&env, Path::new("log"), options, Lsn::ZERO).expect("memory");
    let store = Store::open(&env, StoreOptions::default(), log, Arc::new(tree)).expect("memory");
    SqlEngine::open(store, &env, OPTIONS).expect("a new database")
}

/// A session in a new database, after a script.
pub fn session_after(script: &str) -> Session {
    let mut session = engine().session();
    let ran = session.run_script(script, |_, _| Ok::<(), SqlError>(()));
    ran.unwrap_or_else(|error| panic!("{error} in {script}"));
    session
}

/// The first statements of a text in turn, whatever becomes of each. Whether the transaction, if one was open, still is.
pub fn run_all(session: &mut Session, text: &str) -> bool {
    let began_in_transaction = session.in_transaction();
    let mut is_still_open = began_in_transaction;
    let mut rest = text;
    for _ in 0..STATEMENTS_MAX {
        if rest.trim_start().is_empty() {
            break;
        }
        let end = first_statement(rest).unwrap_or(rest.len());
        let (statement, after) = rest.split_at(end);
        drop(rows_of(session, statement));
        is_still_open &= session.in_transaction();
        rest = after;
    }
    is_still_open
}

/// The rows of a statement; none for one that gives none.
pub fn rows_of(session: &mut Session, statement: &str) -> Result<Vec<Vec<Value>>, SqlError> {
    let rows = session.execute(statement, &[]).map(Outcome::into_rows)?;
    rows.take(ROWS_MAX)
        .map(|row| Ok(row?.into_values()))
        .collect()
}
