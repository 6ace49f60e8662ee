//! A million rows from a CSV file, through the command's own import, durable at the end.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a benchmark measures real files and real time, and ends when something fails"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use drystone_benches::{database, folder, scatter};

const ROWS: u64 = 1_000_000;

fn write_csv(path: &Path) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(out, "id,name,score,group_id,seen").unwrap();
    for id in 0..ROWS {
        let mixed = scatter(id);
        let (score, group) = (mixed % 100_000, mixed % 1_000);
        let (hour, minute) = (mixed % 24, mixed % 60);
        writeln!(
            out,
            "{id},name {id},{}.{},{group},2024-02-29 {hour:02}:{minute:02}:00",
            score / 10,
            score % 10
        )
        .unwrap();
    }
    out.flush().unwrap();
}

fn imports(criterion: &mut Criterion) {
    let folder = folder(env!("CARGO_TARGET_TMPDIR"));
    let csv = folder.path().join("rows.csv");
    write_csv(&csv);
    let mut group = criterion.benchmark_group("import");
    group
        .throughput(Throughput::Elements(ROWS))
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(30));
    group.bench_function("csv_of_1m_rows", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| import_once(folder.path(), &csv)).sum());
    });
    group.finish();
}

fn import_once(folder: &Path, csv: &Path) -> Duration {
    let home = tempfile::tempdir_in(folder).unwrap();
    let database = database(home.path());
    let started = Instant::now();
    drystone_cli::import::run(&database, "rows", csv, Some("id")).unwrap();
    let elapsed = started.elapsed();
    database.close().unwrap();
    elapsed
}

criterion_group!(benches, imports);
criterion_main!(benches);
