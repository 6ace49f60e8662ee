//! Rows of one table, by its primary key or through an index.

use std::sync::Arc;

use bytes::Bytes;
use drystone_mvcc::{KeyRange, Range};
use drystone_record::{KeyReader, RowReader, Value};

use crate::catalog::{IndexKind, Table};
use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::eval::all_true;
use crate::exec::key_span::{Span, spans};
use crate::exec::operator::{Operator, Row};
use crate::plan::{Access, Scan};
use crate::sql_state::SqlState;

/// A scan that stands alone.
pub(crate) struct ScanOperator {
    scan: Arc<Scan>,
    cursor: Option<ScanCursor>,
}

impl ScanOperator {
    pub(crate) fn new(scan: Arc<Scan>) -> ScanOperator {
        ScanOperator { scan, cursor: None }
    }
}

impl Operator for ScanOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            none => none.insert(ScanCursor::new(&self.scan, &[], env)?),
        };
        cursor.next(&self.scan, env, row)
    }
}

/// A scan under way.
pub(crate) struct ScanCursor {
    /// Still to be read; the next is last.
    spans: Vec<Span>,
    range: Option<Range>,
}

impl ScanCursor {
    /// A scan for the row whose slots are `row`.
    pub(crate) fn new(scan: &Scan, row: &[Value], env: Env<'_>) -> Result<ScanCursor, SqlError> {
        let mut spans = parts(scan, row, env)?;
        if !scan.access.is_backwards() {
            spans.reverse();
        }
        Ok(ScanCursor { spans, range: None })
    }

    /// Puts the next row into `out`.
    pub(crate) fn next(
        &mut self,
        scan: &Scan,
        env: Env<'_>,
        out: &mut Row,
    ) -> Result<bool, SqlError> {
        while let Some((key, value)) = self.next_entry(scan, env)? {
            env.cx.note_row()?;
            let found = match &scan.access {
                Access::Full { .. } | Access::Key(_) => emit(scan, key, &value, env, out)?,
                Access::Index { index_idx, .. } => {
                    let key = row_key(&scan.table, *index_idx, &key, value)?;
                    let row = env.cx.reader.get(scan.table.keyspace(), &key)?;
                    let row = row.ok_or_else(|| dangling(&scan.table, *index_idx))?;
                    emit(scan, key, &row, env, out)?
                }
            };
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn next_entry(
        &mut self,
        scan: &Scan,
        env: Env<'_>,
    ) -> Result<Option<(Bytes, Bytes)>, SqlError> {
        let (keyspace, backwards) = (scan.keyspace(), scan.access.is_backwards());
        loop {
            if let Some(range) = &mut self.range {
                let entry = match backwards {
                    false => range.next(),
                    true => range.next_back(),
                };
                if let Some(entry) = entry {
                    return Ok(Some(entry?));
                }
                self.range = None;
            }
            match self.spans.pop() {
                None => return Ok(None),
                Some(Span::Range(range)) => {
                    self.range = Some(env.cx.reader.range(keyspace, range));
                }
                Some(Span::Key(key)) => {
                    if let Some(value) = env.cx.reader.get(keyspace, &key)? {
                        return Ok(Some((key, value)));
                    }
                }
            }
        }
    }
}

/// The parts of its keyspace that a scan for the row whose slots are `row` reads, ascending and apart.
pub(crate) fn parts(scan: &Scan, row: &[Value], env: Env<'_>) -> Result<Vec<Span>, SqlError> {
    let table = &scan.table;
    match &scan.access {
        Access::Full { .. } => Ok(vec![Span::Range(KeyRange::all())]),
        Access::Key(keys) => spans(keys, table.key_layout(), true, row, env),
        Access::Index { index_idx, keys } => {
            let unique = table.indexes()[*index_idx].kind == IndexKind::BTree { unique: true };
            spans(keys, table.index_layout(*index_idx), unique, row, env)
        }
    }
}

/// Decodes the wanted columns of a row into `out`; false when a condition fails.
fn emit(
    scan: &Scan,
    key: Bytes,
    row: &Bytes,
    env: Env<'_>,
    out: &mut Row,
) -> Result<bool, SqlError> {
    out.clear();
    let table = &scan.table;
    let reader = RowReader::new(table.row_layout(), row).map_err(|why| damaged(table, why))?;
    let (first, rest) = scan.columns.split_at(scan.filter_columns);
    for &column in first {
        out.push(reader.column(column).map_err(|why| damaged(table, why))?);
    }
    if !scan.filter.is_empty() && !all_true(&scan.filter, out, env)? {
        return Ok(false);
    }
    for &column in rest {
        out.push(reader.column(column).map_err(|why| damaged(table, why))?);
    }
    if scan.emits_key {
        out.push(Value::Bytea(key));
    }
    Ok(true)
}

/// The key of the row that an index entry is about.
pub(crate) fn row_key(
    table: &Table,
    index_idx: usize,
    key: &Bytes,
    value: Bytes,
) -> Result<Bytes, SqlError> {
    let index = &table.indexes()[index_idx];
    if index.kind == (IndexKind::BTree { unique: true }) {
        return Ok(value);
    }
    let mut reader = KeyReader::new(table.index_layout(index_idx), key);
    reader
        .skip_columns(index.columns.len())
        .map_err(|why| damaged(table, why))?;
    Ok(key.slice(reader.offset()..))
}

/// A row or key whose bytes break the format.
pub(crate) fn damaged(table: &Table, why: drystone_record::Malformed) -> SqlError {
    SqlError::new(
        SqlState::DataCorrupted,
        format!("table \"{}\" has a damaged entry: {why}", table.name()),
    )
    .caused_by(why)
}

/// An index entry whose row is not there.
pub(crate) fn dangling(table: &Table, index_idx: usize) -> SqlError {
    SqlError::new(
        SqlState::IndexCorrupted,
        format!(
            "index \"{}\" has an entry for a row that table \"{}\" lacks",
            table.indexes()[index_idx].name,
            table.name()
        ),
    )
}
