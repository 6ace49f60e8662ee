//! UPDATE.

use bytes::Bytes;
use drystone_mvcc::Transaction;
use drystone_record::Value;
use hashbrown::HashSet;

use crate::dml::outcome;
use crate::dml::row_writer::{Change, RowWriter, guard_table, key_of};
use crate::error::SqlError;
use crate::exec::context::Env;
use crate::exec::operator::{Row, open};
use crate::plan::{TargetSlots, UpdatePlan};
use crate::rows::Outcome;
use crate::run::Execution;
use crate::sql_state::SqlState;

pub(crate) fn run(
    execution: &Execution<'_>,
    plan: &UpdatePlan,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let (changes, returned) = changes(execution, plan, transaction)?;
    guard_table(execution.engine, &plan.table, transaction);
    let mut writer = RowWriter::new(execution.engine, &plan.table, transaction);
    for change in &changes {
        writer.remove_stale(change)?;
    }
    for change in &changes {
        writer.write_changed(change)?;
    }
    outcome(
        execution,
        plan.returning.as_ref(),
        &returned,
        changes.len() as u64,
        transaction,
    )
}

/// All rows before and after, and what RETURNING is computed from.
fn changes(
    execution: &Execution<'_>,
    plan: &UpdatePlan,
    transaction: &Transaction,
) -> Result<(Vec<Change>, Vec<Row>), SqlError> {
    let cx = execution.context(transaction);
    let mut source = open(&plan.source);
    let mut row = Row::new();
    let mut seen = HashSet::new();
    let mut changes = Vec::new();
    let mut returned = Vec::new();
    while source.next(cx.env(), &mut row)? {
        let old_key = row_key(&plan.target, &row)?;
        // Joined with several rows of FROM, a row is updated by the first.
        if !seen.insert(old_key.clone()) {
            continue;
        }
        let change = change(plan, &row, old_key, cx.env())?;
        cx.memory.take_row(&change.old)?;
        cx.memory.take_row(&change.new)?;
        if plan.returning.is_some() {
            cx.memory.take_row(&row)?;
            returned.push(with_new_values(plan, &mut row, &change.new));
        }
        changes.push(change);
    }
    Ok((changes, returned))
}

fn change(
    plan: &UpdatePlan,
    row: &[Value],
    old_key: Bytes,
    env: Env<'_>,
) -> Result<Change, SqlError> {
    let old: Row = plan
        .target
        .columns
        .iter()
        .map(|&slot| row[slot].clone())
        .collect();
    let mut new = old.clone();
    for (column, value) in &plan.assignments {
        new[*column] = value.eval(row, env)?;
    }
    let key_columns = plan.table.key_columns();
    let moves = key_columns.iter().any(|&column| new[column] != old[column]);
    let new_key = match moves {
        true => key_of(&plan.table, &new)?,
        false => old_key.clone(),
    };
    Ok(Change {
        old_key,
        old,
        new_key,
        new,
    })
}

fn with_new_values(plan: &UpdatePlan, row: &mut Row, new: &[Value]) -> Row {
    let mut row = std::mem::take(row);
    for (&slot, value) in plan.target.columns.iter().zip(new) {
        row[slot] = value.clone();
    }
    row
}

/// The key of the row that is written to.
pub(crate) fn row_key(target: &TargetSlots, row: &[Value]) -> Result<Bytes, SqlError> {
    match &row[target.key] {
        Value::Bytea(key) => Ok(key.clone()),
        _ => Err(SqlError::new(
            SqlState::InvalidColumnReference,
            "the plan lacks the key of the row that is written to",
        )),
    }
}
