//! Many rows from an iterator, as one commit: what an import does.
//!
//! Rows and index entries go into a bulk load of the store, which sorts them outside of memory and takes no key that is
//! there already: so nothing is looked up row by row, and the first key that two rows have is found where sorted entries
//! meet. Rows of a table with a vector index are a transaction instead, for graphs follow what is in memory.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_mvcc::{BulkLoad, Durability, IsolationLevel, StoreError, Transaction, View};
use drystone_record::{DataType, KeyLayout, KeyReader, Value};

use crate::bind::insert::default_of;
use crate::cast::{CastContext, cast};
use crate::catalog::store::table_key;
use crate::catalog::{Catalog, IndexKind, Table};
use crate::dml::row_writer::{
    RowWriter, check_not_null, duplicate_entry, duplicate_key, encode_error, guard_table,
    index_entry, key_of,
};
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::exec::context::Context;
use crate::exec::key_span::encode;
use crate::exec::operator::Row;
use crate::exec::reader::Reader;
use crate::plan::Expr;
use crate::sql_state::SqlState;
use crate::suggest;

impl SqlEngine {
    /// Inserts rows whose values are those of `columns`, in that order; other columns get their defaults. Returns how
    /// many rows were inserted: all of them, as one commit that is on stable media, or none where anything fails. Of any
    /// size: about `memory_bytes` are in memory, but for a table with a vector index, whose rows must all fit.
    ///
    /// Values are cast to the columns' types as INSERT casts them; text is read as a value of the type.
    ///
    /// # Errors
    /// Unknown names, rows of another length, values that do not fit, duplicate keys, and whatever `rows` gives; that the
    /// table's definition was changed meanwhile. Nothing was inserted.
    pub fn bulk_insert<E: From<SqlError>>(
        &self,
        table: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = Result<Vec<Value>, E>>,
        memory_bytes: u64,
    ) -> Result<u64, E> {
        let mut load = self
            .store()
            .bulk_load(memory_bytes)
            .map_err(SqlError::from)?;
        let guarded = load.guard_key(self.catalog_keyspace(), table_key(table));
        guarded.map_err(SqlError::from)?;
        // Not before the guard: what is read here is what was guarded, or the commit fails.
        let view = self.store().view();
        let catalog = self.catalog(&Reader::View(view.clone()))?;
        let shape = Shape::new(&catalog, &view, table, columns)?;
        let is_vector = |kind: IndexKind| matches!(kind, IndexKind::Hnsw(_));
        let mut indexes = shape.table.indexes().iter();
        match indexes.any(|index| is_vector(index.kind)) {
            true => self.insert_in_memory(table, columns, rows),
            false => self.insert_by_load(&shape, view, rows, load),
        }
    }

    fn insert_by_load<E: From<SqlError>>(
        &self,
        shape: &Shape,
        view: View,
        rows: impl IntoIterator<Item = Result<Vec<Value>, E>>,
        mut load: BulkLoad,
    ) -> Result<u64, E> {
        load.refuse_known_keys();
        let reader = Reader::View(view);
        let cx = Context::new(self, reader, Arc::from([]), self.eval_context(), 0);
        let mut loader = RowLoader {
            engine: self,
            table: &shape.table,
            load,
            space: Vec::new(),
        };
        let (mut row, mut count) = (Row::new(), 0);
        for values in rows {
            let values = values?;
            let defaults = crate::exec::eval::eval_all(&shape.defaults, &[], cx.env())?;
            loader.push(shape.row(&values, &defaults, &mut row)?, &cx.reader)?;
            count += 1;
        }
        loader.commit()?;
        Ok(count)
    }

    /// As one transaction.
    fn insert_in_memory<E: From<SqlError>>(
        &self,
        table: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = Result<Vec<Value>, E>>,
    ) -> Result<u64, E> {
        let begun = self.store().begin(IsolationLevel::RepeatableRead);
        let mut transaction: Transaction = begun.map_err(SqlError::from)?;
        let catalog = self.catalog(&Reader::Transaction(&transaction))?;
        let shape = Shape::new(&catalog, transaction.view(), table, columns)?;
        let reader = Reader::View(transaction.view().clone());
        let cx = Context::new(self, reader, Arc::from([]), self.eval_context(), 0);
        guard_table(self, &shape.table, &mut transaction);
        let mut writer = RowWriter::new(self, &shape.table, &mut transaction);
        let (mut space, mut count) = (Row::new(), 0);
        for values in rows {
            let values = values?;
            let defaults = crate::exec::eval::eval_all(&shape.defaults, &[], cx.env())?;
            let row = shape.row(&values, &defaults, &mut space)?;
            let key = writer.key_of(row)?;
            writer.insert(key, row)?;
            count += 1;
        }
        let committed = transaction.commit(Durability::Sync);
        committed.map_err(SqlError::from)?;
        Ok(count)
    }
}

/// Puts rows and their index entries into a load.
struct RowLoader<'l> {
    engine: &'l SqlEngine,
    table: &'l Table,
    load: BulkLoad,
    /// Where rows are encoded.
    space: Vec<u8>,
}

impl RowLoader<'_> {
    fn push(&mut self, row: &[Value], reader: &Reader<'_>) -> Result<(), SqlError> {
        check_not_null(self.table, row)?;
        let key = self.key_of(row, reader)?;
        for index_idx in 0..self.table.indexes().len() {
            if let Some(entry) = index_entry(self.table, index_idx, row, &key)? {
                let keyspace = self.table.indexes()[index_idx].keyspace;
                self.put(keyspace, &entry.key, &entry.value)?;
            }
        }
        let mut space = std::mem::take(&mut self.space);
        space.clear();
        let encoded = self.table.row_layout().encode(row, &mut space);
        encoded.map_err(encode_error)?;
        self.put(self.table.keyspace(), &key, &space)?;
        self.space = space;
        Ok(())
    }

    fn key_of(&self, row: &[Value], reader: &Reader<'_>) -> Result<Bytes, SqlError> {
        if !self.table.has_row_ids() {
            return key_of(self.table, row);
        }
        let number = self.engine.next_row_id(self.table, reader)?;
        let mut key = Vec::with_capacity(8);
        encode(self.table.key_layout(), 0, &Value::BigInt(number), &mut key)?;
        Ok(Bytes::from(key))
    }

    fn put(&mut self, keyspace: KeyspaceId, key: &[u8], value: &[u8]) -> Result<(), SqlError> {
        let put = self.load.put(keyspace, key, value);
        put.map_err(|error| explained(self.table, error))
    }

    fn commit(self) -> Result<(), SqlError> {
        let committed = self.load.commit();
        committed.map_err(|error| explained(self.table, error))?;
        Ok(())
    }
}

/// An error of a load in the words of the table: a key that is there already is one that two rows have.
fn explained(table: &Table, error: StoreError) -> SqlError {
    let StoreError::KeyExists { keyspace, key } = &error else {
        return error.into();
    };
    let of_index = |index: &crate::catalog::IndexRecord| index.keyspace == *keyspace;
    let explained = match table.indexes().iter().position(of_index) {
        Some(index_idx) => entry_twice(table, index_idx, key),
        None => row_twice(table, key),
    };
    explained.unwrap_or_else(|| error.into())
}

/// Two rows have this entry of an index. Where it is not unique, it ends with the row's key, and that is the same.
fn entry_twice(table: &Table, index_idx: usize, key: &Bytes) -> Option<SqlError> {
    let layout = table.index_layout(index_idx);
    let columns = table.indexes()[index_idx].columns.as_slice();
    let mut reader = KeyReader::new(layout, key);
    reader.skip_columns(columns.len()).ok()?;
    if reader.offset() < key.len() {
        return row_twice(table, &key.slice(reader.offset()..));
    }
    let row = row_of(table, layout, columns, key)?;
    Some(duplicate_entry(table, index_idx, &row))
}

/// Two rows have this key.
fn row_twice(table: &Table, key: &Bytes) -> Option<SqlError> {
    let row = row_of(table, table.key_layout(), table.key_columns(), key)?;
    Some(duplicate_key(table, &row))
}

/// A row of which only the columns of a key are known.
fn row_of(table: &Table, layout: &KeyLayout, columns: &[usize], key: &Bytes) -> Option<Row> {
    let mut values = Vec::with_capacity(columns.len());
    layout.decode(key, &mut values).ok()?;
    let mut row = vec![Value::Null; table.columns().len()];
    for (&column, value) in columns.iter().zip(values) {
        row[column] = value;
    }
    Some(row)
}

/// Where the values of a row go.
struct Shape {
    table: Arc<Table>,
    /// For each given value its column.
    targets: Vec<usize>,
    /// For each default its column.
    defaulted: Vec<usize>,
    defaults: Vec<Expr>,
}

impl Shape {
    fn new(
        catalog: &Catalog,
        view: &View,
        name: &str,
        columns: &[&str],
    ) -> Result<Shape, SqlError> {
        let table = catalog.table(name).cloned().ok_or_else(|| {
            SqlError::new(
                SqlState::UndefinedTable,
                format!("relation \"{name}\" does not exist"),
            )
            .with_near_name(suggest::nearest(name, catalog.table_names()))
        })?;
        let targets = columns
            .iter()
            .map(|column| target(&table, column))
            .collect::<Result<Vec<_>, _>>()?;
        let mut defaulted = Vec::new();
        let mut defaults = Vec::new();
        for column in (0..table.columns().len()).filter(|column| !targets.contains(column)) {
            if let Some(default) = default_of(catalog, &table, column)? {
                defaulted.push(column);
                defaults.push(crate::planner::compile_default(&default, view)?);
            }
        }
        Ok(Shape {
            table,
            targets,
            defaulted,
            defaults,
        })
    }

    /// The row of these values: they themselves, where nothing is to be done, or what is made of them in `space`.
    fn row<'r>(
        &self,
        values: &'r [Value],
        defaults: &[Value],
        space: &'r mut Row,
    ) -> Result<&'r [Value], SqlError> {
        if self.is_row(values) {
            return Ok(values);
        }
        self.fill(values, defaults, space)?;
        Ok(space)
    }

    /// Whether the values are one for each column, in order and of its type.
    fn is_row(&self, values: &[Value]) -> bool {
        let columns = self.table.columns();
        let fits = |((value, target), column): ((&Value, &usize), usize)| {
            let found = value.data_type();
            *target == column && found.is_none_or(|found| found == columns[column].data_type)
        };
        values.len() == columns.len()
            && self.targets.len() == columns.len()
            && values.iter().zip(&self.targets).zip(0..).all(fits)
    }

    /// Makes a whole row of the values of one.
    fn fill(&self, values: &[Value], defaults: &[Value], row: &mut Row) -> Result<(), SqlError> {
        if values.len() != self.targets.len() {
            return Err(SqlError::new(
                SqlState::SyntaxError,
                format!("{} values for {} columns", values.len(), self.targets.len()),
            ));
        }
        row.clear();
        row.resize(self.table.columns().len(), Value::Null);
        for (value, &column) in values.iter().zip(&self.targets) {
            row[column] = fitted(value, self.table.columns()[column].data_type)?;
        }
        for (value, &column) in defaults.iter().zip(&self.defaulted) {
            row[column] = value.clone();
        }
        Ok(())
    }
}

fn target(table: &Table, column: &str) -> Result<usize, SqlError> {
    table.column_idx(column).ok_or_else(|| {
        SqlError::new(
            SqlState::UndefinedColumn,
            format!(
                "column \"{column}\" of relation \"{}\" does not exist",
                table.name()
            ),
        )
        .with_near_name(suggest::nearest(
            column,
            table.columns().iter().map(|column| column.name.as_str()),
        ))
    })
}

fn fitted(value: &Value, data_type: DataType) -> Result<Value, SqlError> {
    match value.data_type() {
        None => Ok(Value::Null),
        Some(found) if found == data_type => Ok(value.clone()),
        Some(DataType::Text) => Ok(cast(value, &data_type, CastContext::Explicit)?),
        Some(_) => Ok(cast(value, &data_type, CastContext::Assignment)?),
    }
}
