//! What ten thousand keyspaces cost, held against an allocator that counts. A process of its own, with one test: nothing
//! else allocates meanwhile. With `--nocapture` it tells the figures that `docs/BENCHMARKS.md` quotes.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "what fails here fails the test; how long things took is told, and nothing held against it"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::Engine;
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreOptions};
use drystone_testkit::CountingAllocator;
use drystone_wal::{Log, LogOptions};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

const KEYSPACES: usize = 10_000;
/// An idle keyspace may take so much memory.
const IDLE_BYTES_MAX: usize = 320;

fn open(env: &Env) -> Store {
    let engine = BTree::open(env, Path::new("btree"), BTreeOptions::default()).unwrap();
    let floor = engine.merged_lsn();
    let log = Log::open(env, Path::new("log"), LogOptions::default(), floor).unwrap();
    Store::open(env, StoreOptions::default(), log, Arc::new(engine)).unwrap()
}

/// Does something, and tells how long it took.
fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    println!("{what}: {:?}", began.elapsed());
    done
}

fn write(store: &Store, keyspaces: &[KeyspaceId], value: &'static str) {
    let mut tx = store.begin(IsolationLevel::default()).unwrap();
    for &keyspace in keyspaces {
        tx.put(keyspace, "key", value).unwrap();
    }
    tx.commit(Durability::None).unwrap();
}

#[test]
fn an_idle_keyspace_takes_little_memory() {
    let env = Env::memory(1);
    let store = open(&env);
    let keyspaces: Vec<KeyspaceId> = timed("10,000 keyspaces created, in one transaction", || {
        let mut tx = store.begin(IsolationLevel::default()).unwrap();
        let names = (0..KEYSPACES).map(|number| format!("keyspace {number}"));
        let ids = names
            .map(|name| tx.create_keyspace(&name).unwrap())
            .collect();
        tx.commit(Durability::None).unwrap();
        ids
    });
    timed("one commit that writes to each", || {
        write(&store, &keyspaces, "first")
    });
    timed("its merge", || store.flush().unwrap());
    store.close().unwrap();
    drop(store);

    let before = ALLOCATOR.live_bytes();
    let store = timed("open", || open(&env));
    let idle_bytes = (ALLOCATOR.live_bytes() - before) / KEYSPACES;
    println!("memory of an idle keyspace: {idle_bytes} bytes, with all that an open store takes");
    timed("1,000 commits to one each", || {
        for keyspace in keyspaces.chunks(10) {
            write(&store, &keyspace[..1], "second");
        }
    });
    timed("their merge", || store.flush().unwrap());
    timed("100 merges of one keyspace each", || {
        for keyspace in keyspaces.chunks(100) {
            write(&store, &keyspace[..1], "third");
            store.flush().unwrap();
        }
    });
    let view = store.view();
    timed("a read of each", || {
        for &keyspace in &keyspaces {
            assert!(view.get(keyspace, b"key").unwrap().is_some());
        }
    });
    assert!(
        idle_bytes <= IDLE_BYTES_MAX,
        "{idle_bytes} bytes a keyspace"
    );
}
