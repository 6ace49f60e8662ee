//! Which parts of a key space a scan reads, once the values are known.

use std::ops::Bound;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_mvcc::KeyRange;
use drystone_record::{DataType, KeyLayout, Value, prefix_end};

use crate::error::SqlError;
use crate::exec::context::Env;
use crate::plan::{KeyAccess, KeyBound};
use crate::sql_state::SqlState;

/// One part of a key space.
#[derive(Debug)]
pub(crate) enum Span {
    /// The entry of one whole key.
    Key(Bytes),
    Range(KeyRange),
}

/// A value as one of a key column's type.
pub(crate) enum Fitted {
    Value(Value),
    /// NULL: equals nothing, and nothing is above or below it.
    Null,
    /// Below all values of the type, or above all.
    Below,
    Above,
}

/// The parts that `access` says, ascending and apart. `row` holds the values of the row that the scan is made for.
pub(crate) fn spans(
    access: &KeyAccess,
    layout: &KeyLayout,
    is_unique: bool,
    row: &[Value],
    env: Env<'_>,
) -> Result<Vec<Span>, SqlError> {
    let mut prefix = Vec::with_capacity(16);
    for (position, expr) in access.equal.iter().enumerate() {
        let value = expr.value(row, env)?;
        match fitted(&value, column_type(layout, position)) {
            Fitted::Value(value) => encode(layout, position, &value, &mut prefix)?,
            Fitted::Null | Fitted::Below | Fitted::Above => return Ok(Vec::new()),
        }
    }
    let position = access.equal.len();
    if let Some(values) = &access.any_of {
        let mut prefixes = Vec::with_capacity(values.len());
        for expr in values {
            let value = expr.value(row, env)?;
            if let Fitted::Value(value) = fitted(&value, column_type(layout, position)) {
                let mut whole = prefix.clone();
                encode(layout, position, &value, &mut whole)?;
                prefixes.push(whole);
            }
        }
        prefixes.sort_unstable();
        prefixes.dedup();
        let is_whole = is_unique && position + 1 == layout.columns().len();
        return Ok(prefixes
            .into_iter()
            .map(|prefix| prefix_span(prefix, is_whole))
            .collect());
    }
    if access.low.is_none() && access.high.is_none() {
        let is_whole = is_unique && position == layout.columns().len();
        return Ok(vec![prefix_span(prefix, is_whole)]);
    }
    let range = bounded(access, layout, prefix, row, env)?;
    Ok(range.map(Span::Range).into_iter().collect())
}

fn prefix_span(prefix: Vec<u8>, is_whole: bool) -> Span {
    match is_whole {
        true => Span::Key(Bytes::from(prefix)),
        false => Span::Range(KeyRange::prefix(&prefix)),
    }
}

/// The range of keys that begin with `prefix` and whose next column lies within the bounds; `None` when it is empty.
fn bounded(
    access: &KeyAccess,
    layout: &KeyLayout,
    prefix: Vec<u8>,
    row: &[Value],
    env: Env<'_>,
) -> Result<Option<KeyRange>, SqlError> {
    let position = access.equal.len();
    let bound = |bound: &Option<KeyBound>| match bound {
        None => Ok(None),
        Some(KeyBound { value, inclusive }) => {
            let value = value.value(row, env)?;
            let fitted = fitted(&value, column_type(layout, position));
            Ok::<_, SqlError>(Some((fitted, *inclusive)))
        }
    };
    let start = match bound(&access.low)? {
        None | Some((Fitted::Below, _)) => Bound::Included(Bytes::from(prefix.clone())),
        Some((Fitted::Null | Fitted::Above, _)) => return Ok(None),
        Some((Fitted::Value(value), inclusive)) => {
            let key = with_column(layout, &prefix, position, &value)?;
            match inclusive {
                true => Bound::Included(Bytes::from(key)),
                false => included_end(&key),
            }
        }
    };
    let end = match bound(&access.high)? {
        None | Some((Fitted::Above, _)) => before_nulls(layout, prefix, position)?,
        Some((Fitted::Null | Fitted::Below, _)) => return Ok(None),
        Some((Fitted::Value(value), inclusive)) => {
            let key = with_column(layout, &prefix, position, &value)?;
            match inclusive {
                true if !is_planted("query-high-bound-excluded") => excluded_end(&key),
                _ => Bound::Excluded(Bytes::from(key)),
            }
        }
    };
    Ok(Some(KeyRange { start, end }))
}

/// The end of the keys that begin with `prefix` and whose next column is not NULL.
fn before_nulls(
    layout: &KeyLayout,
    mut prefix: Vec<u8>,
    position: usize,
) -> Result<Bound<Bytes>, SqlError> {
    if !layout.columns()[position].is_nullable() {
        return Ok(excluded_end(&prefix));
    }
    encode(layout, position, &Value::Null, &mut prefix)?;
    Ok(Bound::Excluded(Bytes::from(prefix)))
}

fn with_column(
    layout: &KeyLayout,
    prefix: &[u8],
    position: usize,
    value: &Value,
) -> Result<Vec<u8>, SqlError> {
    let mut key = prefix.to_vec();
    encode(layout, position, value, &mut key)?;
    Ok(key)
}

/// A start right after all keys that begin with `prefix`.
fn included_end(prefix: &[u8]) -> Bound<Bytes> {
    match prefix_end(prefix) {
        Some(end) => Bound::Included(Bytes::from(end)),
        // All bytes are 255, which no encoding of a column begins with.
        None => Bound::Excluded(Bytes::copy_from_slice(prefix)),
    }
}

/// An end right after all keys that begin with `prefix`.
fn excluded_end(prefix: &[u8]) -> Bound<Bytes> {
    match prefix_end(prefix) {
        Some(end) => Bound::Excluded(Bytes::from(end)),
        None => Bound::Unbounded,
    }
}

fn column_type(layout: &KeyLayout, position: usize) -> DataType {
    layout.columns()[position].data_type()
}

/// `value` as one of `data_type`: the planner lets INTEGER columns be compared with BIGINT values.
pub(crate) fn fitted(value: &Value, data_type: DataType) -> Fitted {
    match (value, data_type) {
        (Value::Null, _) => Fitted::Null,
        (Value::BigInt(value), DataType::Integer) => match i32::try_from(*value) {
            Ok(value) => Fitted::Value(Value::Integer(value)),
            Err(_) if *value < 0 => Fitted::Below,
            Err(_) => Fitted::Above,
        },
        (value, _) => Fitted::Value(value.clone()),
    }
}

pub(crate) fn encode(
    layout: &KeyLayout,
    position: usize,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), SqlError> {
    layout
        .encode_column(position, value, out)
        .map_err(|error| SqlError::new(SqlState::DataException, error.to_string()).caused_by(error))
}
