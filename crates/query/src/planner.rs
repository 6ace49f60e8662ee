//! The planner: bound statements to plans.
//!
//! - [`statement`]: whole statements. [`relation`]: relational algebra to nodes, with filters pushed down.
//! - [`access_path`]: which key or index a table is read by. [`vector_path`]: nearest neighbours through an index.
//! - [`join`]: the order of joins and how each is run. [`estimate`]: how many rows to expect.
//! - [`compile`]: expressions over columns to expressions over slots. [`needed`]: which columns are read at all.

mod access_path;
mod compile;
mod estimate;
mod join;
mod needed;
mod relation;
mod statement;
mod vector_path;

use std::sync::Arc;

use drystone_mvcc::View;

use crate::bind::Binder;
use crate::catalog::Catalog;
use crate::error::SqlError;
use crate::logical::{ColumnId, Expr, RelationId};
use crate::plan::{self, Node, Plan};
use crate::planner::needed::NeededColumns;

/// The column number that stands for a row's key, as bytes.
const ROW_KEY: usize = usize::MAX;

/// Plans a statement that `syntax` says, against `catalog`; sizes of tables are those of `view`.
pub(crate) fn plan_statement(
    syntax: &sqlparser::ast::Statement,
    catalog: &Arc<Catalog>,
    view: &View,
) -> Result<Plan, SqlError> {
    let mut binder = Binder::new(catalog);
    let bound = binder.bind_statement(syntax)?;
    let parameters = parameter_types(&binder.parameters)?;
    let mut planner = Planner {
        view,
        needed: NeededColumns::default(),
        subplan_count: 0,
    };
    let statement = planner.statement(bound)?;
    Ok(Plan {
        statement,
        parameters,
        subplan_count: planner.subplan_count,
        catalog: Arc::clone(catalog),
    })
}

fn parameter_types(
    types: &[Option<drystone_record::DataType>],
) -> Result<Vec<drystone_record::DataType>, SqlError> {
    let types = types.iter().enumerate();
    types
        .map(|(position, data_type)| {
            data_type.ok_or_else(|| {
                SqlError::new(
                    crate::sql_state::SqlState::IndeterminateDatatype,
                    format!(
                        "could not determine data type of parameter ${}",
                        position + 1
                    ),
                )
                .with_hint("cast it, as in $1::integer")
            })
        })
        .collect()
}

/// Plans one statement.
struct Planner<'a> {
    /// Says how large tables are.
    view: &'a View,
    needed: NeededColumns,
    subplan_count: usize,
}

/// A node and what is in its slots.
struct Planned {
    node: Node,
    layout: Layout,
    /// How many rows it is expected to give.
    rows: f64,
    /// Whether rows come in the order that was asked for.
    ordered: bool,
}

/// Which column is in which slot.
#[derive(Clone, Debug, Default)]
struct Layout {
    columns: Vec<ColumnId>,
}

impl Layout {
    fn of_relation(relation: RelationId, columns: impl IntoIterator<Item = usize>) -> Layout {
        let columns = columns.into_iter();
        Layout {
            columns: columns
                .map(|column| ColumnId { relation, column })
                .collect(),
        }
    }

    fn slot(&self, id: ColumnId) -> Option<usize> {
        self.columns.iter().position(|column| *column == id)
    }

    fn then(&self, other: &Layout) -> Layout {
        Layout {
            columns: self.columns.iter().chain(&other.columns).copied().collect(),
        }
    }

    fn has_relation(&self, relation: RelationId) -> bool {
        self.columns
            .iter()
            .any(|column| column.relation == relation)
    }
}

/// What a step above would like.
#[derive(Clone, Copy, Default)]
struct Wish<'w> {
    /// Rows in this order.
    order: &'w [crate::logical::SortKey],
    /// At most so many rows, where that is known.
    limit: Option<f64>,
}

impl Planner<'_> {
    fn compile_all(
        &mut self,
        exprs: &[Expr],
        layout: &Layout,
    ) -> Result<Box<[plan::Expr]>, SqlError> {
        exprs
            .iter()
            .map(|expr| self.compile(expr, layout))
            .collect()
    }
}

/// A column's default, ready to be evaluated.
pub(crate) fn compile_default(default: &Expr, view: &View) -> Result<plan::Expr, SqlError> {
    let mut planner = Planner {
        view,
        needed: NeededColumns::default(),
        subplan_count: 0,
    };
    planner.compile(default, &Layout::default())
}
