//! SELECT over one table: conditions, order, groups, sets.

use drystone_query::Session;
use drystone_record::Value;

use crate::support::{check, check_with, session, session_after};

fn people() -> Session {
    session_after(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, city TEXT, age INTEGER);
         INSERT INTO people VALUES
            (1, 'Ann', 'Oslo', 31), (2, 'Bob', 'Bergen', 25), (3, 'Cid', 'Oslo', NULL),
            (4, 'Dee', NULL, 40), (5, 'Eve', 'Bergen', 25);",
    )
}

#[test]
fn nothing_is_computed_beside_a_written_null() {
    let cases = [
        ("age / 0 = NULL", ""),
        ("NULL > age * 2147483647", ""),
        ("NOT NULL NOT BETWEEN 46 AND age * 2147483647", ""),
        (
            "CAST(NULL AS INTEGER) + id * 2147483647 IS NULL",
            "1\n2\n3\n4\n5",
        ),
        ("(NULL > age / 0) IS NULL AND id = 2", "2"),
    ];
    let mut session = people();
    for (condition, expected) in cases {
        check(
            &mut session,
            &format!("SELECT id FROM people WHERE {condition}"),
            expected,
        );
    }
    let failed = session.query("SELECT id FROM people WHERE 1 / 0 = NULL", &[]);
    let failed = failed.and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
    assert_eq!(failed.unwrap_err().message(), "division by zero");
}

#[test]
fn conditions_keep_what_is_true_only() {
    let cases = [
        ("age > 25", "1\n4"),
        ("NOT age > 25", "2\n5"),
        ("age IS NULL", "3"),
        ("age IS NOT NULL AND city = 'Oslo'", "1"),
        ("city IN ('Oslo', 'Voss') OR age = 40", "1\n3\n4"),
        ("city NOT IN ('Oslo')", "2\n5"),
        ("city NOT IN ('Oslo', NULL)", ""),
        ("age BETWEEN 25 AND 31", "1\n2\n5"),
        ("age NOT BETWEEN 26 AND 35", "2\n4\n5"),
        ("name LIKE '_e%'", "4"),
        ("name ILIKE 'E%'", "5"),
        ("name NOT LIKE '%e'", "1\n2\n3"),
        ("age IS DISTINCT FROM 25", "1\n3\n4"),
        ("age IS NOT DISTINCT FROM NULL", "3"),
        ("(age = 25) IS NOT TRUE", "1\n3\n4"),
        ("(age = 25) IS UNKNOWN", "3"),
        (
            "CASE WHEN age < 30 THEN true WHEN age < 35 THEN false ELSE city IS NULL END",
            "2\n4\n5",
        ),
        ("CASE city WHEN 'Oslo' THEN 1 ELSE 2 END = 1", "1\n3"),
        ("coalesce(age, 0) = 0", "3"),
        ("nullif(city, 'Oslo') IS NULL", "1\n3\n4"),
        ("length(name) = 3 AND upper(name) = 'BOB'", "2"),
        ("age::text || 'x' = '40x'", "4"),
        ("false", ""),
        ("NULL", ""),
    ];
    let mut session = people();
    for (condition, expected) in cases {
        let text = format!("SELECT id FROM people WHERE {condition} ORDER BY id");
        check(&mut session, &text, expected);
    }
}

#[test]
fn order_by_takes_expressions_positions_and_aliases() {
    let mut session = people();
    check(
        &mut session,
        "SELECT id FROM people ORDER BY age, id",
        "2\n5\n1\n4\n3",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY age DESC, id DESC",
        "3\n4\n1\n5\n2",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY age NULLS FIRST, id",
        "3\n2\n5\n1\n4",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY age DESC NULLS LAST, 1",
        "4\n1\n2\n5\n3",
    );
    check(
        &mut session,
        "SELECT id, -id AS minus FROM people ORDER BY minus LIMIT 2",
        "5|-5\n4|-4",
    );
    check(
        &mut session,
        "SELECT name FROM people ORDER BY length(city), name",
        "Ann\nCid\nBob\nEve\nDee",
    );
    check(
        &mut session,
        "SELECT id AS age FROM people ORDER BY age DESC LIMIT 1",
        "5",
    );
}

#[test]
fn limit_and_offset_cut() {
    let mut session = people();
    check(
        &mut session,
        "SELECT id FROM people ORDER BY id LIMIT 2 OFFSET 1",
        "2\n3",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY name DESC LIMIT 2 OFFSET 4",
        "1",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY id LIMIT 0",
        "",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY id OFFSET 3",
        "4\n5",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY id LIMIT NULL OFFSET 4",
        "5",
    );
    check(
        &mut session,
        "SELECT id FROM people ORDER BY id FETCH FIRST 1 ROW ONLY",
        "1",
    );
    check_with(
        &mut session,
        "SELECT id FROM people ORDER BY id LIMIT $1 OFFSET $2",
        &[Value::Integer(1), Value::BigInt(2)],
        "3",
    );
}

#[test]
fn groups_and_aggregates() {
    let mut session = people();
    check(
        &mut session,
        "SELECT city, count(*), count(age), sum(age), min(name), max(age), avg(age)
         FROM people GROUP BY city ORDER BY city",
        "Bergen|2|2|50|Bob|25|25
         Oslo|2|1|31|Ann|31|31
         NULL|1|1|40|Dee|40|40",
    );
    check(
        &mut session,
        "SELECT count(*), sum(age), avg(age) FROM people WHERE id > 9",
        "0|NULL|NULL",
    );
    check(
        &mut session,
        "SELECT count(DISTINCT age), count(*) FILTER (WHERE age > 30) FROM people",
        "3|2",
    );
    check(
        &mut session,
        "SELECT city FROM people GROUP BY city HAVING count(*) > 1 ORDER BY 1",
        "Bergen\nOslo",
    );
    check(
        &mut session,
        "SELECT age / 10 * 10 AS decade, count(*) FROM people GROUP BY decade ORDER BY 1",
        "20|2\n30|1\n40|1\nNULL|1",
    );
    check(
        &mut session,
        "SELECT age % 2, count(*) FROM people GROUP BY 1 ORDER BY 1",
        "0|1\n1|3\nNULL|1",
    );
    check(
        &mut session,
        "SELECT sum(age) * 2 + count(*) FROM people",
        "247",
    );
    check(
        &mut session,
        "SELECT length(city) + 1 FROM people GROUP BY length(city) ORDER BY 1",
        "5\n7\nNULL",
    );
    check(
        &mut session,
        "SELECT id, name, count(*) FROM people GROUP BY id ORDER BY id LIMIT 1",
        "1|Ann|1",
    );
    check(&mut session, "SELECT 1 FROM people HAVING count(*) > 9", "");
    check(
        &mut session,
        "SELECT max(id) FROM people GROUP BY city ORDER BY sum(age)",
        "3\n4\n5",
    );
}

#[test]
fn distinct_drops_repeated_rows() {
    let mut session = people();
    check(
        &mut session,
        "SELECT DISTINCT city FROM people ORDER BY city DESC",
        "NULL\nOslo\nBergen",
    );
    check(
        &mut session,
        "SELECT DISTINCT age, city FROM people ORDER BY age, city LIMIT 2",
        "25|Bergen\n31|Oslo",
    );
    check(
        &mut session,
        "SELECT count(*) FROM (SELECT DISTINCT age FROM people) x",
        "4",
    );
}

#[test]
fn sets_are_united_intersected_and_subtracted() {
    let mut session = session();
    let cases = [
        (
            "VALUES (1), (2) UNION VALUES (2), (3) ORDER BY 1",
            "1\n2\n3",
        ),
        (
            "VALUES (1), (2) UNION ALL VALUES (2) ORDER BY 1 DESC",
            "2\n2\n1",
        ),
        ("VALUES (1), (1), (2) INTERSECT VALUES (1), (1)", "1"),
        (
            "VALUES (1), (1), (2) INTERSECT ALL VALUES (1), (1), (1)",
            "1\n1",
        ),
        ("VALUES (1), (2), (2), (NULL) EXCEPT VALUES (2)", "1\nNULL"),
        ("VALUES (1), (2), (2) EXCEPT ALL VALUES (2)", "1\n2"),
        ("SELECT 1 AS x UNION SELECT 2.5 ORDER BY x", "1\n2.5"),
        ("SELECT NULL UNION SELECT NULL", "NULL"),
        ("SELECT 1 UNION SELECT NULL ORDER BY 1", "1\nNULL"),
        ("SELECT NULL UNION ALL SELECT 2.5", "NULL\n2.5"),
        ("SELECT '7' UNION SELECT 7", "7"),
        ("SELECT 1 IN (SELECT NULL), 1 IN (SELECT '1')", "NULL|t"),
        (
            "SELECT 1 UNION SELECT 2 UNION SELECT 3 ORDER BY 1 LIMIT 2",
            "1\n2",
        ),
        ("SELECT 1 EXCEPT (SELECT 2 UNION SELECT 1)", ""),
    ];
    for (text, expected) in cases {
        check(&mut session, text, expected);
    }
}

#[test]
fn values_and_common_table_expressions_are_tables() {
    let mut session = session();
    check(
        &mut session,
        "SELECT b, a FROM (VALUES (1, 'x'), (2, 'y')) AS t (a, b) ORDER BY a DESC",
        "y|2\nx|1",
    );
    check(
        &mut session,
        "WITH one AS (SELECT 1 AS n), two AS (SELECT n + 1 AS m FROM one) SELECT n, m FROM one, two",
        "1|2",
    );
    check(
        &mut session,
        "WITH t (a) AS (VALUES (3), (4)) SELECT sum(a) FROM t x",
        "7",
    );
    check(
        &mut session,
        "VALUES (1, NULL), (2.5, 'x') ORDER BY 1 DESC",
        "2.5|x\n1|NULL",
    );
}

#[test]
fn names_fold_unless_quoted() {
    let mut session = session_after(
        "CREATE TABLE T (Col INTEGER, \"Col\" INTEGER); INSERT INTO t VALUES (1, 2);",
    );
    check(
        &mut session,
        "SELECT COL, \"Col\", t.col, public.T.\"Col\" FROM PUBLIC.t",
        "1|2|1|2",
    );
    check(&mut session, "SELECT u.* FROM t AS u", "1|2");
}

#[test]
fn result_columns_are_named_as_in_postgresql() {
    let mut session = people();
    let rows = session
        .query("SELECT id, count(*), 1 + 1, max(age) AS oldest, 5::bigint, CASE WHEN true THEN 1 END FROM people GROUP BY id", &[])
        .unwrap();
    let names: Vec<&str> = rows
        .columns()
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["id", "count", "?column?", "oldest", "int8", "case"]);
}

#[test]
fn integers_divide_and_overflow_as_in_postgresql() {
    let mut session = session();
    check(
        &mut session,
        "SELECT 7 / 2, -7 / 2, 7 % 3, 7.0 / 2, 2147483647 + 1::bigint",
        "3|-3|1|3.5|2147483648",
    );
    check(
        &mut session,
        "SELECT -2147483648, -9223372036854775808",
        "-2147483648|-9223372036854775808",
    );
}

#[test]
fn is_distinct_from_binds_tighter_than_and() {
    let mut session = session();
    for (text, expected) in [
        ("SELECT true IS DISTINCT FROM true AND false", "f"),
        ("SELECT false IS NOT DISTINCT FROM true OR true", "t"),
        ("SELECT NOT 1 IS DISTINCT FROM 2 OR true", "t"),
        ("SELECT false AND 1 IS DISTINCT FROM 2 OR true", "t"),
        ("SELECT true IS DISTINCT FROM 1 = 1", "f"),
        ("SELECT 3 IS NOT DISTINCT FROM 1 + 2 AND true", "t"),
    ] {
        check(&mut session, text, expected);
    }
}
