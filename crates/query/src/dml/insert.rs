//! INSERT, with ON CONFLICT.

use bytes::Bytes;
use drystone_mvcc::Transaction;
use drystone_record::Value;
use hashbrown::HashSet;

use crate::bind::statement::ConflictKey;
use crate::dml::outcome;
use crate::dml::row_writer::{Change, RowWriter, check_not_null, guard_table, key_of};
use crate::error::SqlError;
use crate::exec::operator::{Row, open};
use crate::plan::{Cell, ConflictPlan, ConflictUpdatePlan, InsertPlan};
use crate::rows::Outcome;
use crate::run::Execution;
use crate::sql_state::SqlState;

pub(crate) fn run(
    execution: &Execution<'_>,
    plan: &InsertPlan,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let new_rows = new_rows(execution, plan, transaction)?;
    guard_table(execution.engine, &plan.table, transaction);
    let mut written = Vec::new();
    let mut count = 0;
    let mut touched = HashSet::new();
    for row in new_rows {
        let row = match &plan.on_conflict {
            None => {
                let mut writer = RowWriter::new(execution.engine, &plan.table, transaction);
                let key = writer.key_of(&row)?;
                writer.insert(key, &row)?;
                Some(row)
            }
            Some(conflict) => insert_or(execution, plan, conflict, row, &mut touched, transaction)?,
        };
        if let Some(row) = row {
            count += 1;
            if plan.returning.is_some() {
                written.push(row);
            }
        }
    }
    outcome(
        execution,
        plan.returning.as_ref(),
        &written,
        count,
        transaction,
    )
}

/// All rows to insert, with their defaults.
fn new_rows(
    execution: &Execution<'_>,
    plan: &InsertPlan,
    transaction: &Transaction,
) -> Result<Vec<Row>, SqlError> {
    let cx = execution.context(transaction);
    let mut source = open(&plan.source);
    let mut rows = Vec::new();
    let mut source_row = Row::new();
    while source.next(cx.env(), &mut source_row)? {
        let mut row = Row::with_capacity(plan.cells.len());
        for cell in &plan.cells {
            row.push(match cell {
                Cell::Slot(slot) => source_row[*slot].clone(),
                Cell::Default(default) => default.eval(&[], cx.env())?,
            });
        }
        cx.memory.take_row(&row)?;
        rows.push(row);
    }
    Ok(rows)
}

/// Inserts a row unless one with the same key is there; then does what ON CONFLICT says. The row that was written, if
/// one was.
fn insert_or(
    execution: &Execution<'_>,
    plan: &InsertPlan,
    conflict: &ConflictPlan,
    row: Row,
    touched: &mut HashSet<Bytes>,
    transaction: &mut Transaction,
) -> Result<Option<Row>, SqlError> {
    check_not_null(&plan.table, &row)?;
    let mut writer = RowWriter::new(execution.engine, &plan.table, transaction);
    let key = writer.key_of(&row)?;
    let Some(owner) = conflicting(&writer, plan, conflict, &row, &key)? else {
        writer.insert(key.clone(), &row)?;
        touched.insert(key);
        return Ok(Some(row));
    };
    let Some(update) = &conflict.update else {
        return Ok(None);
    };
    if touched.contains(&owner) {
        return Err(SqlError::new(
            SqlState::CardinalityViolation,
            "ON CONFLICT DO UPDATE command cannot affect row a second time",
        )
        .with_hint(
            "ensure that no rows proposed for insertion have duplicate constrained values",
        ));
    }
    let old = writer.read(&owner)?.ok_or_else(|| gone(plan))?;
    let Some(new) = updated(execution, update, &old, &row, transaction)? else {
        return Ok(None);
    };
    let new_key = match plan.table.has_row_ids() {
        true => owner.clone(),
        false => key_of(&plan.table, &new)?,
    };
    touched.insert(new_key.clone());
    let change = Change {
        old_key: owner,
        old,
        new_key,
        new,
    };
    let mut writer = RowWriter::new(execution.engine, &plan.table, transaction);
    writer.remove_stale(&change)?;
    writer.write_changed(&change)?;
    Ok(Some(change.new))
}

/// The key of the row that stands in the way of a key that ON CONFLICT is about. Other keys are looked at when something
/// is written.
fn conflicting(
    writer: &RowWriter<'_>,
    plan: &InsertPlan,
    conflict: &ConflictPlan,
    row: &[Value],
    key: &Bytes,
) -> Result<Option<Bytes>, SqlError> {
    let concerns = |found| conflict.target.is_none_or(|target| target == found);
    if !plan.table.has_row_ids() && concerns(ConflictKey::PrimaryKey) && writer.read(key)?.is_some()
    {
        return Ok(Some(key.clone()));
    }
    for index_idx in 0..plan.table.indexes().len() {
        if concerns(ConflictKey::Index(index_idx))
            && let Some(owner) = writer.owner_of_entry(index_idx, row, key)?
        {
            return Ok(Some(owner));
        }
    }
    Ok(None)
}

/// The row after DO UPDATE; `None` when its WHERE says no.
fn updated(
    execution: &Execution<'_>,
    update: &ConflictUpdatePlan,
    old: &[Value],
    excluded: &[Value],
    transaction: &Transaction,
) -> Result<Option<Row>, SqlError> {
    let cx = execution.context(transaction);
    let both: Row = old.iter().chain(excluded).cloned().collect();
    if let Some(condition) = &update.condition
        && condition.test(&both, cx.env())? != Some(true)
    {
        return Ok(None);
    }
    let mut new = old.to_vec();
    for (column, value) in &update.assignments {
        new[*column] = value.eval(&both, cx.env())?;
    }
    Ok(Some(new))
}

fn gone(plan: &InsertPlan) -> SqlError {
    SqlError::new(
        SqlState::IndexCorrupted,
        format!(
            "an index of table \"{}\" has an entry for a row that is not there",
            plan.table.name()
        ),
    )
}
