//! The vector indexes that are attached to the store.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_base::sync::Mutex;
use drystone_index_vector::{HnswParameters, VectorError, VectorIndex, VectorIndexOptions};
use drystone_mvcc::{Store, View};
use drystone_record::DataType;

use crate::catalog::{Catalog, CatalogVersion, IndexKind, IndexRecord, Metric, Table};
use crate::error::SqlError;
use crate::exec::reader::Reader;
use crate::sql_state::SqlState;

/// Attached indexes.
#[derive(Debug, Default)]
pub(crate) struct VectorIndexes {
    /// The catalog that the attached indexes are those of. Latch: for moments, so that commits which change no catalog wait
    /// for nobody.
    followed: Mutex<Option<CatalogVersion>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the keyspace of their graphs.
    attached: BTreeMap<KeyspaceId, Arc<VectorIndex>>,
}

/// An index that can be searched.
pub(crate) struct AttachedIndex {
    index: Arc<VectorIndex>,
}

impl VectorIndexes {
    /// Attaches what the newest catalog has, detaches what it lacks, unless the catalog that is `known` was followed. Whether
    /// any was attached.
    ///
    /// The catalog is asked for under the latch: of two that follow at once, the later must not act on an older one.
    pub(crate) fn follow(
        &self,
        known: CatalogVersion,
        newest: impl FnOnce() -> Result<Arc<Catalog>, SqlError>,
        store: &Store,
    ) -> Result<bool, SqlError> {
        if *self.followed.lock() == Some(known) {
            return Ok(false);
        }
        let mut state = self.state.lock();
        let catalog = newest()?;
        if *self.followed.lock() == Some(catalog.version()) {
            return Ok(false);
        }
        let indexes = catalog
            .tables()
            .flat_map(|table| table.indexes().iter().map(move |index| (table, index)));
        let wanted: BTreeMap<KeyspaceId, VectorIndexOptions> = indexes
            .filter_map(|(table, index)| options(table, index))
            .map(|options| (options.target, options))
            .collect();
        state.attached.retain(|target, _| {
            let stays = wanted.contains_key(target);
            if !stays {
                store.detach(*target);
            }
            stays
        });
        let mut is_new = false;
        for (target, options) in wanted {
            if let Entry::Vacant(place) = state.attached.entry(target) {
                place.insert(VectorIndex::attach(store, options)?);
                is_new = true;
            }
        }
        *self.followed.lock() = Some(catalog.version());
        Ok(is_new)
    }

    /// What is wrong with the graphs of the attached indexes, as of a view's base.
    pub(crate) fn verify(&self, view: &View) -> Result<Vec<String>, SqlError> {
        let attached: Vec<Arc<VectorIndex>> =
            self.state.lock().attached.values().cloned().collect();
        let mut findings = Vec::new();
        for index in attached {
            let found = index.verify(view.base())?;
            findings.extend(
                found
                    .iter()
                    .map(|finding| format!("vector index: {finding}")),
            );
        }
        Ok(findings)
    }

    /// The index whose graph is in a keyspace; `None` when it is not attached, as its creation is not committed.
    pub(crate) fn get(&self, graph: KeyspaceId) -> Option<AttachedIndex> {
        let index = self.state.lock().attached.get(&graph).cloned();
        index.map(|index| AttachedIndex { index })
    }
}

impl AttachedIndex {
    /// Keys of the rows nearest to `query` that `accept` lets through, nearest first: at most `wanted`, found with a beam
    /// of `ef`.
    pub(crate) fn search(
        &self,
        reader: &Reader<'_>,
        query: &[f32],
        wanted: usize,
        ef: usize,
        accept: impl FnMut(&[u8]) -> Result<bool, SqlError>,
    ) -> Result<Vec<Bytes>, SqlError> {
        let hits = match reader {
            Reader::View(view) => self.index.search(view, query, wanted, ef, accept)?,
            Reader::Transaction(transaction) => {
                self.index.search(*transaction, query, wanted, ef, accept)?
            }
        };
        Ok(hits.into_iter().map(|hit| hit.key).collect())
    }
}

/// What an index is opened with; `None` when it is no vector index.
fn options(table: &Table, index: &IndexRecord) -> Option<VectorIndexOptions> {
    let IndexKind::Hnsw(hnsw) = index.kind else {
        return None;
    };
    let DataType::Vector(dim) = table.columns()[index.columns[0]].data_type else {
        return None;
    };
    Some(VectorIndexOptions {
        source: index.keyspace,
        target: hnsw.graph,
        parameters: HnswParameters {
            dim: dim.as_usize(),
            metric: metric(hnsw.metric),
            m: hnsw.m as usize,
            ef_construction: hnsw.ef_construction as usize,
        },
    })
}

fn metric(metric: Metric) -> drystone_index_vector::Metric {
    match metric {
        Metric::L2 => drystone_index_vector::Metric::L2,
        Metric::Cosine => drystone_index_vector::Metric::Cosine,
        Metric::InnerProduct => drystone_index_vector::Metric::InnerProduct,
    }
}

impl From<VectorError> for SqlError {
    fn from(error: VectorError) -> SqlError {
        let state = match error {
            VectorError::Corrupt { .. } => SqlState::IndexCorrupted,
            VectorError::Dimensions { .. } | VectorError::NotFinite { .. } => {
                SqlState::DataException
            }
            _ => SqlState::IoError,
        };
        SqlError::new(state, format!("vector index: {error}")).caused_by(error)
    }
}
