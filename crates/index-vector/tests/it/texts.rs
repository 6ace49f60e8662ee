//! Real sentence embeddings: the example data's 2,500 texts in 384 dimensions.

use std::path::Path;

use bytes::Bytes;
use drystone_base::{Env, FileSystem, OpenMode, OsFileSystem};
use drystone_index_vector::{HnswParameters, Metric};

use crate::bench::*;

const DIM: usize = 384;

fn embeddings() -> State {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/texts.jsonl");
    let file = OsFileSystem
        .open(&path, OpenMode::Read)
        .expect("example data");
    let mut text = vec![0; usize::try_from(file.len().expect("a length")).expect("it fits")];
    file.read_exact_at(&mut text, 0).expect("readable");
    let rows = serde_json::Deserializer::from_slice(&text).into_iter::<serde_json::Value>();
    let embedding = |row: &serde_json::Value| -> Vec<f32> {
        let numbers = row["embedding"].as_array().expect("an array");
        numbers
            .iter()
            .map(|x| x.to_string().parse().expect("a number"))
            .collect()
    };
    let entry =
        |row: serde_json::Value| (key(row["id"].as_u64().expect("a number")), embedding(&row));
    rows.map(|row| entry(row.expect("JSON"))).collect()
}

#[test]
fn texts_are_found_by_meaning() {
    let all_texts = embeddings();
    assert!(all_texts.len() >= 2_000 && all_texts.values().all(|vector| vector.len() == DIM));
    let (queries, texts): (State, State) = {
        let (mut queries, mut texts) = (State::new(), State::new());
        for (idx, (key, vector)) in all_texts.into_iter().enumerate() {
            let kind = if idx % 25 == 0 {
                &mut queries
            } else {
                &mut texts
            };
            kind.insert(key, vector);
        }
        (queries, texts)
    };
    let bench = Bench::over(
        open_store(&Env::memory(1)),
        HnswParameters::new(DIM, Metric::Cosine),
    );
    bench.commit_all(&texts);
    bench.flush();
    bench.verify();
    let view = bench.store.view();
    let mut right = 0;
    for query in queries.values() {
        // A beam this narrow walks the graph; a wider one would look at so small a graph as a whole.
        let found = bench.index.search(&view, query, 10, 64, all).unwrap();
        let truth = bench.index.exact(&view, query, 10, all).unwrap();
        let keys: Vec<&Bytes> = found.iter().map(|hit| &hit.key).collect();
        right += truth.iter().filter(|hit| keys.contains(&&hit.key)).count();
    }
    let recall = right as f64 / (10 * queries.len()) as f64;
    assert!(recall >= 0.95, "recall {recall}");
}
