//! SQL through the facade: sessions, one transaction over tables and keys, vectors by state, errors.

use std::collections::BTreeSet;

use drystone::{Database, ErrorKind, IsolationLevel, Outcome, Value};

/// A table with an index and a vector index that the crash and damage tests change: commit `n` inserts row `n`, changes
/// row `n - 1` and deletes row `n - 5`.
pub(crate) mod table {
    use drystone::{Database, Transaction, Value};

    type Checked = Result<(), Box<dyn std::error::Error + Send + Sync>>;

    pub(crate) fn create(db: &Database) {
        for sql in [
            "CREATE TABLE t (id BIGINT PRIMARY KEY, half BIGINT NOT NULL, text TEXT, place VECTOR(2))",
            "CREATE INDEX t_half ON t (half)",
            "CREATE INDEX t_place ON t USING hnsw (place) WITH (metric = 'l2')",
        ] {
            db.execute(sql, &[]).unwrap();
        }
    }

    pub(crate) fn change(tx: &mut Transaction, number: u64) {
        let id = i64::try_from(number).unwrap();
        let place = Value::from(format!("[{id}, {}]", id % 3));
        let insert = "INSERT INTO t VALUES ($1, $2, $3, $4)";
        tx.execute(
            insert,
            &[
                id.into(),
                (id / 2).into(),
                format!("row {id}").into(),
                place,
            ],
        )
        .unwrap();
        tx.execute(
            "UPDATE t SET half = -id, text = NULL WHERE id = $1",
            &[(id - 1).into()],
        )
        .unwrap();
        tx.execute("DELETE FROM t WHERE id = $1", &[(id - 5).into()])
            .unwrap();
    }

    /// The rows after commit `number`: id, half, and whether there is a text.
    fn expected(number: u64) -> Vec<(i64, i64, bool)> {
        let last = i64::try_from(number).unwrap();
        let first = (last - 4).max(1);
        (first..=last)
            .map(|id| {
                if id == last {
                    (id, id / 2, true)
                } else {
                    (id, -id, false)
                }
            })
            .collect()
    }

    /// The table shows the state of commit `number`, through its rows and through both indexes.
    pub(crate) fn check(db: &Database, number: u64) -> Checked {
        if db.tables()?.is_empty() {
            // The crash came before the table was made, so before the first commit.
            return if number == 0 {
                Ok(())
            } else {
                Err("the table is missing".into())
            };
        }
        let expected = expected(number);
        same(
            "rows",
            &rows(db, "SELECT id, half, text FROM t ORDER BY id", &[])?,
            &expected,
        )?;
        let by_index = rows(
            db,
            "SELECT id, half, text FROM t WHERE half BETWEEN -1000 AND 1000 ORDER BY id",
            &[],
        )?;
        same("rows by index", &by_index, &expected)?;
        let nearest = "SELECT id, half, text FROM t ORDER BY place <-> $1 LIMIT 10";
        let mut by_place = rows(db, nearest, &["[0, 0]".into()])?;
        by_place.sort_unstable();
        // The vector index may not be there yet when a crash came between the statements that make the table.
        same("rows by place", &by_place, &expected)
    }

    fn same(what: &str, found: &[(i64, i64, bool)], expected: &[(i64, i64, bool)]) -> Checked {
        if found == expected {
            return Ok(());
        }
        Err(format!("{what}: expected {expected:?}, found {found:?}").into())
    }

    fn rows(
        db: &Database,
        sql: &str,
        parameters: &[Value],
    ) -> drystone::Result<Vec<(i64, i64, bool)>> {
        let mut rows = Vec::new();
        for row in db.query(sql, parameters)? {
            let row = row?;
            rows.push((
                row.get("id")?,
                row.get("half")?,
                row.get::<Option<String>>("text")?.is_some(),
            ));
        }
        Ok(rows)
    }
}

fn numbers(db: &Database, sql: &str) -> Vec<i64> {
    db.query(sql, &[])
        .unwrap()
        .map(|row| row.unwrap().get(0).unwrap())
        .collect()
}

fn with_table() -> Database {
    let db = Database::in_memory().unwrap();
    db.execute(
        "CREATE TABLE t (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)",
        &[],
    )
    .unwrap();
    db.execute("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)", &[])
        .unwrap();
    db
}

#[test]
fn one_transaction_spans_tables_and_keys() {
    let db = with_table();
    let keys = db.keyspace("keys").unwrap();
    let mut tx = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    tx.put(&keys, "sum", "60").unwrap();
    assert_eq!(
        tx.execute("DELETE FROM t WHERE id > $1", &[1i64.into()])
            .unwrap(),
        2
    );
    assert_eq!(
        tx.query("SELECT count(*) FROM t", &[])
            .unwrap()
            .one()
            .unwrap()
            .get::<i64>(0)
            .unwrap(),
        1
    );
    assert_eq!(numbers(&db, "SELECT id FROM t ORDER BY id"), [1, 2, 3]);
    assert_eq!(keys.get("sum").unwrap(), None);
    tx.commit().unwrap();
    assert_eq!(numbers(&db, "SELECT id FROM t"), [1]);
    assert_eq!(keys.get("sum").unwrap().unwrap(), "60");
}

#[test]
fn sessions_have_transactions_of_their_own() {
    let db = with_table();
    let mut session = db.session();
    session.execute("BEGIN", &[]).unwrap();
    assert!(matches!(
        session.execute("UPDATE t SET n = n + 1", &[]).unwrap(),
        Outcome::Affected(3)
    ));
    session.execute("SAVEPOINT s", &[]).unwrap();
    session.execute("DELETE FROM t", &[]).unwrap();
    session.execute("ROLLBACK TO s", &[]).unwrap();
    assert_eq!(numbers(&db, "SELECT sum(n) FROM t"), [60]);
    session.execute("COMMIT", &[]).unwrap();
    assert_eq!(numbers(&db, "SELECT sum(n) FROM t"), [63]);
}

#[test]
fn a_failed_statement_leaves_nothing_and_the_transaction_usable() {
    let db = with_table();
    let mut tx = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    let error = tx
        .execute("INSERT INTO t VALUES (7, 70), (8, 80), (1, 10)", &[])
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.as_sql().unwrap().state().code(), "23505");
    tx.execute("INSERT INTO t VALUES (9, 90)", &[]).unwrap();
    tx.commit().unwrap();
    assert_eq!(numbers(&db, "SELECT id FROM t ORDER BY id"), [1, 2, 3, 9]);
}

#[test]
fn prepared_statements_survive_changes_of_the_table() {
    let db = with_table();
    let select = db.prepare("SELECT n FROM t WHERE id = $1").unwrap();
    let get = |id: i64| -> i64 {
        db.query_prepared(&select, &[id.into()])
            .unwrap()
            .one()
            .unwrap()
            .get("n")
            .unwrap()
    };
    assert_eq!(get(2), 20);
    db.execute("DROP TABLE t", &[]).unwrap();
    assert!(db.query_prepared(&select, &[2i64.into()]).is_err());
    db.execute("CREATE TABLE t (n BIGINT, id BIGINT PRIMARY KEY)", &[])
        .unwrap();
    db.execute("INSERT INTO t (id, n) VALUES (2, 22)", &[])
        .unwrap();
    assert_eq!(get(2), 22);
}

#[test]
fn a_search_sees_its_own_state_only() {
    let db = Database::in_memory().unwrap();
    db.execute(
        "CREATE TABLE v (id BIGINT PRIMARY KEY, place VECTOR(2))",
        &[],
    )
    .unwrap();
    db.execute(
        "CREATE INDEX v_place ON v USING hnsw (place) WITH (metric = 'l2')",
        &[],
    )
    .unwrap();
    for id in 1..=50i64 {
        db.execute(
            "INSERT INTO v VALUES ($1, $2)",
            &[id.into(), format!("[{id}, 0]").into()],
        )
        .unwrap();
    }
    db.flush().unwrap();
    let nearest = "SELECT id FROM v ORDER BY place <-> '[0, 0]' LIMIT 3";
    let mut old = db.session();
    old.execute("BEGIN", &[]).unwrap();
    assert_eq!(ids(old.query(nearest, &[]).unwrap()), [1, 2, 3]);
    let mut writer = db.session();
    writer.execute("BEGIN", &[]).unwrap();
    writer
        .execute("INSERT INTO v VALUES (100, '[0, 0]')", &[])
        .unwrap();
    writer.execute("DELETE FROM v WHERE id = 2", &[]).unwrap();
    assert_eq!(ids(writer.query(nearest, &[]).unwrap()), [100, 1, 3]);
    assert_eq!(numbers(&db, nearest), [1, 2, 3]);
    writer.execute("COMMIT", &[]).unwrap();
    db.flush().unwrap();
    assert_eq!(numbers(&db, nearest), [100, 1, 3]);
    assert_eq!(ids(old.query(nearest, &[]).unwrap()), [1, 2, 3]);
    let filtered = "SELECT id FROM v WHERE id > 40 ORDER BY place <-> '[0, 0]' LIMIT 3";
    assert_eq!(numbers(&db, filtered), [100, 41, 42]);
}

fn ids(rows: drystone::Rows) -> Vec<i64> {
    rows.map(|row| row.unwrap().get("id").unwrap()).collect()
}

#[test]
fn errors_say_where_and_what_was_meant() {
    let db = with_table();
    db.execute("CREATE TABLE people (id BIGINT, name TEXT)", &[])
        .unwrap();
    let error = db
        .query("SELECT id,\n       naem FROM people", &[])
        .unwrap_err();
    let sql = error.as_sql().unwrap();
    let position = sql.position().unwrap();
    assert_eq!(
        (position.line, position.column, position.offset),
        (2, 8, 18)
    );
    assert_eq!(sql.state().code(), "42703");
    assert!(error.report().contains("\"name\""), "{}", error.report());
    for (text, state) in [
        ("SELEC 1", "42601"),
        ("SELECT * FROM tt", "42P01"),
        ("SELECT lenght('a')", "42883"),
        ("SELECT 1 + 'a'", "22P02"),
        ("SELECT 1 / 0", "22012"),
        ("INSERT INTO t VALUES (4, NULL)", "23502"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "0A000"),
    ] {
        let mut session = db.session();
        let error = session
            .query(text, &[])
            .and_then(|rows| rows.collect::<Result<Vec<_>, _>>())
            .unwrap_err();
        assert_eq!(error.state().code(), state, "{text}: {error}");
    }
}

#[test]
fn bulk_inserts_keep_constraints_and_indexes() {
    let db = with_table();
    db.execute("CREATE INDEX t_n ON t (n)", &[]).unwrap();
    let rows = (100..25_100i64).map(|id| vec![Value::from(id), Value::from(id % 100)]);
    assert_eq!(db.bulk_insert("t", &["id", "n"], rows).unwrap(), 25_000);
    assert_eq!(numbers(&db, "SELECT count(*) FROM t WHERE n = 42"), [250]);
    let again = db
        .bulk_insert(
            "t",
            &["id", "n"],
            [vec![Value::from(1i64), Value::from(1i64)]],
        )
        .unwrap_err();
    assert_eq!(again.as_sql().unwrap().state().code(), "23505");
    let half: Result<u64, drystone::Error> = db.try_bulk_insert(
        "t",
        &["id", "n"],
        (0..3_000i64).map(|number| match number {
            2_999 => Err(db.keyspace("@not allowed").unwrap_err()),
            number => Ok(vec![Value::from(50_000 + number), Value::from(1i64)]),
        }),
    );
    assert_eq!(half.unwrap_err().kind(), drystone::ErrorKind::Invalid);
    assert_eq!(
        numbers(&db, "SELECT count(*) FROM t WHERE id >= 50000"),
        [0]
    );
    let names: BTreeSet<String> = db
        .tables()
        .unwrap()
        .iter()
        .map(|table| table.name().to_owned())
        .collect();
    assert_eq!(names, BTreeSet::from(["t".to_owned()]));
    assert!(db.verify().unwrap().is_sound());
}

#[cfg(feature = "serde")]
#[test]
fn rows_become_types_of_your_own() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Stone {
        id: i64,
        name: Option<String>,
        look: Vec<f32>,
        facts: Facts,
    }
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Facts {
        hard: bool,
    }
    let db = Database::in_memory().unwrap();
    db.execute(
        "CREATE TABLE stones (id BIGINT, name TEXT, look VECTOR(2), facts JSONB)",
        &[],
    )
    .unwrap();
    db.execute(
        "INSERT INTO stones VALUES (1, NULL, '[1, 2]', '{\"hard\": true}')",
        &[],
    )
    .unwrap();
    let row = db
        .query("SELECT * FROM stones", &[])
        .unwrap()
        .one()
        .unwrap();
    let expected = Stone {
        id: 1,
        name: None,
        look: vec![1.0, 2.0],
        facts: Facts { hard: true },
    };
    assert_eq!(row.into_type::<Stone>().unwrap(), expected);
    let row = db
        .query("SELECT id, 'x' FROM stones", &[])
        .unwrap()
        .one()
        .unwrap();
    assert_eq!(
        row.into_type::<(i64, String)>().unwrap(),
        (1, "x".to_owned())
    );
    assert!(row.into_type::<Stone>().is_err());
    let row = db
        .query("SELECT id FROM stones", &[])
        .unwrap()
        .one()
        .unwrap();
    assert_eq!(row.into_type::<i64>().unwrap(), 1);
}
