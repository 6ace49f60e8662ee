//! What verification finds above the files: indexes that do not agree with their tables.

use std::path::Path;
use std::sync::Arc;

use drystone::{Database, Env, ErrorKind};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::Engine;
use drystone_mvcc::{Durability, Store, StoreOptions, Transaction};
use drystone_wal::{Log, LogOptions};

/// Changes a closed database below its SQL.
fn tamper(path: &Path, change: impl FnOnce(&mut Transaction)) {
    let env = Env::os();
    let engine = BTree::open(&env, &path.join("btree"), BTreeOptions::default()).unwrap();
    let floor = engine.merged_lsn();
    let log = Log::open(&env, &path.join("log"), LogOptions::default(), floor).unwrap();
    let store = Store::open(&env, StoreOptions::default(), log, Arc::new(engine)).unwrap();
    let mut tx = store.begin(Default::default()).unwrap();
    change(&mut tx);
    tx.commit(Durability::Sync).unwrap();
    store.close().unwrap();
}

#[test]
fn an_index_that_lacks_a_row_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let db = Database::open(&path).unwrap();
    for sql in [
        "CREATE TABLE stones (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE INDEX by_name ON stones (name)",
        "INSERT INTO stones VALUES (1, 'granite'), (2, 'slate')",
    ] {
        db.execute(sql, &[]).unwrap();
    }
    assert!(db.verify().unwrap().is_sound());
    db.close().unwrap();
    tamper(&path, |tx| {
        let mut keyspaces = tx.keyspaces().unwrap().into_iter();
        let (_, index) = keyspaces.rfind(|(name, _)| name.contains("index")).unwrap();
        let (key, _) = tx.range(index, ..).next().unwrap().unwrap();
        tx.delete(index, key).unwrap();
    });
    let db = Database::open(&path).unwrap();
    let report = db.verify().unwrap();
    assert!(!report.is_sound());
    for finding in &report.findings {
        assert_eq!(finding.kind(), ErrorKind::Corrupt);
        assert!(finding.to_string().contains("by_name"), "{finding}");
    }
}
