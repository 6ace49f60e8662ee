//! BTree: opens the file, merges, hands out snapshots.
//!
//! # Invariants
//! - B1. Who builds upon the newest state, or publishes another, has the pager's writer from before it reads that state
//!   until after it has published the next. So nobody builds on a state that is not the newest any more: a merge in slices
//!   takes no latch here, and may end at any time between others' calls.

use std::path::Path;
use std::sync::Arc;

use drystone_base::planted::is_planted;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::{ArcSwap, ArcSwapOption, Mutex, MutexGuard};
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{
    Budget, Changes, Engine, EngineError, EngineStats, Limits, MergeJob, Progress, Snapshot,
    SortedEntries, Staging, VerifyReport, WriteBatch,
};
use drystone_storage_pager::{Codec, Pager, Root, Writer};

use crate::compact::Compactions;
use crate::directory::{self, Fate};
use crate::error::from_pager;
use crate::limits::LIMITS;
use crate::merge::tower::Tower;
use crate::merging::{BTreeMerge, Merging, Prepared};
use crate::opening::{check_codec, check_page_bytes, open_staged, read_payload};
use crate::options::BTreeOptions;
use crate::pages::Pages;
use crate::payload::{Payload, Stages};
use crate::pin::PinBudget;
use crate::snapshot::{BTreeSnapshot, State};
use crate::tree::{Tree, TreeRoot};
use crate::verify;
use crate::write_transaction::WriteTransaction;

/// A copy-on-write B+tree for each keyspace, all in one file.
///
/// Threads: share it by reference. Merges and steps wait for each other; reads wait for nothing.
#[derive(Debug)]
pub struct BTree {
    pages: Arc<Pages>,
    page_bytes: u32,
    /// Of keyspaces that begin.
    codec: Codec,
    budget: Arc<PinBudget>,
    newest: ArcSwap<BTreeSnapshot>,
    /// The state that waits to be adopted or discarded. Changed under `merging`.
    staged: ArcSwapOption<BTreeSnapshot>,
    /// Latch: held by the one merge or step at a time, across its I/O. Readers do not take it, nor does a merge in slices:
    /// it has the pager's writer, and there is one.
    merging: Mutex<()>,
    /// Latch: taken under `merging`, by whoever compacts.
    compactions: Mutex<Compactions>,
    /// Latch: held by the one write transaction, batch or load at a time, from its beginning to its end.
    writing: Mutex<()>,
    merges: AtomicU64,
    moved_bytes: AtomicU64,
}

impl BTree {
    /// Opens the tree in the folder `dir`, or creates it. Reads the directory of keyspaces, and nothing else.
    ///
    /// # Errors
    /// Failed I/O, damage, a file of a newer version. [`EngineError::Io`] of kind `InvalidInput` for a `page_bytes`
    /// outside its limits or a codec at a level that it lacks, of kind `Unsupported` for a codec that this build lacks.
    pub fn open(env: &Env, dir: &Path, options: BTreeOptions) -> Result<BTree, EngineError> {
        check_page_bytes(dir, options.page_bytes)?;
        check_codec(dir, options.codec)?;
        let pager = Pager::open(env, dir, options.pager).map_err(from_pager)?;
        let root = pager.root();
        let payload = read_payload(&pager, &root, options.page_bytes)?;
        let pages = Arc::new(Pages::new(pager, payload.page_bytes as usize));
        let budget = PinBudget::new(options.pinned_bytes_max);
        let directory = payload.directory;
        let keyspaces = directory::read_directory(&pages, directory.as_ref(), &budget)?;
        let state = State::new(root, Arc::clone(&pages), directory, keyspaces);
        let state = state
            .with_stages(payload.stages)
            .with_pieces(payload.has_pieces);
        let staged = open_staged(&state, &budget)?;
        Ok(BTree {
            pages,
            page_bytes: payload.page_bytes,
            codec: options.codec,
            budget,
            newest: ArcSwap::from_pointee(BTreeSnapshot::new(state)),
            staged: ArcSwapOption::new(staged),
            merging: Mutex::new(()),
            compactions: Mutex::default(),
            writing: Mutex::new(()),
            merges: AtomicU64::new(0),
            moved_bytes: AtomicU64::new(0),
        })
    }

    /// The newest durable state, as [`Engine::snapshot`] gives it, with what this engine offers beyond that.
    #[must_use]
    pub fn newest(&self) -> Arc<BTreeSnapshot> {
        self.newest.load_full()
    }

    /// Begins the write transaction, once the one before has ended: there is one at a time. For trees used alone.
    ///
    /// A thread that has one must not begin another, nor write in any other way: it would wait for itself.
    pub fn begin_write(&self) -> WriteTransaction<'_> {
        WriteTransaction::new(self, self.writing.lock())
    }

    /// Merges a batch, durably, as the state after the newest one; returns that state's number. Waits for the write
    /// transaction to end. For trees used alone.
    ///
    /// # Errors
    /// As [`Engine::merge`].
    pub fn write_batch(&self, batch: &WriteBatch) -> Result<Lsn, EngineError> {
        let _writing = self.writing.lock();
        self.merge_next(&mut batch.changes())
    }

    /// Merges entries of one keyspace that come strictly ascending, durably, as the state after the newest one; returns
    /// that state's number. Into an empty keyspace, or behind all it has, they make full pages. Memory does not grow
    /// with their number. Waits for the write transaction to end.
    ///
    /// # Errors
    /// [`EngineError::Unsorted`]; otherwise as [`Engine::merge`]. Nothing was merged.
    pub fn load_sorted<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        keyspace: KeyspaceId,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Lsn, EngineError> {
        let _writing = self.writing.lock();
        self.merge_next(&mut SortedEntries::new(keyspace, entries.into_iter()))
    }

    /// Changes how pages of a keyspace are compressed when they are written, durably, as part of the newest state. Those
    /// that it has stay as they are until a merge replaces them. A keyspace that is not there begins, empty.
    ///
    /// # Errors
    /// As [`BTree::open`] for the codec, with nothing done; otherwise as [`Engine::merge`].
    pub fn set_codec(&self, keyspace: KeyspaceId, codec: Codec) -> Result<(), EngineError> {
        check_codec(self.pages.pager().path(), codec)?;
        let merging = self.merging.lock();
        let older = is_planted("btree-builds-on-older-state").then(|| self.newest());
        let writer = self.begin_writer()?;
        let newest = older.unwrap_or_else(|| self.newest());
        let old = newest.state();
        old.check_decided()?;
        let known = old.keyspace(keyspace).map(|keyspace| keyspace.tree());
        if known.is_none_or(|tree| tree.codec != codec) {
            let root = known.and_then(|tree| tree.root);
            let fates = [(keyspace, Fate::Tree(Tree { codec, root }))];
            let tower = Tower::new(Arc::clone(&self.pages), writer);
            self.commit(tower, old, old.directory(), &fates, old.root().lsn)?;
        }
        drop(merging);
        Ok(())
    }

    /// Merges as the state after the newest one, for the one who holds `writing`.
    pub(crate) fn merge_next(&self, changes: &mut dyn Changes) -> Result<Lsn, EngineError> {
        self.merge_prepared(changes, None)
    }

    /// As [`BTree::merge_next`], with a writer that has written some of the values.
    pub(crate) fn merge_prepared(
        &self,
        changes: &mut dyn Changes,
        prepared: Option<Prepared>,
    ) -> Result<Lsn, EngineError> {
        let merging = self.merging.lock();
        let upto = self.merge_whole(changes, None, prepared)?;
        drop(merging);
        Ok(upto)
    }

    /// Merges, as the one who holds `merging`: as state `upto`, or the one after the newest. Returns which.
    fn merge_whole(
        &self,
        changes: &mut dyn Changes,
        upto: Option<Lsn>,
        prepared: Option<Prepared>,
    ) -> Result<Lsn, EngineError> {
        let mut merging = self.begin_merging(changes, upto, prepared)?;
        let upto = merging.upto();
        merging.fold(changes, Budget { bytes: u64::MAX })?;
        self.commit_merge(merging)?;
        Ok(upto)
    }

    /// The pager's writer: with it at hand, the newest state stays the newest (B1).
    pub(crate) fn begin_writer(&self) -> Result<Writer, EngineError> {
        self.pages.pager().begin().map_err(from_pager)
    }

    /// Begins a merge, as [`BTree::merge_whole`] does, whose commit is [`BTree::commit_merge`]. No other can begin while it
    /// lives.
    pub(crate) fn begin_merging(
        &self,
        changes: &mut dyn Changes,
        upto: Option<Lsn>,
        prepared: Option<Prepared>,
    ) -> Result<Merging, EngineError> {
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => self.begin_writer()?.into(),
        };
        let newest = self.newest();
        newest.state().check_decided()?;
        let merged = newest.state().root().lsn;
        let upto = upto.unwrap_or(merged.next());
        if upto <= merged {
            return Err(EngineError::Stale { upto, merged });
        }
        Merging::new(newest, prepared, self.codec, changes, upto)
    }

    /// Makes what a merge has folded durable, and publishes it.
    pub(crate) fn commit_merge(&self, merging: Merging) -> Result<(), EngineError> {
        let folded = merging.finish();
        let old = folded.old.state();
        let (directory, upto) = (old.directory(), folded.upto);
        self.commit(folded.tower, old, directory, &folded.fates, upto)?;
        self.merges.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the state after `old` durable, in which keyspaces have these fates, and publishes it. `directory` is the old
    /// one, or the same in other pages.
    pub(crate) fn commit(
        &self,
        mut tower: Tower,
        old: &State,
        directory: Option<TreeRoot>,
        fates: &[(KeyspaceId, Fate)],
        upto: Lsn,
    ) -> Result<(), EngineError> {
        let directory = directory::merge_directory(&mut tower, directory, fates)?;
        let has_pieces = old.has_pieces() || tower.has_pieces();
        let payload = self.payload(directory, old.stages(), has_pieces);
        let mut publish = |root: &Arc<Root>| {
            let (root, pages) = (Arc::clone(root), Arc::clone(&self.pages));
            let keyspaces = old.keyspaces().with_fates(fates, &self.budget);
            let state = State::new(root, pages, directory, keyspaces);
            self.publish(state.with_stages(old.stages()).with_pieces(has_pieces));
        };
        let writer = tower.into_writer();
        let committed = writer.commit_with(&payload.encode(), upto, &mut publish);
        committed.map_err(from_pager)
    }

    pub(crate) fn payload(
        &self,
        directory: Option<TreeRoot>,
        stages: Stages,
        has_pieces: bool,
    ) -> Payload {
        Payload {
            page_bytes: self.page_bytes,
            directory,
            stages,
            has_pieces,
        }
    }

    /// Shows a state to readers. By who has the writer (B1).
    pub(crate) fn publish(&self, state: State) {
        self.newest.store(Arc::new(BTreeSnapshot::new(state)));
    }

    pub(crate) fn staged_state(&self) -> Option<Arc<BTreeSnapshot>> {
        self.staged.load_full()
    }

    pub(crate) fn set_staged(&self, staged: Option<Arc<BTreeSnapshot>>) {
        self.staged.store(staged);
    }

    /// The latch of merges and steps.
    pub(crate) fn merging(&self) -> MutexGuard<'_, ()> {
        self.merging.lock()
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Gives the free end of the file back, all of it.
    pub(crate) fn trim(&self) -> Result<(), EngineError> {
        let trimmed = self
            .pages
            .pager()
            .trim_with(&mut |root| self.show_root(root));
        trimmed.map(drop).map_err(from_pager)
    }

    /// Publishes the state that is shown already under the pager's newest root. By who has the writer (B1).
    fn show_root(&self, root: &Arc<Root>) {
        self.publish(self.newest().state().with_root(Arc::clone(root)));
    }

    /// Notes what compaction has read and written.
    pub(crate) fn count_moved(&self, bytes: u64) {
        self.moved_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    pub(crate) fn budget(&self) -> &Arc<PinBudget> {
        &self.budget
    }
}

impl Engine for BTree {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.newest()
    }

    fn merge(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError> {
        let merging = self.merging.lock();
        let merged = self.merge_whole(changes, Some(upto), None);
        drop(merging);
        merged.map(drop)
    }

    fn begin_merge(
        self: Arc<Self>,
        changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> Result<Box<dyn MergeJob>, EngineError> {
        Ok(Box::new(BTreeMerge::new(self, changes, upto)?))
    }

    fn staging(&self) -> Option<&dyn Staging> {
        Some(self)
    }

    fn set_codec(&self, keyspace: KeyspaceId, codec: Codec) -> Result<(), EngineError> {
        BTree::set_codec(self, keyspace, codec)
    }

    fn check_codec(&self, codec: Codec) -> Result<(), EngineError> {
        check_codec(self.pages.pager().path(), codec)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn merged_lsn(&self) -> Lsn {
        self.newest.load().state().root().lsn
    }

    /// Gives the free end of the file back, when it is long. Costs a commit, whatever the budget.
    fn step(&self, _budget: Budget) -> Result<Progress, EngineError> {
        let merging = self.merging.lock();
        let pager = self.pages.pager();
        let stepped = pager.step_with(&mut |root| self.show_root(root));
        drop(merging);
        Ok(match stepped.map_err(from_pager)? {
            true => Progress::More,
            false => Progress::Idle,
        })
    }

    /// Fills leaves up, and moves pages to the front of the file, whose end is cut off.
    fn compact(&self, budget: Budget) -> Result<Progress, EngineError> {
        let merging = self.merging.lock();
        let compacted = self.compactions.lock().compact(self, budget);
        drop(merging);
        compacted
    }

    /// Moves pages to the front of the file, where a quarter of it is free.
    fn reclaim(&self, budget: Budget) -> Result<Progress, EngineError> {
        let merging = self.merging.lock();
        let merges = self.merges.load(Ordering::Relaxed);
        let reclaimed = self.compactions.lock().reclaim(self, merges, budget);
        drop(merging);
        reclaimed
    }

    fn verify(&self) -> Result<VerifyReport, EngineError> {
        verify::verify(&self.newest())
    }

    fn stats(&self) -> EngineStats {
        let pager = self.pages.pager().stats();
        EngineStats {
            kind: "btree",
            file_bytes: pager.file_bytes,
            free_bytes: pager.free_bytes,
            pinned_bytes: pager.pinned_bytes,
            moved_bytes: self.moved_bytes.load(Ordering::Relaxed),
            cache_bytes: pager.cache_bytes + self.budget.bytes(),
            cache_bytes_max: pager.cache_bytes_max + self.budget.bytes_max(),
            cache_hits: pager.cache_hits,
            cache_misses: pager.cache_misses,
            merges: self.merges.load(Ordering::Relaxed),
            written_bytes: pager.written_bytes,
        }
    }
}
