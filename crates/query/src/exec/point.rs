//! The short way: one row by its primary key. No operators, no context, nothing resolved.

use bytes::Bytes;
use drystone_record::{RowReader, Value};

use crate::error::SqlError;
use crate::exec::key_span::{Fitted, encode, fitted};
use crate::exec::operator::Row;
use crate::exec::reader::Reader;
use crate::exec::scan::damaged;
use crate::plan::{Expr, PointQuery};
use crate::sql_state::SqlState;

/// The row of a point query; `parameters` are of the types that the plan asks for.
pub(crate) fn run(
    point: &PointQuery,
    reader: &Reader<'_>,
    parameters: &[Value],
) -> Result<Option<Row>, SqlError> {
    let Some(key) = key(point, parameters)? else {
        return Ok(None);
    };
    let Some(bytes) = reader.get(point.table.keyspace(), &key)? else {
        return Ok(None);
    };
    decode(point, &bytes).map(Some)
}

/// The encoded key; `None` when no row can have it.
fn key(point: &PointQuery, parameters: &[Value]) -> Result<Option<Vec<u8>>, SqlError> {
    const USUAL_KEY_BYTES: usize = 24;
    let mut key = Vec::with_capacity(USUAL_KEY_BYTES);
    let layout = point.table.key_layout();
    for (position, expr) in point.key.iter().enumerate() {
        let value = match expr {
            Expr::Constant(value) => value,
            Expr::Parameter(parameter) => &parameters[*parameter],
            _ => {
                return Err(SqlError::new(
                    SqlState::InvalidColumnReference,
                    "a point query has a key that must be computed",
                ));
            }
        };
        match fitted(value, layout.columns()[position].data_type()) {
            Fitted::Value(value) => encode(layout, position, &value, &mut key)?,
            Fitted::Null | Fitted::Below | Fitted::Above => return Ok(None),
        }
    }
    Ok(Some(key))
}

fn decode(point: &PointQuery, bytes: &Bytes) -> Result<Row, SqlError> {
    let table = &point.table;
    let reader = RowReader::new(table.row_layout(), bytes).map_err(|why| damaged(table, why))?;
    let mut row = Row::with_capacity(point.columns.len());
    for &column in &point.columns {
        row.push(reader.column(column).map_err(|why| damaged(table, why))?);
    }
    Ok(row)
}
