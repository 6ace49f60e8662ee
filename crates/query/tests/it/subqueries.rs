//! Queries within queries.

use drystone_query::Session;

use crate::support::{check, check_error, session_after};

fn numbers() -> Session {
    session_after(
        "CREATE TABLE n (x INTEGER PRIMARY KEY, parity TEXT);
         INSERT INTO n VALUES (1, 'odd'), (2, 'even'), (3, 'odd'), (4, 'even');
         CREATE TABLE maybe (v INTEGER); INSERT INTO maybe VALUES (1), (NULL);
         CREATE TABLE empty (v INTEGER);",
    )
}

#[test]
fn subqueries_are_values_conditions_and_tables() {
    let cases = [
        ("SELECT x FROM n WHERE x = (SELECT max(x) FROM n)", "4"),
        ("SELECT (SELECT v FROM empty), (SELECT 1)", "NULL|1"),
        (
            "SELECT x FROM n WHERE x IN (SELECT x + 1 FROM n) ORDER BY x",
            "2\n3\n4",
        ),
        ("SELECT x FROM n WHERE x NOT IN (SELECT x + 1 FROM n)", "1"),
        ("SELECT x FROM n WHERE x IN (SELECT v FROM maybe)", "1"),
        ("SELECT x FROM n WHERE x NOT IN (SELECT v FROM maybe)", ""),
        (
            "SELECT count(*) FROM n WHERE x NOT IN (SELECT v FROM empty)",
            "4",
        ),
        (
            "SELECT NULL IN (SELECT v FROM empty), NULL IN (SELECT v FROM maybe)",
            "f|NULL",
        ),
        (
            "SELECT x FROM n WHERE EXISTS (SELECT 1 FROM maybe WHERE v = n.x)",
            "1",
        ),
        (
            "SELECT x FROM n WHERE NOT EXISTS (SELECT 1 FROM maybe WHERE v = x) ORDER BY x",
            "2\n3\n4",
        ),
        (
            "SELECT x, (SELECT count(*) FROM n AS m WHERE m.x < n.x) FROM n ORDER BY x",
            "1|0\n2|1\n3|2\n4|3",
        ),
        (
            "SELECT x FROM n a WHERE x = (SELECT max(x) FROM n b WHERE b.parity = a.parity) ORDER BY x",
            "3\n4",
        ),
        ("SELECT x FROM n WHERE x = ANY (SELECT v FROM maybe)", "1"),
        (
            "SELECT s.p, s.c FROM (SELECT parity AS p, count(*) AS c FROM n GROUP BY parity) s WHERE s.c = 2 ORDER BY 1",
            "even|2\nodd|2",
        ),
        (
            "SELECT parity, (SELECT sum(x) FROM n m WHERE m.parity = n.parity) FROM n GROUP BY parity ORDER BY 1",
            "even|6\nodd|4",
        ),
        (
            "SELECT x FROM n a WHERE EXISTS (SELECT 1 FROM n b WHERE b.x = a.x + 1 AND EXISTS (SELECT 1 FROM n c WHERE c.x = a.x + b.x)) ORDER BY x",
            "1",
        ),
        ("SELECT x FROM n ORDER BY (SELECT -x) LIMIT 1", "4"),
        (
            "SELECT count(*) FROM (SELECT x FROM n ORDER BY x LIMIT 2) t WHERE x > 1",
            "1",
        ),
        (
            "SELECT x FROM (SELECT x, x * 2 AS twice FROM n) t WHERE twice = 6",
            "3",
        ),
    ];
    let mut session = numbers();
    for (text, expected) in cases {
        check(&mut session, text, expected);
    }
}

#[test]
fn a_subquery_as_a_value_gives_at_most_one_row() {
    check_error(
        &mut numbers(),
        "SELECT (SELECT x FROM n)",
        "21000",
        "more than one row returned by a subquery used as an expression",
    );
}

#[test]
fn subqueries_are_sorted_and_grouped_by_their_place_in_the_list() {
    let mut session = numbers();
    check(
        &mut session,
        "SELECT DISTINCT (SELECT max(v) FROM maybe WHERE v <= n.x) AS m, parity FROM n ORDER BY 1, parity",
        "1|even\n1|odd",
    );
    check(
        &mut session,
        "SELECT (SELECT count(*) FROM n m WHERE m.parity = n.parity AND m.x < n.x) AS before, count(*) FROM n
         GROUP BY before ORDER BY 1",
        "0|2\n1|2",
    );
    check_error(
        &mut session,
        "SELECT DISTINCT (SELECT 1) FROM n ORDER BY (SELECT 1)",
        "42P10",
        "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
    );
}
