//! Nearest neighbors, with and without an index.

use drystone_base::Env;
use drystone_query::{Session, SqlEngine};

use crate::support::{answer, check, check_error, open, run, session_after};

const TABLE: &str = "
    CREATE TABLE items (id INTEGER PRIMARY KEY, kind TEXT, v VECTOR(2));
    INSERT INTO items VALUES (1, 'a', '[0,1]'), (2, 'b', '[1,0]'), (3, 'a', '[5,5]'), (4, 'b', NULL), (5, 'a', '[-3,1]');
";

fn plain_and_indexed() -> [Session; 4] {
    let index = |metric: &str| {
        let mut session = session_after(TABLE);
        run(
            &mut session,
            &format!("CREATE INDEX near ON items USING hnsw (v) WITH (metric = '{metric}')"),
        );
        session
    };
    [
        session_after(TABLE),
        index("l2"),
        index("cosine"),
        index("ip"),
    ]
}

#[test]
fn distances_order_rows_the_same_with_and_without_an_index() {
    let cases = [
        (
            "SELECT id FROM items ORDER BY v <-> '[1,1]' LIMIT 3",
            "1\n2\n5",
        ),
        (
            "SELECT id FROM items ORDER BY v <=> '[1,1]' LIMIT 2",
            "3\n1",
        ),
        (
            "SELECT id FROM items ORDER BY v <#> '[1,1]' LIMIT 2",
            "3\n1",
        ),
        (
            "SELECT id FROM items WHERE kind = 'b' ORDER BY v <-> '[1,1]' LIMIT 5",
            "2\n4",
        ),
        (
            "SELECT id FROM items ORDER BY '[1,1]' <-> v LIMIT 2 OFFSET 1",
            "2\n5",
        ),
        (
            "SELECT id FROM items ORDER BY v <-> '[1,1]' LIMIT 9",
            "1\n2\n5\n3\n4",
        ),
        (
            "SELECT id FROM items ORDER BY v <-> '[1,1]' DESC LIMIT 2",
            "4\n3",
        ),
        (
            "SELECT id, v <-> '[1,0]' FROM items ORDER BY 2 LIMIT 1",
            "2|0",
        ),
    ];
    for session in &mut plain_and_indexed() {
        for (text, expected) in cases {
            check(session, text, expected);
        }
    }
}

#[test]
fn the_index_is_used_for_its_own_metric() {
    let mut session = session_after(TABLE);
    run(
        &mut session,
        "CREATE INDEX near ON items USING hnsw (v vector_cosine_ops)",
    );
    let plan = |session: &mut Session, op| {
        answer(
            session,
            &format!("EXPLAIN SELECT id FROM items ORDER BY v {op} '[1,1]' LIMIT 3"),
            &[],
        )
    };
    assert!(plan(&mut session, "<=>").contains("Vector Search using near on items"));
    assert!(plan(&mut session, "<->").contains("Top-N Sort"));
}

#[test]
fn changes_are_found_by_their_own_transaction_and_by_no_older_one() {
    for flushed in [false, true] {
        let env = Env::memory(11);
        let engine = open(&env);
        let mut session = engine.session();
        run(&mut session, TABLE);
        run(&mut session, "CREATE INDEX near ON items USING hnsw (v)");
        if flushed {
            engine.store().flush().unwrap();
        }
        follow_changes(&engine, &mut session);
        drop((session, engine));
        let reopened = open(&env);
        check(
            &mut reopened.session(),
            "SELECT id FROM items ORDER BY v <-> '[9,9]' LIMIT 2",
            "9\n3",
        );
    }
}

fn follow_changes(engine: &SqlEngine, session: &mut Session) {
    let nearest = "SELECT id FROM items ORDER BY v <-> '[9,9]' LIMIT 1";
    let mut older = engine.session();
    run(&mut older, "BEGIN");
    check(&mut older, nearest, "3");
    run(
        session,
        "BEGIN; INSERT INTO items VALUES (9, 'c', '[9,9]'); DELETE FROM items WHERE id = 2;",
    );
    check(session, nearest, "9");
    check(&mut older, nearest, "3");
    run(
        session,
        "COMMIT; UPDATE items SET v = '[8,9]' WHERE id = 9;",
    );
    check(&mut older, nearest, "3");
    run(&mut older, "COMMIT");
    check(&mut older, nearest, "9");
    engine.store().flush().unwrap();
    check(
        &mut older,
        "SELECT id FROM items WHERE v IS NOT NULL ORDER BY v <-> '[1,0]' LIMIT 9",
        "1\n5\n3\n9",
    );
}

#[test]
fn vectors_of_another_length_are_refused() {
    let mut session = session_after(TABLE);
    check_error(
        &mut session,
        "INSERT INTO items VALUES (7, 'x', '[1,2,3]')",
        "22P02",
        "expected 2 dimensions, found 3: \"[1,2,3]\" (line 1, column 35)",
    );
}

#[test]
fn limit_rows_come_if_so_many_qualify() {
    let mut session = session_after(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, rare BOOLEAN, v VECTOR(3)); CREATE INDEX near ON p USING hnsw (v);",
    );
    let rows = (0..600).map(|n| {
        let (x, y) = (f64::from(n) * 0.37 % 7.0, f64::from(n) * 0.11 % 5.0);
        format!("({n}, {}, '[{x},{y},{n}]')", n % 97 == 0)
    });
    let rows: Vec<String> = rows.collect();
    run(
        &mut session,
        &format!("INSERT INTO p VALUES {}", rows.join(", ")),
    );
    session.engine().store().flush().unwrap();
    check(
        &mut session,
        "SELECT count(*) FROM (SELECT id FROM p WHERE rare ORDER BY v <-> '[0,0,0]' LIMIT 7) t",
        "7",
    );
    check(
        &mut session,
        "SELECT id FROM p WHERE rare ORDER BY v <-> '[0,0,600]' LIMIT 2",
        "582\n485",
    );
}
