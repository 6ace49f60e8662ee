//! Plans: which key, index or join is chosen.

use drystone_query::Session;

use crate::support::{answer, check, run, session_after};

fn cities() -> Session {
    session_after(
        "CREATE TABLE cities (id INTEGER PRIMARY KEY, country TEXT, name TEXT, population BIGINT);
         CREATE INDEX cities_name ON cities (country, name);
         CREATE TABLE countries (code TEXT PRIMARY KEY, continent TEXT);",
    )
}

/// The lines of a plan that name its steps, and the conditions on keys.
fn steps(session: &mut Session, text: &str) -> String {
    let plan = answer(session, &format!("EXPLAIN {text}"), &[]);
    let wanted = plan.lines().map(str::trim).filter(|line| {
        line.starts_with("->") || !line.contains(':') || line.starts_with("Index Cond")
    });
    let lines: Vec<&str> = wanted
        .map(|line| line.trim_start_matches("->  "))
        .map(|line| line.split("  (rows").next().unwrap_or(line))
        .filter(|line| *line != "Project")
        .collect();
    lines.join("\n")
}

#[test]
fn the_fitting_key_or_index_is_chosen() {
    let cases = [
        ("SELECT * FROM cities", "Seq Scan on cities"),
        (
            "SELECT * FROM cities WHERE id = 7",
            "Primary Key Lookup on cities\nIndex Cond: (id = 7)",
        ),
        (
            "SELECT * FROM cities WHERE 7 > id",
            "Primary Key Scan on cities\nIndex Cond: (id < 7)",
        ),
        (
            "SELECT * FROM cities WHERE id BETWEEN 3 AND 4",
            "Primary Key Scan on cities\nIndex Cond: (id >= 3) AND (id <= 4)",
        ),
        (
            "SELECT * FROM cities WHERE id IN (1, 2)",
            "Primary Key Scan on cities\nIndex Cond: (id IN (1, 2))",
        ),
        (
            "SELECT * FROM cities WHERE country = 'NO'",
            "Index Scan using cities_name on cities\nIndex Cond: (country = 'NO')",
        ),
        (
            "SELECT * FROM cities WHERE name > 'M' AND country = 'NO'",
            "Index Scan using cities_name on cities\nIndex Cond: (country = 'NO') AND (name > 'M')",
        ),
        (
            "SELECT * FROM cities WHERE name = 'Oslo'",
            "Seq Scan on cities",
        ),
        (
            "SELECT * FROM cities WHERE upper(country) = 'NO'",
            "Seq Scan on cities",
        ),
        ("SELECT * FROM cities ORDER BY id", "Seq Scan on cities"),
        (
            "SELECT * FROM cities ORDER BY id DESC LIMIT 3",
            "Limit\nSeq Scan Backward on cities",
        ),
        (
            "SELECT * FROM cities ORDER BY population LIMIT 3",
            "Top-N Sort\nSeq Scan on cities",
        ),
        (
            "SELECT * FROM cities ORDER BY population",
            "Sort\nSeq Scan on cities",
        ),
        (
            "SELECT * FROM cities WHERE country = 'NO' ORDER BY name LIMIT 3",
            "Limit\nIndex Scan using cities_name on cities\nIndex Cond: (country = 'NO')",
        ),
        (
            "SELECT * FROM cities ORDER BY country DESC, name DESC LIMIT 2",
            "Limit\nIndex Scan Backward using cities_name on cities",
        ),
        (
            "SELECT * FROM cities ORDER BY country, name DESC LIMIT 2",
            "Top-N Sort\nSeq Scan on cities",
        ),
        (
            "SELECT * FROM cities JOIN countries ON country = code",
            "Hash Join\nSeq Scan on cities\nSeq Scan on countries",
        ),
        (
            "SELECT * FROM cities JOIN countries ON country = code WHERE id = 3",
            "Index Nested Loop\nPrimary Key Lookup on cities\nIndex Cond: (id = 3)\nPrimary Key Lookup on countries\nIndex Cond: (code = cities.country)",
        ),
        (
            "SELECT * FROM cities, countries",
            "Nested Loop\nSeq Scan on cities\nSeq Scan on countries",
        ),
        (
            "SELECT country, count(*) FROM cities GROUP BY country",
            "HashAggregate\nSeq Scan on cities",
        ),
        (
            "DELETE FROM cities WHERE id = 1",
            "Delete on cities\nPrimary Key Lookup on cities\nIndex Cond: (id = 1)",
        ),
    ];
    let mut session = cities();
    for (text, expected) in cases {
        assert_eq!(steps(&mut session, text), expected, "{text}");
    }
}

#[test]
fn analyze_counts_rows() {
    let mut session = cities();
    run(
        &mut session,
        "INSERT INTO cities VALUES (1, 'NO', 'Oslo', 1), (2, 'NO', 'Voss', 2)",
    );
    let plan = answer(
        &mut session,
        "EXPLAIN ANALYZE SELECT count(*) FROM cities WHERE population > 1",
        &[],
    );
    assert!(
        plan.contains("Seq Scan on cities  (rows=300) (actual time=0.000 ms rows=1)"),
        "{plan}"
    );
    assert!(plan.contains("Execution Time: 0.000 ms"), "{plan}");
}

#[test]
fn plans_follow_the_catalog() {
    let mut session = cities();
    let text = "SELECT id FROM cities WHERE population = 5";
    let prepared = session.prepare(text).unwrap();
    assert_eq!(steps(&mut session, text), "Seq Scan on cities");
    run(
        &mut session,
        "CREATE INDEX by_population ON cities (population); INSERT INTO cities VALUES (9, 'NO', 'Moss', 5);",
    );
    assert_eq!(
        steps(&mut session, text),
        "Index Scan using by_population on cities\nIndex Cond: (population = 5)"
    );
    let row = session
        .execute_prepared(&prepared, &[])
        .unwrap()
        .into_rows()
        .one()
        .unwrap();
    assert_eq!(row.get::<i32>("id").unwrap(), 9);
    run(&mut session, "DROP TABLE cities");
    assert!(session.execute_prepared(&prepared, &[]).is_err());
    check(&mut session, "SELECT 1", "1");
}

#[test]
fn plans_are_readable_and_of_bounded_length() {
    let mut session = cities();
    for (condition, shown) in [
        ("name LIKE 'O_l\\%%'", "(name LIKE 'O_l\\%%')"),
        ("name NOT ILIKE '%o'", "(name NOT ILIKE '%o')"),
    ] {
        let text = format!("EXPLAIN SELECT id FROM cities WHERE {condition}");
        let plan = answer(&mut session, &text, &[]);
        assert!(plan.contains(shown), "{plan}");
    }
    let doubled = (0..30).fold("cities".to_owned(), |from, _| {
        format!("(SELECT id + id AS id FROM {from}) q")
    });
    let plan = answer(
        &mut session,
        &format!("EXPLAIN SELECT id FROM {doubled}"),
        &[],
    );
    assert!(plan.len() < 100_000, "{}", plan.len());
}
