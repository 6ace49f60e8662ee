//! A database in memory, and checks that read like the statements they are about.

use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, Lsn};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::Engine;
use drystone_mvcc::{Store, StoreOptions};
use drystone_query::{Outcome, Session, SqlEngine, SqlError, SqlOptions};
use drystone_record::Value;
use drystone_wal::{Log, LogOptions};

/// A database on the files of `env`.
pub(crate) fn open(env: &Env) -> SqlEngine {
    open_with(env, SqlOptions::default())
}

pub(crate) fn open_with(env: &Env, options: SqlOptions) -> SqlEngine {
    let tree = BTree::open(env, Path::new("btree"), BTreeOptions::default()).unwrap();
    let log_options = LogOptions {
        segment_bytes: 1 << 20,
        ..LogOptions::default()
    };
    let log = Log::open(env, Path::new("log"), log_options, merged(&tree)).unwrap();
    let store = Store::open(env, StoreOptions::default(), log, Arc::new(tree)).unwrap();
    SqlEngine::open(store, env, options).unwrap()
}

fn merged(tree: &BTree) -> Lsn {
    tree.merged_lsn()
}

/// A session in a new database.
pub(crate) fn session() -> Session {
    open(&Env::memory(7)).session()
}

/// A session in a new database where a script has run.
pub(crate) fn session_after(script: &str) -> Session {
    let mut session = session();
    run(&mut session, script);
    session
}

/// Runs a script that must succeed.
pub(crate) fn run(session: &mut Session, script: &str) {
    session
        .run_script(script, |_, outcome| {
            if let Outcome::Rows(rows) = outcome {
                rows.collect::<Result<Vec<_>, _>>()?;
            }
            Ok::<(), SqlError>(())
        })
        .unwrap_or_else(|error| panic!("{error:?}\nin {script}"));
}

/// What a statement gives, a line a row, values apart by `|`. A count or a tag stands for itself.
pub(crate) fn answer(session: &mut Session, text: &str, parameters: &[Value]) -> String {
    match session.execute(text, parameters) {
        Ok(outcome) => printed(outcome).unwrap_or_else(|error| format!("ERROR {error:?}")),
        Err(error) => format!("ERROR {error:?}"),
    }
}

fn printed(outcome: Outcome) -> Result<String, SqlError> {
    match outcome {
        Outcome::Affected(count) => Ok(count.to_string()),
        Outcome::Done(tag) => Ok(tag.to_owned()),
        Outcome::Rows(rows) => {
            let mut lines = Vec::new();
            for row in rows {
                let row = row?;
                let cells: Vec<String> = row.values().iter().map(Value::to_string).collect();
                lines.push(cells.join("|"));
            }
            Ok(lines.join("\n"))
        }
    }
}

/// Checks what a statement gives.
#[track_caller]
pub(crate) fn check(session: &mut Session, text: &str, expected: &str) {
    assert_eq!(answer(session, text, &[]), unindented(expected), "{text}");
}

/// As [`check`], with parameters.
#[track_caller]
pub(crate) fn check_with(session: &mut Session, text: &str, parameters: &[Value], expected: &str) {
    assert_eq!(
        answer(session, text, parameters),
        unindented(expected),
        "{text}"
    );
}

/// The lines of a text without the blanks around them.
fn unindented(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    lines.join("\n")
}

/// The error of a statement that must fail.
#[track_caller]
pub(crate) fn error(session: &mut Session, text: &str) -> SqlError {
    let outcome = session.execute(text, &[]);
    match outcome.and_then(printed) {
        Ok(answer) => panic!("{text} gave {answer}"),
        Err(error) => error,
    }
}

/// Checks the SQLSTATE of a failure and its text: message, place, hint.
#[track_caller]
pub(crate) fn check_error(session: &mut Session, text: &str, state: &str, expected: &str) {
    let error = error(session, text);
    assert_eq!(
        (error.state().code(), error.to_string().as_str()),
        (state, expected),
        "{text}"
    );
}
