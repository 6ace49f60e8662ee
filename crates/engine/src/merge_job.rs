//! A merge under way, done in slices.

use std::fmt;
use std::sync::Arc;

use drystone_base::Lsn;

use crate::changes::Changes;
use crate::engine::{Budget, Engine, Progress};
use crate::error::EngineError;

/// A merge under way. Nothing of it is seen, nor is any of it durable, before the slice that ends it.
///
/// While it lives, its engine takes no other merge and no step. Dropping it forgets it: the state is the one before, and
/// the merge may begin anew. It owns what it works with, and may move to another thread.
pub trait MergeJob: Send + fmt::Debug {
    /// One slice. [`Progress::More`]: call again. [`Progress::Idle`]: the merge is done, durable, and what snapshots show.
    ///
    /// The budget bounds what is read and written, but for what cannot be cut: one long value, the syncs at the end.
    ///
    /// # Errors
    /// As [`Engine::merge`]. The job is over then: another call gets [`EngineError::MergeOver`], as one after the end does.
    fn step(&mut self, budget: Budget) -> Result<Progress, EngineError>;
}

/// The job of an engine that merges whole: one slice.
pub(crate) struct WholeMerge<E: ?Sized> {
    engine: Arc<E>,
    /// `None`: it is over.
    changes: Option<Box<dyn Changes + Send>>,
    upto: Lsn,
}

impl<E: Engine + ?Sized> WholeMerge<E> {
    pub(crate) fn new(
        engine: Arc<E>,
        changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> WholeMerge<E> {
        WholeMerge {
            engine,
            changes: Some(changes),
            upto,
        }
    }
}

impl<E: Engine + ?Sized> MergeJob for WholeMerge<E> {
    fn step(&mut self, _budget: Budget) -> Result<Progress, EngineError> {
        let mut changes = self.changes.take().ok_or(EngineError::MergeOver)?;
        self.engine.merge(&mut *changes, self.upto)?;
        Ok(Progress::Idle)
    }
}

impl<E: Engine + ?Sized> fmt::Debug for WholeMerge<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WholeMerge")
            .field("upto", &self.upto)
            .field("is_over", &self.changes.is_none())
            .finish_non_exhaustive()
    }
}
