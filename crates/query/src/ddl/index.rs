//! CREATE INDEX and DROP INDEX.

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_mvcc::{KeyRange, Transaction};
use drystone_record::RowReader;

use crate::bind::ddl::{CreateIndex, DropObjects, NewIndexKind};
use crate::bind::names::Name;
use crate::catalog::{HnswRecord, IndexKind, IndexRecord, Table};
use crate::ddl::table::{create_keyspace, drop_index_keyspaces};
use crate::ddl::{check_free, free_name};
use crate::dml::row_writer::{duplicate_entry, index_entry};
use crate::error::SqlError;
use crate::exec::operator::Row;
use crate::exec::scan::damaged;
use crate::rows::Outcome;
use crate::run::Execution;
use crate::sql_state::SqlState;
use crate::suggest;

/// Creates an index and fills it from the table. Rows that others change meanwhile make the commit fail, so none slips
/// past.
pub(crate) fn create(
    execution: &Execution<'_>,
    create: &CreateIndex,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let catalog = &execution.plan.catalog;
    let name = match &create.name {
        Some(name) => {
            if create.if_not_exists && catalog.is_taken(&name.text) {
                return Ok(Outcome::Done("CREATE INDEX"));
            }
            check_free(catalog, name)?;
            name.text.clone()
        }
        None => {
            let columns = create.columns.iter();
            let mut parts = vec![create.table.name()];
            parts.extend(columns.map(|&column| create.table.columns()[column].name.as_str()));
            parts.push("idx");
            free_name(catalog, &[], &parts)
        }
    };
    transaction.guard_keyspace(create.table.keyspace());
    let mut writer = execution.engine.change_catalog(transaction)?;
    let id = writer.new_id()?;
    let keyspace = create_keyspace(&mut writer, "index", id)?;
    let kind = match create.kind {
        NewIndexKind::BTree { unique } => IndexKind::BTree { unique },
        NewIndexKind::Hnsw {
            metric,
            m,
            ef_construction,
        } => IndexKind::Hnsw(HnswRecord {
            graph: create_keyspace(&mut writer, "graph", id)?,
            metric,
            m,
            ef_construction,
        }),
    };
    let mut record = create.table.record().clone();
    record.indexes.push(IndexRecord {
        id,
        name,
        keyspace,
        columns: create.columns.clone(),
        kind,
        is_constraint: false,
    });
    writer.put_table(&record)?;
    let table = Table::new(record)?;
    fill(&table, table.indexes().len() - 1, transaction)?;
    Ok(Outcome::Done("CREATE INDEX"))
}

/// Writes the entries of all rows.
fn fill(table: &Table, index_idx: usize, transaction: &mut Transaction) -> Result<(), SqlError> {
    let keyspace = table.indexes()[index_idx].keyspace;
    let mut row = Row::new();
    let skipped = usize::from(is_planted("query-index-fill-skips-first"));
    let rows = transaction.range(table.keyspace(), KeyRange::all());
    for entry in rows.skip(skipped) {
        let (key, value) = entry?;
        decode(table, &value, &mut row)?;
        let Some(entry) = index_entry(table, index_idx, &row, &key)? else {
            continue;
        };
        if entry.is_unique && transaction.get(keyspace, &entry.key)?.is_some() {
            let error = duplicate_entry(table, index_idx, &row);
            return Err(SqlError::new(
                SqlState::UniqueViolation,
                format!(
                    "could not create unique index \"{}\"",
                    table.indexes()[index_idx].name
                ),
            )
            .with_hint(
                error
                    .hint()
                    .unwrap_or_default()
                    .replace("already exists", "is duplicated"),
            ));
        }
        transaction.put(keyspace, entry.key, entry.value)?;
    }
    Ok(())
}

fn decode(table: &Table, bytes: &Bytes, row: &mut Row) -> Result<(), SqlError> {
    row.clear();
    RowReader::new(table.row_layout(), bytes)
        .and_then(|reader| reader.columns(row))
        .map_err(|why| damaged(table, why))
}

pub(crate) fn drop(
    execution: &Execution<'_>,
    objects: &DropObjects,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    for name in &objects.names {
        drop_one(execution, name, objects.if_exists, transaction)?;
    }
    Ok(Outcome::Done("DROP INDEX"))
}

fn drop_one(
    execution: &Execution<'_>,
    name: &Name,
    if_exists: bool,
    transaction: &mut Transaction,
) -> Result<(), SqlError> {
    let reader = crate::exec::reader::Reader::Transaction(transaction);
    let catalog = execution.engine.catalog(&reader)?;
    let Some((table, index_idx)) = catalog.index(&name.text) else {
        return match if_exists {
            true => Ok(()),
            false => Err(SqlError::new(
                SqlState::UndefinedObject,
                format!("index \"{}\" does not exist", name.text),
            )
            .at(name.span)
            .with_near_name(suggest::nearest(&name.text, catalog.index_names()))),
        };
    };
    let index = &table.indexes()[index_idx];
    if index.is_constraint {
        return Err(SqlError::new(
            SqlState::ObjectInUse,
            format!(
                "cannot drop index \"{}\" because a UNIQUE constraint on table \"{}\" requires it",
                index.name,
                table.name()
            ),
        )
        .at(name.span));
    }
    let mut record = table.record().clone();
    record.indexes.remove(index_idx);
    let mut writer = execution.engine.change_catalog(transaction)?;
    drop_index_keyspaces(writer.transaction(), index)?;
    writer.put_table(&record)
}
