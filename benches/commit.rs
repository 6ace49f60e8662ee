//! Durable single-key commits, beside what the disk allows.
//!
//! `bare_loop` overwrites 4 KiB blocks of a written file one after the other, with `fdatasync` after each: no store that
//! syncs each commit can do more on one thread. `commit_sync/1` and `/8` commit one key each, on that many threads.
#![expect(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a benchmark measures real files and real time, and ends when something fails"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drystone::{Durability, Keyspace};
use drystone_benches::{database, folder, key, value};

const BLOCK: usize = 4096;
const FILE_BLOCKS: u64 = 4096;

fn bare_loop(file: &File, commits: u64) -> Duration {
    let block = [7; BLOCK];
    let started = Instant::now();
    for number in 0..commits {
        file.write_all_at(&block, (number % FILE_BLOCKS) * BLOCK as u64)
            .unwrap();
        file.sync_data().unwrap();
    }
    started.elapsed()
}

fn commit_on_threads(
    keyspace: &Keyspace,
    threads: u64,
    commits: u64,
    next: &AtomicU64,
) -> Duration {
    let started = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            let share = commits / threads + u64::from(thread < commits % threads);
            scope.spawn(move || {
                for _ in 0..share {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    keyspace
                        .put_with(
                            key(number).to_vec(),
                            value(number).to_vec(),
                            Durability::Sync,
                        )
                        .unwrap();
                }
            });
        }
    });
    started.elapsed()
}

fn commits(criterion: &mut Criterion) {
    let folder = folder(env!("CARGO_TARGET_TMPDIR"));
    let file = File::create(folder.path().join("bare")).unwrap();
    file.write_all_at(&vec![0; BLOCK * usize::try_from(FILE_BLOCKS).unwrap()], 0)
        .unwrap();
    file.sync_all().unwrap();
    let database = database(folder.path());
    let keyspace = database.keyspace("bench").unwrap();
    let next = AtomicU64::new(0);

    let mut group = criterion.benchmark_group("durable");
    group
        .throughput(Throughput::Elements(1))
        .measurement_time(Duration::from_secs(6))
        .sample_size(20);
    group.bench_function("bare_loop", |bencher| {
        bencher.iter_custom(|commits| bare_loop(&file, commits))
    });
    for threads in [1, 8] {
        group.bench_function(BenchmarkId::new("commit_sync", threads), |bencher| {
            bencher.iter_custom(|commits| commit_on_threads(&keyspace, threads, commits, &next));
        });
    }
    group.finish();
}

criterion_group!(benches, commits);
criterion_main!(benches);
