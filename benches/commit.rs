//! Commits: durable ones beside what the disk allows, ones that wait for nothing, and batches.
//!
//! `bare_loop` overwrites 4 KiB blocks of a written file one after the other, with `fdatasync` after each: no store that
//! syncs each commit can do more on one thread. `commit_sync/1` and `/8` commit one key each, on that many threads.
//!
//! Disks and machines are noisy, so what is to be compared is also run in turns of a fraction of a second. The lines that
//! begin with `in turns` give medians: of the rates, of all latencies, and of one's rate divided by the other's in each
//! round. Where other processes keep the processors busy, threads that wake up wait for their turn for milliseconds, and
//! rates are about that; the median latency still is about the disk and the store.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a benchmark measures real files and real time, and ends when something fails"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drystone::{Database, Durability, Keyspace, WriteBatch};
use drystone_benches::{database, folder, key, median, value};

const BLOCK: usize = 4096;
const FILE_BLOCKS: u64 = 4096;
const BATCH_ROWS: u64 = 10_000;

/// Rounds of the comparison, and how long each has its turn in one.
const ROUNDS: usize = 25;
const TURN: Duration = Duration::from_millis(150);

/// A file of written blocks.
struct Bare {
    file: File,
    next: u64,
}

impl Bare {
    fn new(folder: &Path) -> Bare {
        let file = File::create(folder.join("bare")).unwrap();
        file.write_all_at(&vec![0; BLOCK * usize::try_from(FILE_BLOCKS).unwrap()], 0)
            .unwrap();
        file.sync_all().unwrap();
        Bare { file, next: 0 }
    }

    fn commit(&mut self) {
        let offset = (self.next % FILE_BLOCKS) * BLOCK as u64;
        self.file.write_all_at(&[7; BLOCK], offset).unwrap();
        self.file.sync_data().unwrap();
        self.next += 1;
    }
}

/// A keyspace, and the number of the next row.
struct Target {
    keyspace: Keyspace,
    next: AtomicU64,
}

impl Target {
    fn new(database: &Database) -> Target {
        Target {
            keyspace: database.keyspace("bench").unwrap(),
            next: AtomicU64::new(0),
        }
    }

    fn commit(&self, durability: Durability) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (key, value) = (key(number).to_vec(), value(number).to_vec());
        self.keyspace.put_with(key, value, durability).unwrap();
    }

    fn commit_on_threads(&self, threads: u64, commits: u64) -> Duration {
        let started = Instant::now();
        thread::scope(|scope| {
            for thread in 0..threads {
                let share = commits / threads + u64::from(thread < commits % threads);
                scope.spawn(move || (0..share).for_each(|_| self.commit(Durability::Sync)));
            }
        });
        started.elapsed()
    }

    fn batch(&self) -> WriteBatch {
        let start = self.next.fetch_add(BATCH_ROWS, Ordering::Relaxed);
        let mut batch = WriteBatch::new();
        for number in start..start + BATCH_ROWS {
            batch.put(&self.keyspace, key(number).to_vec(), value(number).to_vec());
        }
        batch
    }
}

fn durable(criterion: &mut Criterion) {
    let folder = folder(env!("CARGO_TARGET_TMPDIR"));
    let mut bare = Bare::new(folder.path());
    let database = database(folder.path());
    let target = Target::new(&database);

    let mut group = criterion.benchmark_group("durable");
    group
        .throughput(Throughput::Elements(1))
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(5))
        .sample_size(20);
    group.bench_function("bare_loop", |bencher| bencher.iter(|| bare.commit()));
    for threads in [1, 8] {
        group.bench_function(BenchmarkId::new("commit_sync", threads), |bencher| {
            bencher.iter_custom(|commits| target.commit_on_threads(threads, commits));
        });
    }
    group.finish();
    compare(&mut bare, &target);
}

/// What was done in turns: for each turn how often a second, and for each time how long it took, in microseconds.
#[derive(Default)]
struct Turns {
    rates: Vec<f64>,
    latencies: Vec<f64>,
}

impl Turns {
    fn add(&mut self, turn: impl FnOnce() -> Vec<f64>) {
        let started = Instant::now();
        let latencies = turn();
        let count = u32::try_from(latencies.len()).unwrap();
        self.rates
            .push(f64::from(count) / started.elapsed().as_secs_f64());
        self.latencies.extend(latencies);
    }

    fn print(&self, what: &str) {
        println!(
            "in turns: {what}: {:.0}/s, half of them within {:.0} µs",
            median(&self.rates),
            median(&self.latencies)
        );
    }
}

/// Bare loop, one thread, eight threads, one after the other, again and again.
fn compare(bare: &mut Bare, target: &Target) {
    let [mut alone, mut one, mut eight] = <[Turns; 3]>::default();
    for _ in 0..ROUNDS {
        alone.add(|| turn(|| bare.commit()));
        one.add(|| turn_of_threads(1, target));
        eight.add(|| turn_of_threads(8, target));
    }
    alone.print("bare loop");
    one.print("one thread");
    eight.print("eight threads");
    let latency = |turns: &Turns| median(&turns.latencies);
    println!(
        "in turns: one thread is {:.0} % of the bare loop by rate, {:.0} % by latency",
        100.0 * median_ratio(&one.rates, &alone.rates),
        100.0 * latency(&alone) / latency(&one)
    );
    println!(
        "in turns: eight threads are {:.1} times one by rate, {:.1} times by latency",
        median_ratio(&eight.rates, &one.rates),
        8.0 * latency(&one) / latency(&eight)
    );
}

/// Does `work` for the length of a turn. Returns how long each took, in microseconds.
fn turn(mut work: impl FnMut()) -> Vec<f64> {
    let started = Instant::now();
    let mut before = Duration::ZERO;
    let mut latencies = Vec::new();
    while before < TURN {
        work();
        let after = started.elapsed();
        latencies.push((after - before).as_secs_f64() * 1e6);
        before = after;
    }
    latencies
}

fn turn_of_threads(threads: u32, target: &Target) -> Vec<f64> {
    thread::scope(|scope| {
        let work = || turn(|| target.commit(Durability::Sync));
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let latencies = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        latencies.collect()
    })
}

fn median_ratio(of: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<f64> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    median(&ratios)
}

fn without_waiting(criterion: &mut Criterion) {
    let folder = folder(env!("CARGO_TARGET_TMPDIR"));
    let database = database(folder.path());
    let target = Target::new(&database);

    let mut group = criterion.benchmark_group("commit");
    group.warm_up_time(Duration::from_secs(1)).sample_size(20);
    group.throughput(Throughput::Elements(1));
    for durability in [Durability::None, Durability::Async] {
        group.bench_function(format!("{durability:?}").to_lowercase(), |bencher| {
            bencher.iter(|| target.commit(durability));
        });
    }
    group.throughput(Throughput::Elements(BATCH_ROWS));
    group.bench_function("batch_of_10k", |bencher| {
        bencher.iter_batched(
            || target.batch(),
            |batch| database.write_with(batch, Durability::None).unwrap(),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, durable, without_waiting);
criterion_main!(benches);
