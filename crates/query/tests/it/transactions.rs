//! Transactions in SQL: savepoints, failed statements, snapshots.

use drystone_mvcc::{Durability, IsolationLevel};

use crate::support::{answer, check, check_error, run, session_after};

const TABLE: &str =
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER); INSERT INTO t VALUES (1, 10), (2, 20);";

#[test]
fn a_failed_statement_leaves_the_transaction_usable() {
    let mut session = session_after(TABLE);
    run(&mut session, "BEGIN; INSERT INTO t VALUES (3, 30);");
    check_error(
        &mut session,
        "INSERT INTO t VALUES (4, 40), (1, 0)",
        "23505",
        "duplicate key value violates unique constraint \"t_pkey\"; key (id)=(1) already exists",
    );
    check(&mut session, "SELECT id FROM t ORDER BY id", "1\n2\n3");
    run(&mut session, "COMMIT");
    check(&mut session, "SELECT id FROM t ORDER BY id", "1\n2\n3");
}

#[test]
fn savepoints_nest() {
    let mut session = session_after(TABLE);
    run(
        &mut session,
        "BEGIN; SAVEPOINT a; UPDATE t SET v = 11 WHERE id = 1; SAVEPOINT b; DELETE FROM t; ROLLBACK TO b;",
    );
    check(&mut session, "SELECT v FROM t ORDER BY id", "11\n20");
    run(
        &mut session,
        "RELEASE SAVEPOINT b; ROLLBACK TO SAVEPOINT a;",
    );
    check(&mut session, "SELECT v FROM t ORDER BY id", "10\n20");
    check_error(
        &mut session,
        "ROLLBACK TO b",
        "3B001",
        "savepoint \"b\" does not exist",
    );
    run(&mut session, "COMMIT");
    check(&mut session, "SELECT v FROM t ORDER BY id", "10\n20");
}

#[test]
fn a_transaction_reads_one_state() {
    let mut session = session_after(TABLE);
    let mut other = session.engine().session();
    run(&mut session, "BEGIN");
    check(&mut session, "SELECT sum(v) FROM t", "30");
    run(&mut other, "UPDATE t SET v = 0");
    check(&mut session, "SELECT sum(v) FROM t", "30");
    run(&mut session, "COMMIT");
    check(&mut session, "SELECT sum(v) FROM t", "0");
}

#[test]
fn of_two_writers_of_a_row_the_first_commits() {
    let mut session = session_after(TABLE);
    let mut other = session.engine().session();
    run(&mut session, "BEGIN; UPDATE t SET v = v + 1 WHERE id = 1;");
    run(&mut other, "UPDATE t SET v = v + 5 WHERE id = 1");
    check_error(
        &mut session,
        "COMMIT",
        "40001",
        "could not serialize access due to concurrent update",
    );
    assert!(!session.in_transaction());
    check(&mut session, "SELECT v FROM t WHERE id = 1", "15");
}

#[test]
fn rows_of_a_query_are_those_of_its_start() {
    let mut session = session_after(TABLE);
    let mut rows = session.query("SELECT id FROM t ORDER BY id", &[]).unwrap();
    assert_eq!(rows.next().unwrap().unwrap().get::<i32>("id").unwrap(), 1);
    run(&mut session, "DELETE FROM t");
    assert_eq!(rows.next().unwrap().unwrap().get::<i32>(0).unwrap(), 2);
    assert!(rows.next().is_none());
}

#[test]
fn keys_and_rows_share_a_transaction_of_the_caller() {
    let mut session = session_after(TABLE);
    let engine = session.engine().clone();
    let mut transaction = engine
        .store()
        .begin(IsolationLevel::RepeatableRead)
        .unwrap();
    let notes = transaction.create_keyspace("notes").unwrap();
    transaction
        .put(notes, b"k".to_vec(), b"v".to_vec())
        .unwrap();
    engine
        .execute_in(&mut transaction, "INSERT INTO t VALUES (3, 30)", &[])
        .unwrap();
    assert!(
        engine
            .execute_in(&mut transaction, "INSERT INTO t VALUES (3, 30)", &[])
            .is_err()
    );
    assert!(engine.execute_in(&mut transaction, "COMMIT", &[]).is_err());
    assert_eq!(answer(&mut session, "SELECT count(*) FROM t", &[]), "2");
    transaction.commit(Durability::Sync).unwrap();
    assert_eq!(answer(&mut session, "SELECT count(*) FROM t", &[]), "3");
    assert!(engine.store().view().keyspace("notes").unwrap().is_some());
}

#[test]
fn read_only_transactions_refuse_to_write() {
    let mut session = session_after(TABLE);
    run(&mut session, "BEGIN READ ONLY");
    check_error(
        &mut session,
        "DELETE FROM t",
        "25006",
        "cannot write in a read-only transaction",
    );
    check(&mut session, "SELECT count(*) FROM t", "2");
    check_error(
        &mut session,
        "BEGIN",
        "25001",
        "there is already a transaction in progress",
    );
    check(&mut session, "ROLLBACK", "ROLLBACK");
}

#[test]
fn levels_that_are_not_there_are_refused() {
    let mut session = session_after(TABLE);
    check(
        &mut session,
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "BEGIN",
    );
    run(&mut session, "ROLLBACK");
    check_error(
        &mut session,
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "0A000",
        "isolation level ReadCommitted is not supported; REPEATABLE READ, which is snapshot isolation, is",
    );
}
