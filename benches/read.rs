//! Reads of a million hot rows: by key on one thread, ranges of ten, and everything in order.
#![expect(clippy::unwrap_used, reason = "a benchmark ends when something fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use drystone_benches::{HOT_ROWS, VALUE_BYTES, database, folder, key, load, scatter};

fn reads(criterion: &mut Criterion) {
    let folder = folder(env!("CARGO_TARGET_TMPDIR"));
    let database = database(folder.path());
    let keyspace = load(&database, HOT_ROWS);

    let mut group = criterion.benchmark_group("read");
    group.sample_size(20);
    let mut number = 0u64;
    let mut next_key = move || {
        number += 1;
        key(scatter(number) % HOT_ROWS)
    };
    group.throughput(Throughput::Elements(1));
    group.bench_function("get", |bencher| {
        bencher.iter(|| {
            assert_eq!(
                keyspace.get(next_key()).unwrap().unwrap().len(),
                VALUE_BYTES
            )
        });
    });
    let snapshot = database.snapshot();
    group.bench_function("get_in_snapshot", |bencher| {
        bencher.iter(|| {
            assert_eq!(
                snapshot.get(&keyspace, next_key()).unwrap().unwrap().len(),
                VALUE_BYTES
            )
        });
    });
    group.bench_function("range_of_10", |bencher| {
        bencher.iter(|| {
            snapshot
                .get_range(&keyspace, next_key()..)
                .take(10)
                .map(Result::unwrap)
                .count()
        });
    });
    group.throughput(Throughput::Elements(HOT_ROWS));
    group.bench_function("scan", |bencher| {
        bencher.iter(|| {
            let rows = snapshot
                .get_range::<&[u8]>(&keyspace, ..)
                .map(Result::unwrap);
            assert_eq!(rows.count() as u64, HOT_ROWS);
        });
    });
    group.finish();
}

criterion_group!(benches, reads);
criterion_main!(benches);
