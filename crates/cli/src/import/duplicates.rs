//! Where a file has the rows that may not be there together: looked for once an import has failed, since the store finds
//! them by their keys, in an order that is not the file's.

use std::path::Path;

use drystone::{Error, SqlState, Value};

use super::format::{Format, Reader};
use super::{Target, to_values};

/// Lines that are named, at most.
const LINES_MAX: usize = 3;

/// The error of an insert, with the lines of the rows that have its key, where it is about one and they can be found.
pub(super) fn with_lines(
    error: anyhow::Error,
    format: Format,
    file: &Path,
    targets: &[Target],
) -> anyhow::Error {
    let sql = error.downcast_ref::<Error>().and_then(Error::as_sql);
    let key = sql
        .filter(|sql| sql.state() == SqlState::UniqueViolation)
        .and_then(|sql| sql.duplicate_key());
    let Some(key) = key else {
        return error;
    };
    match places(format, file, targets, key) {
        Ok(places) if !places.is_empty() => error.context(places.join(" and ")),
        _ => error,
    }
}

/// The rows that have these values in these columns.
fn places(
    format: Format,
    file: &Path,
    targets: &[Target],
    key: &[(String, Value)],
) -> anyhow::Result<Vec<String>> {
    let position = |(name, _): &(String, Value)| targets.iter().position(|t| t.name == *name);
    // A column that the file lacks has its default everywhere: no line is to blame.
    let Some(positions) = key.iter().map(position).collect::<Option<Vec<usize>>>() else {
        return Ok(Vec::new());
    };
    let mut reader = Reader::open(format, file)?;
    let (mut fields, mut places) = (Vec::new(), Vec::new());
    while places.len() < LINES_MAX && reader.next_row(&mut fields)? {
        let values = to_values(&fields, targets)?;
        let mut pairs = positions.iter().zip(key);
        if pairs.all(|(&position, (_, value))| values[position].to_string() == value.to_string()) {
            places.push(reader.place());
        }
    }
    Ok(places)
}
