//! Staged commit: how a commit that is too large for memory and log becomes part of the base.
//!
//! ```text
//! [merge latch:  merge all that was committed so far: base m
//!                validate -> engine: stage -> base m and, unseen, base m with the changes       (others commit meanwhile)
//!                validate what came since
//!   [commit latch:  validate the rest -> log: "adopts stage n", LSN l -> sync -> layers with the staged base -> publish]
//!                engine: adopt]
//! ```
//!
//! # Invariants
//! - G1. The base that is staged upon has all that the transaction saw. So whatever a memtable holds beside it is newer,
//!   and touches no key of the transaction, or it conflicts: memtables never cover what was staged.
//! - G2. The log's record decides. What is staged without one is discarded, at the latest when the store is opened; with
//!   one it is adopted, at the latest before the next merge. Where that fails at first (a full disk), each step, compaction
//!   and merge, and the closing, tries again. Until then the log keeps the record, for it is trimmed by merges only.
//! - G3. The log is synced under the commit latch, so nobody is between the record and its effect: whoever begins sees
//!   all of it, or finds it in the chain of commits to be checked against.
//! - G4. No memtable is sealed for it. Which commits were checked is known by their LSNs, so the active memtable is checked
//!   while it grows, and takes what follows the commit, too.
//!
//! Latches: the merge latch throughout, which holds merges back, so others commit as long as memtables have room: all that
//! S4 allows, for all were merged at the start. The commit latch at the end: for a walk over what the active memtable has
//! of the keyspaces that the commit writes to and that others changed since the last look, and for one sync of the log.

mod check;

use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::sync::MutexGuard;
use drystone_base::sync::atomic::{AtomicBool, Ordering};
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Changes, EngineError, StageId, Staging};
use drystone_wal::Log;

use self::check::{Basis, Checked};
use crate::commit_record;
use crate::error::StoreError;
use crate::known_keyspaces::KnownKeyspaces;
use crate::layers::Layers as Shown;
use crate::link::{Link, StagedCommit};
use crate::load_guards::LoadGuards;
use crate::merge::Merges;
use crate::options::Durability;
use crate::shared::{Head, Shared, log_error};
use crate::spill::{LayerChanges, Layers, Span};
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

/// How often a load is staged while others commit. If they changed its keys each time, they wait for it from then on.
const BLIND_ATTEMPTS: usize = 3;

/// Changes that know, once they are all read, between which keys they were.
pub(crate) trait SpannedChanges: Changes {
    fn span(&self) -> Option<Span>;
}

/// A load's turn, as long as it lives: whoever begins to commit meanwhile waits for the merge latch first. Taken, and
/// dropped, under that latch.
struct Turn<'a>(&'a AtomicBool);

impl Turn<'_> {
    fn take(turn: &AtomicBool) -> Turn<'_> {
        turn.store(true, Ordering::Release);
        Turn(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// While it lives, commits know that memtables are not merged.
struct StagingNote<'a>(&'a AtomicBool);

impl<'a> StagingNote<'a> {
    fn new(is_staging: &'a AtomicBool) -> StagingNote<'a> {
        is_staging.store(true, Ordering::Relaxed);
        StagingNote(is_staging)
    }
}

impl Drop for StagingNote<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Shared {
    /// All that a transaction wrote, as layers.
    pub(crate) fn spilled_layers(&self, writes: &mut WriteSet) -> Result<Layers, StoreError> {
        let folder = self.spill_folder().ok_or(StoreError::Closed)?;
        writes.take_layers(folder)
    }

    /// Commits what a transaction spilled. Durable when this returns.
    pub(crate) fn commit_staged(
        &self,
        layers: Layers,
        transaction: &Transaction,
    ) -> Result<Lsn, StoreError> {
        self.check_open()?;
        let mut merges = self.merges.lock();
        // Before the merges: what is committed while they run is in no base, and must be found.
        let (view, link) = (transaction.view().clone(), Arc::clone(transaction.link()));
        self.merge_all(&mut merges)?;
        let basis = Basis {
            seen: view.lsn(),
            view,
            link,
            writes: transaction.writes(),
        };
        self.stage_layers(&mut merges, &basis, &Arc::new(layers))
    }

    /// Commits changes that were made without reading anything, which give way to nobody: where another changed a key
    /// meanwhile, they are made again after it. Durable when this returns.
    pub(crate) fn commit_load(
        &self,
        layers: Layers,
        guards: &LoadGuards,
    ) -> Result<Lsn, StoreError> {
        self.check_open()?;
        let layers = Arc::new(layers);
        for _ in 0..BLIND_ATTEMPTS {
            let staged = self.try_commit_load(&mut self.merges.lock(), &layers, guards)?;
            if let Some(lsn) = staged {
                return Ok(lsn);
            }
        }
        let mut merges = self.merges.lock();
        let _turn = Turn::take(&self.load_turn);
        loop {
            // Each conflict is with a commit that was under way when the turn began, and so there are few.
            if let Some(lsn) = self.try_commit_load(&mut merges, &layers, guards)? {
                return Ok(lsn);
            }
        }
    }

    /// One try. `None`: another changed a key of it meanwhile.
    fn try_commit_load(
        &self,
        merges: &mut Merges,
        layers: &Arc<Layers>,
        guards: &LoadGuards,
    ) -> Result<Option<Lsn>, StoreError> {
        let basis = self.blind_basis(merges, guards.writes())?;
        guards.check(&*self.engine.snapshot())?;
        self.check_all_exist(layers)?;
        match self.stage_layers(merges, &basis, layers) {
            Err(StoreError::Conflict { .. }) => Ok(None),
            staged => staged.map(Some),
        }
    }

    /// Commits changes of one keyspace that come in order and are read once, so that they cannot be made again. Durable
    /// when this returns.
    pub(crate) fn commit_in_order(
        &self,
        keyspace: KeyspaceId,
        changes: &mut dyn SpannedChanges,
    ) -> Result<Lsn, StoreError> {
        self.check_open()?;
        let mut merges = self.merges.lock();
        let nothing = WriteSet::default();
        let basis = self.blind_basis(&mut merges, &nothing)?;
        self.check_exists(keyspace)?;
        self.check_follows_none(keyspace)?;
        let staging = self.engine.staging().ok_or(StoreError::Closed)?;
        // Held throughout, so that nobody closes the log before the stage has its record.
        let log = self.log()?;
        let stage = {
            let _note = StagingNote::new(&self.is_staging);
            staging.stage(changes)?
        };
        merges.stage = Some(Fate::Discard(stage));
        let layers = Arc::new(Layers {
            span: changes.span(),
            ..Layers::default()
        });
        let made = (stage, Checked::nothing(&basis));
        self.adopt_and_settle(&log, &mut merges, &basis, &layers, made)
    }

    /// Merges all that was committed so far: what it is then is what changes without a view are made upon.
    fn blind_basis<'w>(
        &self,
        merges: &mut Merges,
        writes: &'w WriteSet,
    ) -> Result<Basis<'w>, StoreError> {
        // Before the merges: what is committed while they run is in no base, and must be found.
        let (view, link) = self.newest_link();
        self.merge_all(merges)?;
        Ok(Basis {
            seen: view.lsn().max(self.engine.merged_lsn()),
            view,
            link,
            writes,
        })
    }

    fn stage_layers(
        &self,
        merges: &mut Merges,
        basis: &Basis<'_>,
        layers: &Arc<Layers>,
    ) -> Result<Lsn, StoreError> {
        let log = self.log()?;
        self.check_not_derived(layers)?;
        let staging = self.engine.staging().ok_or(StoreError::Closed)?;
        let checked = self.check_claims(&log, basis, layers, Checked::nothing(basis))?;
        let _note = StagingNote::new(&self.is_staging);
        let read_bytes = self.options.spill_bytes.min(READ_BYTES_MAX);
        let mut changes = LayerChanges::new(layers, read_bytes)?.onto(self.engine.snapshot());
        let staged = staging.stage(&mut changes);
        let stage = staged.map_err(|error| changes.take_failure().unwrap_or(error.into()))?;
        drop(changes);
        merges.stage = Some(Fate::Discard(stage));
        if is_planted("mvcc-adopted-before-record") {
            staging.adopt(stage)?;
        }
        self.adopt_and_settle(&log, merges, basis, layers, (stage, checked))
    }

    fn adopt_and_settle(
        &self,
        log: &Log,
        merges: &mut Merges,
        basis: &Basis<'_>,
        layers: &Arc<Layers>,
        made: (StageId, Checked),
    ) -> Result<Lsn, StoreError> {
        let committed = self.adopt(log, merges, basis, layers, made);
        // It stays to be settled, and says so when it must: the commit is what it is by now.
        let _later = self.settle_stage(merges);
        committed
    }

    /// Makes sure that the keyspaces of changes made without a view are still there. One that is dropped later conflicts.
    fn check_all_exist(&self, layers: &Layers) -> Result<(), StoreError> {
        let mut written = layers.keyspaces().into_iter();
        written.try_for_each(|id| self.check_exists(id))
    }

    /// Merges all that was committed by now, and settles what an earlier commit has left.
    ///
    /// # Errors
    /// As a merge. A store that was closed while the merge latch was awaited: its files may be another's by now.
    fn merge_all(&self, merges: &mut Merges) -> Result<(), StoreError> {
        self.check_open()?;
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
        written.try_for_each(|id| self.check_follows_none(*id))
    }

    fn check_follows_none(&self, keyspace: KeyspaceId) -> Result<(), StoreError> {
        match self.is_derived(keyspace) {
            false => Ok(()),
            true => Err(StoreError::NotSpillable {
                keyspace,
                max: self.options.spill_bytes,
            }),
        }
    }

    /// A view that has every staged commit whose record is durable: who writes one has the commit latch from its record
    /// until it is seen (G3).
    pub(crate) fn view_of_staged(&self) -> View {
        drop(self.head.lock());
        self.view()
    }

    /// From a staged state to a commit.
    fn adopt(
        &self,
        log: &Log,
        merges: &mut Merges,
        basis: &Basis<'_>,
        layers: &Arc<Layers>,
        (stage, mut checked): (StageId, Checked),
    ) -> Result<Lsn, StoreError> {
        for _ in 0..ROUNDS {
            checked = self.check_claims(log, basis, layers, checked)?;
        }
        let mut head = self.head.lock();
        self.check_since(log, basis, layers, &checked)?;
        let named = StageId(stage.0 + u64::from(is_planted("mvcc-record-names-no-stage")));
        let record = commit_record::encode_adoption(named);
        let lsn = log.append(&record).map_err(|error| log_error(log, error))?;
        merges.stage = Some(Fate::Unknown(stage));
        if is_planted("mvcc-adopted-seen-early") {
            self.publication.applied(lsn, Durability::Sync);
        }
        log.sync_to(lsn).map_err(|error| log_error(log, error))?;
        merges.stage = Some(Fate::Adopt(stage));
        self.show_staged(&mut head, layers, lsn);
        // Not before: whoever else waited for the log shows all that was applied, and the layers were not there yet.
        if !is_planted("mvcc-adopted-seen-early") {
            self.publication.applied(lsn, Durability::Sync);
        }
        self.publication.durable(log.durable_lsn());
        self.counters.commits.add(1);
        drop(head);
        Ok(lsn)
    }

    /// Publishes layers whose base has the staged changes, of the commit at `lsn`. Under the commit latch.
    fn show_staged(&self, head: &mut MutexGuard<'_, Head>, layers: &Arc<Layers>, lsn: Lsn) {
        let staged = self.engine.staging().and_then(Staging::staged);
        let base = staged.map_or_else(|| self.engine.snapshot(), |(_, base)| base);
        // Until the new layers are there, whoever begins finds the old ones, and must find their link alive.
        let _link = Arc::clone(head.chain.last());
        let commit = Arc::new(StagedCommit {
            lsn,
            layers: Arc::clone(layers),
        });
        let active = Arc::clone(&head.active);
        let bytes_max = self.options.conflict_bytes_max;
        head.chain.add_staged(commit, active, bytes_max);
        let shown = self.layers.load_full();
        self.layers.store(Arc::new(Shown {
            memtables: shown.memtables.clone(),
            base,
            floor: lsn,
            link: Arc::downgrade(head.chain.last()),
            known: KnownKeyspaces::default(),
        }));
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
            Fate::Unknown(stage) => {
                self.log()?.check()?;
                return Err(EngineError::Undecided { stage }.into());
            }
        }
        Ok(())
    }
}
