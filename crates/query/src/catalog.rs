//! What tables there are: descriptors in the keyspace `@sql.catalog`, and the parsed form that plans use.
//!
//! - [`record`]: what is stored of a table. [`format`](mod@format): its bytes.
//! - [`table`]: a table with the layouts that follow from its record.
//! - [`store`]: reading and writing the catalog through a transaction.
//!
//! # Invariants
//! - C1. Every change of the catalog writes the version key, so of two concurrent transactions that change it one
//!   fails, and every catalog is the result of changes made one after the other.
//! - C2. A version number is never used for two states, also not by transactions that are rolled back.

pub(crate) mod format;
pub(crate) mod record;
pub(crate) mod store;
pub(crate) mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use record::{
    ColumnRecord, HnswRecord, IndexKind, IndexRecord, Metric, ObjectId, PrimaryKey, TableRecord,
};
pub(crate) use table::Table;

/// One state of the catalog.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    version: CatalogVersion,
    tables: BTreeMap<String, Arc<Table>>,
}

/// Tells states of the catalog apart. Zero is the empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CatalogVersion(pub(crate) u64);

impl Catalog {
    pub(crate) fn new(version: CatalogVersion, tables: Vec<Arc<Table>>) -> Catalog {
        let tables = tables.into_iter();
        Catalog {
            version,
            tables: tables
                .map(|table| (table.name().to_owned(), table))
                .collect(),
        }
    }

    pub(crate) fn version(&self) -> CatalogVersion {
        self.version
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }

    pub(crate) fn table_names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// The table of an index, and the index's position in it.
    pub(crate) fn index(&self, name: &str) -> Option<(&Arc<Table>, usize)> {
        self.tables().find_map(|table| {
            let position = table
                .indexes()
                .iter()
                .position(|index| index.name == name)?;
            Some((table, position))
        })
    }

    pub(crate) fn index_names(&self) -> impl Iterator<Item = &str> {
        self.tables()
            .flat_map(|table| table.indexes().iter().map(|index| index.name.as_str()))
    }

    /// Whether a table, index or key has this name: they share one space of names.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.tables.contains_key(name)
            || self.index(name).is_some()
            || self
                .tables()
                .any(|table| table.primary_key_name() == Some(name))
    }
}
