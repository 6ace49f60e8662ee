//! `WITH (compression = ...)`: what tables are told, what they show, and what the engine does.

use std::path::Path;

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions};
use drystone_query::SqlEngine;

use crate::support::{check, check_error, open, run, session};

/// How the engine compresses a keyspace, once nobody else has it open.
fn codecs(env: &Env, keyspaces: &[KeyspaceId]) -> Vec<String> {
    let tree = BTree::open(env, Path::new("btree"), BTreeOptions::default()).unwrap();
    let snapshot = tree.newest();
    let codec = |id: &KeyspaceId| snapshot.codec(*id).unwrap_or_default().to_string();
    keyspaces.iter().map(codec).collect()
}

fn keyspaces(engine: &SqlEngine, names: &[&str]) -> Vec<KeyspaceId> {
    let view = engine.store().view();
    let number = |name: &&str| view.keyspace(name).unwrap().unwrap();
    names.iter().map(number).collect()
}

fn shown(engine: &SqlEngine, table: usize) -> String {
    let sql = engine.tables().unwrap()[table].to_sql();
    sql.lines()
        .find(|line| line.starts_with(')'))
        .unwrap()
        .to_owned()
}

#[test]
fn a_table_and_its_indexes_are_stored_as_it_says() {
    let env = Env::memory(3);
    let engine = open(&env);
    let mut session = engine.session();
    run(
        &mut session,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, s TEXT UNIQUE, v VECTOR(2)) WITH (compression = 'lz4');
         CREATE TABLE b (id INTEGER PRIMARY KEY);
         CREATE INDEX a_s ON a (s, id);
         CREATE INDEX a_v ON a USING hnsw (v);
         INSERT INTO a VALUES (1, 'one', '[1,2]');
         INSERT INTO b VALUES (1);",
    );
    assert_eq!(shown(&engine, 0), ") WITH (compression = 'lz4');");
    assert_eq!(shown(&engine, 1), ");");
    let info = &engine.tables().unwrap()[0];
    assert_eq!(
        info.compression().map(|codec| codec.to_string()).as_deref(),
        Some("lz4")
    );
    check(
        &mut session,
        "ALTER TABLE b SET (COMPRESSION = Snappy)",
        "ALTER TABLE",
    );
    check(
        &mut session,
        "ALTER TABLE a SET (compression = 'none')",
        "ALTER TABLE",
    );
    assert_eq!(shown(&engine, 0), ") WITH (compression = 'none');");
    check(
        &mut session,
        "ALTER TABLE a SET (compression = 'lz4')",
        "ALTER TABLE",
    );
    // What it shows makes the same table.
    let sql = engine.tables().unwrap()[0].to_sql();
    let again = open(&Env::memory(4));
    run(&mut again.session(), &sql);
    assert_eq!(again.tables().unwrap()[0].to_sql(), sql);
    let names = [
        "@sql.table.1",
        "@sql.index.2",
        "@sql.index.4",
        "@sql.table.3",
        "@sql.index.5",
    ];
    let numbers = keyspaces(&engine, &names);
    engine.store().flush().unwrap();
    drop((session, engine));
    assert_eq!(
        codecs(&env, &numbers),
        ["lz4", "lz4", "lz4", "snappy", "none"]
    );
    // Another opening, a new index, and new keyspaces for the same table.
    let engine = open(&env);
    let mut session = engine.session();
    check(&mut session, "SELECT id, s FROM a WHERE s = 'one'", "1|one");
    run(
        &mut session,
        "CREATE INDEX b_id ON b (id); TRUNCATE a; INSERT INTO a VALUES (2, 'two', NULL)",
    );
    let view = engine.store().view();
    let all = view.keyspaces().unwrap();
    let new = all.iter().filter(|(name, id)| {
        !numbers.contains(id) && (name.contains("table") || name.contains("index"))
    });
    let new: Vec<KeyspaceId> = new.map(|(_, id)| *id).collect();
    engine.store().flush().unwrap();
    drop((session, view, engine));
    let mut found = codecs(&env, &new);
    found.sort();
    assert_eq!(found, ["lz4", "lz4", "lz4", "none", "snappy"]);
}

#[test]
fn options_are_part_of_their_transaction() {
    let engine = open(&Env::memory(3));
    let mut session = engine.session();
    run(
        &mut session,
        "CREATE TABLE a (id INTEGER); BEGIN; ALTER TABLE a SET (compression = 'lz4'); ROLLBACK;",
    );
    assert_eq!(shown(&engine, 0), ");");
    run(
        &mut session,
        "BEGIN; ALTER TABLE a SET (compression = 'lz4'); COMMIT;",
    );
    assert_eq!(shown(&engine, 0), ") WITH (compression = 'lz4');");
    run(
        &mut session,
        "ALTER TABLE IF EXISTS missing SET (compression = 'lz4')",
    );
}

#[test]
fn what_is_no_option_or_no_codec_is_refused() {
    let mut session = session();
    run(&mut session, "CREATE TABLE t (a INTEGER)");
    let cases = [
        (
            "CREATE TABLE u (a INTEGER) WITH (compresion = 'lz4')",
            "22023",
            "unrecognized parameter \"compresion\"",
        ),
        (
            "CREATE TABLE u (a INTEGER) WITH (fillfactor = 70)",
            "22023",
            "unrecognized parameter \"fillfactor\"",
        ),
        (
            "CREATE TABLE u (a INTEGER) WITH (compression = 'lzma')",
            "22023",
            "compression \"lzma\" is not known",
        ),
        (
            "ALTER TABLE t SET (compression = 'zstd:40')",
            "22023",
            "compression \"zstd:40\" is not known",
        ),
        (
            "ALTER TABLE t SET (compression = 7)",
            "22023",
            "compression \"7\" is not known",
        ),
        (
            "ALTER TABLE t SET (compression = 'lz4', compression = 'none')",
            "42601",
            "parameter \"compression\" specified more than once",
        ),
        (
            "ALTER TABLE u SET (compression = 'lz4')",
            "42P01",
            "relation \"u\" does not exist",
        ),
        (
            "ALTER TABLE t ADD COLUMN b INTEGER",
            "0A000",
            "this ALTER TABLE is not supported",
        ),
    ];
    for (text, state, message) in cases {
        let error = crate::support::error(&mut session, text);
        assert_eq!(error.state().code(), state, "{text}");
        assert_eq!(error.message(), message, "{text}");
    }
    check(&mut session, "SELECT count(*) FROM t", "0");
    check_error(
        &mut session,
        "SELECT * FROM u",
        "42P01",
        "relation \"u\" does not exist (line 1, column 15)",
    );
}

#[test]
fn a_codec_that_this_build_lacks_is_refused_by_its_feature() {
    let mut session = session();
    let text = "CREATE TABLE t (a INTEGER) WITH (compression = 'zstd:3')";
    // Other packages of the same build may bring it.
    if let Err(error) = session.execute(text, &[]) {
        assert_eq!(error.state().code(), "0A000");
        assert!(error.message().contains("zstd"), "{}", error.message());
    }
}
