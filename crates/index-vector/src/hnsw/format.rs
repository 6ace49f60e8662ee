//! Records of a stored graph: keys and values of its own keyspace.
//!
//! ```text
//! key                  value
//! 01                   the graph as a whole
//! 02, node (4, BE)     a node: its key and life
//! 03, node (4, BE)     a node's links
//! ```
//!
//! The graph as a whole, 40 bytes:
//!
//! ```text
//! offset  size  field
//!      0     4  version          1
//!      4     1  metric           1 L2, 2 cosine, 3 inner product
//!      5     3  reserved         zero
//!      8     4  dim              1..=MAX_DIM
//!     12     4  m                M_LIMITS
//!     16     4  ef_construction  EF_CONSTRUCTION_LIMITS
//!     20     4  numbers          those of nodes are below
//!     24     4  entry            number of the entry point; 0xFFFFFFFF in an empty graph
//!     28     4  reserved         zero
//!     32     8  lsn              the last merge that changed the graph
//! ```
//!
//! A node, 28 bytes, its key, and for a dead one its vector:
//!
//! ```text
//! offset  size  field
//!      0     8  birth            the first state that sees it
//!      8     8  death            the first that does not; 2^64 - 1 for a live one
//!     16     4  vector_crc       CRC-32C of its vector as the source keyspace has or had it
//!     20     4  key_len
//!     24     1  level            the highest level it is on, 0..=MAX_LEVEL
//!     25     3  reserved         zero
//!     28   len  key              its key in the source keyspace
//!        4*dim  vector           only of a dead node: prepared for the metric
//! ```
//!
//! Links: the number of the parent (4; 0xFFFFFFFF for the root), then for each level from 0 to the node's a count (4)
//! and that many node numbers (4 each).
//!
//! Integers and floats are little-endian, but for the node number in keys. Spec: `docs/format/index-vector.md`, version 1.

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_engine::Malformed;

use super::graph::{Links, MAX_LEVEL, Node};
use super::parameters::HnswParameters;
use super::rank::MAX_NODES;
use crate::metric::Metric;

/// The version this build writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;

const TAG_GRAPH: u8 = 1;
const TAG_NODE: u8 = 2;
const TAG_LINKS: u8 = 3;
const NO_NODE: u32 = u32::MAX;
const GRAPH_BYTES: usize = 40;
const NODE_BYTES: usize = 28;

/// The key of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RecordKey {
    Graph,
    Node(u32),
    Links(u32),
}

impl RecordKey {
    pub(crate) fn encode(self) -> Bytes {
        match self {
            RecordKey::Graph => Bytes::from_static(&[TAG_GRAPH]),
            RecordKey::Node(node) => numbered(TAG_NODE, node),
            RecordKey::Links(node) => numbered(TAG_LINKS, node),
        }
    }

    /// Total: any bytes give a key or what is wrong with them.
    pub(crate) fn decode(bytes: &[u8]) -> Result<RecordKey, Malformed> {
        let broken = || {
            malformed(
                "key of a graph's record",
                "01, or 02 or 03 and four bytes",
                bytes.len(),
            )
        };
        let (tag, rest) = bytes.split_first().ok_or_else(broken)?;
        let number = rest.try_into().map(u32::from_be_bytes);
        match (*tag, number) {
            (TAG_GRAPH, _) if rest.is_empty() => Ok(RecordKey::Graph),
            (TAG_NODE, Ok(node)) => Ok(RecordKey::Node(node)),
            (TAG_LINKS, Ok(node)) => Ok(RecordKey::Links(node)),
            _ => Err(broken()),
        }
    }
}

fn numbered(tag: u8, node: u32) -> Bytes {
    let [a, b, c, d] = node.to_be_bytes();
    Bytes::copy_from_slice(&[tag, a, b, c, d])
}

/// The graph as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GraphRecord {
    pub(crate) parameters: HnswParameters,
    pub(crate) numbers: u32,
    pub(crate) entry: Option<u32>,
    pub(crate) lsn: Lsn,
}

impl GraphRecord {
    pub(crate) fn encode(&self) -> Bytes {
        let parameters = &self.parameters;
        let mut out = Vec::with_capacity(GRAPH_BYTES);
        out.extend(VERSION.to_le_bytes());
        out.push(metric_tag(parameters.metric));
        out.extend([0; 3]);
        for number in [parameters.dim, parameters.m, parameters.ef_construction] {
            let number = u32::try_from(number).expect("checked against limits far below 2^32");
            out.extend(number.to_le_bytes());
        }
        out.extend(self.numbers.to_le_bytes());
        out.extend(self.entry.unwrap_or(NO_NODE).to_le_bytes());
        out.extend([0; 4]);
        out.extend(self.lsn.0.to_le_bytes());
        debug_assert_eq!(out.len(), GRAPH_BYTES);
        out.into()
    }

    /// Total: any bytes give a record or what is wrong with them.
    pub(crate) fn decode(bytes: &[u8]) -> Result<GraphRecord, Malformed> {
        let mut fields = Fields { rest: bytes };
        let version = fields.u32()?;
        if version != VERSION {
            return Err(malformed("version of a graph", VERSION, version));
        }
        let metric = metric_of(fields.u8()?)?;
        fields.zeros(3)?;
        let parameters = HnswParameters {
            metric,
            dim: fields.size()?,
            m: fields.size()?,
            ef_construction: fields.size()?,
        };
        let within = parameters.check();
        within.map_err(|error| malformed("parameters of a graph", "within limits", error))?;
        let numbers = fields.u32()?;
        if numbers > MAX_NODES {
            return Err(malformed(
                "numbers of a graph",
                format!("up to {MAX_NODES}"),
                numbers,
            ));
        }
        let entry = fields.u32()?;
        fields.zeros(4)?;
        let lsn = Lsn(fields.u64()?);
        fields.end()?;
        let entry = (entry != NO_NODE).then_some(entry);
        Ok(GraphRecord {
            parameters,
            numbers,
            entry,
            lsn,
        })
    }
}

fn metric_tag(metric: Metric) -> u8 {
    match metric {
        Metric::L2 => 1,
        Metric::Cosine => 2,
        Metric::InnerProduct => 3,
    }
}

fn metric_of(tag: u8) -> Result<Metric, Malformed> {
    match tag {
        1 => Ok(Metric::L2),
        2 => Ok(Metric::Cosine),
        3 => Ok(Metric::InnerProduct),
        _ => Err(malformed("metric of a graph", "1, 2 or 3", tag)),
    }
}

/// Encodes a node; `vector` is what a dead one keeps.
pub(crate) fn encode_node(node: &Node, vector: &[f32]) -> Bytes {
    let mut out = Vec::with_capacity(NODE_BYTES + node.key.len() + size_of_val(vector));
    out.extend(node.birth.0.to_le_bytes());
    out.extend(node.death.0.to_le_bytes());
    out.extend(node.vector_crc.to_le_bytes());
    let key_len = u32::try_from(node.key.len()).expect("keys are shorter than 4 GiB");
    out.extend(key_len.to_le_bytes());
    out.push(node.level);
    out.extend([0; 3]);
    out.extend(&node.key);
    if !node.is_live() {
        out.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
    }
    out.into()
}

/// Decodes a node, and the vector of a dead one (of a live one: nothing). Total.
pub(crate) fn decode_node(bytes: &[u8], dim: usize) -> Result<(Node, Vec<f32>), Malformed> {
    let mut fields = Fields { rest: bytes };
    let (birth, death) = (Lsn(fields.u64()?), Lsn(fields.u64()?));
    if birth >= death {
        return Err(malformed(
            "birth of a node",
            format!("before {death}"),
            birth,
        ));
    }
    let vector_crc = fields.u32()?;
    let key_len = fields.size()?;
    let level = fields.u8()?;
    if level > MAX_LEVEL {
        return Err(malformed(
            "level of a node",
            format!("up to {MAX_LEVEL}"),
            level,
        ));
    }
    fields.zeros(3)?;
    let key = Bytes::copy_from_slice(fields.bytes(key_len)?);
    let node = Node {
        key,
        birth,
        death,
        level,
        vector_crc,
    };
    let mut vector = Vec::new();
    if !node.is_live() {
        let bytes = fields.bytes(dim * size_of::<f32>())?;
        vector.extend(floats(bytes));
    }
    fields.end()?;
    Ok((node, vector))
}

/// The floats that little-endian bytes hold; bytes beyond the last whole one are left out.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + use<'_> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|x| f32::from_le_bytes(*x))
}

/// Encodes a node's links.
pub(crate) fn encode_links(links: &Links) -> Bytes {
    let mut out = links.parent.unwrap_or(NO_NODE).to_le_bytes().to_vec();
    for links in &links.levels {
        let count = u32::try_from(links.len()).expect("at most 2 * m links");
        out.extend(count.to_le_bytes());
        out.extend(links.iter().flat_map(|link| link.to_le_bytes()));
    }
    out.into()
}

/// Decodes the links of a node on `0..=level`. Total. Whether the links lead anywhere is for the graph to check.
pub(crate) fn decode_links(
    bytes: &[u8],
    level: u8,
    parameters: &HnswParameters,
) -> Result<Links, Malformed> {
    let mut fields = Fields { rest: bytes };
    let parent = fields.u32()?;
    let mut levels = Vec::new();
    for level in 0..=level {
        let (count, max) = (fields.size()?, parameters.links_max(level));
        if count > max {
            return Err(malformed("links of a node", format!("up to {max}"), count));
        }
        let links = fields.bytes(count * size_of::<u32>())?;
        let links = links.as_chunks::<4>().0.iter();
        levels.push(links.map(|link| u32::from_le_bytes(*link)).collect());
    }
    fields.end()?;
    let parent = (parent != NO_NODE).then_some(parent);
    Ok(Links { parent, levels })
}

fn malformed(what: &'static str, expected: impl ToString, found: impl ToString) -> Malformed {
    Malformed::new(what, expected.to_string(), found.to_string())
}

/// Reads fields one after the other.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let short = || {
            malformed(
                "length of a record",
                format!("{len} bytes more"),
                self.rest.len(),
            )
        };
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or_else(short)?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.bytes(N)?;
        Ok(bytes.try_into().expect("as many bytes as asked for"))
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    fn size(&mut self) -> Result<usize, Malformed> {
        let number = self.u32()?;
        usize::try_from(number).map_err(|_| malformed("size in a record", "addressable", number))
    }

    fn zeros(&mut self, len: usize) -> Result<(), Malformed> {
        let bytes = self.bytes(len)?;
        match bytes.iter().find(|byte| **byte != 0) {
            Some(byte) => Err(malformed("reserved byte", 0, byte)),
            None => Ok(()),
        }
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(malformed(
            "end of a record",
            "no more bytes",
            self.rest.len(),
        ))
    }
}

#[cfg(test)]
mod tests;
