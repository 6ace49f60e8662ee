//! Tables and indexes: made, dropped, named, and part of their transaction.

use drystone_base::Env;

use crate::support::{check, check_error, open, run, session, session_after};

#[test]
fn tables_come_and_go() {
    let mut session = session();
    check(&mut session, "CREATE TABLE t (a INTEGER)", "CREATE TABLE");
    check(
        &mut session,
        "CREATE TABLE IF NOT EXISTS t (b TEXT)",
        "CREATE TABLE",
    );
    check_error(
        &mut session,
        "CREATE TABLE t (a INTEGER)",
        "42P07",
        "relation \"t\" already exists (line 1, column 14)",
    );
    check(&mut session, "DROP TABLE t", "DROP TABLE");
    check(&mut session, "DROP TABLE IF EXISTS t", "DROP TABLE");
    check(&mut session, "CREATE TABLE t (b TEXT)", "CREATE TABLE");
    check(&mut session, "SELECT count(*) FROM t", "0");
}

#[test]
fn every_type_is_stored_and_read_back() {
    let mut session = session_after(
        "CREATE TABLE t (a BOOLEAN, b INTEGER, c BIGINT, d DOUBLE PRECISION, e TEXT, f BYTEA, g TIMESTAMP, h JSONB, i VECTOR(3));
         INSERT INTO t VALUES (true, -1, 9223372036854775807, 1e-3, 'æ', '\\xDEAD', '2026-11-20 10:11:12.5', '{\"k\": null}', '[1,2.5,-3]'),
                              (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);",
    );
    check(
        &mut session,
        "SELECT * FROM t",
        "t|-1|9223372036854775807|0.001|æ|\\xdead|2026-11-20 10:11:12.5|{\"k\": null}|[1,2.5,-3]
         NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
    );
}

#[test]
fn composite_keys_order_and_restrict() {
    let mut session = session_after(
        "CREATE TABLE t (a TEXT, b INTEGER, v INTEGER, PRIMARY KEY (a, b), UNIQUE (v, b));
         INSERT INTO t VALUES ('x', 2, 1), ('x', 1, 2), ('w', 9, 3);",
    );
    check(&mut session, "SELECT a, b FROM t", "w|9\nx|1\nx|2");
    check_error(
        &mut session,
        "INSERT INTO t VALUES ('x', 2, 8)",
        "23505",
        "duplicate key value violates unique constraint \"t_pkey\"; key (a, b)=(x, 2) already exists",
    );
    check_error(
        &mut session,
        "INSERT INTO t VALUES ('y', 9, 3)",
        "23505",
        "duplicate key value violates unique constraint \"t_v_b_key\"; key (v, b)=(3, 9) already exists",
    );
    check_error(
        &mut session,
        "INSERT INTO t (a) VALUES ('x')",
        "23502",
        "null value in column \"b\" of relation \"t\" violates not-null constraint",
    );
}

#[test]
fn indexes_come_and_go() {
    let mut session = session_after(
        "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (1, 'y');",
    );
    check(&mut session, "CREATE INDEX ON t (a, b)", "CREATE INDEX");
    check(
        &mut session,
        "CREATE INDEX IF NOT EXISTS t_a_b_idx ON t (b)",
        "CREATE INDEX",
    );
    check_error(
        &mut session,
        "CREATE UNIQUE INDEX t_a ON t (a)",
        "23505",
        "could not create unique index \"t_a\"; key (a)=(1) is duplicated",
    );
    check(
        &mut session,
        "CREATE UNIQUE INDEX t_b ON t USING btree (b)",
        "CREATE INDEX",
    );
    check_error(
        &mut session,
        "INSERT INTO t VALUES (2, 'y')",
        "23505",
        "duplicate key value violates unique constraint \"t_b\"; key (b)=(y) already exists",
    );
    check(&mut session, "DROP INDEX t_b", "DROP INDEX");
    check(&mut session, "INSERT INTO t VALUES (2, 'y')", "1");
    check_error(
        &mut session,
        "DROP INDEX t_b",
        "42704",
        "index \"t_b\" does not exist (line 1, column 12)",
    );
    check(&mut session, "DROP INDEX IF EXISTS t_b", "DROP INDEX");
}

#[test]
fn the_index_of_a_constraint_goes_with_its_table_only() {
    let mut session = session_after("CREATE TABLE t (a INTEGER UNIQUE)");
    check_error(
        &mut session,
        "DROP INDEX t_a_key",
        "55006",
        "cannot drop index \"t_a_key\" because a UNIQUE constraint on table \"t\" requires it (line 1, column 12)",
    );
}

#[test]
fn ddl_is_part_of_its_transaction() {
    let mut session = session();
    run(
        &mut session,
        "BEGIN; CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1);",
    );
    check(&mut session, "SELECT a FROM t", "1");
    run(&mut session, "ROLLBACK");
    check_error(
        &mut session,
        "SELECT a FROM t",
        "42P01",
        "relation \"t\" does not exist (line 1, column 15)",
    );
    run(
        &mut session,
        "BEGIN; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'); CREATE INDEX i ON t (a); COMMIT;",
    );
    check(&mut session, "SELECT a FROM t WHERE a = 'x'", "x");
    run(&mut session, "BEGIN; DROP TABLE t; ROLLBACK;");
    check(&mut session, "SELECT a FROM t", "x");
}

#[test]
fn the_catalog_survives_a_reopening() {
    let env = Env::memory(3);
    let engine = open(&env);
    run(
        &mut engine.session(),
        "CREATE TABLE \"Odd name\" (id BIGINT PRIMARY KEY, v VECTOR(2), s TEXT DEFAULT 'none' UNIQUE);
         CREATE INDEX near ON \"Odd name\" USING hnsw (v vector_ip_ops) WITH (m = 8, ef_construction = 40);
         INSERT INTO \"Odd name\" (id, v) VALUES (1, '[1,2]');",
    );
    let before = engine.tables().unwrap()[0].to_sql();
    engine.store().flush().unwrap();
    drop(engine);
    let engine = open(&env);
    assert_eq!(engine.tables().unwrap()[0].to_sql(), before);
    check(
        &mut engine.session(),
        "SELECT id, s FROM \"Odd name\" ORDER BY v <#> '[1,0]' LIMIT 1",
        "1|none",
    );
}
