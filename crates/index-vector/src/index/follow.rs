//! Following merges: what a merge changed in the source becomes changes of the graph, and of its records.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::planted::is_planted;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::Snapshot;
use drystone_mvcc::{DerivedIndex, KeyChanges};

use super::load::{self, for_each};
use super::source::decode;
use super::{Follows, VectorIndex};
use crate::error::VectorError;
use crate::hnsw::{Hnsw, Records};

impl VectorIndex {
    /// Makes sure that the graph holds all merges up to `base`: one that was attached late is loaded again.
    fn catch_up(&self, base: &Arc<dyn Snapshot>) -> Result<Arc<Hnsw>, VectorError> {
        let state = self.state.read().clone();
        let current = match state.follows {
            Follows::Loaded(lsn) => lsn == base.lsn(),
            Follows::Every(_) => true,
        };
        let graph = if current {
            state.graph
        } else {
            Arc::new(load::load(&self.options, base.as_ref())?)
        };
        let mut state = self.state.write();
        state.graph = Arc::clone(&graph);
        if !matches!(state.follows, Follows::Every(_)) {
            state.follows = Follows::Every(base.lsn());
        }
        Ok(graph)
    }

    fn fold_in(
        &self,
        base: &Arc<dyn Snapshot>,
        changes: &[(Bytes, Option<Bytes>)],
        upto: Lsn,
    ) -> Result<KeyChanges, VectorError> {
        let graph = self.catch_up(base)?;
        if self.state.write().folding.replace(upto).is_some() {
            graph.undo();
        }
        for (key, value) in changes {
            let vector = value
                .as_ref()
                .and_then(|value| decode(&self.options, value));
            match vector {
                Some(vector) => {
                    let vector: Vec<_> = vector.collect();
                    graph.insert(Bytes::copy_from_slice(key), &vector, upto)?;
                }
                None if is_planted("vector-delete-ignored") => {}
                None => {
                    graph.kill(key, upto);
                }
            }
        }
        graph.consolidate(self.last_settled());
        let mut records = graph.changed_records(upto);
        if graph.is_unwritten() {
            self.clear_leftovers(base.as_ref(), &mut records)?;
        }
        Ok(records.into_iter().collect())
    }

    fn last_settled(&self) -> Lsn {
        match self.state.read().follows {
            Follows::Loaded(lsn) | Follows::Every(lsn) => lsn,
        }
    }

    /// Adds deletions of the records that an older graph left in the target.
    fn clear_leftovers(
        &self,
        base: &dyn Snapshot,
        records: &mut Records,
    ) -> Result<(), VectorError> {
        for_each(base, self.options.target, |key, _| {
            records.entry(Bytes::copy_from_slice(key)).or_insert(None);
            Ok(())
        })
    }
}

impl DerivedIndex for VectorIndex {
    fn source(&self) -> KeyspaceId {
        self.options.source
    }

    fn target(&self) -> KeyspaceId {
        self.options.target
    }

    fn fold(
        &self,
        base: &Arc<dyn Snapshot>,
        changes: &[(Bytes, Option<Bytes>)],
        upto: Lsn,
    ) -> Result<KeyChanges, Box<dyn Error + Send + Sync>> {
        Ok(self.fold_in(base, changes, upto)?)
    }

    fn settled(&self, merged: bool, upto: Lsn) {
        let graph = {
            let mut state = self.state.write();
            if state.folding.take() != Some(upto) {
                return;
            }
            if merged {
                state.follows = Follows::Every(upto);
            }
            Arc::clone(&state.graph)
        };
        if merged {
            graph.settle();
        } else {
            graph.undo();
        }
    }
}
