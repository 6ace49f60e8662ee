//! Writing a graph's changes down as records.

use std::collections::BTreeMap;

use bytes::Bytes;
use drystone_base::Lsn;
use drystone_base::planted::is_planted;

use super::format::{GraphRecord, RecordKey, encode_links, encode_node};
use super::graph::Graph;

/// Records by key; `None` for one that goes.
pub(crate) type Records = BTreeMap<Bytes, Option<Bytes>>;

impl Graph {
    /// The records that changed since the graph was settled last: of each node that changed, and the graph's own.
    /// Everything, where nothing is written down yet.
    pub(crate) fn changed_records(&self, lsn: Lsn) -> Records {
        let mut records = Records::new();
        records.insert(RecordKey::Graph.encode(), Some(self.record(lsn).encode()));
        if self.journal.is_unwritten {
            let numbers = 0..u32::try_from(self.numbers()).unwrap_or(u32::MAX);
            for node in numbers.filter(|node| !self.node(*node).is_empty()) {
                self.put_node(node, &mut records);
                self.put_links(node, &mut records);
            }
            return records;
        }
        let journal = &self.journal;
        for &node in journal.born.union(&journal.killed) {
            self.put_node(node, &mut records);
        }
        let linked = journal.links.keys();
        let linked = linked.filter(|_| !is_planted("vector-links-unwritten"));
        for &node in journal.born.iter().chain(linked) {
            self.put_links(node, &mut records);
        }
        for &node in journal.removed.keys() {
            records.insert(RecordKey::Node(node).encode(), None);
            records.insert(RecordKey::Links(node).encode(), None);
        }
        records
    }

    fn record(&self, lsn: Lsn) -> GraphRecord {
        GraphRecord {
            parameters: self.parameters,
            numbers: u32::try_from(self.numbers()).expect("at most MAX_NODES"),
            entry: self.entry,
            lsn,
        }
    }

    fn put_node(&self, node: u32, records: &mut Records) {
        let value = encode_node(self.node(node), self.vectors.bare(node));
        records.insert(RecordKey::Node(node).encode(), Some(value));
    }

    fn put_links(&self, node: u32, records: &mut Records) {
        let value = encode_links(&self.all_links(node));
        records.insert(RecordKey::Links(node).encode(), Some(value));
    }
}
