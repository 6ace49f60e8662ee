//! What the models share: a store with everything small, so that little work makes everything happen.

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

/// A memtable of this size takes three or four small commits.
pub(crate) const MEMTABLE_BYTES: u64 = 1_000;

/// Segments as small as there are: about two blocks of records.
pub(crate) fn log_options() -> LogOptions {
    LogOptions {
        segment_bytes: 12 << 10,
        spare_segments_max: 1,
        ..LogOptions::default()
    }
}

pub(crate) fn tree_options() -> BTreeOptions {
    let mut options = BTreeOptions {
        page_bytes: 512,
        pinned_bytes_max: 24_000,
        ..BTreeOptions::default()
    };
    options.pager.cache_bytes = 32 << 10;
    options
}

pub(crate) fn open_log(env: &Env) -> Log {
    Log::open(
        env,
        &Path::new(CRASH_FOLDER).join("log"),
        log_options(),
        Lsn::ZERO,
    )
    .unwrap()
}

pub(crate) fn open_tree(env: &Env) -> BTree {
    BTree::open(env, &Path::new(CRASH_FOLDER).join("btree"), tree_options()).unwrap()
}

/// Opens the store that lies in the crash folder.
pub(crate) fn open_store(env: &Env, memtable_bytes: u64) -> Result<Store, StoreError> {
    let tree = open_tree(env);
    let dir = Path::new(CRASH_FOLDER).join("log");
    let log = Log::open(env, &dir, log_options(), tree.merged_lsn())?;
    let options = StoreOptions {
        memtable_bytes,
        sealed_memtables_max: 1,
        ..StoreOptions::default()
    };
    Store::open(env, options, log, Arc::new(tree))
}

/// A store in memory with the keyspace `main`, whose transactions spill what is more than a few entries.
pub(crate) fn spilling_store() -> (Store, KeyspaceId) {
    let env = Env::memory(1);
    let options = StoreOptions {
        spill_bytes: 1 << 10,
        ..StoreOptions::default()
    };
    let (log, tree) = (open_log(&env), Arc::new(open_tree(&env)));
    let spill = Path::new(CRASH_FOLDER).join("spill");
    let store = Store::open_spilling(&env, options, log, tree, &spill).unwrap();
    let keyspace = create(&store, "main");
    (store, keyspace)
}

/// A store in memory with the keyspace `main`.
pub(crate) fn store(memtable_bytes: u64) -> (Env, Store, KeyspaceId) {
    let env = Env::memory(1);
    let store = open_store(&env, memtable_bytes).unwrap();
    let keyspace = create(&store, "main");
    (env, store, keyspace)
}

pub(crate) fn begin(store: &Store) -> Transaction {
    store.begin(IsolationLevel::RepeatableRead).unwrap()
}

pub(crate) fn create(store: &Store, name: &str) -> KeyspaceId {
    let mut tx = begin(store);
    let keyspace = tx.create_keyspace(name).unwrap();
    tx.commit(Durability::Sync).unwrap();
    keyspace
}

/// Commits one put.
pub(crate) fn put(
    store: &Store,
    keyspace: KeyspaceId,
    key: &str,
    value: u64,
    durability: Durability,
) -> Result<Lsn, StoreError> {
    let mut tx = begin(store);
    tx.put(keyspace, key.to_owned(), value.to_le_bytes().to_vec())?;
    tx.commit(durability)
}

pub(crate) fn number(value: Bytes) -> u64 {
    u64::from_le_bytes(value[..].try_into().unwrap())
}

/// The number under `key`; 0 where there is none.
pub(crate) fn get(view: &View, keyspace: KeyspaceId, key: &str) -> u64 {
    view.get(keyspace, key.as_bytes())
        .unwrap()
        .map_or(0, number)
}

/// All numbers of a keyspace, with their keys.
pub(crate) fn all(view: &View, keyspace: KeyspaceId) -> Vec<(Bytes, u64)> {
    let range = view.range(keyspace, KeyRange::all());
    let entries = range.map(|entry| entry.map(|(key, value)| (key, number(value))));
    entries.collect::<Result<_, _>>().unwrap()
}
