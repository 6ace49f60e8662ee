//! The vector indexes that are attached to the store.

use drystone_base::Env;
use drystone_mvcc::Store;

use crate::catalog::Catalog;
use crate::error::SqlError;

/// Attached indexes, by the keyspace of their vectors.
#[derive(Debug, Default)]
pub(crate) struct VectorIndexes {}

impl VectorIndexes {
    /// Attaches what `catalog` has, detaches what it lacks.
    pub(crate) fn follow(
        &self,
        _catalog: &Catalog,
        _store: &Store,
        _env: &Env,
    ) -> Result<(), SqlError> {
        Ok(())
    }
}
