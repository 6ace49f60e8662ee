//! `count(*)` by keys: it gives what counting row by row gives, whatever was committed, merged, or written so far.

use drystone_base::Env;
use drystone_query::{Session, SqlEngine};
use drystone_testkit::{Draw, seed_of};

use crate::support::{answer, open, run};

fn count(session: &mut Session, query: &str) -> String {
    answer(session, query, &[])
}

fn plan(session: &mut Session, query: &str) -> String {
    answer(session, &format!("EXPLAIN {query}"), &[])
}

/// The same rows, with a condition that only rows can answer.
fn row_by_row(query: &str) -> String {
    let filter = "coalesce(note, 'x') <> 'never'";
    match query.contains("WHERE") {
        true => format!("{query} AND {filter}"),
        false => format!("{query} WHERE {filter}"),
    }
}

fn engine() -> (SqlEngine, Session) {
    let engine = open(&Env::memory(7));
    let mut session = engine.session();
    run(
        &mut session,
        "CREATE TABLE t (a INTEGER, b TEXT, u INTEGER UNIQUE, note TEXT, PRIMARY KEY (a, b));
         CREATE INDEX t_note ON t (note);
         CREATE TABLE plain (a INTEGER, note TEXT);",
    );
    (engine, session)
}

const COUNTED: &[(&str, &str)] = &[
    ("SELECT count(*) FROM t", "Key Count on t"),
    ("SELECT count(*) FROM plain", "Key Count on plain"),
    ("SELECT count(*) FROM t WHERE a = 3", "Key Count on t"),
    (
        "SELECT count(*) FROM t WHERE a > 3 AND a <= 7",
        "Key Count on t",
    ),
    ("SELECT count(*) FROM t WHERE a >= 9", "Key Count on t"),
    ("SELECT count(*) FROM t WHERE a < 2", "Key Count on t"),
    (
        "SELECT count(*) FROM t WHERE a IN (1, 4, 4, 90)",
        "Key Count on t",
    ),
    (
        "SELECT count(*) FROM t WHERE a = 5 AND b = 'k7'",
        "Key Count on t",
    ),
    (
        "SELECT count(*) FROM t WHERE a = 5 AND b > 'k3'",
        "Key Count on t",
    ),
    (
        "SELECT count(*) FROM t WHERE a = 10000000000",
        "Key Count on t",
    ),
    (
        "SELECT count(*) FROM t WHERE u = 50",
        "Key Count using t_u_key on t",
    ),
    (
        "SELECT count(*) FROM t WHERE u > 40 AND u < 90",
        "Key Count using t_u_key on t",
    ),
    (
        "SELECT count(*) FROM t WHERE note = 'n3'",
        "Key Count using t_note on t",
    ),
    (
        "SELECT count(*) FROM t WHERE note >= 'n2'",
        "Key Count using t_note on t",
    ),
];

/// How a query that counts is planned: by its keys, and that no row is read.
#[test]
fn counts_of_keys_read_no_rows() {
    let (_engine, mut session) = engine();
    for (query, expected) in COUNTED {
        let plan = plan(&mut session, query);
        assert!(plan.contains(expected), "{query}: {plan}");
        assert!(!plan.contains("Scan"), "{query}: {plan}");
        let by_rows = row_by_row(query);
        let plan = self::plan(&mut session, &by_rows);
        assert!(plan.contains("Aggregate"), "{by_rows}: {plan}");
    }
    for query in [
        "SELECT count(note) FROM t",
        "SELECT count(*), max(a) FROM t",
        "SELECT count(*) FILTER (WHERE a > 1) FROM t",
        "SELECT a, count(*) FROM t GROUP BY a",
        "SELECT count(*) FROM t WHERE a + 1 = 2",
        "SELECT count(*) FROM (SELECT DISTINCT a FROM t) AS d",
        "SELECT count(*) FROM (SELECT a FROM t LIMIT 3) AS d",
        "SELECT count(*) FROM t AS x JOIN t AS y ON x.a = y.a",
    ] {
        let plan = plan(&mut session, query);
        assert!(!plan.contains("Key Count"), "{query}: {plan}");
    }
    let analyzed = answer(&mut session, "EXPLAIN ANALYZE SELECT count(*) FROM t", &[]);
    assert!(analyzed.contains("rows=1"), "{analyzed}");
}

fn check(session: &mut Session) {
    for (query, _) in COUNTED {
        let by_rows = row_by_row(query);
        assert_eq!(count(session, query), count(session, &by_rows), "{query}");
    }
    let twice = "SELECT count(*), count(*) + 1, (SELECT count(*) FROM plain) FROM t";
    let counts = [
        count(
            session,
            "SELECT count(*) FROM t WHERE coalesce(note, '') <> 'x'",
        ),
        count(
            session,
            "SELECT count(*) FROM plain WHERE coalesce(note, '') <> 'x'",
        ),
    ];
    let next = counts[0].trim().parse::<u64>().unwrap() + 1;
    let expected = format!("{}|{next}|{}", counts[0].trim(), counts[1].trim());
    assert_eq!(count(session, twice).trim(), expected);
}

fn change(session: &mut Session, draw: &mut Draw) {
    let (a, b, u, n) = (
        draw.below(12),
        draw.below(12),
        draw.below(120),
        draw.below(6),
    );
    let note = match draw.chance(20) {
        true => "NULL".to_owned(),
        false => format!("'n{n}'"),
    };
    let statement = match draw.below(10) {
        0..=4 => format!("INSERT INTO t VALUES ({a}, 'k{b}', {u}, {note}) ON CONFLICT DO NOTHING"),
        5 => format!("INSERT INTO t VALUES ({a}, 'k{b}', NULL, {note}) ON CONFLICT DO NOTHING"),
        6 => format!("INSERT INTO plain VALUES ({a}, {note})"),
        7 => format!("DELETE FROM t WHERE a = {a} AND b > 'k{b}'"),
        8 => format!("DELETE FROM plain WHERE a = {a}"),
        _ => format!("UPDATE t SET note = {note} WHERE a = {a}"),
    };
    session.execute(&statement, &[]).unwrap();
}

#[test]
fn counts_are_exact_whatever_is_in_memory_or_not_committed() {
    let mut draw = Draw::new(seed_of("counts of keys"));
    let (engine, mut session) = engine();
    let mut other = engine.session();
    for _ in 0..12 {
        for _ in 0..draw.below(60) {
            change(&mut session, &mut draw);
        }
        check(&mut session);
        if draw.chance(50) {
            engine.store().flush().unwrap();
        }
        run(&mut session, "BEGIN");
        for _ in 0..draw.below(40) {
            change(&mut session, &mut draw);
        }
        check(&mut session);
        let outside = count(&mut other, "SELECT count(*) FROM t");
        run(
            &mut session,
            "SAVEPOINT here; DELETE FROM t; DELETE FROM plain",
        );
        check(&mut session);
        assert_eq!(count(&mut session, "SELECT count(*) FROM t").trim(), "0");
        assert_eq!(count(&mut other, "SELECT count(*) FROM t"), outside);
        run(&mut session, "ROLLBACK TO here");
        check(&mut session);
        run(
            &mut session,
            if draw.chance(70) {
                "COMMIT"
            } else {
                "ROLLBACK"
            },
        );
        check(&mut session);
    }
    run(&mut session, "TRUNCATE t");
    check(&mut session);
}
