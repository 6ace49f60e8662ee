//! Queries a second at recall: how fast the graph answers, and how right it is.
//!
//! `cargo run --release -p drystone-index-vector --example recall [nodes] [dim] [spread]`
//!
//! Vectors are drawn around random centers, as real embeddings lie in clusters; queries are drawn the same way and are
//! not among them. Recall is measured against a scan of everything, for the ten nearest.

use std::time::Duration;

use bytes::Bytes;
use drystone_base::{Clock, Lsn, OsClock, Random, SeededRandom};
use drystone_index_vector::{Hit, Hnsw, HnswParameters, Metric, VectorError};

const K: usize = 10;
const QUERIES: usize = 1_000;
/// The fastest pass counts: the others were disturbed.
const PASSES: usize = 5;

fn main() -> Result<(), VectorError> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<usize>().ok());
    let mut argument = |default| arguments.next().flatten().unwrap_or(default);
    let (nodes, dim, m) = (argument(100_000), argument(128), argument(16));
    let clock = OsClock::new();
    let data = Clusters::new(dim, 100);
    let vectors: Vec<_> = (0..nodes).map(|_| data.draw()).collect();
    let queries: Vec<_> = (0..QUERIES).map(|_| data.draw()).collect();

    let parameters = HnswParameters {
        m,
        ..HnswParameters::new(dim, Metric::L2)
    };
    let graph = Hnsw::new(parameters)?;
    let started = clock.monotonic();
    for (number, vector) in (0u32..).zip(&vectors) {
        graph.insert(
            Bytes::copy_from_slice(&number.to_be_bytes()),
            vector,
            Lsn(1),
        )?;
    }
    graph.settle();
    let took = clock.monotonic() - started;
    println!(
        "{nodes} nodes of {dim} dimensions linked in {took:.1?}: {:.0}/s",
        per_second(nodes, took)
    );
    println!(
        "memory {} MiB, findings {}",
        graph.stats().memory_bytes >> 20,
        graph.check().len()
    );

    let truth: Vec<_> = queries
        .iter()
        .take(200)
        .map(|query| nearest(&vectors, query))
        .collect();
    for ef in [10, 20, 30, 40, 60, 80, 100, 150, 200, 400] {
        let mut answers = Vec::new();
        let mut best = Duration::MAX;
        for _ in 0..PASSES {
            let started = clock.monotonic();
            answers.clear();
            for query in &queries {
                let found = graph.search(query, K, ef, Lsn(1), |_| Ok::<_, VectorError>(true))?;
                answers.push(found.expect("nothing was taken out").hits);
            }
            best = best.min(clock.monotonic() - started);
        }
        let right: usize = truth
            .iter()
            .zip(&answers)
            .map(|(truth, hits)| right(truth, hits))
            .sum();
        let recall = right as f64 / (K * truth.len()) as f64;
        let speed = per_second(QUERIES, best);
        println!("ef {ef:>4}: recall {recall:.4}, {speed:>6.0} queries/s");
    }
    Ok(())
}

fn right(truth: &[[u8; 4]], hits: &[Hit]) -> usize {
    let is_true = |hit: &&Hit| truth.iter().any(|key| key[..] == hit.key[..]);
    hits.iter().filter(is_true).count()
}

fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// The true nearest, by looking at all.
fn nearest(vectors: &[Vec<f32>], query: &[f32]) -> Vec<[u8; 4]> {
    let distance = |vector: &[f32]| -> f32 {
        vector
            .iter()
            .zip(query)
            .map(|(a, b)| (a - b) * (a - b))
            .sum()
    };
    let mut all: Vec<_> = (0u32..)
        .zip(vectors)
        .map(|(number, vector)| (distance(vector), number))
        .collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    all.iter()
        .take(K)
        .map(|(_, number)| number.to_be_bytes())
        .collect()
}

/// Points of [`LATENT`] independent coordinates around random centers, turned into `dim` dimensions, with some noise:
/// about as hard as SIFT descriptors.
struct Clusters {
    random: SeededRandom,
    centers: Vec<Vec<f32>>,
    /// Per dimension, how much of each independent coordinate it has.
    mixture: Vec<Vec<f32>>,
}

const LATENT: usize = 24;

impl Clusters {
    fn new(dim: usize, count: usize) -> Clusters {
        let random = SeededRandom::new(42);
        let points = |count| {
            (0..count)
                .map(|_| (0..LATENT).map(|_| normal(&random)).collect())
                .collect()
        };
        let (centers, mixture) = (points(count), points(dim));
        Clusters {
            random,
            centers,
            mixture,
        }
    }

    fn draw(&self) -> Vec<f32> {
        let idx = usize::try_from(self.random.next_u64() % self.centers.len() as u64).unwrap_or(0);
        let point: Vec<_> = self.centers[idx]
            .iter()
            .map(|x| x + normal(&self.random))
            .collect();
        let mixed =
            |mixture: &Vec<f32>| -> f32 { mixture.iter().zip(&point).map(|(a, b)| a * b).sum() };
        self.mixture
            .iter()
            .map(|mixture| mixed(mixture) + 0.2 * normal(&self.random))
            .collect()
    }
}

/// About normally distributed: the sum of twelve even ones (Irwin and Hall).
fn normal(random: &SeededRandom) -> f32 {
    let even = || (random.next_u64() >> 40) as f32 / (1u64 << 24) as f32;
    (0..12).map(|_| even()).sum::<f32>() - 6.0
}
