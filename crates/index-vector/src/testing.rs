//! Data for tests: seeded, clustered vectors, and the true nearest among them.

use bytes::Bytes;
use drystone_base::{Random, SeededRandom};

use crate::hit::Hit;
use crate::hnsw::order;
use crate::metric::Metric;

/// Vectors around `clusters` random centers.
pub(crate) fn clustered(seed: u64, count: usize, dim: usize, clusters: usize) -> Vec<Vec<f32>> {
    let random = SeededRandom::new(seed);
    let even = || (random.next_u64() >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
    let point = |scale: f32| -> Vec<f32> { (0..dim).map(|_| scale * even()).collect() };
    let centers: Vec<_> = (0..clusters).map(|_| point(1.0)).collect();
    let vectors = (0..count).map(|idx| {
        let center = &centers[idx % clusters];
        center.iter().zip(point(0.4)).map(|(a, b)| a + b).collect()
    });
    vectors.collect()
}

/// A number as a key that sorts as the number does.
pub(crate) fn key(number: usize) -> Bytes {
    Bytes::copy_from_slice(&(number as u64).to_be_bytes())
}

/// The `k` true nearest, sorted as every search sorts.
pub(crate) fn nearest<'a>(
    metric: Metric,
    query: &[f32],
    k: usize,
    entries: impl IntoIterator<Item = (Bytes, &'a Vec<f32>)>,
) -> Vec<Hit> {
    let hit = |(key, vector): (Bytes, &Vec<f32>)| Hit {
        key,
        distance: metric.distance(query, vector).expect("lengths agree"),
    };
    let mut hits: Vec<_> = entries.into_iter().map(hit).collect();
    hits.sort_by(|a, b| (order(a.distance), &a.key).cmp(&(order(b.distance), &b.key)));
    hits.truncate(k);
    hits
}

/// The share of `truth` that is in `found`.
pub(crate) fn recall(truth: &[Hit], found: &[Hit]) -> f64 {
    let right = truth
        .iter()
        .filter(|hit| found.iter().any(|other| other.key == hit.key));
    right.count() as f64 / truth.len() as f64
}
