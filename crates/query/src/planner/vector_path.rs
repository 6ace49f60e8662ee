//! `ORDER BY column <-> vector LIMIT k` through a vector index.

use std::sync::Arc;

use drystone_record::Value;

use crate::catalog::{IndexKind, Metric};
use crate::error::SqlError;
use crate::logical::{ColumnId, Expr, ExprKind, Relation, SortKey, TableRelation};
use crate::operator::BinaryOp;
use crate::plan::{self, Node, VectorScan};
use crate::planner::{Layout, Planned, Planner, ROW_KEY};

/// A sort key that an index can serve.
struct Nearest {
    index_idx: usize,
    metric: Metric,
    query: Expr,
}

impl Planner<'_> {
    /// The plan of a sort and a window over one table, when a vector index serves them.
    pub(super) fn nearest(
        &mut self,
        input: &Relation,
        keys: &[SortKey],
        window: &plan::Window,
    ) -> Result<Option<Planned>, SqlError> {
        let Some((table, conjuncts)) = filtered_table(input) else {
            return Ok(None);
        };
        let Some(limit) = window.limit.clone() else {
            return Ok(None);
        };
        if matches!(limit, plan::Expr::Constant(Value::Null)) {
            return Ok(None);
        }
        let Some(nearest) = served_by(table, keys) else {
            return Ok(None);
        };
        let (columns, _, emits_key) = self.scan_columns(table.id, &conjuncts);
        let mut layout = Layout::of_relation(table.id, columns.iter().copied());
        if emits_key {
            layout.columns.push(ColumnId {
                relation: table.id,
                column: ROW_KEY,
            });
        }
        let scan = VectorScan {
            table: Arc::clone(&table.table),
            alias: table.alias.clone(),
            index_idx: nearest.index_idx,
            metric: nearest.metric,
            query: self.compile(&nearest.query, &Layout::default())?,
            limit,
            offset: window.offset.clone(),
            columns: columns.into(),
            emits_key,
            filter: self.compile_all(&conjuncts, &layout)?,
        };
        Ok(Some(Planned {
            node: Node::VectorScan(Arc::new(scan)),
            layout,
            rows: 10.0,
            ordered: true,
        }))
    }
}

/// A table and the conditions on it.
fn filtered_table(relation: &Relation) -> Option<(&TableRelation, Vec<Expr>)> {
    match relation {
        Relation::Table(table) => Some((table, Vec::new())),
        Relation::Filter { input, conjuncts } => match &**input {
            Relation::Table(table) => Some((table, conjuncts.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// The index that gives rows in the order of `keys`, a distance from a vector, ascending.
fn served_by(table: &TableRelation, keys: &[SortKey]) -> Option<Nearest> {
    let [
        SortKey {
            expr,
            descending: false,
            nulls_first: false,
        },
    ] = keys
    else {
        return None;
    };
    let ExprKind::Binary { op, left, right } = &expr.kind else {
        return None;
    };
    let metric = metric_of(*op)?;
    let (column, query) = match (&left.kind, &right.kind) {
        (ExprKind::Column(id), _) if right.is_row_independent() => (*id, right),
        (_, ExprKind::Column(id)) if left.is_row_independent() => (*id, left),
        _ => return None,
    };
    if column.relation != table.id {
        return None;
    }
    let index_idx = table.table.indexes().iter().position(|index| {
        index.columns == [column.column]
            && matches!(index.kind, IndexKind::Hnsw(hnsw) if hnsw.metric == metric)
    })?;
    Some(Nearest {
        index_idx,
        metric,
        query: (**query).clone(),
    })
}

fn metric_of(op: BinaryOp) -> Option<Metric> {
    Some(match op {
        BinaryOp::L2Distance => Metric::L2,
        BinaryOp::CosineDistance => Metric::Cosine,
        BinaryOp::NegativeInnerProduct => Metric::InnerProduct,
        _ => return None,
    })
}
