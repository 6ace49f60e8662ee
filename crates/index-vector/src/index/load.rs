//! From a base to a graph in memory: by reading the stored one, or, where there is none that fits, by building it.

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn, checksum};
use drystone_engine::{Malformed, Snapshot};

use super::VectorIndexOptions;
use super::source::decode;
use crate::error::VectorError;
use crate::hnsw::format::{GraphRecord, RecordKey, decode_links, decode_node};
use crate::hnsw::graph::Graph;
use crate::hnsw::{Hnsw, HnswParameters};

/// A stored graph with fewer nodes than one to this many numbers is built anew, rather than have its gaps take memory.
const SPARSE: u64 = 16;

/// Reads every entry of a keyspace, ascending.
pub(super) fn for_each(
    base: &dyn Snapshot,
    keyspace: KeyspaceId,
    mut each: impl FnMut(&[u8], Bytes) -> Result<(), VectorError>,
) -> Result<(), VectorError> {
    let mut cursor = base.cursor(keyspace)?;
    let mut is_on = cursor.first()?;
    while is_on {
        let value = cursor.value()?;
        each(cursor.key(), value)?;
        is_on = cursor.next()?;
    }
    Ok(())
}

/// The graph of a base.
///
/// A stored graph is read as it is: no distance is computed. It is built from the source when none is stored; when the
/// stored one does not belong to what the source holds, because merges were made without the index; and when its records
/// are damaged, which verification reports: nothing is lost with them, and a database must open to be mended.
pub(super) fn load(options: &VectorIndexOptions, base: &dyn Snapshot) -> Result<Hnsw, VectorError> {
    match read(options, base) {
        Ok(Some(graph)) => Ok(Hnsw::from_graph(graph)),
        Ok(None) | Err(VectorError::Corrupt { .. }) => build(options, base),
        Err(error) => Err(error),
    }
}

/// The stored graph, where it belongs to what the source holds.
fn read(options: &VectorIndexOptions, base: &dyn Snapshot) -> Result<Option<Graph>, VectorError> {
    let Some(mut stored) = Stored::read(options, base)? else {
        return Ok(None);
    };
    let fits = stored.take_vectors(base)?;
    Ok(fits.then_some(stored.graph))
}

/// Builds a graph from the source. The next merge that touches the source writes it down, in place of what is stored.
fn build(options: &VectorIndexOptions, base: &dyn Snapshot) -> Result<Hnsw, VectorError> {
    let hnsw = Hnsw::new(options.parameters)?;
    for_each(base, options.source, |key, value| {
        match decode(options, &value) {
            Some(vector) => {
                let vector: Vec<_> = vector.collect();
                hnsw.insert(Bytes::copy_from_slice(key), &vector, base.lsn())
            }
            None => Ok(()),
        }
    })?;
    hnsw.adopt_unwritten(base.lsn());
    Ok(hnsw)
}

/// A graph as its keyspace has it.
pub(super) struct Stored<'a> {
    options: &'a VectorIndexOptions,
    pub(super) graph: Graph,
}

impl<'a> Stored<'a> {
    /// Reads the records of nodes and links, and checks that they make a sound graph. The vectors of live nodes are still
    /// missing. `None` when no graph is stored, or one that is full of gaps.
    pub(super) fn read(
        options: &'a VectorIndexOptions,
        base: &dyn Snapshot,
    ) -> Result<Option<Stored<'a>>, VectorError> {
        let key = RecordKey::Graph.encode();
        let Some(record) = base.get(options.target, &key)? else {
            return Ok(None);
        };
        let corrupt = |why| corrupt(options.target, why);
        let record = GraphRecord::decode(&record).map_err(corrupt)?;
        agree(&record.parameters, &options.parameters)?;
        if u64::from(record.numbers) / SPARSE > base.count(options.target)? {
            return Ok(None);
        }
        let mut stored = Stored {
            options,
            graph: Graph::new(record.parameters),
        };
        stored.graph.resize(record.numbers as usize);
        for_each(base, options.target, |key, value| {
            stored.take(key, &value).map_err(corrupt)
        })?;
        stored.finish(&record, base.lsn()).map_err(corrupt)?;
        Ok(Some(stored))
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Malformed> {
        match RecordKey::decode(key)? {
            RecordKey::Graph => Ok(()),
            RecordKey::Node(number) => self.take_node(number, value),
            RecordKey::Links(number) => self.take_links(number, value),
        }
    }

    fn take_node(&mut self, number: u32, value: &[u8]) -> Result<(), Malformed> {
        let graph = &mut self.graph;
        let (node, vector) = decode_node(value, graph.parameters.dim)?;
        if number as usize >= graph.numbers() {
            return Err(wrong_number("number of a node", graph.numbers(), number));
        }
        if node.is_live() && graph.by_key.contains_key(&node.key) {
            return Err(Malformed::new("live nodes of a key", "one", "two"));
        }
        let vector = graph.scorer.pad(vector);
        graph.fill(number, node, &vector);
        Ok(())
    }

    fn take_links(&mut self, number: u32, value: &[u8]) -> Result<(), Malformed> {
        let graph = &mut self.graph;
        let node = graph
            .nodes
            .get(number as usize)
            .filter(|node| !node.is_empty());
        let Some(node) = node else {
            return Err(wrong_number(
                "number of a node with links",
                graph.numbers(),
                number,
            ));
        };
        let links = decode_links(value, node.level, &graph.parameters)?;
        graph.write_parent(number, links.parent);
        for (level, links) in (0u8..).zip(&links.levels) {
            graph.check_links(number, level, links)?;
            graph.write_links(number, level, links);
        }
        Ok(())
    }

    fn finish(&mut self, record: &GraphRecord, floor: Lsn) -> Result<(), Malformed> {
        let graph = &mut self.graph;
        let numbers = (0u32..).zip(&graph.nodes);
        let free = numbers
            .filter(|(_, node)| node.is_empty())
            .map(|(number, _)| number);
        graph.free = free.collect();
        graph.entry = record.entry;
        graph.floor = floor;
        graph.check_entry()?;
        graph.check_tree()
    }

    /// Gives every live node its vector from the source. `false` when nodes and source do not agree.
    pub(super) fn take_vectors(&mut self, base: &dyn Snapshot) -> Result<bool, VectorError> {
        let mut matched = 0;
        let mut strangers = 0;
        for_each(base, self.options.source, |key, value| {
            let Some(vector) = decode(self.options, &value) else {
                return Ok(());
            };
            let number = self.graph.by_key.get(key).copied();
            let crc = checksum::crc32c(&value);
            match number.filter(|number| self.graph.node(*number).vector_crc == crc) {
                Some(number) => {
                    let lines = self.graph.scorer.prepare(vector);
                    self.graph.vectors.set(number, &lines);
                    matched += 1;
                }
                None => strangers += 1,
            }
            Ok(())
        })?;
        Ok(strangers == 0 && matched == self.graph.by_key.len())
    }
}

fn agree(stored: &HnswParameters, asked: &HnswParameters) -> Result<(), VectorError> {
    if stored == asked {
        return Ok(());
    }
    Err(VectorError::OtherParameters {
        stored: *stored,
        asked: *asked,
    })
}

fn wrong_number(what: &'static str, numbers: usize, found: u32) -> Malformed {
    Malformed::new(what, format!("a node below {numbers}"), found.to_string())
}

pub(super) fn corrupt(keyspace: KeyspaceId, why: Malformed) -> VectorError {
    VectorError::Corrupt { keyspace, why }
}
