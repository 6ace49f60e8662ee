//! What changed in a graph since its last settled state: enough to write it down, and to take it back.
//!
//! # Invariants
//! - I1. A node's links are saved before their first change, unless the node was born since the settled state.
//! - I2. A removed node's number, and the place of its vector, are not used again before the changes are settled.

use std::collections::{BTreeMap, BTreeSet};

use drystone_base::Lsn;

use super::graph::{Links, Node};

#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Nodes that are new.
    pub(crate) born: BTreeSet<u32>,
    /// Nodes that died.
    pub(crate) killed: BTreeSet<u32>,
    /// Links as they were, of nodes that are not new.
    pub(crate) links: BTreeMap<u32, Links>,
    /// Nodes that were taken out, as they were.
    pub(crate) removed: BTreeMap<u32, Node>,
    /// The entry point and the floor as they were.
    pub(crate) before: Option<(Option<u32>, Lsn)>,
    /// Nothing of the graph is written down yet.
    pub(crate) is_unwritten: bool,
}
