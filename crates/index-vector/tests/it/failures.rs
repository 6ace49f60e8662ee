//! Merges that fail, bytes that are no vectors, damage.

use std::io::ErrorKind;

use drystone_base::Env;
use drystone_index_vector::{HnswParameters, Metric, VectorError, VectorIndex};
use drystone_mvcc::{Durability, StoreError};
use drystone_testkit::{CRASH_FOLDER, Draw, Fault, OpKind, SimFileSystem};

use crate::bench::*;

#[test]
fn a_failed_merge_is_taken_back_and_tried_again() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let mut draw = Draw::new(1);
    let bench = Bench::open(&disk.env());
    let mut expected = state(&mut draw, 300);
    bench.commit_all(&expected);
    bench.flush();
    let before = bench.index.stats();
    for number in 200..400 {
        let vector = vector(&mut draw);
        bench.commit([(&key(number), Some(&vector)), (&key(number - 200), None)]);
        expected.insert(key(number), vector);
        expected.remove(&key(number - 200));
    }
    for _ in 0..3 {
        let full = Fault::error(OpKind::Write, ErrorKind::StorageFull);
        disk.inject(full.under(format!("{CRASH_FOLDER}/btree")));
        let error = bench.store.flush().unwrap_err();
        assert!(matches!(error, StoreError::Engine(_)), "{error}");
        assert_eq!(
            (bench.index.stats().live, bench.index.stats().dead),
            (before.live, before.dead)
        );
        bench.check(&bench.store.view(), &expected);
        bench.verify();
    }
    disk.clear_faults();
    bench.flush();
    bench.check(&bench.store.view(), &expected);
    bench.verify();
    let reopened = Bench::open(&disk.crash(drystone_testkit::CrashPolicy::LoseAll).env());
    reopened.check(&reopened.store.view(), &expected);
    reopened.verify();
}

/// A value of another length is no vector: searches do not find it, merges go on, and `verify` names it.
#[test]
fn bytes_that_are_no_vector_hold_up_nothing() {
    let env = Env::memory(2);
    let bench = Bench::open(&env);
    let mut expected = state(&mut Draw::new(2), 50);
    bench.commit_all(&expected);
    bench.flush();
    let mut tx = bench.begin();
    tx.put(bench.source, key(7), &b"five!"[..]).unwrap();
    tx.put(bench.source, key(99), &b""[..]).unwrap();
    bench.put(&mut tx, &key(1), &[0.0; DIM]);
    tx.commit(Durability::Sync).unwrap();
    expected.insert(key(1), vec![0.0; DIM]);
    expected.remove(&key(7));
    for _ in 0..2 {
        bench.check(&bench.store.view(), &expected);
        bench.flush();
    }
    let named = |bench: &Bench| {
        let findings = bench.index.verify(bench.store.view().base()).unwrap();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let misfits = [
        "length of a vector: expected 16 bytes, found 5 at key \"key-00007\"",
        "length of a vector: expected 16 bytes, found 0 at key \"key-00099\"",
    ];
    assert_eq!(named(&bench), misfits);
    bench.store.close().unwrap();
    let bench = Bench::open(&env);
    assert_eq!(bench.index.stats().linked, 0, "no rebuild");
    bench.check(&bench.store.view(), &expected);
    assert_eq!(named(&bench), misfits);
    // Once they are mended, they are found.
    for number in [7, 99] {
        expected.insert(key(number), vec![1.0; DIM]);
        bench.commit([(&key(number), Some(&vec![1.0; DIM]))]);
    }
    bench.flush();
    bench.check(&bench.store.view(), &expected);
    bench.verify();
}

/// The graph of an index that was attached after bytes that are no vector were merged.
#[test]
fn bytes_that_are_no_vector_are_left_out_of_a_new_graph() {
    let store = open_store(&Env::memory(2));
    let (source, _) = keyspaces(&store);
    let mut tx = begin(&store);
    tx.put(source, key(1), &b"five!"[..]).unwrap();
    tx.commit(Durability::Sync).unwrap();
    store.flush().unwrap();
    let bench = Bench::over(store, parameters());
    assert!(bench.index.is_empty());
    bench.check(&bench.store.view(), &State::new());
}

/// To the cosine only directions matter, so longer vectors make no other graph; but the graph remembers whose it is.
#[test]
fn a_vector_that_only_grows_longer_keeps_its_graph() {
    let env = Env::memory(6);
    let cosine = HnswParameters {
        metric: Metric::Cosine,
        ..parameters()
    };
    let bench = Bench::over(open_store(&env), cosine);
    for length in [1.0, 2.0, 3.0] {
        for number in 0..20u8 {
            let vector = vec![length * f32::from(number), length, 0.0, 0.0];
            bench.commit([(&key(number.into()), Some(&vector))]);
        }
        bench.flush();
        bench.verify();
    }
    bench.store.close().unwrap();
    let bench = Bench::over(open_store(&env), cosine);
    assert_eq!(bench.index.stats().linked, 0, "no rebuild");
    assert_eq!(bench.index.len(), 20);
}

#[test]
fn numbers_that_are_not_finite_are_farthest() {
    let bench = Bench::open(&Env::memory(3));
    let odd = [
        vec![f32::NAN; DIM],
        vec![f32::INFINITY; DIM],
        vec![1.0; DIM],
    ];
    for (number, vector) in (0..).zip(&odd) {
        bench.commit([(&key(number), Some(vector))]);
    }
    for _ in 0..2 {
        assert_eq!(
            bench.keys(&bench.store.view(), &[0.0; DIM], 3),
            [key(2), key(1), key(0)]
        );
        bench.flush();
    }
    bench.verify();
}

/// All entries went while the index was not attached: nothing of the graph before may come to lie under the next one.
#[test]
fn a_graph_whose_source_was_emptied_behind_its_back_is_replaced() {
    let env = Env::memory(7);
    let bench = Bench::open(&env);
    let before = state(&mut Draw::new(7), 20);
    bench.commit_all(&before);
    bench.flush();
    bench.store.detach(bench.index.options().target);
    bench.commit(before.keys().map(|key| (key, None)));
    bench.flush();
    bench.store.close().unwrap();
    let bench = Bench::open(&env);
    let now = State::from([(key(1), vec![0.5; DIM])]);
    bench.commit_all(&now);
    bench.flush();
    bench.verify();
    bench.store.close().unwrap();
    let bench = Bench::open(&env);
    assert_eq!(bench.index.stats().linked, 0, "no rebuild");
    bench.check(&bench.store.view(), &now);
    bench.verify();
}

/// Each record of the graph is replaced, one by one, by bytes that cannot be right: verification says so, and the index
/// opens all the same, since all that the graph says can be made from the source.
#[test]
fn damaged_records_are_reported_and_replaced() {
    let env = Env::memory(4);
    let bench = Bench::open(&env);
    bench.commit_all(&state(&mut Draw::new(4), 20));
    bench.flush();
    let options = *bench.index.options();
    bench.store.detach(options.target);
    let records: Vec<_> = bench
        .store
        .view()
        .range(options.target, ..)
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(records.len(), 1 + 2 * 20);
    for (key, value) in &records {
        let cut = value[..value.len() - 1].to_vec();
        for broken in [cut, vec![0xFF; value.len()]] {
            write(&bench, key, &broken);
            check_damaged(&bench, key);
        }
        write(&bench, key, value);
    }
    VectorIndex::open(options, bench.store.view().base()).unwrap();
    // A link to a node that is not there.
    let (key, value) = records
        .iter()
        .find(|(key, value)| key[0] == 3 && value[4] > 0)
        .unwrap();
    let mut broken = value.to_vec();
    broken[8..12].copy_from_slice(&77u32.to_le_bytes());
    write(&bench, key, &broken);
    check_damaged(&bench, key);
    // The next merge that the index follows writes a sound one.
    let bench = Bench::over(bench.store, options.parameters);
    bench.commit([(&self::key(0), Some(&vec![0.5; DIM]))]);
    bench.flush();
    bench.verify();
    assert_eq!(bench.index.stats().live, 20);
}

/// The stored graph is damaged at the record of this key; an index that is opened over it answers from a new one.
fn check_damaged(bench: &Bench, key: &bytes::Bytes) {
    let (view, options) = (bench.store.view(), *bench.index.options());
    let index = VectorIndex::open(options, view.base()).expect("built anew");
    let error = index.verify(view.base()).expect_err("damaged");
    let is_named =
        matches!(error, VectorError::Corrupt { keyspace, .. } if keyspace == options.target);
    assert!(is_named, "{key:?}: {error}");
    let found = index.search(&view, &[0.5; DIM], 20, 40, all);
    assert_eq!(
        found.expect("searched"),
        index.exact(&view, &[0.5; DIM], 20, all).expect("scanned")
    );
    assert_eq!((index.len(), index.stats().linked), (20, 20));
}

fn write(bench: &Bench, key: &bytes::Bytes, value: &[u8]) {
    let mut tx = bench.begin();
    let target = bench.index.options().target;
    tx.put(target, key.clone(), value.to_vec()).expect("put");
    tx.commit(Durability::Sync).expect("committed");
    bench.flush();
}
