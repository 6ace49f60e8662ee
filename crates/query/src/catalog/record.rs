//! What the catalog stores of a table: plain data, as in `docs/format/catalog.md`.

use drystone_base::KeyspaceId;
use drystone_compress::Codec;
use drystone_record::DataType;

/// Number of a table or index. Never reused, so that a plan cannot take a new table for an old one of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectId(pub(crate) u32);

/// A table with its columns, key and indexes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableRecord {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    /// Holds the rows: primary key to row.
    pub(crate) keyspace: KeyspaceId,
    pub(crate) columns: Vec<ColumnRecord>,
    pub(crate) primary_key: PrimaryKey,
    pub(crate) indexes: Vec<IndexRecord>,
    /// How its rows and its indexes in order are compressed; `None`: as the database says.
    pub(crate) compression: Option<Codec>,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnRecord {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) nullable: bool,
    /// SQL text of the default; bound anew by each plan that uses it.
    pub(crate) default: Option<String>,
}

/// What the rows of a table are stored under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrimaryKey {
    /// A hidden number, in order of insertion.
    RowId,
    /// These columns, by position.
    Columns { name: String, columns: Vec<usize> },
}

/// One index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexRecord {
    pub(crate) id: ObjectId,
    pub(crate) name: String,
    pub(crate) keyspace: KeyspaceId,
    /// Positions of the columns.
    pub(crate) columns: Vec<usize>,
    pub(crate) kind: IndexKind,
    /// Whether it stands for a UNIQUE constraint of the table, and so goes only with it.
    pub(crate) is_constraint: bool,
}

/// How an index is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexKind {
    /// Keys in order: column values, then the row's key; the values alone when unique.
    BTree { unique: bool },
    /// A graph over vectors. The keyspace holds the vectors by row key; the graph follows it.
    Hnsw(HnswRecord),
}

/// Settings of a vector index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HnswRecord {
    /// Keyspace of the graph.
    pub(crate) graph: KeyspaceId,
    pub(crate) metric: Metric,
    /// Neighbors of a node in the upper layers.
    pub(crate) m: u32,
    /// Beam width while building.
    pub(crate) ef_construction: u32,
}

/// How the distance of two vectors is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Euclidean distance: `<->`.
    L2,
    /// One minus the cosine of the angle: `<=>`.
    Cosine,
    /// The inner product, negated: `<#>`.
    InnerProduct,
}

impl Metric {
    /// The name in `WITH (metric = '...')`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::L2 => "l2",
            Metric::Cosine => "cosine",
            Metric::InnerProduct => "ip",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Metric> {
        Some(match name {
            "l2" => Metric::L2,
            "cosine" => Metric::Cosine,
            "ip" => Metric::InnerProduct,
            _ => return None,
        })
    }

    /// The metric of pgvector's operator class.
    pub(crate) fn of_operator_class(name: &str) -> Option<Metric> {
        Some(match name {
            "vector_l2_ops" => Metric::L2,
            "vector_cosine_ops" => Metric::Cosine,
            "vector_ip_ops" => Metric::InnerProduct,
            _ => return None,
        })
    }
}
