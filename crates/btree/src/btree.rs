//! BTree: opens the file, merges, hands out snapshots.

use std::io;
use std::path::Path;
use std::sync::Arc;

use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::{ArcSwap, ArcSwapOption, Mutex, MutexGuard};
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{
    Budget, Changes, Engine, EngineError, EngineStats, Limits, MergeJob, Progress, Snapshot,
    Staging, VerifyReport,
};
use drystone_storage_pager::{Codec, CompressError, Pager, Root};

use crate::batch::{SortedEntries, WriteBatch};
use crate::compact::Compactions;
use crate::directory::{self, Fate};
use crate::error::from_pager;
use crate::limits::LIMITS;
use crate::merge::tower::Tower;
use crate::merging::{BTreeMerge, Merging};
use crate::options::{BTreeOptions, MAX_PAGE_BYTES, MIN_PAGE_BYTES};
use crate::pages::Pages;
use crate::payload::{self, Payload, Refused, Stages};
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
        let state = state.with_stages(payload.stages);
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
        let newest = self.newest();
        let old = newest.state();
        old.check_decided()?;
        let known = old.keyspace(keyspace).map(|keyspace| keyspace.tree());
        if known.is_none_or(|tree| tree.codec != codec) {
            let root = known.and_then(|tree| tree.root);
            let fates = [(keyspace, Fate::Tree(Tree { codec, root }))];
            let writer = self.pages.pager().begin().map_err(from_pager)?;
            let tower = Tower::new(Arc::clone(&self.pages), writer);
            self.commit(tower, old, old.directory(), &fates, old.root().lsn)?;
        }
        drop(merging);
        Ok(())
    }

    /// Merges as the state after the newest one, for the one who holds `writing`.
    pub(crate) fn merge_next(&self, changes: &mut dyn Changes) -> Result<Lsn, EngineError> {
        let merging = self.merging.lock();
        let upto = self.merged_lsn().next();
        self.merge_whole(changes, upto)?;
        drop(merging);
        Ok(upto)
    }

    /// Merges, as the one who holds `merging`.
    fn merge_whole(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError> {
        let mut merging = self.begin_merging(changes, upto)?;
        merging.fold(changes, Budget { bytes: u64::MAX })?;
        self.commit_merge(merging)
    }

    /// Begins a merge, whose commit is [`BTree::commit_merge`]. No other can begin while it lives.
    pub(crate) fn begin_merging(
        &self,
        changes: &mut dyn Changes,
        upto: Lsn,
    ) -> Result<Merging, EngineError> {
        let writer = self.pages.pager().begin().map_err(from_pager)?;
        // After the writer was had, or another merge might end in between.
        let newest = self.newest();
        newest.state().check_decided()?;
        let merged = newest.state().root().lsn;
        if upto <= merged {
            return Err(EngineError::Stale { upto, merged });
        }
        Merging::new(newest, writer, self.codec, changes, upto)
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
        let payload = self.payload(directory, old.stages());
        let committed = tower.into_writer().commit(&payload.encode(), upto);
        committed.map_err(from_pager)?;
        let keyspaces = old.keyspaces().with_fates(fates, &self.budget);
        let root = self.pages.pager().root();
        let state = State::new(root, Arc::clone(&self.pages), directory, keyspaces);
        self.publish(state.with_stages(old.stages()));
        Ok(())
    }

    pub(crate) fn payload(&self, directory: Option<TreeRoot>, stages: Stages) -> Payload {
        Payload {
            page_bytes: self.page_bytes,
            directory,
            stages,
        }
    }

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
        if self.pages.pager().trim().map_err(from_pager)? {
            self.show_root();
        }
        Ok(())
    }

    /// Publishes the state that is shown already under the pager's newest root.
    fn show_root(&self) {
        let state = self.newest().state().with_root(self.pages.pager().root());
        self.newest.store(Arc::new(BTreeSnapshot::new(state)));
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

/// What a crash, or a failed decision, has left undecided.
fn open_staged(
    state: &State,
    budget: &Arc<PinBudget>,
) -> Result<Option<Arc<BTreeSnapshot>>, EngineError> {
    let stages = state.stages();
    let Some(staged) = stages.staged else {
        return Ok(None);
    };
    let keyspaces = directory::read_directory(state.pages(), staged.directory.as_ref(), budget)?;
    let root = Arc::clone(state.root());
    let staged = State::new(root, state.shared_pages(), staged.directory, keyspaces);
    Ok(Some(Arc::new(BTreeSnapshot::new(
        staged.with_stages(stages),
    ))))
}

impl Engine for BTree {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.newest()
    }

    fn merge(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError> {
        let merging = self.merging.lock();
        let merged = self.merge_whole(changes, upto);
        drop(merging);
        merged
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

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn merged_lsn(&self) -> Lsn {
        self.newest.load().state().root().lsn
    }

    /// Gives the free end of the file back, when it is long. Costs a commit, whatever the budget.
    fn step(&self, _budget: Budget) -> Result<Progress, EngineError> {
        let merging = self.merging.lock();
        if !self.pages.pager().step().map_err(from_pager)? {
            return Ok(Progress::Idle);
        }
        self.show_root();
        drop(merging);
        Ok(Progress::More)
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

fn check_page_bytes(dir: &Path, page_bytes: u32) -> Result<(), EngineError> {
    if (MIN_PAGE_BYTES..=MAX_PAGE_BYTES).contains(&page_bytes) {
        return Ok(());
    }
    let why =
        format!("page_bytes is {page_bytes}; {MIN_PAGE_BYTES} to {MAX_PAGE_BYTES} are allowed");
    Err(EngineError::Io {
        op: "open",
        path: dir.to_owned(),
        offset: 0,
        source: io::Error::new(io::ErrorKind::InvalidInput, why),
    })
}

fn check_codec(path: &Path, codec: Codec) -> Result<(), EngineError> {
    let kind = |why: &CompressError| match why {
        CompressError::NotBuilt(_) => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::InvalidInput,
    };
    codec.check().map_err(|why| EngineError::Io {
        op: "open",
        path: path.to_owned(),
        offset: 0,
        source: io::Error::new(kind(&why), why),
    })
}

/// The root payload; for a new tree, what it begins with.
fn read_payload(pager: &Pager, root: &Root, page_bytes: u32) -> Result<Payload, EngineError> {
    if root.payload.is_empty() {
        return Ok(Payload {
            page_bytes,
            directory: None,
            stages: Stages::default(),
        });
    }
    Payload::decode(&root.payload).map_err(|refused| match refused {
        Refused::Version(found) => EngineError::UnsupportedVersion {
            path: pager.path().to_owned(),
            found,
            supported: payload::VERSION,
        },
        Refused::Malformed(why) => EngineError::Corrupt {
            path: pager.path().to_owned(),
            offset: 0,
            why,
        },
    })
}
