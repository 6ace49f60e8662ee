//! What tables there are, and the statements that would make them: for shells and tools.

use std::fmt::Write;
use std::sync::Arc;

use drystone_compress::Codec;
use drystone_record::DataType;

use crate::bind::names::quoted;
use crate::catalog::Table;
use crate::catalog::record::{ColumnRecord, IndexKind, IndexRecord};
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::exec::reader::Reader;

/// A table as the catalog describes it.
#[derive(Clone, Debug)]
pub struct TableInfo {
    table: Arc<Table>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
}

impl SqlEngine {
    /// The tables of the newest committed state, by name.
    ///
    /// # Errors
    /// When the store fails or the catalog is damaged.
    pub fn tables(&self) -> Result<Vec<TableInfo>, SqlError> {
        let catalog = self.catalog(&Reader::View(self.store().view()))?;
        let mut tables: Vec<TableInfo> = catalog
            .tables()
            .map(|table| TableInfo {
                table: Arc::clone(table),
            })
            .collect();
        tables.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(tables)
    }
}

impl TableInfo {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.table.name()
    }

    /// Its columns, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnInfo> {
        let info = |column: &ColumnRecord| ColumnInfo {
            name: column.name.clone(),
            data_type: column.data_type,
            nullable: column.nullable,
        };
        self.table.columns().iter().map(info).collect()
    }

    /// The codec it was given by `WITH (compression = ...)`; `None`: it is stored as the database says.
    #[must_use]
    pub fn compression(&self) -> Option<Codec> {
        self.table.record().compression
    }

    /// The statements that make the table and its indexes, each with its semicolon, on lines of their own.
    #[must_use]
    pub fn to_sql(&self) -> String {
        let mut parts: Vec<String> = self.table.columns().iter().map(column_sql).collect();
        if !self.table.key_columns().is_empty() {
            let key = self.column_list(self.table.key_columns());
            parts.push(format!("PRIMARY KEY ({key})"));
        }
        for constraint in self.indexes().filter(|index| index.is_constraint) {
            parts.push(format!(
                "UNIQUE ({})",
                self.column_list(&constraint.columns)
            ));
        }
        let name = quote_identifier(self.name());
        let with = match self.compression() {
            Some(codec) => format!(" WITH (compression = '{codec}')"),
            None => String::new(),
        };
        let parts = parts.join(",\n    ");
        let mut sql = format!("CREATE TABLE {name} (\n    {parts}\n){with};");
        for index in self.indexes().filter(|index| !index.is_constraint) {
            sql.push('\n');
            sql.push_str(&self.index_sql(index));
        }
        sql
    }

    fn indexes(&self) -> impl Iterator<Item = &IndexRecord> {
        self.table.indexes().iter()
    }

    fn index_sql(&self, index: &IndexRecord) -> String {
        let unique = matches!(index.kind, IndexKind::BTree { unique: true });
        let (name, table) = (quote_identifier(&index.name), quote_identifier(self.name()));
        let columns = self.column_list(&index.columns);
        let unique = if unique { "UNIQUE " } else { "" };
        match index.kind {
            IndexKind::BTree { .. } => {
                format!("CREATE {unique}INDEX {name} ON {table} ({columns});")
            }
            IndexKind::Hnsw(hnsw) => format!(
                "CREATE INDEX {name} ON {table} USING hnsw ({columns}) WITH (metric = '{}', m = {}, ef_construction = {});",
                hnsw.metric.name(),
                hnsw.m,
                hnsw.ef_construction
            ),
        }
    }

    fn column_list(&self, columns: &[usize]) -> String {
        let name = |&column: &usize| quote_identifier(&self.table.columns()[column].name);
        columns.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

fn column_sql(column: &ColumnRecord) -> String {
    let mut sql = format!("{} {}", quote_identifier(&column.name), column.data_type);
    if !column.nullable {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        write!(sql, " DEFAULT {default}").expect("a String takes any text");
    }
    sql
}

/// A name as SQL text: in double quotes where it is not plain, so that it is that name whatever it is made of.
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    quoted(name)
}

#[cfg(test)]
mod tests;
