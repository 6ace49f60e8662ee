//! The graph against looking at everything: recall, filters, older states, taking back, taking out.

use std::collections::BTreeMap;

use drystone_base::{Random, SeededRandom};

use super::*;
use crate::hit::Hit;
use crate::testing::{clustered, key, nearest, recall};
use crate::{Metric, VectorError};

fn graph_of(metric: Metric, vectors: &[Vec<f32>]) -> Hnsw {
    let graph = Hnsw::new(HnswParameters::new(vectors[0].len(), metric)).unwrap();
    for (number, vector) in vectors.iter().enumerate() {
        graph.insert(key(number), vector, Lsn(1)).unwrap();
    }
    graph
}

fn all(_: &[u8]) -> Result<bool, VectorError> {
    Ok(true)
}

fn search(graph: &Hnsw, query: &[f32], k: usize, ef: usize, at: Lsn) -> Vec<Hit> {
    let found = graph.search(query, k, ef, at, all).unwrap();
    found.expect("the state is remembered").hits
}

fn number_of(key: &[u8]) -> u64 {
    u64::from_be_bytes(key.try_into().unwrap())
}

fn entries(vectors: &[Vec<f32>]) -> impl Iterator<Item = (Bytes, &Vec<f32>)> {
    vectors
        .iter()
        .enumerate()
        .map(|(number, vector)| (key(number), vector))
}

fn check_recall(metric: Metric, dim: usize) {
    let mut vectors = clustered(7, 5_050, dim, 50);
    let queries = vectors.split_off(5_000);
    let graph = graph_of(metric, &vectors);
    assert_eq!(graph.check(), []);
    let mut sum = 0.0;
    let mut walked = 0;
    for query in &queries {
        let truth = nearest(metric, query, 10, entries(&vectors));
        let found = graph.search(query, 10, 100, Lsn(1), all).unwrap().unwrap();
        walked += usize::from(!found.is_exhaustive);
        sum += recall(&truth, &found.hits);
        let is_sorted = found.hits.is_sorted_by(|a, b| a.distance <= b.distance);
        assert!(found.hits.len() == 10 && is_sorted, "{found:?}");
    }
    let recall = sum / queries.len() as f64;
    assert!(
        recall >= 0.95,
        "{metric:?} in {dim} dimensions: recall {recall}"
    );
    assert_eq!(walked, queries.len(), "the graph was used");
}

#[test]
fn recall_by_euclidean_distance() {
    check_recall(Metric::L2, 32);
}

#[test]
fn recall_by_cosine() {
    check_recall(Metric::Cosine, 64);
}

#[test]
fn recall_by_inner_product() {
    check_recall(Metric::InnerProduct, 32);
}

#[test]
fn a_filter_costs_no_answers() {
    let vectors = clustered(8, 3_000, 16, 30);
    let graph = graph_of(Metric::L2, &vectors);
    for (one_in, k) in [(2, 10), (30, 10), (300, 10), (300, 50), (3_000, 5)] {
        let passes = |key: &[u8]| number_of(key).is_multiple_of(one_in);
        let (mut sum, mut calls) = (0.0, 0);
        for query in vectors.iter().step_by(150) {
            let passing = entries(&vectors).filter(|(key, _)| passes(key));
            let truth = nearest(Metric::L2, query, k, passing);
            let mut asked = std::collections::BTreeSet::new();
            let accept = |key: &[u8]| {
                calls += 1;
                assert!(asked.insert(key.to_vec()), "asked twice");
                Ok::<_, VectorError>(passes(key))
            };
            let found = graph.search(query, k, 50, Lsn(1), accept).unwrap().unwrap();
            assert_eq!(found.hits.len(), truth.len(), "one in {one_in}, {k} wanted");
            assert!(found.hits.iter().all(|hit| passes(&hit.key)));
            sum += recall(&truth, &found.hits);
        }
        assert!(sum / 20.0 >= 0.95, "one in {one_in}: recall {}", sum / 20.0);
        assert!(calls <= 20 * 3_000);
    }
}

#[test]
fn errors_of_the_filter_come_through() {
    let graph = graph_of(Metric::L2, &clustered(1, 10, 2, 2));
    let refuse = |_: &[u8]| Err(VectorError::NotFinite { idx: 7 });
    let error = graph
        .search(&[0.0, 0.0], 3, 10, Lsn(1), refuse)
        .unwrap_err();
    assert!(matches!(error, VectorError::NotFinite { idx: 7 }));
}

/// No latch is held while the filter runs, so it may do to the graph what others might do meanwhile.
#[test]
fn the_graph_may_change_between_two_looks() {
    let vectors = clustered(9, 2_000, 8, 20);
    let rare = |key: &[u8]| number_of(key).is_multiple_of(50);
    let passing = || entries(&vectors[..1_000]).filter(|(key, _)| rare(key));
    let truth = nearest(Metric::L2, &vectors[3], 15, passing());
    for change in 0..4 {
        let graph = graph_of(Metric::L2, &vectors[..1_000]);
        graph.settle();
        let mut calls = 0;
        let accept = |key: &[u8]| {
            calls += 1;
            if calls == 3 {
                match change {
                    0 => insert_all(&graph, &vectors, 1_000..2_000, Lsn(2)),
                    1 => {
                        insert_all(&graph, &vectors, 1_000..2_000, Lsn(2));
                        graph.undo();
                        insert_all(&graph, &vectors, 1_500..2_000, Lsn(2));
                    }
                    2 => (0..1_000)
                        .for_each(|number| assert!(graph.kill(&self::key(number), Lsn(2)))),
                    _ => {
                        (0..1_000)
                            .for_each(|number| assert!(graph.kill(&self::key(number), Lsn(2))));
                        assert_eq!(graph.consolidate(Lsn(2)), 1_000);
                    }
                }
            }
            Ok::<_, VectorError>(rare(key))
        };
        let found = graph.search(&vectors[3], 15, 15, Lsn(1), accept).unwrap();
        match found {
            Some(found) => assert!(
                change < 3 && recall(&truth, &found.hits) >= 0.9,
                "{change}: {found:?}"
            ),
            None => assert_eq!(change, 3, "the nodes are gone"),
        }
    }
}

#[test]
fn a_number_that_comes_to_mean_another_node_is_noticed() {
    let vectors = clustered(10, 1_500, 8, 20);
    let graph = graph_of(Metric::L2, &vectors[..1_000]);
    graph.settle();
    let mut calls = 0;
    let accept = |_: &[u8]| {
        calls += 1;
        if calls == 1 {
            (0..500).for_each(|number| assert!(graph.kill(&self::key(number), Lsn(2))));
            assert_eq!(graph.consolidate(Lsn(2)), 500);
            graph.settle();
            insert_all(&graph, &vectors, 1_000..1_500, Lsn(3));
        }
        Ok::<_, VectorError>(calls > 10)
    };
    let found = graph
        .search(&vectors[0], 20, 20, Lsn(9), accept)
        .unwrap()
        .unwrap();
    assert_eq!(found.hits.len(), 20);
    for hit in &found.hits {
        let number = usize::try_from(number_of(&hit.key)).unwrap();
        assert!(number >= 500, "{number} was taken out");
        assert_eq!(
            hit.distance,
            Metric::L2.distance(&vectors[0], &vectors[number]).unwrap()
        );
    }
}

fn insert_all(graph: &Hnsw, vectors: &[Vec<f32>], numbers: std::ops::Range<usize>, at: Lsn) {
    for number in numbers {
        graph.insert(key(number), &vectors[number], at).unwrap();
    }
}

#[test]
fn odd_questions_have_answers() {
    let empty = Hnsw::new(HnswParameters::new(2, Metric::L2)).unwrap();
    assert_eq!(search(&empty, &[0.0, 0.0], 5, 10, Lsn(1)), []);
    let graph = graph_of(Metric::L2, &[vec![1.0, 0.0], vec![2.0, 0.0]]);
    assert_eq!(search(&graph, &[0.0, 0.0], 0, 10, Lsn(1)), []);
    assert_eq!(search(&graph, &[0.0, 0.0], usize::MAX, 0, Lsn(1)).len(), 2);
    assert_eq!(search(&graph, &[0.0, 0.0], 2, usize::MAX, Lsn(1)).len(), 2);
    assert_eq!(search(&graph, &[0.0, 0.0], 1, 0, Lsn(1))[0].distance, 1.0);
    assert_eq!(
        search(&graph, &[0.0, 0.0], 1, 1, Lsn(0)),
        [],
        "before its birth"
    );
    let error = |query: &[f32]| {
        graph
            .search(query, 1, 1, Lsn(1), all)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(error(&[0.0]), "vector of 1 dimensions where 2 are expected");
    assert_eq!(
        error(&[0.0, f32::NAN]),
        "component 1 of the query vector is not a finite number"
    );
    assert_eq!(
        error(&[f32::INFINITY, 0.0]),
        "component 0 of the query vector is not a finite number"
    );
    let wrong = graph.insert(key(9), &[1.0], Lsn(2)).unwrap_err();
    assert!(matches!(
        wrong,
        VectorError::Dimensions {
            expected: 2,
            found: 1
        }
    ));
    let parameters = HnswParameters {
        m: 1,
        ..HnswParameters::new(2, Metric::L2)
    };
    assert_eq!(
        Hnsw::new(parameters).unwrap_err().to_string(),
        "m is 1; the limits are 2 and 128"
    );
}

#[test]
fn equally_near_entries_come_in_the_order_of_keys() {
    let graph = graph_of(Metric::L2, &vec![vec![1.0, 1.0]; 300]);
    let hits = search(&graph, &[0.0, 0.0], 20, 20, Lsn(1));
    let keys: Vec<_> = hits.iter().map(|hit| hit.key.clone()).collect();
    assert_eq!(keys, (0..20).map(key).collect::<Vec<_>>());
}

#[test]
fn what_has_no_direction_is_farthest() {
    let graph = graph_of(
        Metric::Cosine,
        &[vec![0.0, 0.0], vec![-1.0, 0.0], vec![1.0, 0.0]],
    );
    let hits = search(&graph, &[2.0, 0.0], 3, 10, Lsn(1));
    let distances: Vec<_> = hits.iter().map(|hit| hit.distance).collect();
    assert!(
        distances[..2] == [0.0, 2.0] && distances[2].is_nan(),
        "{distances:?}"
    );
    let hits = search(&graph, &[0.0, 0.0], 2, 10, Lsn(1));
    assert!(hits.iter().all(|hit| hit.distance.is_nan()));
    assert_eq!([&hits[0].key, &hits[1].key], [&key(0), &key(1)]);
}

#[test]
fn thousands_of_equal_vectors_stay_reachable() {
    let graph = graph_of(Metric::L2, &vec![vec![0.5; 8]; 2_500]);
    assert_eq!(graph.check(), []);
    assert_eq!(search(&graph, &[0.5; 8], 10, 40, Lsn(1)).len(), 10);
}

type Model = BTreeMap<Bytes, Vec<f32>>;

/// A graph and what every remembered state of it holds.
struct History {
    graph: Hnsw,
    states: BTreeMap<Lsn, Model>,
    random: SeededRandom,
}

impl History {
    fn new(seed: u64) -> History {
        History {
            graph: Hnsw::new(HnswParameters {
                m: 4,
                ..HnswParameters::new(4, Metric::L2)
            })
            .unwrap(),
            states: BTreeMap::from([(Lsn(0), Model::new())]),
            random: SeededRandom::new(seed),
        }
    }

    fn draw(&self, below: u64) -> usize {
        usize::try_from(self.random.next_u64() % below).unwrap()
    }

    fn vector(&self) -> Vec<f32> {
        (0..4).map(|_| self.draw(1_000) as f32).collect()
    }

    /// Makes the next state: some keys set, some deleted.
    fn change(&mut self, count: usize) -> (Lsn, Model) {
        let (last, model) = self.states.last_key_value().unwrap();
        let (lsn, mut model) = (last.next(), model.clone());
        for _ in 0..count {
            let key = key(self.draw(300));
            if model.contains_key(&key) && self.draw(2) == 0 {
                assert!(self.graph.kill(&key, lsn));
                model.remove(&key);
            } else {
                let vector = self.vector();
                self.graph.insert(key.clone(), &vector, lsn).unwrap();
                model.insert(key, vector);
            }
        }
        (lsn, model)
    }

    fn check(&self) {
        assert_eq!(self.graph.check(), []);
        for (at, model) in &self.states {
            let query = self.vector();
            let found = self.graph.search(&query, 1_000, 10, *at, all).unwrap();
            let floor = self.graph.stats().floor;
            assert_eq!(found.is_none(), *at < floor);
            let Some(found) = found else { continue };
            let entries = model.iter().map(|(key, vector)| (key.clone(), vector));
            assert_eq!(
                found.hits,
                nearest(Metric::L2, &query, 1_000, entries),
                "at {at}"
            );
        }
    }

    /// Every node and link, as records.
    fn dump(&self) -> Records {
        let mut graph = self.graph.graph.write();
        let before = std::mem::replace(&mut graph.journal.is_unwritten, true);
        let records = graph.changed_records(Lsn(0));
        graph.journal.is_unwritten = before;
        records
    }
}

#[test]
fn every_remembered_state_is_searched_as_it_was() {
    for seed in 0..10 {
        let mut history = History::new(seed);
        for round in 0..40 {
            let (lsn, model) = history.change(1 + round);
            history.states.insert(lsn, model);
            if round % 4 == 3 {
                history.graph.consolidate(Lsn(lsn.0 - 3));
            }
            history.graph.settle();
            history.check();
        }
        assert!(
            history.graph.stats().floor > Lsn(0),
            "dead nodes were taken out"
        );
    }
}

#[test]
fn changes_that_are_taken_back_leave_nothing() {
    for seed in 0..10 {
        let mut history = History::new(seed);
        for round in 0..40 {
            let before = history.dump();
            let (lsn, model) = history.change(1 + round);
            history.graph.consolidate(Lsn(lsn.0 - 1));
            if round % 3 == 0 {
                history.graph.undo();
                let count = |records: &Records| records.len();
                assert_eq!(count(&history.dump()), count(&before));
                let (now, graph_record) = (history.dump(), format::RecordKey::Graph.encode());
                let differing = now
                    .iter()
                    .find(|(key, value)| **key != graph_record && before.get(*key) != Some(value));
                assert_eq!(differing, None);
            } else {
                history.graph.settle();
                history.states.insert(lsn, model);
            }
            history.check();
        }
    }
}

#[test]
fn the_same_vector_again_changes_nothing() {
    let graph = graph_of(Metric::Cosine, &[vec![1.0, 2.0]]);
    graph.settle();
    graph.insert(key(0), &[1.0, 2.0], Lsn(5)).unwrap();
    assert_eq!(graph.stats().dead, 0);
    assert_eq!(graph.stats().linked, 1);
    assert_eq!(search(&graph, &[1.0, 2.0], 1, 1, Lsn(1)).len(), 1);
}

#[test]
fn recall_survives_a_long_life() {
    let vectors = clustered(5, 6_000, 16, 40);
    let parameters = HnswParameters {
        ef_construction: 64,
        ..HnswParameters::new(16, Metric::L2)
    };
    let graph = Hnsw::new(parameters).unwrap();
    // A window of 2,000 keys that are set again and again.
    for (number, vector) in vectors.iter().enumerate() {
        let lsn = Lsn(1 + number as u64 / 100);
        graph.insert(key(number % 2_000), vector, lsn).unwrap();
        if number % 100 == 99 {
            graph.consolidate(lsn);
            graph.settle();
        }
    }
    let live = &vectors[4_000..];
    let mut sum = 0.0;
    for query in live.iter().step_by(40) {
        let truth = nearest(Metric::L2, query, 10, entries(live));
        sum += recall(&truth, &search(&graph, query, 10, 60, Lsn(1_000)));
    }
    assert!(sum / 50.0 >= 0.95, "recall {}", sum / 50.0);
    assert!(graph.stats().dead * 4 <= graph.stats().live + 400);
    assert_eq!(graph.check(), []);
}

#[test]
fn searches_run_beside_changes() {
    let vectors = clustered(6, 3_000, 8, 20);
    let graph = graph_of(Metric::L2, &vectors[..1_000]);
    graph.settle();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for query in vectors.iter().step_by(10) {
                    let hits = search(&graph, query, 10, 40, Lsn(1));
                    assert_eq!(hits.len(), 10);
                    assert!(
                        hits.iter().all(|hit| number_of(&hit.key) < 1_000),
                        "born later"
                    );
                }
            });
        }
        for (number, vector) in vectors.iter().enumerate().skip(1_000) {
            graph.insert(key(number), vector, Lsn(2)).unwrap();
        }
        graph.undo();
    });
    assert_eq!(graph.len(), 1_000, "what was settled stands");
    assert_eq!(graph.check(), []);
}
