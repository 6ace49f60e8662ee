//! Statements that write rows.
//!
//! Each first computes everything it will write, and then writes: so no statement reads what it wrote, and whatever
//! it reads is the state before it.
//!
//! - [`row_writer`]: one row and its index entries. [`insert`], [`update`], [`delete`]: the statements.
//! - [`bulk`]: many rows from an iterator.

pub(crate) mod bulk;
pub(crate) mod delete;
pub(crate) mod insert;
pub(crate) mod row_writer;
pub(crate) mod update;

use std::sync::Arc;

use drystone_mvcc::Transaction;

use crate::error::SqlError;
use crate::exec::operator::Row;
use crate::plan::ReturningPlan;
use crate::rows::{Outcome, Rows};
use crate::run::Execution;

/// What a statement gives that wrote `rows`: RETURNING of each, or how many.
fn outcome(
    execution: &Execution<'_>,
    returning: Option<&ReturningPlan>,
    rows: &[Row],
    count: u64,
    transaction: &Transaction,
) -> Result<Outcome, SqlError> {
    let Some(returning) = returning else {
        return Ok(Outcome::Affected(count));
    };
    let cx = execution.context(transaction);
    let mut returned = Vec::with_capacity(rows.len());
    for row in rows {
        let values = crate::exec::eval::eval_all(&returning.exprs, row, cx.env())?;
        cx.memory.take_row(&values)?;
        returned.push(values.into_vec());
    }
    Ok(Outcome::Rows(Rows::buffered(
        Arc::clone(&returning.columns),
        returned,
    )))
}
