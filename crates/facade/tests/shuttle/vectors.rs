//! Vector indexes: searches beside commits and merges.

use std::sync::Arc;

use drystone_base::KeyspaceId;
use drystone_index_vector::{
    HnswParameters, Metric, Reader, VectorError, VectorIndex, VectorIndexOptions, encode_vector,
};
use drystone_mvcc::{Durability, Store};
use shuttle::thread;

use crate::runner::check;
use crate::support::{begin, create, store};

fn attach(store: &Store, source: KeyspaceId) -> Arc<VectorIndex> {
    let parameters = HnswParameters {
        m: 4,
        ef_construction: 8,
        ..HnswParameters::new(2, Metric::L2)
    };
    let options = VectorIndexOptions {
        source,
        target: create(store, "graph"),
        parameters,
    };
    VectorIndex::attach(store, options).unwrap()
}

fn commit(store: &Store, source: KeyspaceId, number: u8) {
    let mut tx = begin(store);
    let vector = encode_vector(&[f32::from(number), 1.0]);
    tx.put(source, vec![number], vector).unwrap();
    tx.commit(Durability::None).unwrap();
}

/// All keys, by distance from the origin.
fn search(index: &VectorIndex, reader: &impl Reader) -> Vec<u8> {
    let all = |_: &[u8]| Ok::<_, VectorError>(true);
    let hits = index.search(reader, &[0.0, 1.0], 20, 20, all).unwrap();
    hits.into_iter().map(|hit| hit.key[0]).collect()
}

/// A search sees its view's vectors, all of them and no other, wherever merges have put them meanwhile.
#[test]
fn vectors_search_beside_merge() {
    check("vectors_search_beside_merge", || {
        let (_, store, source) = store(1 << 20);
        let index = attach(&store, source);
        let first = store.view().lsn().0;
        let writer = {
            let store = store.clone();
            thread::spawn(move || (1..=6).for_each(|number| commit(&store, source, number)))
        };
        let merger = {
            let store = store.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    store.flush().unwrap();
                }
            })
        };
        for _ in 0..3 {
            let view = store.view();
            let count = u8::try_from(view.lsn().0 - first).unwrap();
            assert_eq!(search(&index, &view), (1..=count).collect::<Vec<_>>());
        }
        writer.join().unwrap();
        merger.join().unwrap();
        assert_eq!(search(&index, &store.view()), [1, 2, 3, 4, 5, 6]);
    });
}
