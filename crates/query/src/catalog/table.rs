//! A table as plans use it: its record and the layouts that follow from it.

use drystone_base::KeyspaceId;
use drystone_compress::Codec;
use drystone_record::{DataType, KeyColumn, KeyLayout, RowLayout};

use crate::catalog::record::{
    ColumnRecord, IndexKind, IndexRecord, ObjectId, PrimaryKey, TableRecord,
};
use crate::error::SqlError;
use crate::sql_state::SqlState;

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    record: TableRecord,
    row_layout: RowLayout,
    key_layout: KeyLayout,
    index_layouts: Vec<KeyLayout>,
}

impl Table {
    /// The table of a record.
    pub(crate) fn new(record: TableRecord) -> Result<Table, SqlError> {
        let types = record.columns.iter().map(|column| column.data_type);
        let key_layout = match &record.primary_key {
            PrimaryKey::RowId => layout_of(std::iter::once(KeyColumn::not_null(DataType::BigInt)))?,
            PrimaryKey::Columns { columns, .. } => layout_of(
                columns
                    .iter()
                    .map(|&column| KeyColumn::not_null(record.columns[column].data_type)),
            )?,
        };
        let index_layouts = record
            .indexes
            .iter()
            .map(|index| index_layout(&record, index))
            .collect::<Result<_, _>>()?;
        Ok(Table {
            row_layout: RowLayout::new(types)
                .map_err(|error| SqlError::new(SqlState::TooManyColumns, error.to_string()))?,
            key_layout,
            index_layouts,
            record,
        })
    }

    pub(crate) fn record(&self) -> &TableRecord {
        &self.record
    }

    pub(crate) fn id(&self) -> ObjectId {
        self.record.id
    }

    pub(crate) fn name(&self) -> &str {
        &self.record.name
    }

    pub(crate) fn keyspace(&self) -> KeyspaceId {
        self.record.keyspace
    }

    pub(crate) fn columns(&self) -> &[ColumnRecord] {
        &self.record.columns
    }

    /// Position of the column of that exact name.
    pub(crate) fn column_idx(&self, name: &str) -> Option<usize> {
        self.columns().iter().position(|column| column.name == name)
    }

    /// Positions of the primary key's columns; empty for a table with hidden row numbers.
    pub(crate) fn key_columns(&self) -> &[usize] {
        match &self.record.primary_key {
            PrimaryKey::RowId => &[],
            PrimaryKey::Columns { columns, .. } => columns,
        }
    }

    /// The name of the primary key's constraint.
    pub(crate) fn primary_key_name(&self) -> Option<&str> {
        match &self.record.primary_key {
            PrimaryKey::RowId => None,
            PrimaryKey::Columns { name, .. } => Some(name),
        }
    }

    pub(crate) fn has_row_ids(&self) -> bool {
        self.record.primary_key == PrimaryKey::RowId
    }

    /// The codec it was given, and the keyspaces that are stored so: its rows and its indexes in order. Vectors and their
    /// graphs are read in no order, and hardly compress.
    pub(crate) fn compression(&self) -> Option<(Codec, Vec<KeyspaceId>)> {
        let codec = self.record.compression?;
        let in_order = |index: &&IndexRecord| matches!(index.kind, IndexKind::BTree { .. });
        let indexes = self.record.indexes.iter().filter(in_order);
        let indexes = indexes.map(|index| index.keyspace);
        Some((
            codec,
            std::iter::once(self.record.keyspace)
                .chain(indexes)
                .collect(),
        ))
    }

    pub(crate) fn row_layout(&self) -> &RowLayout {
        &self.row_layout
    }

    pub(crate) fn key_layout(&self) -> &KeyLayout {
        &self.key_layout
    }

    pub(crate) fn indexes(&self) -> &[IndexRecord] {
        &self.record.indexes
    }

    pub(crate) fn index_layout(&self, index_idx: usize) -> &KeyLayout {
        &self.index_layouts[index_idx]
    }
}

/// The layout of an index's columns, without the row key after them. Vector indexes have keys of the table's layout.
fn index_layout(table: &TableRecord, index: &IndexRecord) -> Result<KeyLayout, SqlError> {
    match index.kind {
        IndexKind::Hnsw(_) => layout_of(std::iter::empty()),
        IndexKind::BTree { .. } => layout_of(
            index
                .columns
                .iter()
                .map(|&column| KeyColumn::nullable(table.columns[column].data_type)),
        ),
    }
}

fn layout_of(columns: impl IntoIterator<Item = KeyColumn>) -> Result<KeyLayout, SqlError> {
    KeyLayout::new(columns).map_err(|error| {
        SqlError::new(SqlState::InvalidTableDefinition, error.to_string()).caused_by(error)
    })
}
