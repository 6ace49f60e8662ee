//! The thin line from end to end.

use drystone_base::Env;
use drystone_record::Value;

use crate::support::{check, check_error, check_with, open, run, session, session_after};

const CITIES: &str = "
    CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT NOT NULL, population BIGINT);
    INSERT INTO cities VALUES (1, 'Oslo', 700000), (2, 'Bergen', 280000), (3, 'Voss', NULL);
";

#[test]
fn a_row_is_found_by_its_key() {
    let mut session = session_after(CITIES);
    check(
        &mut session,
        "SELECT * FROM cities WHERE id = 2",
        "2|Bergen|280000",
    );
    check_with(
        &mut session,
        "SELECT name FROM cities WHERE id = $1",
        &[Value::Integer(3)],
        "Voss",
    );
    check(&mut session, "SELECT name FROM cities WHERE id = 9", "");
}

#[test]
fn rows_survive_a_reopening() {
    let env = Env::memory(1);
    let engine = open(&env);
    run(&mut engine.session(), CITIES);
    drop(engine);
    let engine = open(&env);
    check(
        &mut engine.session(),
        "SELECT name FROM cities ORDER BY name",
        "Bergen\nOslo\nVoss",
    );
}

#[test]
fn a_transaction_is_rolled_back() {
    let mut session = session_after(CITIES);
    run(
        &mut session,
        "BEGIN; UPDATE cities SET population = 0; DELETE FROM cities WHERE id = 1;",
    );
    check(
        &mut session,
        "SELECT count(*), sum(population) FROM cities",
        "2|0",
    );
    run(&mut session, "ROLLBACK");
    check(
        &mut session,
        "SELECT count(*), sum(population) FROM cities",
        "3|980000",
    );
}

#[test]
fn select_without_from() {
    check(
        &mut session(),
        "SELECT 1 + 1, 'a' || 'b', NULL IS NULL",
        "2|ab|t",
    );
}

#[test]
fn a_table_may_have_no_columns() {
    let mut session = session();
    run(
        &mut session,
        "CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES",
    );
    check(&mut session, "SELECT count(*) FROM nothing", "2");
    let rows = session.query("SELECT * FROM nothing", &[]).unwrap();
    assert_eq!(rows.columns().len(), 0);
    assert_eq!(rows.count(), 2);
    check_error(
        &mut session,
        "SELECT *",
        "42601",
        "SELECT * with no tables specified is not valid (line 1, column 8)",
    );
}
