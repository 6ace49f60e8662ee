//! SQLite as the judge: queries that mean the same to both give the same rows.

use std::cell::RefCell;

use drystone_query::Session;
use drystone_record::Value;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::grammar::{self, Grammar};
use crate::small_database::{ROWS_MAX, rows_of, session_after};
use crate::source::Source;

struct Pair {
    ours: Session,
    theirs: Connection,
}

thread_local! {
    static PAIR: RefCell<Pair> = RefCell::new(pair());
}

fn pair() -> Pair {
    let script = format!(
        "{}{}",
        grammar::named(grammar::TABLES, "t", "u"),
        grammar::named(grammar::INDEXES, "t", "u")
    );
    let theirs = Connection::open_in_memory().expect("memory");
    theirs
        .execute_batch(&format!("PRAGMA case_sensitive_like = ON; {script}"))
        .expect("SQLite takes the schema");
    Pair {
        ours: session_after(&script),
        theirs,
    }
}

/// One query, here and there.
///
/// # Panics
/// When the rows differ.
pub fn run(data: &[u8]) {
    let query = Grammar::new(&mut Source::new(data), "t", "u").query();
    PAIR.with_borrow_mut(|pair| {
        let ours = match rows_of(&mut pair.ours, &query) {
            Ok(rows) if rows.len() == ROWS_MAX => return,
            Ok(rows) => rows
                .iter()
                .map(|row| row.iter().map(printed).collect())
                .collect(),
            Err(error) => {
                let code = error.state().code();
                assert!(
                    code.starts_with("22") || code.starts_with("57"),
                    "{error} in {query}"
                );
                return;
            }
        };
        // SQLite, for its part, reports sums beyond 64 bits.
        if let Ok(theirs) = rows_of_sqlite(&pair.theirs, &query) {
            assert_eq!(sorted(ours), sorted(theirs), "here and in SQLite: {query}");
        }
    });
}

fn sorted(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.sort_unstable();
    rows
}

fn printed(value: &Value) -> String {
    match value {
        Value::Boolean(value) => u8::from(*value).to_string(),
        Value::Text(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

fn rows_of_sqlite(theirs: &Connection, query: &str) -> rusqlite::Result<Vec<Vec<String>>> {
    let mut statement = theirs.prepare(query)?;
    let count = statement.column_count();
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let cell = |idx| {
            Ok(match row.get_ref(idx)? {
                ValueRef::Null => "NULL".to_owned(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => format!("{number:?}"),
                ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
                ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
            })
        };
        all.push((0..count).map(cell).collect::<rusqlite::Result<_>>()?);
    }
    Ok(all)
}
