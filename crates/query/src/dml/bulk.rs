//! Many rows from an iterator, in transactions of a fixed number of rows: what an import does.

use std::sync::Arc;

use drystone_mvcc::{Durability, IsolationLevel, View};
use drystone_record::{DataType, Value};

use crate::bind::insert::default_of;
use crate::cast::{CastContext, cast};
use crate::catalog::{Catalog, Table};
use crate::dml::row_writer::{RowWriter, guard_table};
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::exec::context::Context;
use crate::exec::operator::Row;
use crate::exec::reader::Reader;
use crate::plan::Expr;
use crate::sql_state::SqlState;
use crate::suggest;

/// How a bulk insert is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkOptions {
    /// Rows in one transaction. What was committed stays when a later row fails.
    pub batch_rows: usize,
    /// What each of those commits waits for.
    pub durability: Durability,
}

impl Default for BulkOptions {
    fn default() -> BulkOptions {
        BulkOptions {
            batch_rows: 10_000,
            durability: Durability::Sync,
        }
    }
}

impl SqlEngine {
    /// Inserts rows whose values are those of `columns`, in that order; other columns get their defaults. Returns how
    /// many rows were inserted.
    ///
    /// Values are cast to the columns' types as INSERT casts them; text is read as a value of the type.
    ///
    /// # Errors
    /// Unknown names, rows of another length, values that do not fit, duplicate keys, and whatever `rows` gives. Batches
    /// committed before stay; the error's hint says how many rows that are.
    pub fn bulk_insert(
        &self,
        table: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = Result<Vec<Value>, SqlError>>,
        options: BulkOptions,
    ) -> Result<u64, SqlError> {
        let mut rows = rows.into_iter();
        let mut inserted = 0;
        loop {
            let batch: Result<Vec<Vec<Value>>, SqlError> =
                rows.by_ref().take(options.batch_rows.max(1)).collect();
            let batch = batch.map_err(|error| after(error, inserted))?;
            if batch.is_empty() {
                if inserted == 0 {
                    self.check_names(table, columns)?;
                }
                return Ok(inserted);
            }
            let count = batch.len() as u64;
            self.insert_batch(table, columns, batch, options.durability)
                .map_err(|error| after(error, inserted))?;
            inserted += count;
        }
    }

    /// No rows need the same names as some.
    fn check_names(&self, table: &str, columns: &[&str]) -> Result<(), SqlError> {
        let view = self.store().view();
        let catalog = self.catalog(&Reader::View(view.clone()))?;
        Shape::new(&catalog, &view, table, columns).map(drop)
    }

    /// One transaction, run again when another got in its way.
    fn insert_batch(
        &self,
        table: &str,
        columns: &[&str],
        batch: Vec<Vec<Value>>,
        durability: Durability,
    ) -> Result<(), SqlError> {
        let mut conflicts = 0;
        loop {
            match self.try_batch(table, columns, &batch, durability) {
                Err(error)
                    if error.is_retryable() && conflicts < self.options().conflict_retries_max =>
                {
                    conflicts += 1;
                }
                done => return done,
            }
        }
    }

    fn try_batch(
        &self,
        table: &str,
        columns: &[&str],
        batch: &[Vec<Value>],
        durability: Durability,
    ) -> Result<(), SqlError> {
        let mut transaction = self.store().begin(IsolationLevel::RepeatableRead)?;
        let catalog = self.catalog(&Reader::Transaction(&transaction))?;
        let shape = Shape::new(&catalog, transaction.view(), table, columns)?;
        let defaults = {
            let reader = Reader::Transaction(&transaction);
            let parameters = Arc::from([]);
            let cx = Context::new(self, reader, parameters, self.eval_context(), 0);
            batch
                .iter()
                .map(|_| crate::exec::eval::eval_all(&shape.defaults, &[], cx.env()))
                .collect::<Result<Vec<_>, _>>()?
        };
        guard_table(self, &shape.table, &mut transaction);
        let mut writer = RowWriter::new(self, &shape.table, &mut transaction);
        let mut space = Row::new();
        for (values, defaults) in batch.iter().zip(defaults) {
            let row = shape.row(values, &defaults, &mut space)?;
            let key = writer.key_of(row)?;
            writer.insert(key, row)?;
        }
        transaction.commit(durability)?;
        Ok(())
    }
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

fn after(error: SqlError, inserted: u64) -> SqlError {
    match inserted {
        0 => error,
        inserted => error.with_hint(format!("{inserted} rows before it are committed")),
    }
}
