//! The rows nearest to a vector.

use std::sync::Arc;

use drystone_mvcc::KeyRange;
use drystone_record::{RowReader, Value};

use crate::catalog::Metric;
use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::eval::all_true;
use crate::exec::operator::{Operator, Row};
use crate::exec::scan::damaged;
use crate::operator::{BinaryOp, eval_binary};
use crate::plan::{VectorScan, Window};

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
        let mut rows = self.exact(&query, wanted, env)?;
        let offset = usize::try_from(counts.offset).unwrap_or(usize::MAX);
        rows.drain(..offset.min(rows.len()));
        Ok(rows)
    }

    /// Measures every row.
    fn exact(&self, query: &Value, wanted: usize, env: Env<'_>) -> Result<Vec<Row>, SqlError> {
        let scan = &self.scan;
        let column = scan.table.indexes()[scan.index_idx].columns[0];
        let op = operator_of(scan.metric);
        let mut nearest: Vec<(Value, Row)> = Vec::new();
        for entry in env.cx.reader.range(scan.table.keyspace(), KeyRange::all()) {
            let (key, value) = entry?;
            let reader = RowReader::new(scan.table.row_layout(), &value)
                .map_err(|why| damaged(&scan.table, why))?;
            let mut row = Row::with_capacity(scan.columns.len() + 1);
            for &column in &scan.columns {
                row.push(
                    reader
                        .column(column)
                        .map_err(|why| damaged(&scan.table, why))?,
                );
            }
            if scan.emits_key {
                row.push(Value::Bytea(key));
            }
            if !all_true(&scan.filter, &row, env)? {
                continue;
            }
            let vector = reader
                .column(column)
                .map_err(|why| damaged(&scan.table, why))?;
            let distance = eval_binary(op, &vector, query)?;
            env.cx.memory.take_row(&row)?;
            nearest.push((distance, row));
        }
        nearest.sort_by(|(left, _), (right, _)| left.sort_cmp(right));
        nearest.truncate(wanted);
        Ok(nearest.into_iter().map(|(_, row)| row).collect())
    }
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
