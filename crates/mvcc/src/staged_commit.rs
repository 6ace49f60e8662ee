//! Staged commit: how a commit that is too large for memory and log becomes part of the base.
//!
//! ```text
//! [merge latch:  merge all that was committed so far: base m
//!                validate -> engine: stage -> base m and, unseen, base m with the changes       (others commit meanwhile)
//!                validate what came since
//!   [commit latch:  validate the rest -> log: "adopts stage n", LSN l -> sync -> seal -> layers with the staged base -> publish]
//!                engine: adopt]
//! ```
//!
//! # Invariants
//! - G1. The base that is staged upon has all that the transaction saw. So whatever a memtable holds beside it is newer,
//!   and touches no key of the transaction, or it conflicts: memtables never cover what was staged.
//! - G2. The log's record decides. What is staged without one is discarded, at the latest when the store is opened; with
//!   one it is adopted, at the latest before the next merge. Until then the log keeps the record, for it is trimmed by merges
//!   only.
//! - G3. The log is synced under the commit latch, so nobody is between the record and its effect: whoever begins sees
//!   all of it, or finds it in the chain of commits to be checked against.
//!
//! Latches: the merge latch throughout, which holds merges back, so others commit as long as memtables have room; the
//! commit latch for one sync of the log at the end.

use std::sync::Arc;

use drystone_base::Lsn;
use drystone_base::planted::is_planted;
use drystone_base::sync::MutexGuard;
use drystone_engine::{EngineError, StageId, Staging};
use drystone_wal::Log;

use crate::commit_record;
use crate::conflicts::Claims;
use crate::error::StoreError;
use crate::layers::Layers as Shown;
use crate::link::{Link, StagedCommit};
use crate::memtable::Memtable;
use crate::merge::Merges;
use crate::known_keyspaces::KnownKeyspaces;
use crate::options::Durability;
use crate::shared::{Head, Shared, log_error};
use crate::spill::{LayerChanges, Layers};
use crate::transaction::Transaction;
use crate::view::View;
use crate::write_set::WriteSet;

/// What becomes of a stage that the engine still has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its record is in the log.
    Adopt(StageId),
    /// It has no record.
    Discard(StageId),
    /// Its record may be in the log, which failed. Opening decides.
    Unknown(StageId),
}

/// Memory with which layers are read while they are staged, at most. By then what they were written from is free.
const READ_BYTES_MAX: u64 = 32 << 20;

/// How often what came meanwhile is validated without the commit latch, to leave little for it.
const ROUNDS: usize = 2;

/// How often a commit that read nothing is staged anew when others changed its keys meanwhile.
const BLIND_ATTEMPTS: usize = 8;

/// What a large commit is checked for, and against what.
struct Basis<'a> {
    view: View,
    /// What is newer was not there to be seen, and conflicts.
    seen: Lsn,
    link: Arc<Link>,
    writes: &'a WriteSet,
    layers: &'a Layers,
}

/// Which of the commits since a view: those from one link on, its own if none is named, and before another.
#[derive(Clone, Copy, Default)]
struct Part<'a> {
    from: Option<&'a Arc<Link>>,
    to: Option<&'a Arc<Link>>,
}

impl Shared {
    /// All that a transaction wrote, as layers.
    pub(crate) fn spilled_layers(&self, writes: &mut WriteSet) -> Result<Layers, StoreError> {
        let folder = self.spill_folder().ok_or(StoreError::Closed)?;
        writes.take_layers(folder)
    }

    /// Commits what a transaction spilled; without one, changes that were made without reading anything, which give way
    /// to nobody: where another changed a key meanwhile, they are made again after it. Durable when this returns.
    pub(crate) fn commit_staged(
        &self,
        layers: Layers,
        transaction: Option<&Transaction>,
    ) -> Result<Lsn, StoreError> {
        self.check_open()?;
        let layers = Arc::new(layers);
        let attempts = transaction.map_or(BLIND_ATTEMPTS, |_| 1);
        let mut attempt = 1;
        loop {
            match self.try_commit_staged(&layers, transaction) {
                Err(StoreError::Conflict { .. }) if attempt < attempts => attempt += 1,
                done => return done,
            }
        }
    }

    fn try_commit_staged(
        &self,
        layers: &Arc<Layers>,
        transaction: Option<&Transaction>,
    ) -> Result<Lsn, StoreError> {
        let mut merges = self.merges.lock();
        let log = self.log()?;
        self.check_not_derived(layers)?;
        // Before the merges: what is committed while they run is in no base, and must be found.
        let (view, link) = match transaction {
            Some(transaction) => (transaction.view().clone(), Arc::clone(transaction.link())),
            None => self.newest_link(),
        };
        self.merge_all(&mut merges)?;
        let seen = match transaction {
            Some(_) => view.lsn(),
            None => view.lsn().max(self.engine.merged_lsn()),
        };
        let Some(staging) = self.engine.staging() else {
            return Err(StoreError::Closed);
        };
        let nothing = WriteSet::default();
        let basis = Basis {
            view,
            seen,
            link,
            writes: transaction.map_or(&nothing, Transaction::writes),
            layers,
        };
        self.check_claims(&log, &basis, Part::default())?;
        if transaction.is_none() {
            self.check_all_exist(layers)?;
        }
        let read_bytes = self.options.spill_bytes.min(READ_BYTES_MAX);
        let stage = stage(staging, layers, read_bytes)?;
        merges.stage = Some(Fate::Discard(stage));
        if is_planted("mvcc-adopted-before-record") {
            staging.adopt(stage)?;
        }
        let committed = self.adopt(&log, &mut merges, &basis, layers, stage);
        // It stays to be settled, and says so when it must: the commit is what it is by now.
        let _later = self.settle_stage(&mut merges);
        committed
    }

    /// Makes sure that the keyspaces of changes made without a view are still there. One that is dropped later conflicts.
    fn check_all_exist(&self, layers: &Layers) -> Result<(), StoreError> {
        let mut written = layers.keyspaces().into_iter();
        written.try_for_each(|id| self.check_exists(id))
    }

    /// Merges all that was committed by now, and settles what an earlier commit has left.
    fn merge_all(&self, merges: &mut Merges) -> Result<(), StoreError> {
        let upto = self.seal_active();
        while self.has_sealed(upto) {
            self.merge_slice(merges)?;
        }
        self.settle_stage(merges)
    }

    /// The newest state, with the link from which commits follow it.
    fn newest_link(&self) -> (View, Arc<Link>) {
        loop {
            let view = self.view();
            if let Some(link) = view.layers().link.upgrade() {
                return (view, link);
            }
        }
    }

    fn check_not_derived(&self, layers: &Layers) -> Result<(), StoreError> {
        let written = layers.keyspaces();
        let mut written = written.difference(&layers.dropped);
        match written.find(|id| self.is_derived(**id)) {
            None => Ok(()),
            Some(&keyspace) => Err(StoreError::NotSpillable {
                keyspace,
                max: self.options.spill_bytes,
            }),
        }
    }

    /// From a staged state to a commit.
    fn adopt(
        &self,
        log: &Log,
        merges: &mut Merges,
        basis: &Basis<'_>,
        layers: &Arc<Layers>,
        stage: StageId,
    ) -> Result<Lsn, StoreError> {
        let mut checked = None;
        for _ in 0..ROUNDS {
            let end = self.seal_to_check();
            let part = Part {
                from: checked.as_ref(),
                to: Some(&end),
            };
            self.check_claims(log, basis, part)?;
            checked = Some(end);
        }
        let mut head = self.head.lock();
        let rest = Part {
            from: checked.as_ref(),
            to: None,
        };
        self.check_claims(log, basis, rest)?;
        let named = StageId(stage.0 + u64::from(is_planted("mvcc-record-names-no-stage")));
        let record = commit_record::encode_adoption(named);
        let lsn = log.append(&record).map_err(|error| log_error(log, error))?;
        merges.stage = Some(Fate::Unknown(stage));
        self.publication.applied(lsn, Durability::Sync);
        log.sync_to(lsn).map_err(|error| log_error(log, error))?;
        merges.stage = Some(Fate::Adopt(stage));
        self.show_staged(&mut head, layers, lsn);
        self.publication.durable(log.durable_lsn());
        self.counters.commits.add(1);
        drop(head);
        Ok(lsn)
    }

    /// Seals the active memtable if it has anything, and says where the commits begin that are not sealed.
    fn seal_to_check(&self) -> Arc<Link> {
        let mut head = self.head.lock();
        if !head.active.is_empty() {
            self.seal(&mut head);
        }
        Arc::clone(head.chain.last())
    }

    /// Checks a large commit against some of those since its view.
    fn check_claims(&self, log: &Log, basis: &Basis<'_>, part: Part<'_>) -> Result<(), StoreError> {
        let claims = Claims {
            seen: basis.seen,
            writes: basis.writes,
            layers: Some(basis.layers),
        };
        let from = part.from.unwrap_or(&basis.link);
        let found = match part.to {
            Some(to) => claims.find_in_view_or(&basis.view, from.commits_before(to))?,
            None => claims.find_in_view_or(&basis.view, from.commits())?,
        };
        match found {
            None => Ok(()),
            Some(what) => {
                log.check()?;
                self.counters.conflicts.add(1);
                Err(StoreError::Conflict { what })
            }
        }
    }

    /// Publishes layers whose base has the staged changes, of the commit at `lsn`. Under the commit latch.
    fn show_staged(&self, head: &mut MutexGuard<'_, Head>, layers: &Arc<Layers>, lsn: Lsn) {
        let staged = self.engine.staging().and_then(Staging::staged);
        let base = staged.map_or_else(|| self.engine.snapshot(), |(_, base)| base);
        let active = Arc::new(Memtable::new(self.options.memtable_bytes));
        // Until the new layers are there, whoever begins finds the old ones, and must find their link alive.
        let _link = Arc::clone(head.chain.last());
        let commit = Arc::new(StagedCommit {
            lsn,
            layers: Arc::clone(layers),
        });
        let (sealed_bytes, bytes_max) = (head.active.bytes(), self.options.conflict_bytes_max);
        head.chain
            .seal_behind(commit, Arc::clone(&active), sealed_bytes, bytes_max);
        let shown = self.layers.load_full();
        let older = shown.memtables.iter().filter(|older| !older.is_empty());
        let memtables = std::iter::once(&active).chain(older).map(Arc::clone);
        self.layers.store(Arc::new(Shown {
            memtables: memtables.collect(),
            base,
            floor: lsn,
            link: Arc::downgrade(head.chain.last()),
        }));
        head.active = active;
    }

    /// Does with a stage what was decided, if there is one. Nothing is merged before that.
    pub(crate) fn settle_stage(&self, merges: &mut Merges) -> Result<(), StoreError> {
        let (Some(fate), Some(staging)) = (merges.stage, self.engine.staging()) else {
            return Ok(());
        };
        match fate {
            Fate::Adopt(stage) => {
                staging.adopt(stage)?;
                merges.stage = None;
                self.show_base(Lsn::ZERO);
            }
            Fate::Discard(stage) => {
                if !is_planted("mvcc-stage-left-behind") {
                    staging.discard(stage)?;
                }
                merges.stage = None;
            }
            Fate::Unknown(stage) => return Err(EngineError::Undecided { stage }.into()),
        }
        Ok(())
    }
}

/// Lets the engine stage layers; says what stopped it in the words of whoever did.
fn stage(staging: &dyn Staging, layers: &Layers, read_bytes: u64) -> Result<StageId, StoreError> {
    let mut changes = LayerChanges::new(layers, read_bytes)?;
    let staged = staging.stage(&mut changes);
    staged.map_err(|error| changes.take_failure().unwrap_or(error.into()))
}
            known: KnownKeyspaces::default(),
