//! What every engine must keep: rules E1 to E6 of `drystone-engine`, tried in every way we know.

mod crashes;
mod damage;
mod faults;
mod merging;
mod reading;
mod slices;
mod subject;
mod threads;

use std::path::Path;
use std::sync::Arc;

use drystone_base::Env;
use drystone_engine::{Engine, EngineError};

use self::subject::Subject;
use super::SeedNote;
use crate::model::Shape;
use crate::seed::seed_of;

type OpenEngine = dyn Fn(&Env, &Path) -> Result<Arc<dyn Engine>, EngineError> + Send + Sync;

/// The laws of [`drystone_engine::Engine`], for one kind of engine.
///
/// ```no_run
/// use drystone_testkit::ModelEngine;
/// use drystone_testkit::laws::EngineLaws;
///
/// // In `tests/it/laws.rs`:
/// #[test]
/// fn the_laws_of_engines() {
///     EngineLaws::new(|env, dir| ModelEngine::open(env, dir)).check_all();
/// }
/// ```
#[derive(Clone)]
pub struct EngineLaws {
    open: Arc<OpenEngine>,
    seed: u64,
    shape: Shape,
    key_bytes_max: usize,
    value_bytes_max: usize,
    merges: u64,
}

impl std::fmt::Debug for EngineLaws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineLaws")
            .field("seed", &self.seed)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

impl EngineLaws {
    /// The laws for engines that `open` opens, or creates, in a folder of the files of an `Env`.
    ///
    /// Give the engine small caches and pages, so that small histories reach every corner of it.
    pub fn new<E: Engine + 'static>(
        open: impl Fn(&Env, &Path) -> Result<E, EngineError> + Send + Sync + 'static,
    ) -> EngineLaws {
        EngineLaws {
            open: Arc::new(move |env, dir| Ok(Arc::new(open(env, dir)?) as Arc<dyn Engine>)),
            seed: seed_of("engine laws"),
            shape: Shape::default(),
            key_bytes_max: 16 << 10,
            value_bytes_max: 1 << 20,
            merges: 40,
        }
    }

    /// With this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> EngineLaws {
        self.seed = seed;
        self
    }

    /// With batches of this shape, and histories of `merges` of them.
    #[must_use]
    pub fn shape(mut self, shape: Shape, merges: u64) -> EngineLaws {
        self.shape = shape;
        self.merges = merges;
        self
    }

    /// The longest key and value that the engine must take: 16 KiB and 1 MiB unless told.
    #[must_use]
    pub fn limits(mut self, key_bytes_max: usize, value_bytes_max: usize) -> EngineLaws {
        self.key_bytes_max = key_bytes_max;
        self.value_bytes_max = value_bytes_max;
        self
    }

    /// Every law, one after another.
    ///
    /// # Panics
    /// At the first that is broken.
    pub fn check_all(&self) {
        self.new_engines_are_empty();
        self.entries_come_in_order();
        self.cursors_find_every_place();
        self.snapshots_never_change();
        self.extremes_are_kept();
        self.drops_take_everything();
        self.many_keyspaces_live_side_by_side();
        self.reopening_changes_nothing();
        self.bulk_changes_are_kept();
        self.refused_changes_change_nothing();
        self.mistakes_are_refused();
        self.merges_go_on_in_slices();
        self.jobs_that_are_over_stay_so();
        self.readers_run_beside_merges();
        self.full_disks_refuse_cleanly();
        self.failed_writes_leave_before_or_after();
        self.failed_syncs_are_never_papered_over();
        self.failed_openings_lose_nothing();
        self.merges_survive_power_cuts();
        self.damage_is_never_believed();
        self.lying_disks_are_never_believed();
    }

    fn note(&self, law: &'static str) -> SeedNote {
        SeedNote::new(law, self.seed)
    }

    fn subject(&self) -> Subject {
        Subject::new(self)
    }
}

#[cfg(test)]
mod tests;
