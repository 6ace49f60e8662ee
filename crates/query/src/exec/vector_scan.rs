//! The rows nearest to a vector.

use std::sync::Arc;

use bytes::Bytes;
use drystone_mvcc::KeyRange;
use drystone_record::{RowReader, Value};

use crate::catalog::{IndexKind, Metric};
use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::eval::all_true;
use crate::exec::memory::row_bytes;
use crate::exec::operator::{Operator, Row};
use crate::exec::scan::{damaged, dangling};
use crate::operator::{BinaryOp, eval_binary};
use crate::plan::{VectorScan, Window};

/// Rows beyond the wanted ones that an exact search keeps before the surplus is thrown out.
const SURPLUS_ROWS: usize = 1_024;

pub(crate) struct VectorScanOperator {
    scan: Arc<VectorScan>,
    found: Option<std::vec::IntoIter<Row>>,
}

impl VectorScanOperator {
    pub(crate) fn new(scan: Arc<VectorScan>) -> VectorScanOperator {
        VectorScanOperator { scan, found: None }
    }

    fn search(&self, env: Env<'_>) -> Result<Vec<Row>, SqlError> {
        let window = Window {
            limit: Some(self.scan.limit.clone()),
            offset: self.scan.offset.clone(),
        };
        let counts = window.counts(env)?;
        let wanted = counts.limit.saturating_add(counts.offset);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let query = self.scan.query.eval(&[], env)?;
        let mut rows = self.through_index(&query, wanted, env)?;
        // The graph may miss rows, above all where few satisfy the conditions; rows without a vector are not in it.
        if rows.len() < wanted {
            rows = self.exact(&query, wanted, env)?;
        }
        let offset = usize::try_from(counts.offset).unwrap_or(usize::MAX);
        rows.drain(..offset.min(rows.len()));
        Ok(rows)
    }

    /// Asks the index; nothing comes where it cannot answer.
    fn through_index(
        &self,
        query: &Value,
        wanted: usize,
        env: Env<'_>,
    ) -> Result<Vec<Row>, SqlError> {
        let IndexKind::Hnsw(hnsw) = self.scan.table.indexes()[self.scan.index_idx].kind else {
            return Ok(Vec::new());
        };
        let (Some(index), Value::Vector(query)) = (env.cx.engine.vectors().get(hnsw.graph), query)
        else {
            return Ok(Vec::new());
        };
        let ef = wanted.max(env.cx.engine.options().vector_search_ef);
        let mut row = Row::new();
        let mut accept = |key: &[u8]| match self.scan.filter.is_empty() {
            true => Ok(true),
            false => self.read(key, &mut row, env),
        };
        let keys = index.search(&env.cx.reader, query, wanted, ef, &mut accept)?;
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let mut row = Row::with_capacity(self.scan.columns.len());
            if self.read(&key, &mut row, env)? {
                env.cx.memory.take_row(&row)?;
                rows.push(row);
            }
        }
        Ok(rows)
    }

    /// Decodes the row of a key; false when a condition fails.
    fn read(&self, key: &[u8], row: &mut Row, env: Env<'_>) -> Result<bool, SqlError> {
        let table = &self.scan.table;
        let Some(bytes) = env.cx.reader.get(table.keyspace(), key)? else {
            return Err(dangling(table, self.scan.index_idx));
        };
        self.decode(key, &bytes, row, env)
    }

    fn decode(
        &self,
        key: &[u8],
        bytes: &Bytes,
        row: &mut Row,
        env: Env<'_>,
    ) -> Result<bool, SqlError> {
        let table = &self.scan.table;
        let reader =
            RowReader::new(table.row_layout(), bytes).map_err(|why| damaged(table, why))?;
        row.clear();
        for &column in &self.scan.columns {
            row.push(reader.column(column).map_err(|why| damaged(table, why))?);
        }
        if self.scan.emits_key {
            row.push(Value::Bytea(Bytes::copy_from_slice(key)));
        }
        all_true(&self.scan.filter, row, env)
    }

    /// Measures every row. Rows without a vector are the farthest.
    fn exact(&self, query: &Value, wanted: usize, env: Env<'_>) -> Result<Vec<Row>, SqlError> {
        let table = &self.scan.table;
        let column = table.indexes()[self.scan.index_idx].columns[0];
        let op = operator_of(self.scan.metric);
        let most = wanted.saturating_mul(2).max(SURPLUS_ROWS);
        let mut nearest: Vec<(Value, Row)> = Vec::new();
        let mut row = Row::new();
        for entry in env.cx.reader.range(table.keyspace(), KeyRange::all()) {
            let (key, value) = entry?;
            if !self.decode(&key, &value, &mut row, env)? {
                continue;
            }
            let vector = RowReader::new(table.row_layout(), &value)
                .and_then(|reader| reader.column(column))
                .map_err(|why| damaged(table, why))?;
            env.cx.memory.take_row(&row)?;
            nearest.push((eval_binary(op, &vector, query)?, std::mem::take(&mut row)));
            if nearest.len() >= most {
                keep_nearest(&mut nearest, wanted, env);
            }
        }
        keep_nearest(&mut nearest, wanted, env);
        Ok(nearest.into_iter().map(|(_, row)| row).collect())
    }
}

/// Sorts, and throws out what is farther than the first `wanted`.
fn keep_nearest(nearest: &mut Vec<(Value, Row)>, wanted: usize, env: Env<'_>) {
    nearest.sort_by(|(left, _), (right, _)| left.sort_cmp(right));
    let surplus = nearest.iter().skip(wanted).map(|(_, row)| row_bytes(row));
    env.cx.memory.give_back(surplus.sum());
    nearest.truncate(wanted);
}

impl Operator for VectorScanOperator {
    fn next(&mut self, env: Env<'_>, row: &mut Row) -> Result<bool, SqlError> {
        if self.found.is_none() {
            self.found = Some(self.search(env)?.into_iter());
        }
        match self.found.as_mut().and_then(Iterator::next) {
            Some(found) => {
                *row = found;
                Ok(true)
            }
            None => Ok(false),
        }
    }
}

fn operator_of(metric: Metric) -> BinaryOp {
    match metric {
        Metric::L2 => BinaryOp::L2Distance,
        Metric::Cosine => BinaryOp::CosineDistance,
        Metric::InnerProduct => BinaryOp::NegativeInnerProduct,
    }
}
