//! Errors: SQLSTATE, message, place and the name that was probably meant.

use crate::support::{check, check_error, error, session_after};

const TABLE: &str = "CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT, at TIMESTAMP, place VECTOR(2)); INSERT INTO cities VALUES (1, 'Oslo');";

#[test]
fn messages_say_where_and_what_was_meant() {
    let cases = [
        (
            "SELECT naem FROM cities",
            "42703",
            "column \"naem\" does not exist (line 1, column 8); did you mean \"name\"?",
        ),
        (
            "SELECT c.naem FROM cities c",
            "42703",
            "column c.naem does not exist (line 1, column 10); did you mean \"name\"?",
        ),
        (
            "SELECT name\nFROM citeis",
            "42P01",
            "relation \"citeis\" does not exist (line 2, column 6); did you mean \"cities\"?",
        ),
        (
            "SELECT citiez.id FROM cities",
            "42P01",
            "missing FROM-clause entry for table \"citiez\" (line 1, column 8); did you mean \"cities\"?",
        ),
        (
            "INSERT INTO cities (nam) VALUES (1)",
            "42703",
            "column \"nam\" of relation \"cities\" does not exist (line 1, column 21); did you mean \"name\"?",
        ),
        (
            "SELECT 1 +",
            "42601",
            "syntax error: Expected: an expression, found: EOF (line 1, column 11)",
        ),
        (
            "SELEC 1",
            "42601",
            "syntax error: Expected: an SQL statement, found: SELEC (line 1, column 1)",
        ),
        (
            "SELECT 'abc",
            "42601",
            "Unterminated string literal (line 1, column 8)",
        ),
        (
            "SELECT 1 SELECT 2",
            "42601",
            "syntax error at or near \"SELECT\" (line 1, column 10); expected the end of the statement",
        ),
        (
            "SELECT id + true FROM cities",
            "42883",
            "operator does not exist: integer + boolean (line 1, column 8)",
        ),
        (
            "SELECT id FROM cities WHERE name",
            "42804",
            "argument of WHERE must be type boolean, not type text (line 1, column 29)",
        ),
        (
            "SELECT id FROM cities WHERE id = 'x'",
            "22P02",
            "invalid input syntax for type integer: \"x\", at byte 0: expected a whole number (line 1, column 29)",
        ),
        (
            "SELECT name, count(*) FROM cities",
            "42803",
            "column \"cities.name\" must appear in the GROUP BY clause or be used in an aggregate function (line 1, column 8)",
        ),
        (
            "SELECT id FROM cities WHERE count(*) > 1",
            "42803",
            "aggregate functions are not allowed in WHERE (line 1, column 29)",
        ),
        (
            "SELECT id FROM cities, cities b WHERE id = 1",
            "42702",
            "column reference \"id\" is ambiguous (line 1, column 39); write the table's name before it, as in t.x",
        ),
        (
            "SELECT 1 FROM cities, cities",
            "42712",
            "table name \"cities\" specified more than once (line 1, column 23)",
        ),
        (
            "SELECT id FROM cities ORDER BY 2",
            "42P10",
            "ORDER BY position 2 is not in select list (line 1, column 32)",
        ),
        ("SELECT 1 / 0", "22012", "division by zero"),
        ("SELECT 2147483647 + 1", "22003", "integer out of range"),
        (
            "SELECT $2 + 1",
            "42P18",
            "could not determine data type of parameter $1; cast it, as in $1::integer",
        ),
        (
            "SELECT place FROM cities ORDER BY place",
            "42883",
            "could not identify an ordering operator for type vector(2) (line 1, column 35)",
        ),
        (
            "SELECT id FROM cities LIMIT -1",
            "2201W",
            "LIMIT must not be negative",
        ),
        (
            "SELECT id FROM cities LIMIT id",
            "42703",
            "column \"id\" does not exist (line 1, column 29)",
        ),
        (
            "INSERT INTO cities VALUES (1, 2, 3, 4, 5)",
            "42601",
            "INSERT has more expressions than target columns (line 1, column 40)",
        ),
        (
            "INSERT INTO cities (id, name) VALUES (7)",
            "42601",
            "INSERT has more target columns than expressions (line 1, column 39)",
        ),
        (
            "UPDATE cities SET id = true",
            "42804",
            "column \"id\" is of type integer but expression is of type boolean (line 1, column 24); you will need to rewrite or cast the expression",
        ),
        (
            "CREATE TABLE t (a INTEGER, a TEXT)",
            "42701",
            "column \"a\" specified more than once (line 1, column 28)",
        ),
        (
            "CREATE TABLE t (a INTEGER PRIMARY KEY, PRIMARY KEY (a))",
            "42P16",
            "multiple primary keys are not allowed (line 1, column 14)",
        ),
        (
            "CREATE TABLE t (a JSONB PRIMARY KEY)",
            "42704",
            "data type jsonb has no order, so it cannot be in a key (line 1, column 17); an index USING hnsw takes a vector",
        ),
        (
            "CREATE INDEX i ON cities USING hnsw (name)",
            "42809",
            "an hnsw index needs a vector column, not one of type text (line 1, column 38)",
        ),
        (
            "CREATE INDEX i ON cities USING hnsw (place) WITH (metrik = 'l2')",
            "22023",
            "unrecognized parameter \"metrik\" (line 1, column 51); did you mean \"metric\"?",
        ),
        (
            "DROP TABLE citys",
            "42P01",
            "table \"citys\" does not exist (line 1, column 12); did you mean \"cities\"?",
        ),
        (
            "ROLLBACK TO nowhere",
            "25P01",
            "there is no transaction in progress",
        ),
        ("COMMIT", "25P01", "there is no transaction in progress"),
    ];
    let mut session = session_after(TABLE);
    for (text, state, expected) in cases {
        check_error(&mut session, text, state, expected);
    }
    check(&mut session, "SELECT count(*) FROM cities", "1");
}

#[test]
fn syntax_that_is_not_offered_is_refused_by_name() {
    let refused = [
        "SELECT id FROM cities FOR UPDATE",
        "SELECT DISTINCT ON (id) id FROM cities",
        "SELECT sum(id) OVER () FROM cities",
        "SELECT id FROM cities TABLESAMPLE SYSTEM (10)",
        "WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r",
        "SELECT id FROM cities FULL JOIN cities b ON true",
        "SELECT * FROM cities, LATERAL (SELECT 1) x",
        "SELECT id INTO t FROM cities",
        "SELECT id FROM cities GROUP BY ROLLUP (id)",
        "SELECT string_agg(name, ',' ORDER BY name) FROM cities",
        "SELECT id FROM cities FETCH FIRST 1 ROWS WITH TIES",
        "SELECT name COLLATE \"C\" FROM cities",
        "SELECT ARRAY[1, 2]",
        "SELECT INTERVAL '1 day'",
        "CREATE TEMPORARY TABLE t (a INTEGER)",
        "CREATE TABLE t AS SELECT 1",
        "CREATE TABLE t (a INTEGER CHECK (a > 0))",
        "CREATE TABLE t (a INTEGER REFERENCES cities (id))",
        "CREATE TABLE t (a INTEGER, FOREIGN KEY (a) REFERENCES cities (id))",
        "CREATE TABLE t (a INTEGER GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE t (a VARCHAR(10))",
        "CREATE TABLE t (a NUMERIC)",
        "CREATE TABLE t (a INTEGER) PARTITION BY RANGE (a)",
        "CREATE INDEX CONCURRENTLY i ON cities (id)",
        "CREATE INDEX i ON cities (lower(name))",
        "CREATE INDEX i ON cities (id) WHERE id > 1",
        "CREATE INDEX i ON cities (id) INCLUDE (name)",
        "CREATE INDEX i ON cities (id DESC)",
        "DROP TABLE cities CASCADE",
        "TRUNCATE cities RESTART IDENTITY",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE cities ADD COLUMN x INTEGER",
        "MERGE INTO cities USING cities b ON true WHEN MATCHED THEN DELETE",
        "COPY cities FROM STDIN",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "EXPLAIN VERBOSE SELECT 1",
        "EXPLAIN (FORMAT JSON) SELECT 1",
        "INSERT INTO cities SELECT 1 ON CONFLICT DO UPDATE SET id = 1",
        "UPDATE cities SET (id, name) = (1, 'x')",
        "WITH x AS (DELETE FROM cities RETURNING id) SELECT * FROM x",
    ];
    let mut session = session_after(TABLE);
    for text in refused {
        let error = error(&mut session, text);
        let state = error.state().code();
        assert!(
            state == "0A000" || state == "42601",
            "{text} gave {error:?}"
        );
    }
    check(&mut session, "SELECT count(*) FROM cities", "1");
}

#[test]
fn places_are_those_in_the_script() {
    let mut session = session_after(TABLE);
    let script = "SELECT 1;\n-- a comment; with a semicolon\nSELECT 'a;b';\n  SELECT id,\n nope FROM cities;";
    let error = session
        .run_script(script, |_, _| Ok::<(), drystone_query::SqlError>(()))
        .unwrap_err();
    let position = error.position().unwrap();
    assert_eq!((position.line, position.column), (5, 2));
    assert_eq!(&script[position.offset..position.offset + 4], "nope");
}
