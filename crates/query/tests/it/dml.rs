//! INSERT, UPDATE, DELETE, TRUNCATE: what they leave, and what they give.

use drystone_query::{Session, SqlError};
use drystone_record::Value;

use crate::support::{answer, check, check_error, check_with, run, session, session_after};

const STOCK: &str = "
    CREATE TABLE stock (item TEXT PRIMARY KEY, count INTEGER NOT NULL DEFAULT 0, place TEXT UNIQUE);
    INSERT INTO stock VALUES ('nail', 10, 'A'), ('screw', 20, 'B');
";

#[test]
fn insert_fills_columns_defaults_and_nulls() {
    let mut session = session_after(STOCK);
    check(
        &mut session,
        "INSERT INTO stock (item) VALUES ('bolt'), ('nut') RETURNING item, count, place",
        "bolt|0|NULL\nnut|0|NULL",
    );
    check(
        &mut session,
        "INSERT INTO stock VALUES ('peg', DEFAULT, 'C') RETURNING *",
        "peg|0|C",
    );
    check(
        &mut session,
        "INSERT INTO stock (place, item) SELECT 'D' || count, item || '2' FROM stock WHERE count > 0",
        "2",
    );
    check(
        &mut session,
        "SELECT place FROM stock WHERE item = 'nail2'",
        "D10",
    );
    check(&mut session, "SELECT count(*) FROM stock", "7");
}

#[test]
fn values_are_cast_to_their_columns() {
    let mut session = session_after(
        "CREATE TABLE t (i INTEGER, d DOUBLE PRECISION, s TEXT, at TIMESTAMP, j JSONB, b BYTEA)",
    );
    run(
        &mut session,
        "INSERT INTO t VALUES ('5', 7, 'x', '2026-11-20', '{\"a\": [1]}', '\\x00ff')",
    );
    check(
        &mut session,
        "SELECT * FROM t",
        "5|7|x|2026-11-20 00:00:00|{\"a\": [1]}|\\x00ff",
    );
    check_with(
        &mut session,
        "INSERT INTO t (i, d, s) VALUES ($1, $2, $3)",
        &[Value::BigInt(9), Value::Integer(3), Value::Integer(4)],
        "1",
    );
    check(
        &mut session,
        "SELECT i, d, s || '!' FROM t WHERE i = 9",
        "9|3|4!",
    );
}

#[test]
fn a_failed_insert_leaves_none_of_its_rows() {
    let mut session = session_after(STOCK);
    check_error(
        &mut session,
        "INSERT INTO stock VALUES ('bolt', 1, 'C'), ('nail', 1, 'D')",
        "23505",
        "duplicate key value violates unique constraint \"stock_pkey\"; key (item)=(nail) already exists",
    );
    check_error(
        &mut session,
        "INSERT INTO stock VALUES ('bolt', 1, 'C'), ('nut', 1, 'C')",
        "23505",
        "duplicate key value violates unique constraint \"stock_place_key\"; key (place)=(C) already exists",
    );
    check_error(
        &mut session,
        "INSERT INTO stock VALUES ('bolt', 1, 'C'), ('nut', NULL, 'D')",
        "23502",
        "null value in column \"count\" of relation \"stock\" violates not-null constraint",
    );
    check(&mut session, "SELECT count(*) FROM stock", "2");
}

#[test]
fn nulls_are_distinct_in_a_unique_column() {
    let mut session = session_after(STOCK);
    run(&mut session, "INSERT INTO stock (item) VALUES ('a'), ('b')");
    run(&mut session, "DELETE FROM stock WHERE item = 'a'");
    check(
        &mut session,
        "SELECT item FROM stock WHERE place IS NULL",
        "b",
    );
}

#[test]
fn on_conflict_does_nothing_or_updates() {
    let mut session = session_after(STOCK);
    check(
        &mut session,
        "INSERT INTO stock VALUES ('nail', 5, 'Z'), ('bolt', 1, 'C') ON CONFLICT DO NOTHING",
        "1",
    );
    check(
        &mut session,
        "INSERT INTO stock VALUES ('nail', 5, 'A'), ('nut', 2, 'E')
         ON CONFLICT (item) DO UPDATE SET count = stock.count + EXCLUDED.count RETURNING item, count",
        "nail|15\nnut|2",
    );
    check(
        &mut session,
        "INSERT INTO stock VALUES ('tack', 1, 'A') ON CONFLICT (place) DO UPDATE SET item = excluded.item RETURNING *",
        "tack|15|A",
    );
    check(
        &mut session,
        "INSERT INTO stock VALUES ('tack', 1, 'A') ON CONFLICT (item) DO UPDATE SET count = 0 WHERE stock.count < 0",
        "0",
    );
    check(
        &mut session,
        "SELECT item, count, place FROM stock ORDER BY item",
        "bolt|1|C\nnut|2|E\nscrew|20|B\ntack|15|A",
    );
    check_error(
        &mut session,
        "INSERT INTO stock VALUES ('new', 1, 'A') ON CONFLICT (item) DO NOTHING",
        "23505",
        "duplicate key value violates unique constraint \"stock_place_key\"; key (place)=(A) already exists",
    );
    check_error(
        &mut session,
        "INSERT INTO stock VALUES ('x', 1, 'X'), ('x', 2, 'X') ON CONFLICT (item) DO UPDATE SET count = 3",
        "21000",
        "ON CONFLICT DO UPDATE command cannot affect row a second time; ensure that no rows proposed for insertion have duplicate constrained values",
    );
}

#[test]
fn update_sees_the_rows_before_it() {
    let mut session = session_after(STOCK);
    check(
        &mut session,
        "UPDATE stock SET count = count + 1, place = item WHERE count >= 10 RETURNING item, count, place",
        "nail|11|nail\nscrew|21|screw",
    );
    check(
        &mut session,
        "UPDATE stock SET count = (SELECT max(count) FROM stock)",
        "2",
    );
    check(&mut session, "SELECT count FROM stock", "21\n21");
    check(
        &mut session,
        "UPDATE stock SET count = DEFAULT WHERE item = 'nail' RETURNING count",
        "0",
    );
    check(&mut session, "UPDATE stock SET count = 1 WHERE false", "0");
    check(
        &mut session,
        "UPDATE stock s SET count = v.n FROM (VALUES ('nail', 7)) v (item, n) WHERE s.item = v.item RETURNING s.item, s.count, v.n",
        "nail|7|7",
    );
}

#[test]
fn keys_can_be_changed_and_swapped() {
    let mut session = session_after(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX t_v ON t (v);
         INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');",
    );
    check(&mut session, "UPDATE t SET id = id + 1", "3");
    check(
        &mut session,
        "SELECT id, v FROM t ORDER BY id",
        "2|a\n3|b\n4|c",
    );
    check(&mut session, "SELECT id FROM t WHERE v = 'b'", "3");
    check_error(
        &mut session,
        "UPDATE t SET id = 2 WHERE v = 'b'",
        "23505",
        "duplicate key value violates unique constraint \"t_pkey\"; key (id)=(2) already exists",
    );
    check(&mut session, "SELECT id FROM t ORDER BY id", "2\n3\n4");
}

#[test]
fn delete_and_truncate_remove() {
    let mut session = session_after(STOCK);
    check(
        &mut session,
        "DELETE FROM stock WHERE count > 15 RETURNING item",
        "screw",
    );
    check(
        &mut session,
        "DELETE FROM stock USING (VALUES ('nail')) v (i) WHERE item = v.i",
        "1",
    );
    run(
        &mut session,
        "INSERT INTO stock VALUES ('a', 1, 'A'), ('b', 1, 'B')",
    );
    check(&mut session, "TRUNCATE stock", "TRUNCATE TABLE");
    check(&mut session, "SELECT count(*) FROM stock", "0");
    check(&mut session, "INSERT INTO stock VALUES ('a', 1, 'A')", "1");
}

#[test]
fn tables_without_a_key_keep_equal_rows_in_order() {
    let mut session =
        session_after("CREATE TABLE log (line TEXT); INSERT INTO log VALUES ('x'), ('y'), ('x');");
    check(&mut session, "SELECT line FROM log", "x\ny\nx");
    check(&mut session, "DELETE FROM log WHERE line = 'y'", "1");
    run(&mut session, "INSERT INTO log VALUES ('z')");
    check(&mut session, "SELECT line FROM log", "x\nx\nz");
}

#[test]
fn insert_reads_the_table_it_writes_to_once() {
    let mut session = session_after("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1), (2);");
    check(&mut session, "INSERT INTO t SELECT x + 10 FROM t", "2");
    check(&mut session, "SELECT count(*) FROM t", "4");
}

const MEMORY_BYTES: u64 = 1 << 20;

fn bulk(session: &Session, table: &str, columns: &[&str], rows: Vec<Vec<Value>>) -> Inserted {
    let rows = rows.into_iter().map(Ok);
    session
        .engine()
        .bulk_insert(table, columns, rows, MEMORY_BYTES)
}

type Inserted = Result<u64, SqlError>;

#[test]
fn bulk_insert_casts_and_is_whole_or_nothing() {
    let mut session = session_after(STOCK);
    let rows =
        (0..2_500).map(|n| vec![Value::from(format!("item {n}")), Value::from(n.to_string())]);
    let inserted = bulk(&session, "stock", &["item", "count"], rows.collect());
    assert_eq!(inserted.unwrap(), 2_500);
    check(
        &mut session,
        "SELECT count FROM stock WHERE item = 'item 2499'",
        "2499",
    );
    let before = answer(&mut session, "SELECT count(*) FROM stock", &[]);
    let again = |n: i32| vec![Value::from(format!("again {n}"))];
    for (rows, key) in [
        (
            (0..1_500).map(|n| again(n % 1_499)).collect::<Vec<_>>(),
            "again 0",
        ),
        (vec![again(1), vec![Value::from("item 7")]], "item 7"),
    ] {
        let error = bulk(&session, "stock", &["item"], rows).unwrap_err();
        assert_eq!(error.state().code(), "23505", "{error}");
        let hint = format!("key (item)=({key}) already exists");
        assert_eq!(error.hint(), Some(hint.as_str()));
        assert_eq!(
            answer(&mut session, "SELECT count(*) FROM stock", &[]),
            before
        );
    }
    let failing = (0..500).map(|n| match n {
        499 => Err(SqlError::from(drystone_mvcc::StoreError::Closed)),
        n => Ok(again(n)),
    });
    let engine = session.engine().clone();
    let error = engine.bulk_insert("stock", &["item"], failing, MEMORY_BYTES);
    assert!(error.is_err());
    assert_eq!(
        answer(&mut session, "SELECT count(*) FROM stock", &[]),
        before
    );
}

/// Rows, indexes of both kinds and row numbers are what INSERT would have made of them.
#[test]
fn bulk_insert_keeps_every_index() {
    let mut session = session_after(
        "CREATE TABLE t (a INTEGER, b TEXT, c INTEGER DEFAULT 7, UNIQUE (a, b));
         CREATE INDEX t_b ON t (b);
         INSERT INTO t VALUES (-1, 'first', 1);",
    );
    let row = |n: i32| {
        let b = match n % 10 {
            0 => Value::Null,
            _ => Value::from(format!("b{}", n % 7)),
        };
        vec![b, Value::from(n / 2)]
    };
    // One in memory, one that is staged.
    for range in [0..30, 100..3_000] {
        let rows: Vec<_> = range
            .filter(|n| n % 2 == 0 || n % 10 == 5)
            .map(row)
            .collect();
        let count = rows.len() as u64;
        assert_eq!(bulk(&session, "t", &["b", "a"], rows).unwrap(), count);
    }
    run(&mut session, "INSERT INTO t VALUES (-2, 'last', 1)");
    assert_eq!(session.engine().verify_indexes().unwrap(), [""; 0]);
    let rows = (0..30).chain(100..3_000);
    let rows = rows.filter(|n| (n % 2 == 0 || n % 10 == 5) && n % 10 != 0 && n % 7 == 3);
    let expected = rows.count().to_string();
    let query = "SELECT count(*) FROM t WHERE b = 'b3' AND c = 7";
    check(&mut session, query, &expected);
    let known = vec![row(102), row(10_002)];
    let error = bulk(&session, "t", &["b", "a"], known).unwrap_err();
    assert_eq!(
        error.message(),
        "duplicate key value violates unique constraint \"t_a_b_key\""
    );
    assert_eq!(error.hint(), Some("key (a, b)=(51, b4) already exists"));
    let null_twice = vec![row(20_000), row(20_000)];
    assert_eq!(bulk(&session, "t", &["b", "a"], null_twice).unwrap(), 2);
}

#[test]
fn bulk_insert_finds_vectors_through_their_index() {
    let mut session = session_after(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v VECTOR(2));
         CREATE INDEX near ON t USING hnsw (v);",
    );
    let row = |n: i32| vec![Value::from(n), Value::from(format!("[{n},1]"))];
    let rows = (0..500).map(row).collect();
    assert_eq!(bulk(&session, "t", &["id", "v"], rows).unwrap(), 500);
    check(
        &mut session,
        "SELECT id FROM t ORDER BY v <-> '[123.2,1]' LIMIT 1",
        "123",
    );
    let error = bulk(&session, "t", &["id", "v"], vec![row(500), row(3)]).unwrap_err();
    assert_eq!(error.state().code(), "23505");
    check(&mut session, "SELECT count(*) FROM t", "500");
}

#[test]
fn bulk_insert_fails_where_the_table_changes_meanwhile() {
    let mut session = session_after(STOCK);
    let engine = session.engine().clone();
    let mut other = engine.session();
    let rows = (0..10).map(|n| {
        if n == 5 {
            run(&mut other, "CREATE INDEX stock_count ON stock (count)");
        }
        Ok::<_, SqlError>(vec![Value::from(format!("item {n}"))])
    });
    let error = engine
        .bulk_insert("stock", &["item"], rows, MEMORY_BYTES)
        .unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(engine.verify_indexes().unwrap(), [""; 0]);
    check(
        &mut session,
        "SELECT count(*) FROM stock WHERE item LIKE 'item%'",
        "0",
    );
}

#[test]
fn bulk_insert_of_nothing_needs_the_same_names_as_that_of_rows() {
    let session = session_after(STOCK);
    let code = |table: &str, columns: &[&str], count: usize| {
        let rows = vec![vec![Value::from("1"); columns.len()]; count];
        let inserted = bulk(&session, table, columns, rows);
        inserted.map_err(|error| (error.state().code(), error.message().to_owned()))
    };
    assert_eq!(code("stock", &["item"], 0), Ok(0));
    for (table, columns) in [("stok", ["item"]), ("stock", ["itme"])] {
        let refused = code(table, &columns, 1);
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(code(table, &columns, 0), refused);
    }
}

#[test]
fn defaults_may_be_volatile() {
    let mut session = session();
    run(
        &mut session,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TIMESTAMP DEFAULT now(), r DOUBLE PRECISION DEFAULT random())",
    );
    run(&mut session, "INSERT INTO t (id) VALUES (1), (2)");
    check(
        &mut session,
        "SELECT count(DISTINCT at), count(DISTINCT r) FROM t",
        "1|2",
    );
}

/// The key that ON CONFLICT names decides first, as in PostgreSQL: a row that is left out breaks no other key.
#[test]
fn a_row_that_is_left_out_breaks_no_other_key() {
    let mut session = session_after(
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE, n INTEGER);
         INSERT INTO t VALUES (1, 'x', 0), (2, 'y', 0);",
    );
    for (text, expected) in [
        (
            "INSERT INTO t VALUES (1, 'y', 9) ON CONFLICT (b) DO NOTHING",
            "0",
        ),
        (
            "INSERT INTO t VALUES (1, 'y', 9) ON CONFLICT (a) DO NOTHING",
            "0",
        ),
        (
            "INSERT INTO t VALUES (1, 'y', 9) ON CONFLICT (b) DO UPDATE SET n = excluded.n",
            "1",
        ),
    ] {
        check(&mut session, text, expected);
    }
    check(
        &mut session,
        "SELECT a, b, n FROM t ORDER BY a",
        "1|x|0\n2|y|9",
    );
    check_error(
        &mut session,
        "INSERT INTO t VALUES (1, 'z', 9) ON CONFLICT (b) DO NOTHING",
        "23505",
        "duplicate key value violates unique constraint \"t_pkey\"; key (a)=(1) already exists",
    );
    check_error(
        &mut session,
        "INSERT INTO t VALUES (1, 'y', 9) ON CONFLICT (b) DO UPDATE SET b = 'x'",
        "23505",
        "duplicate key value violates unique constraint \"t_b_key\"; key (b)=(x) already exists",
    );
}
