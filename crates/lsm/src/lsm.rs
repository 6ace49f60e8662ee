//! Lsm: opens the folder, merges, compacts, hands out snapshots.
//!
//! # Invariants
//! - L1. Who makes the next state holds `work` from before it reads the newest one until it has published the next.
//! - L2. The file of an SST goes when no state that anybody holds has it: when what is `retired` is its last holder.

use std::path::Path;
use std::sync::Arc;

use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::{ArcSwap, Mutex, MutexGuard};
use drystone_base::{Env, KeyspaceId, Lsn, Malformed};
use drystone_compress::Codec;
use drystone_engine::{
    Budget, Changes, Engine, EngineError, EngineStats, Limits, MergeJob, Progress, Snapshot,
    SortedEntries, Staging, VerifyReport, WriteBatch,
};
use drystone_storage_pager::PageCache;

use crate::compaction::Compaction;
use crate::compaction::plan::{Plan, plan_due, plan_full};
use crate::error::{corrupt, io_error};
use crate::key;
use crate::limits::LIMITS;
use crate::manifest::edit::Edit;
use crate::manifest::reader::NUMBER_END;
use crate::manifest::{Manifest, opening};
use crate::merging::{LsmMerge, Merging};
use crate::options::{LsmOptions, check_codec};
use crate::placing::place;
use crate::run::Run;
use crate::snapshot::LsmSnapshot;
use crate::sst::Sst;
use crate::sst::run_writer::{Numbers, RunWriter};
use crate::sst::writer::Shape;
use crate::store::Store;
use crate::verify;
use crate::version::Version;

/// Slices of compaction by a merge that is not sliced itself.
const KEEP_UP: Budget = Budget { bytes: 4 << 20 };

/// A log-structured merge tree: a sorted map for each keyspace, kept as runs of sorted files.
///
/// Threads: share it by reference. Merges and steps wait for each other; reads wait for nothing.
#[derive(Debug)]
pub struct Lsm {
    store: Arc<Store>,
    options: LsmOptions,
    numbers: Arc<Numbers>,
    newest: ArcSwap<LsmSnapshot>,
    /// Latch: held by the one merge's end, step or decision at a time, across its I/O. Readers do not take it.
    work: Mutex<Work>,
    /// Latch: held by the one batch or load at a time, from its beginning to its end.
    writing: Mutex<()>,
    merges: AtomicU64,
    pub(crate) moved_bytes: AtomicU64,
    manifest_bytes: AtomicU64,
    retired_bytes: AtomicU64,
}

/// What makes states.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) manifest: Manifest,
    compaction: Option<Compaction>,
    /// SSTs that the newest state does without.
    pub(crate) retired: Vec<Arc<Sst>>,
    /// How many merges there had been when space was last reclaimed, to the end.
    reclaimed_at: Option<u64>,
}

impl Lsm {
    /// Opens the engine in the folder `dir`, or creates it. Reads the manifest, and no SST. Files that a crash left and that
    /// no state has are removed.
    ///
    /// # Errors
    /// Failed I/O, damage, files of a newer version. [`EngineError::Io`] of kind `InvalidInput` for options out of bounds,
    /// `Unsupported` for a codec that this build lacks.
    pub fn open(env: &Env, dir: &Path, options: LsmOptions) -> Result<Lsm, EngineError> {
        options.check(dir)?;
        let made = env.files.create_dir_durable(dir);
        made.map_err(|source| io_error("create", dir, 0, source))?;
        let cache = PageCache::new(options.cache_bytes, options.cache_policy);
        let store = Arc::new(Store::new(env, dir, cache));
        let names = env.files.list_dir(dir);
        let names = names.map_err(|source| io_error("list", dir, 0, source))?;
        let found = opening::find(&store, &names)?;
        let mut version = Version::default();
        for edit in &found.edits {
            let next = version.apply(edit, &store);
            version = next.map_err(|why| corrupt(dir, 0, why))?;
        }
        let manifest = found.open(&store, &version.full_edit(), options.manifest_bytes)?;
        remove_strangers(&store, &names, &version)?;
        Ok(Lsm {
            store,
            options,
            numbers: Arc::new(Numbers::new(version.next_number.max(1))),
            newest: ArcSwap::from_pointee(LsmSnapshot::new(version)),
            manifest_bytes: AtomicU64::new(manifest.bytes()),
            work: Mutex::new(Work {
                manifest,
                compaction: None,
                retired: Vec::new(),
                reclaimed_at: None,
            }),
            writing: Mutex::new(()),
            merges: AtomicU64::new(0),
            moved_bytes: AtomicU64::new(0),
            retired_bytes: AtomicU64::new(0),
        })
    }

    /// The newest durable state, as [`Engine::snapshot`] gives it, with what this engine offers beyond that.
    #[must_use]
    pub fn newest(&self) -> Arc<LsmSnapshot> {
        self.newest.load_full()
    }

    /// Merges a batch, durably, as the state after the newest one; returns that state's number. For engines used alone.
    ///
    /// # Errors
    /// As [`Engine::merge`].
    pub fn write_batch(&self, batch: &WriteBatch) -> Result<Lsn, EngineError> {
        let _writing = self.writing.lock();
        self.merge_whole(&mut batch.changes(), None)
    }

    /// Merges entries of one keyspace that come strictly ascending, durably, as the state after the newest one; returns
    /// that state's number. What lies apart from all that is there is written once, to the bottom. Memory does not grow with
    /// their number.
    ///
    /// # Errors
    /// [`EngineError::Unsorted`]; otherwise as [`Engine::merge`]. Nothing was merged.
    pub fn load_sorted<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        keyspace: KeyspaceId,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Lsn, EngineError> {
        let _writing = self.writing.lock();
        self.merge_whole(&mut SortedEntries::new(keyspace, entries.into_iter()), None)
    }

    fn merge_whole(
        &self,
        changes: &mut dyn Changes,
        upto: Option<Lsn>,
    ) -> Result<Lsn, EngineError> {
        while self.keep_up(KEEP_UP)? {}
        let mut merging = self.begin_merging(changes, upto)?;
        let upto = merging.upto;
        merging.fold(changes, Budget { bytes: u64::MAX })?;
        self.commit_merge(merging)?;
        Ok(upto)
    }

    /// Begins a merge, as state `upto` or the one after the newest.
    pub(crate) fn begin_merging(
        &self,
        changes: &dyn Changes,
        upto: Option<Lsn>,
    ) -> Result<Merging, EngineError> {
        // What is written for nothing would be written again by each attempt.
        self.work.lock().manifest.check_sound()?;
        let newest = self.newest();
        let base = newest.version();
        base.check_decided()?;
        let upto = upto.unwrap_or(base.lsn.next());
        self.check_newer(upto, base.lsn)?;
        Ok(Merging::new(
            Arc::clone(base),
            self.run_writer(0),
            &self.options,
            changes,
            upto,
        ))
    }

    /// Makes what a merge has written durable, and publishes it. Refused as busy where another merge, or the decision of a
    /// stage, came between.
    pub(crate) fn commit_merge(&self, merging: Merging) -> Result<(), EngineError> {
        let mut work = self.work.lock();
        let newest = self.newest();
        let base = newest.version();
        base.check_decided()?;
        let upto = merging.upto;
        self.check_newer(upto, base.lsn)?;
        if !merging.builds_on(base) {
            let source = std::io::ErrorKind::ResourceBusy.into();
            return Err(io_error("merge into", self.store.dir(), 0, source));
        }
        work.manifest.check_sound()?;
        let folded = merging.finish(base);
        let mut ssts = folded.output.finish()?;
        let run = base.next_run;
        for meta in &mut ssts {
            meta.level = place(base, work.compaction.as_ref(), meta);
            meta.run = if meta.level == 0 { run } else { 0 };
        }
        let edit = Edit {
            lsn: upto,
            next_run: run + 1,
            add: ssts,
            begin: folded.begun.into_iter().map(|id| (id, None)).collect(),
            dropped: folded.dropped.clone(),
            ..base.edit()
        };
        self.drop_keyspaces(&mut work, &folded.dropped, edit)?;
        self.merges.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Commits an edit that drops keyspaces: SSTs that hold nothing else go with it.
    pub(crate) fn drop_keyspaces(
        &self,
        work: &mut Work,
        dropped: &[KeyspaceId],
        mut edit: Edit,
    ) -> Result<(), EngineError> {
        let newest = self.newest();
        if !dropped.is_empty() {
            let holds_only_dropped = |sst: &&Arc<Sst>| {
                let first = key::keyspace_of(&sst.meta.smallest);
                first == key::keyspace_of(&sst.meta.largest)
                    && first.is_some_and(|id| dropped.contains(&id))
            };
            let gone = newest.version().ssts().filter(holds_only_dropped);
            edit.remove.extend(gone.map(|sst| sst.meta.number));
            let is_read = |compaction: &Compaction| compaction.reads_any(&edit.remove);
            if work.compaction.as_ref().is_some_and(is_read) {
                work.compaction = None;
            }
        }
        self.commit(work, edit)
    }

    /// Makes an edit of the newest state durable, and publishes what comes of it.
    pub(crate) fn commit(&self, work: &mut Work, mut edit: Edit) -> Result<(), EngineError> {
        edit.next_number = self.numbers.load(Ordering::Relaxed);
        let newest = self.newest();
        let old = newest.version();
        let wrong = |why: Malformed| corrupt(self.store.dir(), 0, why);
        let mut next = old.apply(&edit, &self.store).map_err(wrong)?;
        edit.forgotten = next.forgettable();
        if !edit.forgotten.is_empty() {
            next = old.apply(&edit, &self.store).map_err(wrong)?;
        }
        work.manifest.append(&edit, || next.full_edit())?;
        self.manifest_bytes
            .store(work.manifest.bytes(), Ordering::Relaxed);
        let gone = old
            .ssts()
            .filter(|sst| edit.remove.contains(&sst.meta.number));
        work.retired.extend(gone.map(Arc::clone));
        self.newest.store(Arc::new(LsmSnapshot::new(next)));
        Ok(())
    }

    /// Compacts for a slice where level 0 has too many runs; returns whether a merge must wait for more of that. As long as
    /// it need not, a compaction that fails is no concern of the merge: it begins again with the next step, which reports it.
    pub(crate) fn keep_up(&self, budget: Budget) -> Result<bool, EngineError> {
        let runs = || self.newest.load().version().level0.len();
        let slow = self.options.level0_runs_slow;
        if runs() < slow {
            return Ok(false);
        }
        let mut work = self.work.lock();
        let compacted = self.compact_slice(&mut work, budget, |version| {
            plan_due(version, &self.options)
        });
        let must_wait = runs() >= slow.saturating_mul(2);
        match compacted {
            Ok(has_work) => Ok(has_work && must_wait),
            Err(error) if must_wait => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// One slice of the compaction under way, or of one that `plan` begins. Returns whether there was one.
    fn compact_slice(
        &self,
        work: &mut Work,
        budget: Budget,
        plan: impl FnOnce(&Version) -> Option<Plan>,
    ) -> Result<bool, EngineError> {
        work.manifest.check_sound()?;
        let mut compaction = match work.compaction.take() {
            Some(compaction) => compaction,
            None => {
                let newest = self.newest();
                let version = newest.version();
                let Some(plan) = plan(version) else {
                    return Ok(false);
                };
                let output = self.run_writer(plan.output_level);
                Compaction::new(Arc::clone(version), plan, output, &self.options)
            }
        };
        let slice = compaction.step(budget)?;
        self.moved_bytes
            .fetch_add(slice.moved_bytes, Ordering::Relaxed);
        if !slice.add.is_empty() || !slice.remove.is_empty() {
            let edit = Edit {
                add: slice.add,
                remove: slice.remove,
                ..self.newest().version().edit()
            };
            self.commit(work, edit)?;
        }
        if !slice.is_done {
            work.compaction = Some(compaction);
        }
        Ok(true)
    }

    /// Removes files that nobody needs any more. Returns whether there were any; the first error, after all others.
    fn collect(&self, work: &mut Work) -> Result<bool, EngineError> {
        let mut has_removed = false;
        let mut failed = None;
        let mut idx = 0;
        while let Some(sst) = work.retired.get(idx) {
            if Arc::strong_count(sst) > 1 {
                idx += 1;
                continue;
            }
            match self.store.files().remove_file(sst.path()) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    failed.get_or_insert_with(|| io_error("remove", sst.path(), 0, source));
                    idx += 1;
                    continue;
                }
                _ => {}
            }
            has_removed = true;
            work.retired.swap_remove(idx);
        }
        let left = work.retired.iter().map(|sst| sst.meta.file_len);
        let left = left.fold(0, u64::saturating_add);
        self.retired_bytes.store(left, Ordering::Relaxed);
        failed.map_or(Ok(has_removed), Err)
    }

    fn work_step(
        &self,
        budget: Budget,
        plan: impl FnOnce(&Version) -> Option<Plan>,
    ) -> Result<Progress, EngineError> {
        let mut work = self.work.lock();
        // A file that cannot be removed keeps nobody from compacting.
        let removed = self.collect(&mut work);
        let has_compacted = self.compact_slice(&mut work, budget, plan)?;
        let has_removed = removed?;
        Ok(if has_removed || has_compacted {
            Progress::More
        } else {
            Progress::Idle
        })
    }

    fn check_newer(&self, upto: Lsn, merged: Lsn) -> Result<(), EngineError> {
        if upto <= merged {
            return Err(EngineError::Stale { upto, merged });
        }
        if upto.0 >= NUMBER_END {
            let source = std::io::ErrorKind::InvalidInput.into();
            return Err(io_error("merge into", self.store.dir(), 0, source));
        }
        Ok(())
    }

    pub(crate) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock()
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) fn options(&self) -> &LsmOptions {
        &self.options
    }

    pub(crate) fn run_writer(&self, level: usize) -> RunWriter {
        let shape = Shape {
            block_bytes: usize::try_from(self.options.block_bytes).unwrap_or(usize::MAX),
            filter_bits_per_key: self.options.filter_bits_per_key,
        };
        RunWriter::new(
            &self.store,
            &self.numbers,
            shape,
            self.options.sst_bytes,
            level,
        )
    }
}

/// Removes SSTs that no state has: of merges and compactions that a crash cut short, and those that readers had kept.
fn remove_strangers(store: &Store, names: &[String], version: &Version) -> Result<(), EngineError> {
    let staged = version.stage.iter().flat_map(|stage| &stage.ssts);
    let known: std::collections::BTreeSet<u64> = version
        .ssts()
        .chain(staged)
        .map(|sst| sst.meta.number)
        .collect();
    for name in names {
        let number = name
            .strip_suffix(".sst")
            .filter(|number| number.len() == 16);
        let number = number.and_then(|number| u64::from_str_radix(number, 16).ok());
        if let Some(number) = number.filter(|number| !known.contains(number)) {
            let path = store.sst_path(number);
            let removed = store.files().remove_file(&path);
            removed.map_err(|source| io_error("remove", &path, 0, source))?;
        }
    }
    Ok(())
}

impl Engine for Lsm {
    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.newest()
    }

    fn merge(&self, changes: &mut dyn Changes, upto: Lsn) -> Result<(), EngineError> {
        self.merge_whole(changes, Some(upto)).map(drop)
    }

    fn begin_merge(
        self: Arc<Self>,
        changes: Box<dyn Changes + Send>,
        upto: Lsn,
    ) -> Result<Box<dyn MergeJob>, EngineError> {
        Ok(Box::new(LsmMerge::new(self, changes, upto)?))
    }

    fn staging(&self) -> Option<&dyn Staging> {
        Some(self)
    }

    fn check_codec(&self, codec: Codec) -> Result<(), EngineError> {
        check_codec(self.store.dir(), codec)
    }

    /// Blocks are compressed so from the next merge on, and as compaction comes by.
    fn set_codec(&self, keyspace: KeyspaceId, codec: Codec) -> Result<(), EngineError> {
        check_codec(self.store.dir(), codec)?;
        let mut work = self.work.lock();
        let newest = self.newest();
        let version = newest.version();
        version.check_decided()?;
        if version.dropped.contains(&keyspace) {
            return Err(EngineError::Unsorted { keyspace });
        }
        if version.keyspaces.get(&keyspace) == Some(&Some(codec)) {
            return Ok(());
        }
        let edit = Edit {
            begin: vec![(keyspace, Some(codec))],
            ..version.edit()
        };
        self.commit(&mut work, edit)
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn merged_lsn(&self) -> Lsn {
        self.newest.load().version().lsn
    }

    /// Merges level 0 into a deeper level once it has gathered enough runs, and removes files that nobody needs.
    fn step(&self, budget: Budget) -> Result<Progress, EngineError> {
        self.work_step(budget, |version| plan_due(version, &self.options))
    }

    /// Merges everything into the bottom level.
    fn compact(&self, budget: Budget) -> Result<Progress, EngineError> {
        self.work_step(budget, plan_full)
    }

    /// The same, where that gives much of the space back.
    fn reclaim(&self, budget: Budget) -> Result<Progress, EngineError> {
        let merges = self.merges.load(Ordering::Relaxed);
        let is_new = self.work.lock().reclaimed_at != Some(merges);
        let mut is_over = false;
        let stepped = self.work_step(budget, |version| {
            let is_worth_it = is_new && verify::holds_much_garbage(version);
            let plan = is_worth_it.then(|| plan_full(version)).flatten();
            is_over = plan.is_none();
            plan
        });
        // Only once there was nothing left to begin: a compaction that fails is tried again.
        if is_over {
            self.work.lock().reclaimed_at = Some(merges);
        }
        stepped
    }

    fn verify(&self) -> Result<VerifyReport, EngineError> {
        let mut report = VerifyReport::default();
        let work = self.work.lock();
        let newest = self.newest();
        report.bytes += work
            .manifest
            .verify(|finding| report.findings.push(finding));
        drop(work);
        verify::verify(&newest, &mut report);
        Ok(report)
    }

    fn stats(&self) -> EngineStats {
        let newest = self.newest();
        let live = newest.version().runs().map(Run::bytes);
        let live = live.fold(0, u64::saturating_add);
        let pinned_bytes = self.retired_bytes.load(Ordering::Relaxed);
        let (cache_hits, cache_misses) = self.store.cache.hits_and_misses();
        EngineStats {
            kind: "lsm",
            file_bytes: live
                .saturating_add(pinned_bytes)
                .saturating_add(self.manifest_bytes.load(Ordering::Relaxed)),
            free_bytes: 0,
            pinned_bytes,
            moved_bytes: self.moved_bytes.load(Ordering::Relaxed),
            cache_bytes: self.store.cache.bytes() as u64,
            cache_bytes_max: self.store.cache.bytes_max() as u64,
            cache_hits,
            cache_misses,
            merges: self.merges.load(Ordering::Relaxed),
            written_bytes: self.store.tallies.written_bytes.load(Ordering::Relaxed),
        }
    }
}
