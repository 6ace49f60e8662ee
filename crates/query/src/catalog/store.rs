//! Reading and writing the catalog's keyspace.
//!
//! ```text
//! key                value
//! "version"          u64, big-endian: changes with every change of the catalog
//! "next id"          u32, big-endian: the next table or index
//! "table/" name      a table record
//! ```

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::Malformed;
use drystone_mvcc::{KeyRange, Transaction};

use crate::catalog::format;
use crate::catalog::{Catalog, CatalogVersion, ObjectId, Table, TableRecord};
use crate::error::SqlError;
use crate::exec::reader::Reader;
use crate::sql_state::SqlState;

/// Name of the keyspace.
pub(crate) const CATALOG_KEYSPACE: &str = "@sql.catalog";

const VERSION_KEY: &[u8] = b"version";
const NEXT_ID_KEY: &[u8] = b"next id";
const TABLE_PREFIX: &[u8] = b"table/";

/// The key of a table's record. Statements that write to a table guard it.
pub(crate) fn table_key(name: &str) -> Bytes {
    Bytes::from([TABLE_PREFIX, name.as_bytes()].concat())
}

/// Name of the keyspace of an object.
pub(crate) fn keyspace_name(kind: &str, id: ObjectId) -> String {
    format!("@sql.{kind}.{}", id.0)
}

/// Which state of the catalog a reader sees.
pub(crate) fn version(
    reader: &Reader<'_>,
    keyspace: KeyspaceId,
) -> Result<CatalogVersion, SqlError> {
    match reader.get(keyspace, VERSION_KEY)? {
        None => Ok(CatalogVersion::default()),
        Some(bytes) => match bytes.as_ref().try_into() {
            Ok(bytes) => Ok(CatalogVersion(u64::from_be_bytes(bytes))),
            Err(_) => Err(damaged("version", &length(8, bytes.len()))),
        },
    }
}

/// The state of the catalog that a reader sees.
pub(crate) fn load(reader: &Reader<'_>, keyspace: KeyspaceId) -> Result<Catalog, SqlError> {
    let version = version(reader, keyspace)?;
    let mut tables = Vec::new();
    for entry in reader.range(keyspace, KeyRange::prefix(TABLE_PREFIX)) {
        let (key, value) = entry?;
        let name = String::from_utf8_lossy(&key[TABLE_PREFIX.len()..]).into_owned();
        let record = format::decode(&value).map_err(|why| damaged(&name, &why))?;
        tables.push(Arc::new(Table::new(record)?));
    }
    Ok(Catalog::new(version, tables))
}

/// Changes the catalog within a transaction.
pub(crate) struct CatalogWriter<'t> {
    transaction: &'t mut Transaction,
    keyspace: KeyspaceId,
}

impl<'t> CatalogWriter<'t> {
    /// Starts a change; `version` must never have been used.
    pub(crate) fn new(
        transaction: &'t mut Transaction,
        keyspace: KeyspaceId,
        version: CatalogVersion,
    ) -> Result<CatalogWriter<'t>, SqlError> {
        let bytes = version.0.to_be_bytes().to_vec();
        transaction.put(keyspace, VERSION_KEY, bytes)?;
        Ok(CatalogWriter {
            transaction,
            keyspace,
        })
    }

    pub(crate) fn transaction(&mut self) -> &mut Transaction {
        self.transaction
    }

    pub(crate) fn put_table(&mut self, record: &TableRecord) -> Result<(), SqlError> {
        let value = format::encode(record);
        self.transaction
            .put(self.keyspace, table_key(&record.name), value)?;
        Ok(())
    }

    pub(crate) fn delete_table(&mut self, name: &str) -> Result<(), SqlError> {
        self.transaction.delete(self.keyspace, table_key(name))?;
        Ok(())
    }

    /// A number for a new table or index.
    pub(crate) fn new_id(&mut self) -> Result<ObjectId, SqlError> {
        let next = match self.transaction.get(self.keyspace, NEXT_ID_KEY)? {
            None => 1,
            Some(bytes) => match bytes.as_ref().try_into() {
                Ok(bytes) => u32::from_be_bytes(bytes),
                Err(_) => return Err(damaged("next id", &length(4, bytes.len()))),
            },
        };
        let after = next.checked_add(1).ok_or_else(|| {
            SqlError::new(
                SqlState::ProgramLimitExceeded,
                "no numbers are left for tables",
            )
        })?;
        self.transaction
            .put(self.keyspace, NEXT_ID_KEY, after.to_be_bytes().to_vec())?;
        Ok(ObjectId(next))
    }
}

fn length(expected: usize, found: usize) -> Malformed {
    Malformed::new("length", expected.to_string(), found.to_string())
}

fn damaged(what: &str, why: &Malformed) -> SqlError {
    SqlError::new(
        SqlState::DataCorrupted,
        format!("the catalog's entry \"{what}\" is damaged: {why}"),
    )
}
