//! SQL: texts that are parsed, texts that run on a small database, and queries whose plans must not matter.

use std::cell::RefCell;

use drystone_query::{Session, SqlError};
use drystone_record::Value;

use crate::grammar::{self, Grammar};
use crate::small_database::{ROWS_MAX, rows_of, run_all, session_after};
use crate::source::Source;

/// Tables of all types, with rows at the edges, and all kinds of indexes.
pub(crate) const SCHEMA: &str = "\
CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c DOUBLE PRECISION, d BIGINT NOT NULL DEFAULT 7);
CREATE TABLE u (a INTEGER, b TEXT UNIQUE, j JSONB, z BYTEA, s TIMESTAMP, f BOOLEAN, v VECTOR(3));
CREATE TABLE w (x BIGINT, y TEXT, PRIMARY KEY (y, x));
CREATE INDEX t_b ON t (b);
CREATE INDEX t_cd ON t (c, d);
CREATE INDEX u_v ON u USING hnsw (v) WITH (metric = 'l2');
INSERT INTO t VALUES (1, 'x', 1.5, 1), (2, NULL, NULL, 2), (3, 'it''s', 'NaN', 9223372036854775807), (4, '', -0.0, -1);
INSERT INTO u VALUES (1, 'a', '{\"k\": [1, {\"n\": null}], \"s\": \"t\"}', '\\x00ff', '2024-02-29 23:59:59.5', true, '[1,2,3]'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL), (2147483647, 'b', '[]', '', '0001-01-01', false, '[0,0,0]');
INSERT INTO w VALUES (1, 'p'), (2, 'p'), (-1, 'q');
";

/// Runs before a database is made anew, so that what stays behind in memory does not add up.
const RUNS_MAX: u32 = 5_000;

thread_local! {
    static KEPT: RefCell<Option<(Session, u32)>> = const { RefCell::new(None) };
}

/// Gives `work` a session in a database of `schema`, within a transaction that is rolled back. `work` says whether it
/// left the transaction as it was.
fn in_kept_database(work: impl FnOnce(&mut Session) -> bool) {
    KEPT.with_borrow_mut(|kept| {
        let (mut session, runs) = kept.take().unwrap_or_else(|| (session_after(SCHEMA), 0));
        session
            .execute("BEGIN", &[])
            .expect("outside a transaction");
        let is_as_before = work(&mut session);
        if is_as_before && runs < RUNS_MAX {
            session
                .execute("ROLLBACK", &[])
                .expect("within a transaction");
            *kept = Some((session, runs + 1));
        }
    });
}

/// A text is prepared or refused; what can be prepared can be explained.
///
/// # Panics
/// When it cannot.
pub fn parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    in_kept_database(|session| {
        match session.prepare(&text) {
            Ok(prepared) => check_prepared(session, &text, prepared.columns().len()),
            Err(error) => check_error(&error, &text),
        }
        session.in_transaction()
    });
}

fn check_prepared(session: &mut Session, text: &str, columns: usize) {
    let is_query = columns > 0 && !text.to_ascii_lowercase().contains("explain");
    let parameters = session
        .prepare(text)
        .map(|prepared| prepared.parameters().len());
    if is_query && parameters.is_ok_and(|count| count == 0) && !text.contains(';') {
        let explained = rows_of(session, &format!("EXPLAIN {text}"));
        assert!(
            explained.is_ok(),
            "{:?} for EXPLAIN {text}",
            explained.err()
        );
    }
}

fn check_error(error: &SqlError, text: &str) {
    assert!(!error.message().is_empty());
    let Some(place) = error.position() else {
        return;
    };
    let lines = text.split('\n').count() as u64;
    assert!(
        place.line >= 1 && place.line <= lines,
        "{error} at {place:?} in {text:?}"
    );
}

/// Statements run one after the other on a small database, whatever becomes of each.
pub fn script(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    in_kept_database(|session| run_all(session, &text));
}

/// An expression in each place of a query.
pub fn expression(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    in_kept_database(|session| {
        for statement in [
            format!("SELECT {text}\n FROM t"),
            format!("SELECT count(*) FROM u WHERE ({text}\n)"),
            format!("SELECT max(a) FROM t GROUP BY ({text}\n) ORDER BY ({text}\n)"),
            format!("UPDATE t SET b = ({text}\n)"),
        ] {
            drop(rows_of(session, &statement));
        }
        session.in_transaction()
    });
}

/// Queries that are sound by their making run, can be explained, and give the same rows whether there are indexes or
/// not; a condition holds, does not hold, or is unknown for each row.
///
/// # Panics
/// When one of that is not so.
pub fn queries(data: &[u8]) {
    thread_local! {
        static SESSION: RefCell<Session> = RefCell::new(session_after(&format!(
            "{}{}{}",
            grammar::named(grammar::TABLES, "t", "u"),
            grammar::named(grammar::TABLES, "t_plain", "u_plain").replace("a INTEGER PRIMARY KEY", "a INTEGER"),
            grammar::named(grammar::INDEXES, "t", "u"),
        )));
    }
    SESSION.with_borrow_mut(|session| {
        if data.first().is_some_and(|first| first % 4 == 0) {
            check_three_ways(session, &data[1..]);
            return;
        }
        let query = |t, u| Grammar::new(&mut Source::new(data), t, u).query();
        let (indexed, plain) = (query("t", "u"), query("t_plain", "u_plain"));
        let (Some(left), Some(right)) =
            (sorted_rows(session, &indexed), sorted_rows(session, &plain))
        else {
            return;
        };
        assert_eq!(left, right, "{indexed}");
        let explained = rows_of(session, &format!("EXPLAIN {indexed}"));
        assert!(
            explained.is_ok(),
            "{:?} for EXPLAIN {indexed}",
            explained.err()
        );
    });
}

fn check_three_ways(session: &mut Session, data: &[u8]) {
    let condition = Grammar::new(&mut Source::new(data), "t", "u").condition();
    let mut count = |condition: &str| {
        let query = format!("SELECT count(*) FROM t x WHERE {condition}");
        match sorted_rows(session, &query)?.first()?.first()? {
            Value::BigInt(count) => Some(*count),
            other => panic!("{other} counted by {query}"),
        }
    };
    let parts = [
        count(&condition),
        count(&format!("NOT {condition}")),
        count(&format!("{condition} IS NULL")),
    ];
    if let [Some(holds), Some(fails), Some(unknown)] = parts {
        let all = count("(1 = 1)").expect("a constant");
        assert_eq!(holds + fails + unknown, all, "{condition}");
    }
}

/// The rows of a sound query in some order that is always the same; `None` where a value went out of its range, which
/// one plan may compute and another not, and where there are too many.
fn sorted_rows(session: &mut Session, query: &str) -> Option<Vec<Vec<Value>>> {
    match rows_of(session, query) {
        Ok(rows) if rows.len() == ROWS_MAX => None,
        Ok(mut rows) => {
            rows.sort_by(|left, right| {
                let pairs = left.iter().zip(right);
                let mut orders = pairs.map(|(left, right)| left.sort_cmp(right));
                orders
                    .find(|order| order.is_ne())
                    .unwrap_or(std::cmp::Ordering::Equal)
            });
            Some(rows)
        }
        Err(error) => {
            let code = error.state().code();
            let is_known = code.starts_with("22") || code.starts_with("57") || code == "53200";
            assert!(is_known, "{error} in {query}");
            None
        }
    }
}
