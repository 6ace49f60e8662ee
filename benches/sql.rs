//! SQL: a prepared SELECT by primary key, in a transaction of its own.
#![expect(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]
#![expect(clippy::unwrap_used, reason = "a benchmark ends when something fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use drystone::Value;
use drystone_benches::{database, folder, scatter};

const ROWS: i64 = 1_000_000;

fn selects(criterion: &mut Criterion) {
    let folder = folder(env!("CARGO_TARGET_TMPDIR"));
    let database = database(folder.path());
    database
        .execute("CREATE TABLE rows (id BIGINT PRIMARY KEY, a BIGINT, b INTEGER, r DOUBLE PRECISION, s TEXT)", &[])
        .unwrap();
    let mut bulk = database
        .bulk_insert("rows", &["id", "a", "b", "r", "s"])
        .unwrap();
    for id in 0..ROWS {
        let number = i32::try_from(id % 1000).unwrap();
        bulk.push(vec![
            id.into(),
            (id * 7).into(),
            number.into(),
            0.5.into(),
            "a text of some length".into(),
        ])
        .unwrap();
        if bulk.pending() == 10_000 {
            bulk.commit().unwrap();
        }
    }
    bulk.commit().unwrap();
    database.flush().unwrap();

    let mut session = database.session();
    let select = session
        .prepare("SELECT id, a, b, r, s FROM rows WHERE id = $1")
        .unwrap();
    let mut number = 0u64;
    let mut next_id = move || {
        number += 1;
        i64::try_from(scatter(number) % ROWS.unsigned_abs()).unwrap()
    };
    let mut group = criterion.benchmark_group("sql");
    group.throughput(Throughput::Elements(1)).sample_size(20);
    group.bench_function("select_by_primary_key", |bencher| {
        bencher.iter(|| {
            let id = next_id();
            let rows = session.query_prepared(&select, &[Value::from(id)]).unwrap();
            let row = rows.one().unwrap();
            assert_eq!(row.get::<i64>("id").unwrap(), id);
        });
    });
    group.finish();
}

criterion_group!(benches, selects);
criterion_main!(benches);
