//! CREATE TABLE, ALTER TABLE, DROP TABLE, TRUNCATE.

use std::sync::Arc;

use drystone_engine::EngineError;
use drystone_mvcc::{StoreError, Transaction};

use crate::bind::ddl::{CreateTable, DropObjects, KeyConstraint};
use crate::bind::names::Name;
use crate::bind::table_options::{AlterTable, TableOptions};
use crate::catalog::store::{CatalogWriter, keyspace_name};
use crate::catalog::{Catalog, IndexKind, IndexRecord, ObjectId, PrimaryKey, Table, TableRecord};
use crate::ddl::{check_free, free_name};
use crate::engine::SqlEngine;
use crate::error::SqlError;
use crate::rows::Outcome;
use crate::run::Execution;
use crate::sql_state::SqlState;
use crate::suggest;

pub(crate) fn create(
    execution: &Execution<'_>,
    create: &CreateTable,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let catalog = &execution.plan.catalog;
    if create.if_not_exists && catalog.table(&create.name.text).is_some() {
        return Ok(Outcome::Done("CREATE TABLE"));
    }
    check_free(catalog, &create.name)?;
    check_options(execution.engine, create.options)?;
    let mut writer = execution.engine.change_catalog(transaction)?;
    let id = writer.new_id()?;
    let keyspace = writer
        .transaction()
        .create_keyspace(&keyspace_name("table", id))?;
    let mut taken = vec![create.name.text.clone()];
    let primary_key = match &create.primary_key {
        None => PrimaryKey::RowId,
        Some(key) => {
            let name = constraint_name(catalog, create, key, "pkey", &mut taken)?;
            PrimaryKey::Columns {
                name,
                columns: key.columns.clone(),
            }
        }
    };
    let mut indexes = Vec::with_capacity(create.uniques.len());
    for unique in &create.uniques {
        let name = constraint_name(catalog, create, unique, "key", &mut taken)?;
        indexes.push(unique_index(&mut writer, name, unique)?);
    }
    writer.put_table(&TableRecord {
        id,
        name: create.name.text.clone(),
        keyspace,
        columns: create.columns.clone(),
        primary_key,
        indexes,
        compression: create.options.compression,
    })?;
    Ok(Outcome::Done("CREATE TABLE"))
}

/// Changes how a table is stored. What it has is stored so as merges come by; [`crate::codecs`] tells the store.
pub(crate) fn alter(
    execution: &Execution<'_>,
    alter: &AlterTable,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let catalog = &execution.plan.catalog;
    let Some(table) = catalog.table(&alter.name.text) else {
        return match alter.if_exists {
            true => Ok(Outcome::Done("ALTER TABLE")),
            false => Err(no_such_table(catalog, "relation", &alter.name)),
        };
    };
    check_options(execution.engine, alter.options)?;
    let mut record = table.record().clone();
    record.compression = alter.options.compression.or(record.compression);
    if record.compression != table.record().compression {
        let mut writer = execution.engine.change_catalog(transaction)?;
        writer.put_table(&record)?;
    }
    Ok(Outcome::Done("ALTER TABLE"))
}

/// Whether the store can do what a table is told.
fn check_options(engine: &SqlEngine, options: TableOptions) -> Result<(), SqlError> {
    match options.compression {
        None => Ok(()),
        Some(codec) => engine
            .store()
            .check_codec(codec)
            .map_err(|error| match error {
                StoreError::Engine(EngineError::NoCompression) => {
                    SqlError::unsupported("compression, with the engine of this database,")
                }
                error => error.into(),
            }),
    }
}

fn no_such_table(catalog: &Catalog, what: &str, name: &Name) -> SqlError {
    SqlError::new(
        SqlState::UndefinedTable,
        format!("{what} \"{}\" does not exist", name.text),
    )
    .at(name.span)
    .with_near_name(suggest::nearest(&name.text, catalog.table_names()))
}

/// The name of a constraint: as given, or `table_column_key`.
fn constraint_name(
    catalog: &Catalog,
    create: &CreateTable,
    key: &KeyConstraint,
    suffix: &str,
    taken: &mut Vec<String>,
) -> Result<String, SqlError> {
    let name = match &key.name {
        Some(name) => {
            check_free(catalog, name)?;
            if taken.contains(&name.text) {
                return Err(SqlError::new(
                    SqlState::DuplicateTable,
                    format!("relation \"{}\" already exists", name.text),
                )
                .at(name.span));
            }
            name.text.clone()
        }
        None => {
            let mut parts = vec![create.name.text.as_str()];
            if suffix == "key" {
                let columns = key.columns.iter();
                parts.extend(columns.map(|&column| create.columns[column].name.as_str()));
            }
            parts.push(suffix);
            free_name(catalog, taken, &parts)
        }
    };
    taken.push(name.clone());
    Ok(name)
}

fn unique_index(
    writer: &mut CatalogWriter<'_>,
    name: String,
    key: &KeyConstraint,
) -> Result<IndexRecord, SqlError> {
    let id = writer.new_id()?;
    let keyspace = writer
        .transaction()
        .create_keyspace(&keyspace_name("index", id))?;
    Ok(IndexRecord {
        id,
        name,
        keyspace,
        columns: key.columns.clone(),
        kind: IndexKind::BTree { unique: true },
        is_constraint: true,
    })
}

pub(crate) fn drop(
    execution: &Execution<'_>,
    objects: &DropObjects,
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let catalog = &execution.plan.catalog;
    let mut tables: Vec<&Arc<Table>> = Vec::with_capacity(objects.names.len());
    for name in &objects.names {
        match catalog.table(&name.text) {
            Some(table) if tables.iter().any(|known| known.id() == table.id()) => {}
            Some(table) => tables.push(table),
            None if objects.if_exists => {}
            None => return Err(no_such_table(catalog, "table", name)),
        }
    }
    if !tables.is_empty() {
        let mut writer = execution.engine.change_catalog(transaction)?;
        for table in tables {
            drop_keyspaces(writer.transaction(), table)?;
            writer.delete_table(table.name())?;
        }
    }
    Ok(Outcome::Done("DROP TABLE"))
}

fn drop_keyspaces(transaction: &mut Transaction, table: &Table) -> Result<(), SqlError> {
    transaction.drop_keyspace(&keyspace_name("table", table.id()))?;
    for index in table.indexes() {
        drop_index_keyspaces(transaction, index)?;
    }
    Ok(())
}

/// Drops what an index is stored in.
pub(crate) fn drop_index_keyspaces(
    transaction: &mut Transaction,
    index: &IndexRecord,
) -> Result<(), SqlError> {
    transaction.drop_keyspace(&keyspace_name("index", index.id))?;
    if let IndexKind::Hnsw(_) = index.kind {
        transaction.drop_keyspace(&keyspace_name("graph", index.id))?;
    }
    Ok(())
}

/// Gives each table new, empty keyspaces under new numbers. What others do to the old ones at the same time conflicts.
pub(crate) fn truncate(
    engine: &SqlEngine,
    tables: &[Arc<Table>],
    transaction: &mut Transaction,
) -> Result<Outcome, SqlError> {
    let mut writer = engine.change_catalog(transaction)?;
    for table in tables {
        drop_keyspaces(writer.transaction(), table)?;
        let mut record = table.record().clone();
        record.id = writer.new_id()?;
        record.keyspace = create_keyspace(&mut writer, "table", record.id)?;
        for index in &mut record.indexes {
            index.id = writer.new_id()?;
            index.keyspace = create_keyspace(&mut writer, "index", index.id)?;
            if let IndexKind::Hnsw(hnsw) = &mut index.kind {
                hnsw.graph = create_keyspace(&mut writer, "graph", index.id)?;
            }
        }
        writer.put_table(&record)?;
    }
    Ok(Outcome::Done("TRUNCATE TABLE"))
}

pub(crate) fn create_keyspace(
    writer: &mut CatalogWriter<'_>,
    kind: &str,
    id: ObjectId,
) -> Result<drystone_base::KeyspaceId, SqlError> {
    Ok(writer
        .transaction()
        .create_keyspace(&keyspace_name(kind, id))?)
}
