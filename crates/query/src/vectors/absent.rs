//! Vector indexes in a build without the feature `vector`: a database that has some is refused, by name of the feature.

use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_mvcc::{Store, View};

use crate::catalog::{Catalog, CatalogVersion, IndexKind};
use crate::error::SqlError;
use crate::exec::reader::Reader;

/// No indexes.
#[derive(Debug, Default)]
pub(crate) struct VectorIndexes {}

/// No index.
pub(crate) enum AttachedIndex {}

impl VectorIndexes {
    /// Fails when `catalog` has a vector index.
    pub(crate) fn follow(
        &self,
        _: CatalogVersion,
        newest: impl FnOnce() -> Result<Arc<Catalog>, SqlError>,
        _: &Store,
    ) -> Result<bool, SqlError> {
        let catalog = newest()?;
        let mut indexes = catalog.tables().flat_map(|table| table.indexes());
        match indexes.find(|index| matches!(index.kind, IndexKind::Hnsw(_))) {
            Some(index) => Err(SqlError::unsupported(format!(
                "hnsw index \"{}\" in a build without the feature `vector`",
                index.name
            ))),
            None => Ok(false),
        }
    }

    pub(crate) fn verify(&self, _: &View) -> Result<Vec<String>, SqlError> {
        Ok(Vec::new())
    }

    pub(crate) fn get(&self, _: KeyspaceId) -> Option<AttachedIndex> {
        None
    }
}

impl AttachedIndex {
    pub(crate) fn search(
        &self,
        _: &Reader<'_>,
        _: &[f32],
        _: usize,
        _: usize,
        _: impl FnMut(&[u8]) -> Result<bool, SqlError>,
    ) -> Result<Vec<Bytes>, SqlError> {
        match *self {}
    }
}
