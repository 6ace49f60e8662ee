//! Staging: a merge in two steps, for changes that are decided elsewhere and are too many for memory.
//!
//! ```text
//!             stage                        adopt
//!  base m ------------> base m, staged n ---------> base m with the changes of n
//!                               |        discard
//!                               +-----------------> base m
//! ```

use std::fmt;
use std::sync::Arc;

use crate::changes::Changes;
use crate::engine::Snapshot;
use crate::error::EngineError;

/// Number of a stage. They ascend, and none is given twice, also after a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageId(pub u64);

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage {}", self.0)
    }
}

/// What an engine does that can merge in two steps. It comes from [`Engine::staging`](crate::Engine::staging).
///
/// While a stage is undecided the engine takes no merge and no other stage ([`EngineError::Undecided`]). Its calls are
/// made as those of merges are (E5).
pub trait Staging {
    /// Folds `changes` into the newest state, durably, as a state of its own that nobody sees. The newest state stays
    /// what it is.
    ///
    /// # Errors
    /// As [`Engine::merge`](crate::Engine::merge); nothing is staged then.
    fn stage(&self, changes: &mut dyn Changes) -> Result<StageId, EngineError>;

    /// The stage that is undecided, durable since it was made, with the state it would become.
    fn staged(&self) -> Option<(StageId, Arc<dyn Snapshot>)>;

    /// The newest stage that was adopted; 0 for none. Those with lower numbers were adopted before, or discarded.
    fn adopted(&self) -> StageId;

    /// Makes the staged state the newest, durably. [`Engine::merged_lsn`](crate::Engine::merged_lsn) stays what it is:
    /// the changes are of a later commit, which the one who decided remembers.
    ///
    /// # Errors
    /// As [`Engine::merge`](crate::Engine::merge), the stage being undecided still; [`EngineError::NoSuchStage`].
    fn adopt(&self, stage: StageId) -> Result<(), EngineError>;

    /// Forgets the staged state, and frees its pages.
    ///
    /// # Errors
    /// As [`Staging::adopt`].
    fn discard(&self, stage: StageId) -> Result<(), EngineError>;
}
