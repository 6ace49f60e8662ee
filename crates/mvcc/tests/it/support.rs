//! What the tests share: a store in a folder, and small options that make everything happen often.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::Engine;
use drystone_mvcc::{
    Durability, IsolationLevel, KeyRange, Store, StoreError, StoreOptions, Transaction, View,
};
use drystone_testkit::CRASH_FOLDER;
use drystone_wal::{Log, LogOptions};

/// Memtables that fill after some commits.
pub(crate) fn small() -> StoreOptions {
    StoreOptions {
        memtable_bytes: 4 << 10,
        sealed_memtables_max: 2,
        ..StoreOptions::default()
    }
}

/// Opens the store in the crash folder of `env`.
pub(crate) fn open(env: &Env, options: StoreOptions) -> Result<Store, StoreError> {
    let dir = Path::new(CRASH_FOLDER);
    let engine = BTree::open(env, &dir.join("btree"), BTreeOptions::default())?;
    open_over(env, options, Arc::new(engine))
}

/// Opens a store over this engine, with its log in the crash folder of `env`.
pub(crate) fn open_over(
    env: &Env,
    options: StoreOptions,
    engine: Arc<dyn Engine>,
) -> Result<Store, StoreError> {
    let log_options = LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::default()
    };
    let dir = Path::new(CRASH_FOLDER).join("log");
    let log = Log::open(env, &dir, log_options, engine.merged_lsn())?;
    Store::open(env, options, log, engine)
}

/// A store in memory, with a keyspace.
pub(crate) fn store() -> (Store, KeyspaceId) {
    let store = open(&Env::memory(1), small()).unwrap();
    let keyspace = create(&store, "main");
    (store, keyspace)
}

pub(crate) fn begin(store: &Store) -> Transaction {
    store.begin(IsolationLevel::RepeatableRead).unwrap()
}

pub(crate) fn create(store: &Store, name: &str) -> KeyspaceId {
    let mut tx = begin(store);
    let id = tx.create_keyspace(name).unwrap();
    tx.commit(Durability::Sync).unwrap();
    id
}

/// Commits one put.
pub(crate) fn put(store: &Store, keyspace: KeyspaceId, key: &str, value: &str) -> Lsn {
    let mut tx = begin(store);
    tx.put(keyspace, key.to_owned(), value.to_owned()).unwrap();
    tx.commit(Durability::Sync).unwrap()
}

pub(crate) fn get(view: &View, keyspace: KeyspaceId, key: &str) -> Option<String> {
    view.get(keyspace, key.as_bytes()).unwrap().map(text)
}

pub(crate) fn text(value: Bytes) -> String {
    String::from_utf8(value.to_vec()).unwrap()
}

/// All of a keyspace.
pub(crate) fn all(view: &View, keyspace: KeyspaceId) -> Vec<(Bytes, Bytes)> {
    let range = view.range(keyspace, KeyRange::all());
    range.collect::<Result<_, _>>().unwrap()
}
