//! What fuzz targets ask of a graph's records, in builds with `--cfg fuzzing` alone.

use crate::hnsw::HnswParameters;
use crate::hnsw::format::{
    GraphRecord, RecordKey, decode_links, decode_node, encode_links, encode_node,
};
use crate::metric::Metric;

/// What decodes, as any kind of record, is what would be written. The first bytes say what the graph is made with.
///
/// # Panics
/// When it is not.
pub fn check_records(bytes: &[u8]) {
    let [dim, m, level, record @ ..] = bytes else {
        return;
    };
    if let Ok(key) = RecordKey::decode(record) {
        assert_eq!(key.encode(), record);
    }
    if let Ok(graph) = GraphRecord::decode(record) {
        assert_eq!(graph.encode(), record);
    }
    let dim = usize::from(*dim).max(1);
    if let Ok((node, vector)) = decode_node(record, dim) {
        assert_eq!(encode_node(&node, &vector), record);
    }
    let parameters = HnswParameters {
        m: usize::from(*m).max(2),
        ..HnswParameters::new(dim, Metric::L2)
    };
    if let Ok(links) = decode_links(record, *level, &parameters) {
        assert_eq!(encode_links(&links), record);
    }
}
