//! One row and its index entries, written or removed together.
//!
//! ```text
//! keyspace              key                              value
//! table                 row key                          row
//! index                 columns, row key                 nothing
//! unique index          columns                          row key
//! unique index, a NULL  columns, row key                 row key     (NULLs are distinct, so these never meet)
//! vector index          row key                          elements, 4 bytes each, little-endian
//! ```
//!
//! Two transactions that insert one key, or one value of a unique index, write the same key: the store lets only the
//! first commit.

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_mvcc::Transaction;
use drystone_record::{RowReader, Value};

use crate::catalog::store::table_key;
use crate::catalog::{IndexKind, Table};
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::exec::key_span::encode;
use crate::exec::operator::Row;
use crate::exec::reader::Reader;
use crate::exec::scan::damaged;
use crate::sql_state::SqlState;

/// Writes rows of one table.
pub(crate) struct RowWriter<'w> {
    engine: &'w SqlEngine,
    table: &'w Table,
    transaction: &'w mut Transaction,
    /// Where rows are encoded: what is kept of them then has no byte to spare.
    space: Vec<u8>,
}

/// An entry of an index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
    /// Whether no other row may have this key.
    pub(crate) is_unique: bool,
}

impl<'w> RowWriter<'w> {
    /// A writer. [`guard_table`] must have been called.
    pub(crate) fn new(
        engine: &'w SqlEngine,
        table: &'w Table,
        transaction: &'w mut Transaction,
    ) -> RowWriter<'w> {
        RowWriter {
            engine,
            table,
            transaction,
            space: Vec::new(),
        }
    }

    /// The key of a row: its primary key, or a new number.
    pub(crate) fn key_of(&self, row: &[Value]) -> Result<Bytes, SqlError> {
        match self.table.has_row_ids() {
            false => key_of(self.table, row),
            true => {
                let reader = Reader::Transaction(self.transaction);
                let number = self.engine.next_row_id(self.table, &reader)?;
                let mut key = Vec::with_capacity(8);
                encode(self.table.key_layout(), 0, &Value::BigInt(number), &mut key)?;
                Ok(Bytes::from(key))
            }
        }
    }

    /// Writes a row that must not be there yet.
    pub(crate) fn insert(&mut self, key: Bytes, row: &[Value]) -> Result<(), SqlError> {
        check_not_null(self.table, row)?;
        if !self.table.has_row_ids() && self.transaction.get(self.table.keyspace(), &key)?.is_some()
        {
            return Err(duplicate_key(self.table, row));
        }
        for index_idx in 0..self.table.indexes().len() {
            if let Some(entry) = index_entry(self.table, index_idx, row, &key)? {
                self.put_entry(index_idx, entry, row)?;
            }
        }
        self.put_row(key, row)
    }

    /// Removes a row and its entries.
    pub(crate) fn delete(&mut self, key: &Bytes, row: &[Value]) -> Result<(), SqlError> {
        for index_idx in 0..self.table.indexes().len() {
            if let Some(entry) = index_entry(self.table, index_idx, row, key)?
                && !is_planted("query-index-entry-kept")
            {
                let keyspace = self.table.indexes()[index_idx].keyspace;
                self.transaction.delete(keyspace, entry.key)?;
            }
        }
        self.transaction
            .delete(self.table.keyspace(), key.clone())?;
        Ok(())
    }

    /// Removes what a row that changes will not have any more, before anything new is written.
    pub(crate) fn remove_stale(&mut self, change: &Change) -> Result<(), SqlError> {
        for index_idx in 0..self.table.indexes().len() {
            let (old, new) = self.entries(change, index_idx)?;
            let Some(old) = old else {
                continue;
            };
            let is_stale = new.is_none_or(|new| new.key != old.key);
            if is_stale && !is_planted("query-index-entry-stale") {
                let keyspace = self.table.indexes()[index_idx].keyspace;
                self.transaction.delete(keyspace, old.key)?;
            }
        }
        if change.new_key != change.old_key && !is_planted("query-moved-row-stays") {
            self.transaction
                .delete(self.table.keyspace(), change.old_key.clone())?;
        }
        Ok(())
    }

    /// Writes what a changed row has, after [`RowWriter::remove_stale`] of all rows of the statement.
    pub(crate) fn write_changed(&mut self, change: &Change) -> Result<(), SqlError> {
        check_not_null(self.table, &change.new)?;
        let keyspace = self.table.keyspace();
        if change.new_key != change.old_key
            && self.transaction.get(keyspace, &change.new_key)?.is_some()
        {
            return Err(duplicate_key(self.table, &change.new));
        }
        self.put_row(change.new_key.clone(), &change.new)?;
        for index_idx in 0..self.table.indexes().len() {
            let (old, new) = self.entries(change, index_idx)?;
            let Some(new) = new else {
                continue;
            };
            match old {
                Some(old) if old == new => {}
                Some(old) if old.key == new.key => {
                    let keyspace = self.table.indexes()[index_idx].keyspace;
                    self.transaction.put(keyspace, new.key, new.value)?;
                }
                _ => self.put_entry(index_idx, new, &change.new)?,
            }
        }
        Ok(())
    }

    fn entries(
        &self,
        change: &Change,
        index_idx: usize,
    ) -> Result<(Option<IndexEntry>, Option<IndexEntry>), SqlError> {
        let old = index_entry(self.table, index_idx, &change.old, &change.old_key)?;
        let new = index_entry(self.table, index_idx, &change.new, &change.new_key)?;
        Ok((old, new))
    }

    fn put_row(&mut self, key: Bytes, row: &[Value]) -> Result<(), SqlError> {
        self.space.clear();
        self.table
            .row_layout()
            .encode(row, &mut self.space)
            .map_err(encode_error)?;
        let bytes = Bytes::copy_from_slice(&self.space);
        self.transaction.put(self.table.keyspace(), key, bytes)?;
        Ok(())
    }

    fn put_entry(
        &mut self,
        index_idx: usize,
        entry: IndexEntry,
        row: &[Value],
    ) -> Result<(), SqlError> {
        let keyspace = self.table.indexes()[index_idx].keyspace;
        let is_checked = entry.is_unique && !is_planted("query-unique-unchecked");
        if is_checked && self.transaction.get(keyspace, &entry.key)?.is_some() {
            return Err(duplicate_entry(self.table, index_idx, row));
        }
        self.transaction.put(keyspace, entry.key, entry.value)?;
        Ok(())
    }

    /// The key of the row that has the unique values of `row` in an index, when there is one.
    pub(crate) fn owner_of_entry(
        &self,
        index_idx: usize,
        row: &[Value],
        key: &Bytes,
    ) -> Result<Option<Bytes>, SqlError> {
        match index_entry(self.table, index_idx, row, key)? {
            Some(entry) if entry.is_unique => {
                let keyspace = self.table.indexes()[index_idx].keyspace;
                Ok(self.transaction.get(keyspace, &entry.key)?)
            }
            _ => Ok(None),
        }
    }

    /// The row of a key, when it is there.
    pub(crate) fn read(&self, key: &Bytes) -> Result<Option<Row>, SqlError> {
        let Some(bytes) = self.transaction.get(self.table.keyspace(), key)? else {
            return Ok(None);
        };
        let mut row = Row::new();
        RowReader::new(self.table.row_layout(), &bytes)
            .and_then(|reader| reader.columns(&mut row))
            .map_err(|why| damaged(self.table, why))?;
        Ok(Some(row))
    }
}

/// Makes the transaction's commit fail if the table's definition is changed by another before it.
pub(crate) fn guard_table(engine: &SqlEngine, table: &Table, transaction: &mut Transaction) {
    transaction.guard_key(engine.catalog_keyspace(), table_key(table.name()));
}

/// A row before and after a statement.
pub(crate) struct Change {
    pub(crate) old_key: Bytes,
    pub(crate) old: Row,
    pub(crate) new_key: Bytes,
    pub(crate) new: Row,
}

/// The primary key of a row of a table that has one.
pub(crate) fn key_of(table: &Table, row: &[Value]) -> Result<Bytes, SqlError> {
    let mut key = Vec::with_capacity(16);
    for (position, &column) in table.key_columns().iter().enumerate() {
        if row[column].is_null() {
            return Err(null_in(table, column));
        }
        encode(table.key_layout(), position, &row[column], &mut key)?;
    }
    Ok(Bytes::from(key))
}

/// The entry of a row in an index; `None` for a vector index and a row without a vector.
pub(crate) fn index_entry(
    table: &Table,
    index_idx: usize,
    row: &[Value],
    row_key: &Bytes,
) -> Result<Option<IndexEntry>, SqlError> {
    let index = &table.indexes()[index_idx];
    let unique = match index.kind {
        IndexKind::Hnsw(_) => return Ok(vector_entry(&row[index.columns[0]], row_key)),
        IndexKind::BTree { unique } => unique,
    };
    let layout = table.index_layout(index_idx);
    let mut key = Vec::with_capacity(32);
    for (position, &column) in index.columns.iter().enumerate() {
        encode(layout, position, &row[column], &mut key)?;
    }
    let has_null = index.columns.iter().any(|&column| row[column].is_null());
    let is_unique = unique && !has_null;
    if !is_unique {
        key.extend_from_slice(row_key);
    }
    Ok(Some(IndexEntry {
        key: Bytes::from(key),
        value: match unique {
            true => row_key.clone(),
            false => Bytes::new(),
        },
        is_unique,
    }))
}

fn vector_entry(value: &Value, row_key: &Bytes) -> Option<IndexEntry> {
    let Value::Vector(vector) = value else {
        return None;
    };
    let elements: Vec<u8> = vector
        .iter()
        .flat_map(|element| element.to_le_bytes())
        .collect();
    Some(IndexEntry {
        key: row_key.clone(),
        value: Bytes::from(elements),
        is_unique: false,
    })
}

pub(crate) fn check_not_null(table: &Table, row: &[Value]) -> Result<(), SqlError> {
    let columns = table.columns().iter().zip(row).enumerate();
    for (position, (column, value)) in columns {
        if !column.nullable && value.is_null() {
            return Err(null_in(table, position));
        }
    }
    Ok(())
}

fn null_in(table: &Table, column: usize) -> SqlError {
    SqlError::new(
        SqlState::NotNullViolation,
        format!(
            "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
            table.columns()[column].name,
            table.name()
        ),
    )
}

pub(crate) fn duplicate_key(table: &Table, row: &[Value]) -> SqlError {
    let name = table.primary_key_name().unwrap_or_default();
    duplicate(table, name, table.key_columns(), row)
}

pub(crate) fn duplicate_entry(table: &Table, index_idx: usize, row: &[Value]) -> SqlError {
    let index = &table.indexes()[index_idx];
    duplicate(table, &index.name, &index.columns, row)
}

fn duplicate(table: &Table, constraint: &str, columns: &[usize], row: &[Value]) -> SqlError {
    let names: Vec<&str> = columns
        .iter()
        .map(|&column| table.columns()[column].name.as_str())
        .collect();
    let values: Vec<String> = columns
        .iter()
        .map(|&column| row[column].to_string())
        .collect();
    SqlError::new(
        SqlState::UniqueViolation,
        format!("duplicate key value violates unique constraint \"{constraint}\""),
    )
    .with_hint(format!(
        "key ({})=({}) already exists",
        names.join(", "),
        values.join(", ")
    ))
    .with_duplicate(
        names
            .iter()
            .zip(columns)
            .map(|(name, &column)| ((*name).to_owned(), row[column].clone()))
            .collect(),
    )
}

pub(crate) fn encode_error(error: drystone_record::EncodeError) -> SqlError {
    SqlError::new(SqlState::DataException, error.to_string()).caused_by(error)
}
