//! Joins of all kinds, with and without keys and indexes on either side.

use drystone_query::Session;

use crate::support::{check, run, session_after};

const TABLES: &str = "
    CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE books (id INTEGER PRIMARY KEY, author INTEGER, title TEXT);
    INSERT INTO authors VALUES (1, 'Hamsun'), (2, 'Undset'), (3, 'Ibsen');
    INSERT INTO books VALUES (1, 1, 'Sult'), (2, 1, 'Pan'), (3, 2, 'Jenny'), (4, 9, 'Lost'), (5, NULL, 'None');
";

/// The same tables, with an index that joins may use and rows enough that it pays.
fn both() -> [Session; 2] {
    let plain = session_after(TABLES);
    let mut indexed = session_after(TABLES);
    run(&mut indexed, "CREATE INDEX books_author ON books (author)");
    [plain, indexed]
}

#[test]
fn every_join_gives_the_same_with_an_index() {
    let cases = [
        (
            "SELECT a.name, b.title FROM authors a JOIN books b ON b.author = a.id ORDER BY 2",
            "Undset|Jenny\nHamsun|Pan\nHamsun|Sult",
        ),
        (
            "SELECT a.name, b.title FROM authors a LEFT JOIN books b ON b.author = a.id ORDER BY 1, 2",
            "Hamsun|Pan\nHamsun|Sult\nIbsen|NULL\nUndset|Jenny",
        ),
        (
            "SELECT a.name, b.title FROM authors a LEFT JOIN books b ON b.author = a.id AND b.title > 'Q' ORDER BY 1",
            "Hamsun|Sult\nIbsen|NULL\nUndset|NULL",
        ),
        (
            "SELECT a.name FROM authors a LEFT JOIN books b ON b.author = a.id WHERE b.id IS NULL",
            "Ibsen",
        ),
        (
            "SELECT a.name, b.title FROM authors a RIGHT JOIN books b ON b.author = a.id ORDER BY b.id",
            "Hamsun|Sult\nHamsun|Pan\nUndset|Jenny\nNULL|Lost\nNULL|None",
        ),
        ("SELECT count(*) FROM authors, books", "15"),
        (
            "SELECT count(*) FROM authors CROSS JOIN books WHERE authors.id = author",
            "3",
        ),
        (
            "SELECT count(*) FROM authors a JOIN books b ON a.id < b.author",
            "4",
        ),
        (
            "SELECT x.title, y.title FROM books x JOIN books y ON x.author = y.author AND x.id < y.id",
            "Sult|Pan",
        ),
        (
            "SELECT a.name, count(b.id) FROM authors a LEFT JOIN books b ON b.author = a.id GROUP BY a.id ORDER BY 1",
            "Hamsun|2\nIbsen|0\nUndset|1",
        ),
        (
            "SELECT * FROM authors JOIN (SELECT author AS id, count(*) AS n FROM books GROUP BY author) t USING (id) ORDER BY id",
            "1|Hamsun|2\n2|Undset|1",
        ),
        (
            "SELECT id, name, title FROM authors NATURAL JOIN (SELECT author AS id, title FROM books) b ORDER BY title",
            "2|Undset|Jenny\n1|Hamsun|Pan\n1|Hamsun|Sult",
        ),
        (
            "SELECT a.name FROM (authors a JOIN books b ON a.id = b.author) JOIN books c ON c.id = b.id WHERE c.title = 'Pan'",
            "Hamsun",
        ),
        (
            "SELECT count(*) FROM authors a LEFT JOIN books b ON true",
            "15",
        ),
        (
            "SELECT count(*) FROM authors a LEFT JOIN books b ON false",
            "3",
        ),
    ];
    for session in &mut both() {
        for (text, expected) in cases {
            check(session, text, expected);
        }
    }
}

#[test]
fn keys_of_different_integer_types_join() {
    let mut session = session_after(
        "CREATE TABLE small (id INTEGER PRIMARY KEY); CREATE TABLE big (id BIGINT PRIMARY KEY);
         INSERT INTO small VALUES (1), (2); INSERT INTO big VALUES (2), (4294967298);",
    );
    check(
        &mut session,
        "SELECT s.id FROM small s JOIN big b ON s.id = b.id",
        "2",
    );
    check(
        &mut session,
        "SELECT id FROM small WHERE id = 4294967298",
        "",
    );
    check(
        &mut session,
        "SELECT id FROM small WHERE id < 4294967298 ORDER BY id",
        "1\n2",
    );
    check(
        &mut session,
        "SELECT id FROM small WHERE id > -4294967298 AND id <= 1",
        "1",
    );
}

#[test]
fn a_long_chain_of_joins_is_planned_and_run() {
    let mut script = String::new();
    for table in 0..20 {
        script.push_str(&format!(
            "CREATE TABLE t{table} (a INTEGER PRIMARY KEY, b INTEGER); INSERT INTO t{table} VALUES (1, 2), (2, 1), (3, 3);"
        ));
    }
    let mut session = session_after(&script);
    let tables: Vec<String> = (0..20).map(|table| format!("t{table}")).collect();
    let ties: Vec<String> = (1..20)
        .map(|table| format!("t{}.b = t{table}.a", table - 1))
        .collect();
    let text = format!(
        "SELECT t19.b FROM {} WHERE {} AND t0.a = 1",
        tables.join(", "),
        ties.join(" AND ")
    );
    check(&mut session, &text, "1");
}
