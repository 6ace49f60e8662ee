//! DELETE.

use drystone_mvcc::Transaction;
use hashbrown::HashSet;

use crate::dml::outcome;
use crate::dml::row_writer::{RowWriter, guard_table};
use crate::dml::update::row_key;
use crate::error::SqlError;
use crate::exec::operator::{Row, open};
use crate::plan::DeletePlan;
use crate::rows::Outcome;
use crate::run::Execution;

pub(crate) fn run(
    execution: &Execution<'_>,
    plan: &DeletePlan,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let rows = doomed(execution, plan, transaction)?;
    guard_table(execution.engine, &plan.table, transaction);
    let mut writer = RowWriter::new(execution.engine, &plan.table, transaction);
    for row in &rows {
        let key = row_key(&plan.target, row)?;
        let old: Row = plan
            .target
            .columns
            .iter()
            .map(|&slot| row[slot].clone())
            .collect();
        writer.delete(&key, &old)?;
    }
    outcome(
        execution,
        plan.returning.as_ref(),
        &rows,
        rows.len() as u64,
        transaction,
    )
}

/// The rows to delete, each once.
fn doomed(
    execution: &Execution<'_>,
    plan: &DeletePlan,
    transaction: &Transaction,
) -> Result<Vec<Row>, SqlError> {
    let cx = execution.context(transaction);
    let mut source = open(&plan.source);
    let mut row = Row::new();
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    while source.next(cx.env(), &mut row)? {
        if seen.insert(row_key(&plan.target, &row)?) {
            cx.memory.take_row(&row)?;
            rows.push(std::mem::take(&mut row));
        }
    }
    Ok(rows)
}
