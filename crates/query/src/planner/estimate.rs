//! How many rows to expect. Table sizes are exact as of the last merge; the rest is rules of thumb.

use drystone_base::KeyspaceId;

use crate::catalog::Table;
use crate::error::SqlError;
use crate::logical::{Expr, ExprKind, SubqueryKind};
use crate::operator::BinaryOp;
use crate::planner::Planner;

/// Rows assumed in a table that is empty, or nearly so: plans outlive the moment they were made in.
const SMALL_TABLE_ROWS: f64 = 1_000.0;

/// Most entries of the memtables that are counted one by one.
const TAIL_ENTRIES_MAX: usize = 1_000;

/// Share of rows that a condition leaves, by kind.
pub(super) const EQUAL: f64 = 0.005;
pub(super) const RANGE: f64 = 0.3;
const LIKE: f64 = 0.1;
const OTHER: f64 = 0.25;

impl Planner<'_> {
    /// Rows of a table.
    pub(super) fn table_rows(&self, table: &Table) -> Result<f64, SqlError> {
        self.entries(table.keyspace())
    }

    fn entries(&self, keyspace: KeyspaceId) -> Result<f64, SqlError> {
        let base = self
            .view
            .base()
            .count(keyspace)
            .map_err(drystone_mvcc::StoreError::from)?;
        let tail = self.view.tail(keyspace).take(TAIL_ENTRIES_MAX).count();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let rows = base as f64 + tail as f64;
        Ok(rows.max(SMALL_TABLE_ROWS))
    }
}

/// The share of rows that all of `conjuncts` leave.
pub(super) fn selectivity<'e>(conjuncts: impl IntoIterator<Item = &'e Expr>) -> f64 {
    conjuncts.into_iter().map(share).product()
}

/// The share of rows that a condition leaves.
fn share(condition: &Expr) -> f64 {
    match &condition.kind {
        ExprKind::Binary { op, .. } => match op {
            BinaryOp::Eq => EQUAL,
            BinaryOp::Lt | BinaryOp::LtEq | BinaryOp::Gt | BinaryOp::GtEq => RANGE,
            BinaryOp::NotEq => 1.0 - EQUAL,
            _ => OTHER,
        },
        ExprKind::And(all) => selectivity(all),
        ExprKind::Or(all) => all.iter().map(share).sum::<f64>().min(1.0),
        ExprKind::Not(inner) => 1.0 - share(inner),
        ExprKind::IsNull { negated, .. } => match negated {
            true => 1.0 - EQUAL,
            false => EQUAL,
        },
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        ExprKind::InList { list, negated, .. } => match negated {
            true => 1.0 - (EQUAL * list.len() as f64).min(1.0),
            false => (EQUAL * list.len() as f64).min(1.0),
        },
        ExprKind::Like(_) => LIKE,
        ExprKind::Subquery(subquery) => match subquery.kind {
            SubqueryKind::Exists { .. } | SubqueryKind::In { .. } => 0.5,
            SubqueryKind::Scalar => OTHER,
        },
        _ => OTHER,
    }
}
