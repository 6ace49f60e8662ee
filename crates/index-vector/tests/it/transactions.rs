//! What a transaction, and others, find: before and after commits, merges and a reopen.

use drystone_base::Env;
use drystone_index_vector::{VectorError, VectorIndex};
use drystone_mvcc::Durability;
use drystone_testkit::{Draw, SimFileSystem};

use crate::bench::*;

const ORIGIN: [f32; DIM] = [0.0; DIM];
const NEAR: [f32; DIM] = [0.1; DIM];
const FAR: [f32; DIM] = [0.9; DIM];

#[test]
fn what_is_written_is_found_as_isolation_says() {
    for merged_first in [false, true] {
        let bench = Bench::open(&Env::memory(1));
        bench.commit([(&key(1), Some(&FAR.to_vec()))]);
        if merged_first {
            bench.flush();
        }
        let older = bench.store.view();
        let mut tx = bench.begin();
        bench.put(&mut tx, &key(2), &NEAR);
        assert_eq!(
            bench.keys(&tx, &ORIGIN, 9),
            [key(2), key(1)],
            "its own write, at once"
        );
        assert_eq!(
            bench.keys(&bench.store.view(), &ORIGIN, 9),
            [key(1)],
            "not before the commit"
        );
        tx.commit(Durability::Sync).unwrap();
        assert_eq!(
            bench.keys(&bench.begin(), &ORIGIN, 9),
            [key(2), key(1)],
            "others, after it"
        );
        assert_eq!(
            bench.keys(&older, &ORIGIN, 9),
            [key(1)],
            "an older one never"
        );
        bench.flush();
        assert_eq!(bench.keys(&bench.begin(), &ORIGIN, 9), [key(2), key(1)]);
        assert_eq!(
            bench.keys(&older, &ORIGIN, 9),
            [key(1)],
            "nor after the merge"
        );
        bench.verify();
    }
}

#[test]
fn what_is_deleted_or_moved_is_gone_the_same_way() {
    let bench = Bench::open(&Env::memory(2));
    bench.commit([
        (&key(1), Some(&NEAR.to_vec())),
        (&key(2), Some(&FAR.to_vec())),
        (&key(3), Some(&FAR.to_vec())),
    ]);
    bench.flush();
    let older = bench.store.view();
    let mut tx = bench.begin();
    tx.delete(bench.source, key(1)).unwrap();
    bench.put(&mut tx, &key(3), &ORIGIN);
    assert_eq!(bench.keys(&tx, &ORIGIN, 9), [key(3), key(2)]);
    assert_eq!(
        bench.keys(&bench.store.view(), &ORIGIN, 9),
        [key(1), key(2), key(3)]
    );
    tx.commit(Durability::Sync).unwrap();
    for _ in 0..2 {
        assert_eq!(bench.keys(&bench.begin(), &ORIGIN, 9), [key(3), key(2)]);
        assert_eq!(bench.keys(&older, &ORIGIN, 9), [key(1), key(2), key(3)]);
        assert_eq!(
            bench.search(&older, &ORIGIN, 9)[2].distance,
            bench.search(&older, &ORIGIN, 9)[1].distance
        );
        bench.flush();
    }
    bench.verify();
}

#[test]
fn a_rollback_leaves_nothing() {
    let bench = Bench::open(&Env::memory(3));
    bench.commit([(&key(1), Some(&FAR.to_vec()))]);
    let mut tx = bench.begin();
    bench.put(&mut tx, &key(2), &NEAR);
    let savepoint = tx.savepoint();
    bench.put(&mut tx, &key(3), &NEAR);
    tx.rollback_to(&savepoint).unwrap();
    assert_eq!(bench.keys(&tx, &ORIGIN, 9), [key(2), key(1)]);
    tx.rollback();
    bench.flush();
    assert_eq!(bench.keys(&bench.begin(), &ORIGIN, 9), [key(1)]);
    assert_eq!(bench.index.len(), 1);
}

#[test]
fn filters_apply_to_tail_and_graph_alike() {
    let bench = Bench::open(&Env::memory(4));
    let mut draw = Draw::new(4);
    let mut expected = state(&mut draw, 400);
    bench.commit_all(&expected);
    bench.flush();
    let newer: State = (300..500)
        .map(|number| (key(number), vector(&mut draw)))
        .collect();
    bench.commit_all(&newer);
    expected.extend(newer);
    let view = bench.store.view();
    bench.check(&view, &expected);
    let third = |key: &[u8]| Ok::<_, VectorError>(key[8].is_multiple_of(3));
    for k in [1, 10, 200, 1_000] {
        let found = bench
            .index
            .search(&view, &[0.5; DIM], k, 500, third)
            .unwrap();
        assert_eq!(
            found,
            bench.index.exact(&view, &[0.5; DIM], k, third).unwrap()
        );
        let passing = expected
            .keys()
            .filter(|key| key[8].is_multiple_of(3))
            .count();
        assert_eq!(found.len(), k.min(passing));
    }
}

#[test]
fn odd_questions_have_answers() {
    let bench = Bench::open(&Env::memory(5));
    assert_eq!(bench.search(&bench.store.view(), &ORIGIN, 5), []);
    bench.flush();
    assert_eq!(bench.search(&bench.store.view(), &ORIGIN, 5), []);
    bench.commit([(&key(1), Some(&NEAR.to_vec()))]);
    let view = bench.store.view();
    assert_eq!(bench.search(&view, &ORIGIN, 0), []);
    let error = |query: &[f32]| {
        bench
            .index
            .search(&view, query, 1, 1, all)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(error(&[0.0]), "vector of 1 dimensions where 4 are expected");
    assert_eq!(
        error(&[f32::NAN; DIM]),
        "component 0 of the query vector is not a finite number"
    );
    assert!(bench.index.is_empty());
    bench.flush();
    assert_eq!(bench.index.len(), 1);
}

/// A history of commits, merges and views, against a map of what each state holds.
#[test]
fn every_view_finds_what_it_saw() {
    for seed in 0..6 {
        let mut draw = Draw::new(seed);
        let bench = Bench::open(&Env::memory(seed));
        let mut state = State::new();
        let mut views = Vec::new();
        for round in 0..60 {
            let mut changes = State::new();
            let mut tx = bench.begin();
            for _ in 0..draw.below(20) {
                let key = key(draw.below(150));
                if draw.below(3) == 0 {
                    tx.delete(bench.source, key.clone()).unwrap();
                    state.remove(&key);
                    changes.remove(&key);
                } else {
                    let vector = vector(&mut draw);
                    bench.put(&mut tx, &key, &vector);
                    state.insert(key.clone(), vector);
                }
            }
            bench.check(&tx, &state);
            tx.commit(Durability::None).unwrap();
            if draw.below(4) == 0 {
                views.push((bench.store.view(), state.clone()));
            }
            if draw.below(3) == 0 {
                bench.flush();
                bench.verify();
            }
            if round % 10 == 9 {
                views
                    .iter()
                    .for_each(|(view, state)| bench.check(view, state));
                views.truncate(4);
            }
        }
    }
}

#[test]
fn a_reopened_index_is_read_and_not_rebuilt() {
    let disk = SimFileSystem::with_folder(6, drystone_testkit::CRASH_FOLDER);
    let mut draw = Draw::new(6);
    let mut expected = state(&mut draw, 1_000);
    let queries: Vec<_> = (0..20).map(|_| vector(&mut draw)).collect();
    let bench = Bench::open(&disk.env());
    bench.commit_all(&expected);
    bench.flush();
    // Some die, some move, some are new; the last of them stay in the log.
    for number in 0..100 {
        bench.commit([(&key(number), None)]);
        expected.remove(&key(number));
    }
    bench.flush();
    for number in 950..1_050 {
        let vector = vector(&mut draw);
        bench.commit([(&key(number), Some(&vector))]);
        expected.insert(key(number), vector);
    }
    let ask = |bench: &Bench| -> Vec<_> {
        let view = bench.store.view();
        queries
            .iter()
            .map(|query| bench.search(&view, query, 10))
            .collect()
    };
    let answers = ask(&bench);
    let crashed = disk.crash(drystone_testkit::CrashPolicy::LoseAll);
    let reopened = Bench::open(&crashed.env());
    assert_eq!(reopened.index.stats().linked, 0, "no distance was computed");
    assert_eq!(ask(&reopened), answers);
    reopened.check(&reopened.store.view(), &expected);
    reopened.verify();
    reopened.flush();
    assert_eq!(
        reopened.index.stats().linked,
        100,
        "only what the log still had"
    );
    reopened.check(&reopened.store.view(), &expected);
    reopened.verify();
}

#[test]
fn an_index_over_old_entries_is_built_once() {
    let env = Env::memory(7);
    let store = open_store(&env);
    let (source, _) = keyspaces(&store);
    let expected = state(&mut Draw::new(7), 300);
    let mut tx = begin(&store);
    for (key, vector) in &expected {
        let bytes = drystone_index_vector::encode_vector(vector);
        tx.put(source, key.clone(), bytes).unwrap();
    }
    tx.commit(Durability::Sync).unwrap();
    store.flush().unwrap();
    let bench = Bench::over(store.clone(), parameters());
    assert_eq!(bench.index.stats().linked, 300);
    bench.check(&bench.store.view(), &expected);
    // The next merge writes all of it down.
    bench.commit([(&key(0), Some(&expected[&key(0)]))]);
    bench.flush();
    bench.verify();
    let again = VectorIndex::open(*bench.index.options(), store.view().base()).unwrap();
    assert_eq!((again.len(), again.stats().linked), (300, 0));
}

#[test]
fn merges_made_without_the_index_are_noticed() {
    let moved = vec![0.25; DIM];
    for (number, vector) in [(7, Some(&moved)), (7, None), (777, Some(&moved))] {
        let mut expected = state(&mut Draw::new(8), 200);
        let bench = Bench::open(&Env::memory(8));
        bench.commit_all(&expected);
        bench.flush();
        bench.store.detach(bench.index.options().target);
        bench.commit([(&key(number), vector)]);
        match vector {
            Some(vector) => expected.insert(key(number), vector.clone()),
            None => expected.remove(&key(number)),
        };
        bench.flush();
        let again = Bench::over(bench.store.clone(), parameters());
        assert_eq!(
            again.index.stats().linked,
            expected.len() as u64,
            "built anew"
        );
        again.check(&again.store.view(), &expected);
        again.verify(); // what is stored is of another state, but about to be replaced
        again.commit([(&key(9), None)]);
        expected.remove(&key(9));
        again.flush();
        again.check(&again.store.view(), &expected);
        again.verify();
    }
}

#[test]
fn searches_run_beside_merges() {
    let bench = Bench::open(&Env::memory(11));
    let mut draw = Draw::new(11);
    let mut expected = state(&mut draw, 400);
    bench.commit_all(&expected);
    bench.flush();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (view, state) = (bench.store.view(), expected.clone());
            let bench = &bench;
            scope.spawn(move || (0..8).for_each(|_| bench.check(&view, &state)));
            for _ in 0..60 {
                let (key, vector) = (key(draw.below(500)), vector(&mut draw));
                bench.commit([(&key, Some(&vector))]);
                expected.insert(key, vector);
            }
            bench.flush();
        }
    });
    assert!(
        bench.index.stats().floor > drystone_base::Lsn::ZERO,
        "dead nodes were taken out meanwhile"
    );
    bench.check(&bench.store.view(), &expected);
    bench.verify();
}

#[test]
fn an_index_attached_late_catches_up() {
    let env = Env::memory(9);
    let mut draw = Draw::new(9);
    let mut expected = state(&mut draw, 100);
    let store = open_store(&env);
    let (source, target) = keyspaces(&store);
    let options = drystone_index_vector::VectorIndexOptions {
        source,
        target,
        parameters: parameters(),
    };
    let index = VectorIndex::open(options, store.view().base()).unwrap();
    let bench = Bench {
        store: store.clone(),
        index,
        source,
    };
    bench.commit_all(&expected);
    bench.flush();
    bench.check(&store.view(), &expected);
    assert_eq!(
        bench.index.len(),
        0,
        "it was not attached: the source was scanned"
    );
    store.attach(bench.index.clone());
    bench.commit([(&key(5), None)]);
    expected.remove(&key(5));
    bench.flush();
    assert_eq!(bench.index.len(), 99);
    bench.check(&store.view(), &expected);
    bench.verify();
}

#[test]
fn other_parameters_are_refused() {
    let env = Env::memory(10);
    let bench = Bench::open(&env);
    bench.commit_all(&state(&mut Draw::new(1), 5));
    bench.flush();
    let mut options = *bench.index.options();
    options.parameters.m = 8;
    let error = VectorIndex::open(options, bench.store.view().base()).unwrap_err();
    assert!(
        matches!(error, VectorError::OtherParameters { .. }),
        "{error}"
    );
}
