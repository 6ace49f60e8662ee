//! Sessions beside each other: rows and definitions that change under one another.

use crate::support::{answer, check, check_error, run, session, session_after};

const CONFLICT: &str = "could not serialize access due to concurrent update";

#[test]
fn two_inserts_of_one_unique_value_conflict() {
    let mut first = session_after("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE)");
    let mut second = first.engine().session();
    run(&mut first, "BEGIN; INSERT INTO t VALUES (1, 'x');");
    run(&mut second, "BEGIN; INSERT INTO t VALUES (2, 'x');");
    run(&mut first, "COMMIT");
    check_error(&mut second, "COMMIT", "40001", CONFLICT);
    check(&mut second, "SELECT id FROM t", "1");
}

#[test]
fn no_row_slips_past_a_new_index() {
    let mut writer = session_after("CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER)");
    let mut definer = writer.engine().session();
    run(&mut writer, "BEGIN; INSERT INTO t VALUES (1, 7);");
    run(&mut definer, "CREATE INDEX t_v ON t (v)");
    check_error(&mut writer, "COMMIT", "40001", CONFLICT);
    run(&mut definer, "BEGIN; CREATE INDEX t_v2 ON t (v);");
    run(&mut writer, "INSERT INTO t VALUES (2, 8)");
    check_error(&mut definer, "COMMIT", "40001", CONFLICT);
    check(&mut writer, "SELECT id FROM t WHERE v = 8", "2");
    assert!(definer.engine().verify_indexes().unwrap().is_empty());
}

#[test]
fn a_dropped_table_takes_no_rows() {
    let mut writer = session_after("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let mut definer = writer.engine().session();
    run(&mut writer, "BEGIN; INSERT INTO t VALUES (1);");
    run(
        &mut definer,
        "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY);",
    );
    check_error(&mut writer, "COMMIT", "40001", CONFLICT);
    check(&mut definer, "SELECT count(*) FROM t", "0");
}

#[test]
fn two_definitions_at_once_conflict() {
    let mut first = session();
    let mut second = first.engine().session();
    run(&mut first, "BEGIN; CREATE TABLE a (x INTEGER);");
    run(&mut second, "BEGIN; CREATE TABLE b (x TEXT);");
    run(&mut second, "ROLLBACK; BEGIN; CREATE TABLE a (y TEXT);");
    run(&mut first, "COMMIT");
    check(&mut second, "SELECT y FROM a", "");
    check_error(&mut second, "COMMIT", "40001", CONFLICT);
    check(&mut second, "SELECT x FROM a", "");
}

#[test]
fn counters_of_many_threads_lose_no_update() {
    let session = session_after(
        "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO counter VALUES (1, 0);",
    );
    let engine = session.engine().clone();
    let done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let mut session = engine.session();
                scope.spawn(move || {
                    let update = "UPDATE counter SET n = n + 1 WHERE id = 1";
                    (0..50)
                        .filter(|_| answer(&mut session, update, &[]) == "1")
                        .count()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum::<usize>()
    });
    check(
        &mut engine.session(),
        "SELECT n FROM counter",
        &done.to_string(),
    );
    assert!(done > 0);
}

#[test]
fn row_numbers_of_many_threads_never_repeat() {
    let session = session_after("CREATE TABLE log (line TEXT)");
    let engine = session.engine().clone();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut session = engine.session();
            scope.spawn(move || {
                for _ in 0..50 {
                    run(&mut session, "INSERT INTO log VALUES ('x')");
                }
            });
        }
    });
    check(&mut engine.session(), "SELECT count(*) FROM log", "200");
}
