//! SQL: a prepared SELECT by primary key, of a million rows, in a transaction of its own.
#![expect(clippy::unwrap_used, reason = "a benchmark ends when something fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use drystone::{Rows, Value};
use drystone_benches::{database, folder, scatter};

const ROWS: i64 = 1_000_000;

fn selects(criterion: &mut Criterion) {
    let folder = folder(env!("CARGO_TARGET_TMPDIR"));
    let database = database(folder.path());
    database
        .execute("CREATE TABLE rows (id BIGINT PRIMARY KEY, a BIGINT, b INTEGER, r DOUBLE PRECISION, s TEXT)", &[])
        .unwrap();
    let row = |id: i64| {
        let number = i32::try_from(id % 1000).unwrap();
        vec![
            id.into(),
            (id * 7).into(),
            number.into(),
            0.5.into(),
            "a text of some length".into(),
        ]
    };
    database
        .bulk_insert("rows", &["id", "a", "b", "r", "s"], (0..ROWS).map(row))
        .unwrap();
    database.flush().unwrap();

    let mut session = database.session();
    let select = session
        .prepare("SELECT id, a, b, r, s FROM rows WHERE id = $1")
        .unwrap();
    let mut number = 0u64;
    let mut next_id = || {
        number += 1;
        i64::try_from(scatter(number) % ROWS.unsigned_abs()).unwrap()
    };
    let mut group = criterion.benchmark_group("sql");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function("select_by_primary_key/session", |bencher| {
        bencher.iter(|| {
            let id = next_id();
            let outcome = session.execute_prepared(&select, &[Value::from(id)]);
            check(outcome.unwrap().into_rows(), id);
        });
    });
    group.bench_function("select_by_primary_key/database", |bencher| {
        bencher.iter(|| {
            let id = next_id();
            let rows = database.query_prepared(&select, &[Value::from(id)]);
            check(rows.unwrap(), id);
        });
    });
    group.finish();
}

fn check(rows: Rows, id: i64) {
    let row = rows.one().unwrap();
    assert_eq!(row.get::<i64>("id").unwrap(), id);
}

criterion_group!(benches, selects);
criterion_main!(benches);
