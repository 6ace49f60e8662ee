//! What a statement gives.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use drystone_record::{DataType, Timestamp, Value};

use crate::error::SqlError;
use crate::exec::context::Context;
use crate::exec::operator::{Operator, Row as Slots};
use crate::plan::Plan;
use crate::sql_state::SqlState;
use crate::suggest;

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// Its name: the alias, or what PostgreSQL would call it.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
}

/// What a statement did.
#[derive(Debug)]
pub enum Outcome {
    /// It gives rows.
    Rows(Rows),
    /// It changed so many rows.
    Affected(u64),
    /// It did what its tag says: `CREATE TABLE`, `COMMIT`, ...
    Done(&'static str),
}

impl Outcome {
    /// The rows; none for a statement that gives none.
    #[must_use]
    pub fn into_rows(self) -> Rows {
        match self {
            Outcome::Rows(rows) => rows,
            Outcome::Affected(_) | Outcome::Done(_) => Rows::buffered(Arc::from([]), Vec::new()),
        }
    }
}

/// Rows, one after the other.
///
/// Those of a query outside a transaction are computed as they are asked for, from the state of the database when the
/// query began, whatever is written since. Owns what it reads: it may outlive its session and move to another thread.
/// Ends after an error.
pub struct Rows {
    columns: Arc<[ResultColumn]>,
    source: Source,
}

enum Source {
    Buffered(std::vec::IntoIter<Slots>),
    Single(Option<Slots>),
    Running(Box<Running>),
    Ended,
}

/// A query under way.
struct Running {
    cx: Context<'static>,
    operator: Box<dyn Operator>,
    /// Keeps the plan alive that the operators run.
    _plan: Arc<Plan>,
}

impl Rows {
    pub(crate) fn buffered(columns: Arc<[ResultColumn]>, rows: Vec<Slots>) -> Rows {
        Rows {
            columns,
            source: Source::Buffered(rows.into_iter()),
        }
    }

    pub(crate) fn single(columns: Arc<[ResultColumn]>, row: Option<Slots>) -> Rows {
        Rows {
            columns,
            source: Source::Single(row),
        }
    }

    pub(crate) fn running(
        columns: Arc<[ResultColumn]>,
        plan: Arc<Plan>,
        cx: Context<'static>,
        operator: Box<dyn Operator>,
    ) -> Rows {
        let running = Running {
            cx,
            operator,
            _plan: plan,
        };
        Rows {
            columns,
            source: Source::Running(Box::new(running)),
        }
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &Arc<[ResultColumn]> {
        &self.columns
    }

    /// The only row.
    ///
    /// # Errors
    /// When there is none, or more than one; or as rows come.
    pub fn one(mut self) -> Result<Row, SqlError> {
        let first = self.next().transpose()?;
        let more = self.next().transpose()?.is_some();
        match first {
            Some(row) if !more => Ok(row),
            first => {
                let found = if first.is_some() { "more" } else { "none" };
                let message = format!("the query must give one row, and gave {found}");
                Err(SqlError::new(SqlState::CardinalityViolation, message))
            }
        }
    }

    fn next_slots(&mut self) -> Result<Option<Slots>, SqlError> {
        match &mut self.source {
            Source::Buffered(rows) => Ok(rows.next()),
            Source::Single(row) => Ok(row.take()),
            Source::Running(running) => {
                let mut row = Slots::with_capacity(self.columns.len());
                let more = running.operator.next(running.cx.env(), &mut row)?;
                Ok(more.then_some(row))
            }
            Source::Ended => Ok(None),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Row, SqlError>;

    fn next(&mut self) -> Option<Result<Row, SqlError>> {
        let next = self.next_slots().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.source = Source::Ended;
        }
        next.map(|values| {
            values.map(|values| Row {
                columns: Arc::clone(&self.columns),
                values,
            })
        })
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// One row of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    columns: Arc<[ResultColumn]>,
    values: Vec<Value>,
}

impl Row {
    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// The values, one for each column.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The values, one for each column.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// The value of a column, by its position from 0 or its name.
    ///
    /// # Errors
    /// When there is no such column, or it holds a value of another type; NULL needs an `Option`.
    pub fn get<T: FromValue>(&self, column: impl ColumnKey) -> Result<T, SqlError> {
        let position = column.position(&self.columns)?;
        T::from_value(&self.values[position]).ok_or_else(|| {
            let column = &self.columns[position];
            let found = self.values[position]
                .data_type()
                .map_or_else(|| "NULL".to_owned(), |data_type| data_type.to_string());
            SqlError::new(
                SqlState::DatatypeMismatch,
                format!(
                    "column \"{}\" holds {found}, not {}",
                    column.name,
                    std::any::type_name::<T>()
                ),
            )
        })
    }
}

/// What names a column of a row.
pub trait ColumnKey {
    /// Its position from 0.
    ///
    /// # Errors
    /// When there is no such column.
    fn position(&self, columns: &[ResultColumn]) -> Result<usize, SqlError>;
}

impl ColumnKey for usize {
    fn position(&self, columns: &[ResultColumn]) -> Result<usize, SqlError> {
        match *self < columns.len() {
            true => Ok(*self),
            false => Err(SqlError::new(
                SqlState::UndefinedColumn,
                format!("there is no column {self}; the row has {}", columns.len()),
            )),
        }
    }
}

impl ColumnKey for &str {
    fn position(&self, columns: &[ResultColumn]) -> Result<usize, SqlError> {
        let names = || columns.iter().map(|column| column.name.as_str());
        names().position(|name| name == *self).ok_or_else(|| {
            SqlError::new(
                SqlState::UndefinedColumn,
                format!("column \"{self}\" does not exist"),
            )
            .with_near_name(suggest::nearest(self, names()))
        })
    }
}

/// A Rust type that values of SQL become.
pub trait FromValue: Sized {
    /// `None` where the value is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($target:ty: $($pattern:pat => $result:expr),+;)+) => {$(
        impl FromValue for $target {
            fn from_value(value: &Value) -> Option<$target> {
                match value {
                    $($pattern => Some($result),)+
                    _ => None,
                }
            }
        }
    )+};
}

from_value! {
    bool: Value::Boolean(value) => *value;
    i32: Value::Integer(value) => *value;
    i64: Value::BigInt(value) => *value, Value::Integer(value) => i64::from(*value);
    f64: Value::Double(value) => *value, Value::Integer(value) => f64::from(*value);
    String: Value::Text(value) => value.as_str().to_owned();
    drystone_record::Text: Value::Text(value) => value.clone();
    Bytes: Value::Bytea(value) => value.clone();
    Vec<u8>: Value::Bytea(value) => value.to_vec();
    Timestamp: Value::Timestamp(value) => *value;
    drystone_record::Json: Value::Json(value) => value.clone();
    serde_json::Value: Value::Json(value) => value.tree().clone();
    Vec<f32>: Value::Vector(value) => value.to_vec();
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Option<Value> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Option<T>> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
