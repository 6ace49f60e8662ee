//! The columns of a table.

use crate::data_type::DataType;
use crate::row::{RowLayout, RowTooWide};
use crate::value::Value;

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// Its name, unique in the table.
    pub name: String,
    /// What it holds.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// What rows hold that were written before the column was added. NULL in a table's first columns.
    pub missing: Value,
}

impl ColumnDef {
    /// A column that may be NULL.
    #[must_use]
    pub fn new(name: impl Into<String>, data_type: DataType) -> ColumnDef {
        ColumnDef {
            name: name.into(),
            data_type,
            nullable: true,
            missing: Value::Null,
        }
    }

    /// The same column, never NULL.
    #[must_use]
    pub fn not_null(self) -> ColumnDef {
        ColumnDef {
            nullable: false,
            ..self
        }
    }
}

/// The columns of a table, in order, and how often they were changed.
///
/// Columns are only ever added at the end: a row says how many it was written with, and the others read as
/// [`ColumnDef::missing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// One more with every change; 1 for a new table.
    pub version: u32,
    /// The columns.
    pub columns: Vec<ColumnDef>,
}

impl Schema {
    /// A first schema.
    #[must_use]
    pub fn new(columns: Vec<ColumnDef>) -> Schema {
        Schema {
            version: 1,
            columns,
        }
    }

    /// Position of the column of that exact name.
    #[must_use]
    pub fn column_idx(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The layout of rows that hold all the columns.
    ///
    /// # Errors
    /// When there are more than a row can have.
    pub fn row_layout(&self) -> Result<RowLayout, RowTooWide> {
        let columns = self.columns.iter();
        RowLayout::with_missing(columns.map(|column| (column.data_type, column.missing.clone())))
    }
}
