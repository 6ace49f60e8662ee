//! Limits: deep, long and large statements fail cleanly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drystone_base::{Clock, Env, Timestamp};
use drystone_query::{Session, SqlOptions};

use crate::support::{answer, check, check_error, error, open_with, run, session, session_after};

#[test]
fn deep_nesting_is_an_error() {
    let cases = [
        format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT {}1", "- ".repeat(20_000)),
        format!("SELECT {}true", "NOT ".repeat(20_000)),
        format!("SELECT 1{}", " + 1".repeat(20_000)),
        format!("SELECT 1{}", "::text".repeat(20_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(20_000)),
        format!("SELECT {}1{}", "(SELECT ".repeat(500), ")".repeat(500)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(5_000)),
        format!("SELECT {}1 END", "CASE WHEN true THEN ".repeat(5_000)),
        format!("SELECT * FROM {}t{}", "(".repeat(5_000), ")".repeat(5_000)),
    ];
    let mut session = session();
    for text in cases {
        let state = error(&mut session, &text).state().code();
        assert!(
            ["54001", "42601"].contains(&state),
            "{state}: {}",
            &text[..60]
        );
    }
}

#[test]
fn long_chains_of_and_are_fine() {
    let mut session =
        session_after("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2);");
    let chain = vec!["a <> 2"; 900].join(" AND ");
    check(&mut session, &format!("SELECT a FROM t WHERE {chain}"), "1");
    let list: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    check(
        &mut session,
        &format!("SELECT a FROM t WHERE a IN ({})", list.join(", ")),
        "1\n2",
    );
}

#[test]
fn common_table_expressions_cannot_explode() {
    let mut text = "WITH c0 AS (SELECT 1 AS x)".to_owned();
    for level in 1..40 {
        text.push_str(&format!(
            ", c{level} AS (SELECT a.x FROM c{0} a, c{0} b)",
            level - 1
        ));
    }
    text.push_str(" SELECT count(*) FROM c39");
    check_error(
        &mut session(),
        &text,
        "54001",
        "statement uses too many tables",
    );
}

#[test]
fn a_statement_keeps_to_its_memory_budget() {
    let mut session = session_within(400_000);
    run(
        &mut session,
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)",
    );
    for part in 0..20 {
        let rows: Vec<String> = (0..300)
            .map(|n| format!("({}, 'text')", part * 300 + n))
            .collect();
        run(
            &mut session,
            &format!("INSERT INTO t VALUES {}", rows.join(", ")),
        );
    }
    for text in [
        "SELECT * FROM t ORDER BY b, a DESC",
        "SELECT a, count(*) FROM t GROUP BY a",
        "SELECT DISTINCT a FROM t",
        "SELECT count(*) FROM t x JOIN t y ON x.b = y.b",
        "SELECT a FROM t WHERE a IN (SELECT a FROM t)",
        "UPDATE t SET b = 'x'",
    ] {
        assert_eq!(error(&mut session, text).state().code(), "53200", "{text}");
    }
    check(
        &mut session,
        "SELECT a FROM t ORDER BY b, a DESC LIMIT 1",
        "5999",
    );
    check(
        &mut session,
        "SELECT count(*), sum(a) FROM t",
        "6000|17997000",
    );
    assert!(answer(&mut session, "SELECT * FROM t", &[]).lines().count() == 6_000);
}

#[test]
fn too_many_columns_are_an_error() {
    let columns: Vec<String> = (0..1_601).map(|n| format!("c{n} INTEGER")).collect();
    let text = format!("CREATE TABLE t ({})", columns.join(", "));
    check_error(
        &mut session(),
        &text,
        "54011",
        "tables can have at most 1600 columns",
    );
}

/// A session whose statements may use so much memory.
fn session_within(statement_memory_bytes_max: usize) -> Session {
    let options = SqlOptions {
        statement_memory_bytes_max,
        ..SqlOptions::default()
    };
    open_with(&Env::memory(2), options).session()
}

/// A subquery may run once for each row: what each run kept is free again after it.
#[test]
fn runs_of_a_subquery_do_not_add_up() {
    let mut session = session_within(400_000);
    let rows: Vec<String> = (0..300).map(|n| format!("({n}, {n})")).collect();
    run(
        &mut session,
        &format!(
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER); INSERT INTO t VALUES {}",
            rows.join(", ")
        ),
    );
    for text in [
        "SELECT count(*) FROM t x WHERE x.a IN (SELECT y.b FROM t y WHERE y.a >= x.a)",
        "SELECT count(*) FROM t x WHERE x.a = (SELECT y.a FROM t y WHERE y.b >= x.a ORDER BY y.b LIMIT 1)",
        "SELECT count(*) FROM t x WHERE (SELECT count(DISTINCT y.b) FROM t y WHERE y.a <> x.a) = 299",
        "SELECT count(*) FROM t x WHERE EXISTS (SELECT y.b FROM t y WHERE y.a <> x.a GROUP BY y.b)",
    ] {
        check(&mut session, text, "300");
    }
}

/// Values that are held at the same time, in one row or one call, count together; those of other rows do not.
#[test]
fn large_values_of_one_row_keep_to_the_memory_budget() {
    let mut session = session_within(1_000_000);
    let rows: Vec<String> = (0..20).map(|n| format!("({n})")).collect();
    run(
        &mut session,
        &format!(
            "CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES {}",
            rows.join(", ")
        ),
    );
    let large = "repeat('x', 300000)";
    let four = [large; 4].join(", ");
    for text in [
        format!("SELECT {four}"),
        format!("VALUES ({four})"),
        format!("SELECT length(concat({four}))"),
        format!("SELECT length({large} || ({large} || ({large} || ({large} || 'y'))))"),
        format!("SELECT count(*) FROM t WHERE concat({four}) = ''"),
        format!("INSERT INTO t SELECT length(concat({four}))"),
    ] {
        let error = error(&mut session, &text);
        assert_eq!(error.state().code(), "53200", "{error}: {text}");
    }
    check(
        &mut session,
        &format!("SELECT count({large} || a), max(length(concat({large}, {large}, a))) FROM t"),
        "20|600002",
    );
    check_error(
        &mut session,
        "SELECT length(repeat('x', 60000000) || repeat('x', 60000000))",
        "53200",
        "statement needs more than its memory budget of 1000000 bytes; raise `statement_memory_bytes_max`, or let the \
         statement keep fewer rows",
    );
}

/// What takes twice as long at each level of nesting never ends.
#[test]
fn nested_calls_and_select_lists_take_no_exponential_time() {
    let mut session =
        session_after("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);");
    let calls = format!("SELECT {}-1{}", "abs(".repeat(50), ")".repeat(50));
    check(&mut session, &calls, "1");
    let calls = format!("SELECT {}1{}", "coalesce(".repeat(50), ", 2)".repeat(50));
    check(&mut session, &calls, "1");
    let calls = format!("SELECT {}1{}", "nullif(".repeat(50), ", 2)".repeat(50));
    check_error(
        &mut session,
        &calls,
        "54001",
        "the first argument of NULLIF is too complex (line 1, column 281); compute it in a subquery of FROM",
    );
    let doubled = (0..30).fold("t".to_owned(), |from, _| {
        format!("(SELECT a + a - 1 AS a FROM {from}) q")
    });
    check(
        &mut session,
        &format!("SELECT a FROM {doubled} WHERE a > 0 ORDER BY a LIMIT 1"),
        "1",
    );
}

/// A clock on which a millisecond passes between two looks.
#[derive(Debug, Default)]
struct TickingClock(AtomicU64);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn a_statement_keeps_to_its_time() {
    let env = Env {
        clock: Arc::new(TickingClock::default()),
        ..Env::memory(2)
    };
    let options = SqlOptions {
        statement_time_max: Some(Duration::from_millis(5)),
        ..SqlOptions::default()
    };
    let mut session = open_with(&env, options).session();
    let rows: Vec<String> = (0..100).map(|n| format!("({n}, {n})")).collect();
    run(
        &mut session,
        &format!(
            "CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER); INSERT INTO t VALUES {}",
            rows.join(", ")
        ),
    );
    for text in [
        "SELECT count(*) FROM t x, t y",
        "SELECT count(*) FROM t x JOIN t y ON x.a % 2 = y.a % 2",
        "SELECT count(*) FROM t x WHERE (SELECT count(*) FROM t y WHERE y.b <> x.b) = 99",
        "UPDATE t SET b = 7 WHERE b < (SELECT count(*) FROM t x, t y)",
    ] {
        check_error(
            &mut session,
            text,
            "57014",
            "statement takes too long; raise `statement_time_max`, or let the statement read fewer rows",
        );
    }
    check(&mut session, "SELECT sum(b) FROM t", "4950");
}
