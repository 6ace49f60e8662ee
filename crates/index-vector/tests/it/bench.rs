//! A store with one vector index, and what tests ask of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::Engine;
use drystone_index_vector::{
    Hit, HnswParameters, Metric, Reader, VectorError, VectorIndex, VectorIndexOptions,
    encode_vector,
};
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreOptions, Transaction};
use drystone_testkit::{CRASH_FOLDER, Draw};
use drystone_wal::{Log, LogOptions};

pub(crate) const DIM: usize = 4;

/// What a state holds: vectors by key.
pub(crate) type State = BTreeMap<Bytes, Vec<f32>>;

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) index: Arc<VectorIndex>,
    pub(crate) source: KeyspaceId,
}

pub(crate) fn parameters() -> HnswParameters {
    HnswParameters {
        m: 4,
        ef_construction: 32,
        ..HnswParameters::new(DIM, Metric::L2)
    }
}

/// Opens the store without the index.
pub(crate) fn open_store(env: &Env) -> Store {
    try_open_store(env).expect("the files are sound")
}

pub(crate) fn try_open_store(env: &Env) -> Result<Store, Box<dyn std::error::Error + Send + Sync>> {
    let folder = Path::new(CRASH_FOLDER);
    let tree = BTree::open(env, &folder.join("btree"), BTreeOptions::default())?;
    let log_options = LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::default()
    };
    let log = Log::open(env, &folder.join("log"), log_options, tree.merged_lsn())?;
    Ok(Store::open(
        env,
        StoreOptions::default(),
        log,
        Arc::new(tree),
    )?)
}

/// The keyspaces of the index; created when missing.
pub(crate) fn keyspaces(store: &Store) -> (KeyspaceId, KeyspaceId) {
    let found = |name| store.view().keyspace(name).expect("readable");
    if let (Some(source), Some(target)) = (found("vectors"), found("graph")) {
        return (source, target);
    }
    let mut tx = begin(store);
    let source = tx.create_keyspace("vectors").expect("new");
    let target = tx.create_keyspace("graph").expect("new");
    tx.commit(Durability::Sync).expect("committed");
    (source, target)
}

pub(crate) fn begin(store: &Store) -> Transaction {
    store.begin(IsolationLevel::RepeatableRead).expect("open")
}

impl Bench {
    pub(crate) fn open(env: &Env) -> Bench {
        Bench::over(open_store(env), parameters())
    }

    pub(crate) fn over(store: Store, parameters: HnswParameters) -> Bench {
        let (source, target) = keyspaces(&store);
        let options = VectorIndexOptions {
            source,
            target,
            parameters,
        };
        let index = VectorIndex::attach(&store, options).expect("sound");
        Bench {
            store,
            index,
            source,
        }
    }

    pub(crate) fn begin(&self) -> Transaction {
        begin(&self.store)
    }

    pub(crate) fn put(&self, tx: &mut Transaction, key: &Bytes, vector: &[f32]) {
        tx.put(self.source, key.clone(), encode_vector(vector))
            .expect("put");
    }

    /// Commits one change of each key.
    pub(crate) fn commit<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a Bytes, Option<&'a Vec<f32>>)>,
    ) {
        let mut tx = self.begin();
        for (key, vector) in changes {
            match vector {
                Some(vector) => self.put(&mut tx, key, vector),
                None => tx
                    .delete(self.source, key.clone())
                    .map(drop)
                    .expect("delete"),
            }
        }
        tx.commit(Durability::Sync).expect("committed");
    }

    pub(crate) fn commit_all(&self, state: &State) {
        self.commit(state.iter().map(|(key, vector)| (key, Some(vector))));
    }

    pub(crate) fn flush(&self) {
        self.store.flush().expect("merged");
    }

    pub(crate) fn search(&self, reader: &impl Reader, query: &[f32], k: usize) -> Vec<Hit> {
        self.index
            .search(reader, query, k, 40, all)
            .expect("searched")
    }

    pub(crate) fn keys(&self, reader: &impl Reader, query: &[f32], k: usize) -> Vec<Bytes> {
        self.search(reader, query, k)
            .into_iter()
            .map(|hit| hit.key)
            .collect()
    }

    /// A search for everything gives exactly `state`, by distance, then key; so does looking at everything.
    pub(crate) fn check(&self, reader: &impl Reader, state: &State) {
        let query = [0.5; DIM];
        let found = self.search(reader, &query, usize::MAX);
        assert_eq!(
            found,
            self.index
                .exact(reader, &query, usize::MAX, all)
                .expect("scanned")
        );
        assert!(found.is_sorted_by(|a, b| (a.distance, &a.key) < (b.distance, &b.key)));
        assert_eq!(found.len(), state.len());
        for hit in &found {
            let distance = Metric::L2
                .distance(&query, &state[&hit.key])
                .expect("same length");
            assert_eq!(hit.distance, distance);
        }
    }

    /// The newest state, in memory and on disk, is sound.
    pub(crate) fn verify(&self) {
        let findings = self
            .index
            .verify(self.store.view().base())
            .expect("readable");
        assert_eq!(findings, []);
    }
}

pub(crate) fn all(_: &[u8]) -> Result<bool, VectorError> {
    Ok(true)
}

pub(crate) fn key(number: u64) -> Bytes {
    Bytes::from(format!("key-{number:05}"))
}

pub(crate) fn vector(draw: &mut Draw) -> Vec<f32> {
    (0..DIM)
        .map(|_| (draw.number() >> 50) as f32 / 16_384.0)
        .collect()
}

/// `count` keys with random vectors.
pub(crate) fn state(draw: &mut Draw, count: u64) -> State {
    (0..count)
        .map(|number| (key(number), vector(draw)))
        .collect()
}
