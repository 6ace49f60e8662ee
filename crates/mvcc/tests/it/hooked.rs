//! A B+tree that lets a test act while a stage is made.

use std::sync::{Arc, Mutex};

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::{
    Budget, Changes, Engine, EngineError, EngineStats, Limits, MergeJob, Progress, Snapshot,
    StageId, Staging, VerifyReport,
};
use drystone_mvcc::{Store, StoreError, StoreOptions};
use drystone_testkit::CRASH_FOLDER;
use drystone_wal::{Log, LogOptions};

type Act = Box<dyn FnOnce() + Send>;

/// Does what it is told once a stage is made, before that is adopted.
pub(crate) struct Hooked {
    tree: Arc<BTree>,
    act: Mutex<Option<Act>>,
}

impl Hooked {
    /// Opens a store over it in the crash folder of `env`.
    pub(crate) fn open(
        env: &Env,
        options: StoreOptions,
    ) -> Result<(Arc<Hooked>, Store), StoreError> {
        let dir = std::path::Path::new(CRASH_FOLDER);
        let tree_options = BTreeOptions {
            page_bytes: 512,
            ..BTreeOptions::default()
        };
        let engine = Arc::new(Hooked {
            tree: Arc::new(BTree::open(env, &dir.join("btree"), tree_options)?),
            act: Mutex::new(None),
        });
        let log_options = LogOptions {
            segment_bytes: 64 << 10,
            ..LogOptions::default()
        };
        let log = Log::open(env, &dir.join("log"), log_options, engine.merged_lsn())?;
        let base = Arc::clone(&engine) as Arc<dyn Engine>;
        let store = Store::open_spilling(env, options, log, base, &dir.join("spill"))?;
        Ok((engine, store))
    }

    /// What to do while the next stage is made.
    pub(crate) fn meanwhile(&self, act: impl FnOnce() + Send + 'static) {
        *self.act.lock().unwrap() = Some(Box::new(act));
    }

    pub(crate) fn has_stage(&self) -> bool {
        self.tree.staged().is_some()
    }
}

impl std::fmt::Debug for Hooked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tree.fmt(f)
    }
}

impl Engine for Hooked {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.tree.snapshot()
    }

    fn merge(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError> {
        self.tree.merge(changes, upto)
    }

    fn begin_merge(
        self: Arc<Self>,
        changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> Result<Box<dyn MergeJob>, EngineError> {
        Arc::clone(&self.tree).begin_merge(changes, upto)
    }

    fn staging(&self) -> Option<&dyn Staging> {
        Some(self)
    }

    fn limits(&self) -> Limits {
        self.tree.limits()
    }

    fn merged_lsn(&self) -> Lsn {
        self.tree.merged_lsn()
    }

    fn step(&self, budget: Budget) -> Result<Progress, EngineError> {
        self.tree.step(budget)
    }

    fn compact(&self, budget: Budget) -> Result<Progress, EngineError> {
        self.tree.compact(budget)
    }

    fn reclaim(&self, budget: Budget) -> Result<Progress, EngineError> {
        self.tree.reclaim(budget)
    }

    fn verify(&self) -> Result<VerifyReport, EngineError> {
        self.tree.verify()
    }

    fn stats(&self) -> EngineStats {
        self.tree.stats()
    }
}

impl Staging for Hooked {
    fn stage(&self, changes: &mut dyn Changes) -> Result<StageId, EngineError> {
        let stage = self.tree.stage(changes)?;
        if let Some(act) = self.act.lock().unwrap().take() {
            act();
        }
        Ok(stage)
    }

    fn staged(&self) -> Option<(StageId, Arc<dyn Snapshot>)> {
        self.tree.staged()
    }

    fn adopted(&self) -> StageId {
        self.tree.adopted()
    }

    fn adopt(&self, stage: StageId) -> Result<(), EngineError> {
        self.tree.adopt(stage)
    }

    fn discard(&self, stage: StageId) -> Result<(), EngineError> {
        self.tree.discard(stage)
    }
}

/// Keyspaces by the names that tests give them.
pub(crate) fn ids<const N: usize>(store: &Store, names: [&str; N]) -> [KeyspaceId; N] {
    names.map(|name| crate::support::create(store, name))
}
